"""Ports: string, bytevector and file ports as values of the heap, and the run's console.

Layer: values. Imports types, barrier, conditions, lists, limits.
Invariant: a port's whole state is in its fields, so it is saved like any struct. All text that a
port was given lies in `chunks` (a Scheme list of immutable Strings or Bytevectors, newest first)
followed by `tail`; a chunk never changes once it is made. So a delta holds what was written since
the last one, not the whole text, and one character costs no copy of all that was written before.

No port holds anything of the operating system. A file that is read is read whole when it is opened,
so its port is a string or bytevector port; one that is written is known by its path and the number
of its bytes that were handed over already, and the port collects what comes after them.

The console is two constant ports; what is written there goes to the buffer of the turn (`emit`),
and reading from it blocks, which a primitive can't: it raises `ConsoleRead`, and the library asks
the machine instead. Not Python's io.StringIO: it has no deltas, and no oid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from msgspec import Struct

from perdure.base import limits
from perdure.values.barrier import ConstantId, touch
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import split_list
from perdure.values.types import CHARACTERS, EOF, NIL, Bytevector, Pair, String, char

CHUNK_CHARS = 1024
"""A tail longer than this becomes a chunk."""


class Port(Struct, eq=False):
    """A port.

    `port_kind` is "text", "bytes" or "console"; `direction` is "input" or "output". `source` is
    what an input port reads (a String or Bytevector of its own; FALSE for others) and `position`
    how far it has read; `fold` says that it met `#!fold-case`. `chunks` and `tail` are what was
    written to an output port; the tail of a binary one has a character for each byte. `path` is the
    file's; `offset` counts the bytes of an output file that are no longer here.
    """

    port_kind: str
    direction: str
    source: Any = None
    position: int = 0
    chunks: Any = NIL
    tail: str = ""
    is_open: bool = True
    path: str = ""
    offset: int = 0
    fold: bool = False
    oid: Any = 0


class ConsoleRead(Exception):
    """A primitive was asked to read from the console; `operation` is its name, as "read-line"."""

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.operation = operation


CONSOLE = "%console"
"""The `definition` in the ids of the two constants below."""
CONSOLE_INPUT = Port("console", "input", oid=ConstantId(CONSOLE, 0))
CONSOLE_OUTPUT = Port("console", "output", oid=ConstantId(CONSOLE, 1))
CONSOLE_PORTS = (CONSOLE_INPUT, CONSOLE_OUTPUT)

# -- registers of the machine --------------------------------------------------------------

_console: list[str] = []
_console_room = 0


def _no_flood() -> None:
    """Do nothing: outside of a turn, nobody ends it."""


_flooded: Callable[[], None] = _no_flood


def use_console(buffer: list[str], flooded: Callable[[], None] = _no_flood) -> None:
    """Make `buffer` the one that console output is appended to: the current turn's.

    `flooded` is called when it holds so much that the turn is to end.
    """
    global _console, _console_room, _flooded
    _console, _console_room, _flooded = buffer, limits.TURN_OUTPUT_CHARS, flooded


def emit(text: str) -> None:
    """Append to the console output of the current turn.

    Raises:
      SchemeError: quota-error, it is more than one turn may display.
    """
    global _console_room
    room = _console_room - len(text)
    if room < 0:
        if room < -limits.PRINTED_MAX_CHARS:
            raise fail(
                "quota-error",
                f"a turn displays at most {limits.PRINTED_MAX_CHARS} characters",
            )
        _flooded()
    _console_room = room
    _console.append(text)


def ends_mid_line(before: bool) -> bool:
    """Return whether console output does not end with a newline; `before` says so of earlier turns."""
    for text in reversed(_console):
        if text:
            return not text.endswith("\n")
    return before


def _console_output() -> Port:
    return CONSOLE_OUTPUT


_current_output: Callable[[], Any] = _console_output


def use_current_output(read: Callable[[], Any] | None) -> None:
    """Say how the current output port is found; None makes it the console always."""
    global _current_output
    _current_output = _console_output if read is None else read


def current_output() -> Any:
    """Return the port that output goes to when none is named."""
    return _current_output()


class Reading(Struct, frozen=True):
    """What a reader found in a text.

    `datum` is the next one, EOF if there is none; `end` is the position behind it and `fold` whether
    letters are folded from there on. `problem` is "" or what is wrong, with its place; `cut` says
    that the text ended where more was needed, so that a longer one may be right.
    """

    datum: Any
    end: int
    fold: bool
    problem: str = ""
    cut: bool = False


Read = Callable[[str, int, bool, str], Reading]
"""From a text, a position, whether letters are folded, and what the text is called in messages."""


def _no_reader(text: str, position: int, fold: bool, name: str) -> Reading:
    raise AssertionError(f"no reader is there for {name} {text[:20]!r} {position} {fold}")


_read: Read = _no_reader


def use_reader(read: Read) -> None:
    """Say how data are read from text: the reader belongs to a layer above."""
    global _read
    _read = read


def read_text_datum(text: str, position: int, *, fold: bool, name: str) -> Reading:
    """Return the next datum of a text, as the reader that was named finds it."""
    return _read(text, position, fold, name)


# -- making, closing -----------------------------------------------------------------------


def open_text_input(text: str, path: str = "") -> Port:
    """Return a port that reads a text, which may be a file's."""
    return Port("text", "input", String(text), path=path)


def open_bytes_input(octets: bytes, path: str = "") -> Port:
    """Return a port that reads bytes, which may be a file's."""
    return Port("bytes", "input", Bytevector(bytearray(octets)), path=path)


def open_output(port_kind: str, path: str = "", offset: int = 0) -> Port:
    """Return a port that collects what is written to it, "text" or "bytes", maybe for a file."""
    return Port(port_kind, "output", path=path, offset=offset)


def close(port: Port) -> None:
    """Close a port; again is no error. The console stays open."""
    if port.is_open and port.port_kind != "console":
        if port.oid:
            touch(port)
        port.is_open = False


# -- reading -------------------------------------------------------------------------------


def _refuse(procedure: str, port: Any, direction: str, port_kind: str) -> NoReturn:
    """Raise the reason why a port can't be used for something; how it prints says what it is."""
    binary = port_kind == "bytes"
    if type(port) is Port and port.direction == direction and (port.port_kind == "bytes") == binary:
        raise fail("range-error", f"{procedure}: the port is closed:", port)
    kind = "binary" if binary else "textual"
    raise wrong_type(procedure, f"a {kind} {direction} port", port)


def check_input(procedure: str, port: Any, *, port_kind: str = "text") -> Port:
    """Return an open input port of a kind.

    Raises:
      SchemeError: it is none, or it is closed.
      ConsoleRead: it is the console, which a primitive can't read; its operation is `procedure`
        without its `%`.
    """
    if type(port) is not Port or port.direction != "input" or not port.is_open:
        _refuse(procedure, port, "input", port_kind)
    if port.port_kind == "console" and port_kind == "text":
        raise ConsoleRead(procedure.removeprefix("%"))
    if port.port_kind != port_kind:
        _refuse(procedure, port, "input", port_kind)
    return port


def advance(port: Port, position: int) -> None:
    """Set how far a port was read."""
    if port.oid:
        touch(port)
    port.position = position


def peek_char(port: Port) -> Any:
    """Return the next character of a checked text port, or EOF."""
    text, position = port.source.text, port.position
    return char(text[position]) if position < len(text) else EOF


def char_at_hand(port: Any) -> Any:
    """Return the next character of an open text port that has its text, or EOF; None for anything else."""
    if (
        type(port) is not Port
        or port.port_kind != "text"
        or port.direction != "input"
        or not port.is_open
    ):
        return None
    text, position = port.source.text, port.position
    return CHARACTERS[text[position]] if position < len(text) else EOF


def read_char(port: Port) -> Any:
    """Return the next character of a checked text port and go past it, or EOF."""
    found = peek_char(port)
    if found is not EOF:
        advance(port, port.position + 1)
    return found


def read_text(port: Port, count: int) -> Any:
    """Return a String of the next characters, at most `count`; EOF if there are none."""
    text, position = port.source.text, port.position
    if not count:
        return String("")
    if position >= len(text):
        return EOF
    found = String(text[position : position + count])
    advance(port, min(len(text), position + count))
    return found


def line_end(text: str, position: int) -> tuple[int, int]:
    """Return where the line at a position ends and where the next begins; R7RS has three line ends."""
    end = text.find("\n", position)
    if end < 0:
        end = len(text)
    carriage_return = text.find("\r", position, end)
    if carriage_return < 0:
        return end, min(end + 1, len(text))
    follows = carriage_return + 1 == end < len(text)
    return carriage_return, end + 1 if follows else carriage_return + 1


def read_line(port: Port) -> Any:
    """Return a String of the rest of the line, without its end, or EOF."""
    text, position = port.source.text, port.position
    if position >= len(text):
        return EOF
    end, following = line_end(text, position)
    found = String(text[position:end])
    advance(port, following)
    return found


def peek_octet(port: Port) -> Any:
    """Return the next byte of a checked binary port, or EOF."""
    octets, position = port.source.octets, port.position
    return octets[position] if position < len(octets) else EOF


def read_octets(port: Port, count: int) -> bytes:
    """Return the next bytes, at most `count`, and go past them; empty at the end."""
    found = bytes(port.source.octets[port.position : port.position + count])
    if found:
        advance(port, port.position + len(found))
    return found


# -- writing -------------------------------------------------------------------------------


def check_output(procedure: str, port: Any, *, port_kind: str = "text") -> Port:
    """Return an open output port of a kind, else raise; the console is a textual one."""
    if (
        type(port) is not Port
        or port.direction != "output"
        or not port.is_open
        or (port.port_kind == "bytes") != (port_kind == "bytes")
    ):
        _refuse(procedure, port, "output", port_kind)
    return port


def put_at_once(port: Any, text: str) -> bool:
    """Write a short text to a port that only collects it and has room; else return False, and nothing was done."""
    if (
        type(port) is not Port
        or port.port_kind != "text"
        or port.direction != "output"
        or port.path
        or not port.is_open
    ):
        return False
    tail = port.tail + text
    if len(tail) > CHUNK_CHARS:
        return False
    if port.oid:
        touch(port)
    port.tail = tail
    return True


def put_text(port: Port, text: str) -> None:
    """Write a text to a checked output port; for a binary port, a character for each byte."""
    if port.port_kind == "console":
        emit(text)
        return
    tail = port.tail + text
    chunk: Any = None
    if len(tail) > CHUNK_CHARS:
        binary = port.port_kind == "bytes"
        data: Any = Bytevector(bytearray(tail, "latin-1")) if binary else String(tail)
        chunk, tail = Pair(data, port.chunks), ""
    if port.oid:
        touch(port)
    if chunk is not None:
        port.chunks = chunk
    port.tail = tail


def written_text(port: Port) -> str:
    """Return all that was written to a text output port."""
    chunks, _ = split_list(port.chunks)
    return "".join([chunk.text for chunk in reversed(chunks)]) + port.tail


def written_octets(port: Port) -> bytes:
    """Return all that was written to a binary output port."""
    chunks, _ = split_list(port.chunks)
    return b"".join([chunk.octets for chunk in reversed(chunks)]) + port.tail.encode("latin-1")


# -- output files --------------------------------------------------------------------------


def holds_text(port: Port) -> bool:
    """Return whether anything lies in an output port."""
    return port.chunks is not NIL or port.tail != ""


def fills_up(port: Port, text: str) -> bool:
    """Return whether a text is one too many for the buffer of a file's port."""
    if len(port.tail) + len(text) <= CHUNK_CHARS:
        return False
    chunks, _ = split_list(port.chunks)
    kept = sum(len(c.octets if port.port_kind == "bytes" else c.text) for c in chunks)
    return kept + len(port.tail) + len(text) > limits.FILE_BUFFER_CHARS


def unwritten(port: Port) -> bytes:
    """Return what was written to a file's port and not handed over yet, as the file will hold it."""
    if port.port_kind == "bytes":
        return written_octets(port)
    # Half of a surrogate pair, which may come from outside, must not cost the rest of the text.
    return written_text(port).encode("utf-8", "surrogatepass")


def hand_over(port: Port, count: int) -> None:
    """Forget what `unwritten` returned, so many bytes: somebody writes them to the file."""
    if port.oid:
        touch(port)
    port.chunks, port.tail, port.offset = NIL, "", port.offset + count
