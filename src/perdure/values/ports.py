"""Ports: string and bytevector ports as values of the heap, and the run's console.

Layer: values. Imports types, barrier, conditions, lists.
Invariant: a port's whole state is in its fields, so it is saved like any struct. All text that a
port was given lies in `chunks` (a Scheme list of immutable Strings or Bytevectors, newest first)
followed by `tail`; a chunk never changes once it is made. So a delta holds what was written since
the last one, not the whole text, and one character costs no copy of all that was written before.

The console is two constant ports; what is written there goes to the buffer of the turn (`emit`),
and reading from it blocks, which a primitive can't: it raises `ConsoleRead`, and the library asks
the machine instead. Not Python's io.StringIO: it has no deltas, and no oid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from perdure.values.barrier import ConstantId, touch
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import split_list
from perdure.values.types import EOF, NIL, Bytevector, Pair, String, char

CHUNK_CHARS = 1024
"""A tail longer than this becomes a chunk."""


class Port(Struct, eq=False):
    """A port.

    `port_kind` is "text", "bytes" or "console"; `direction` is "input" or "output". `source` is
    what an input port reads (a String or Bytevector of its own; FALSE for others) and `position`
    how far it has read. `chunks` and `tail` are what was written to an output port; the tail of a
    binary one has a character for each byte.
    """

    port_kind: str
    direction: str
    source: Any = None
    position: int = 0
    chunks: Any = NIL
    tail: str = ""
    is_open: bool = True
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


def use_console(buffer: list[str]) -> None:
    """Make `buffer` the one that console output is appended to: the current turn's."""
    global _console
    _console = buffer


def emit(text: str) -> None:
    """Append to the console output of the current turn."""
    _console.append(text)


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


# -- making, closing -----------------------------------------------------------------------


def open_text_input(text: str) -> Port:
    """Return a port that reads a text."""
    return Port("text", "input", String(text))


def open_bytes_input(octets: bytes) -> Port:
    """Return a port that reads bytes."""
    return Port("bytes", "input", Bytevector(bytearray(octets)))


def open_output(port_kind: str) -> Port:
    """Return a port that collects what is written to it: "text" or "bytes"."""
    return Port(port_kind, "output")


def close(port: Port) -> None:
    """Close a port; again is no error. The console stays open."""
    if port.is_open and port.port_kind != "console":
        if port.oid:
            touch(port)
        port.is_open = False


# -- reading -------------------------------------------------------------------------------


def check_input(procedure: str, port: Any, *, port_kind: str = "text") -> Port:
    """Return an open input port of a kind.

    Raises:
      SchemeError: it is none, or it is closed.
      ConsoleRead: it is the console, which a primitive can't read; its operation is `procedure`
        without its `%`.
    """
    word = "a textual" if port_kind == "text" else "a binary"
    if type(port) is not Port or port.direction != "input":
        raise wrong_type(procedure, f"{word} input port", port)
    if port.port_kind == "console" and port_kind == "text":
        raise ConsoleRead(procedure.removeprefix("%"))
    if port.port_kind != port_kind:
        raise wrong_type(procedure, f"{word} input port", port)
    if not port.is_open:
        raise fail("range-error", f"{procedure}: the port is closed:", port)
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


def read_line(port: Port) -> Any:
    """Return a String of the rest of the line, without its newline, or EOF."""
    text, position = port.source.text, port.position
    if position >= len(text):
        return EOF
    end = text.find("\n", position)
    found = String(text[position:] if end < 0 else text[position:end])
    advance(port, len(text) if end < 0 else end + 1)
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
    word = "a textual" if port_kind == "text" else "a binary"
    if type(port) is not Port or port.direction != "output":
        raise wrong_type(procedure, f"{word} output port", port)
    if port.port_kind != port_kind and not (port.port_kind == "console" and port_kind == "text"):
        raise wrong_type(procedure, f"{word} output port", port)
    if not port.is_open:
        raise fail("range-error", f"{procedure}: the port is closed:", port)
    return port


def put_text(port: Port, text: str) -> None:
    """Write a text to a checked output port; for a binary port, a character for each byte."""
    if port.port_kind == "console":
        _console.append(text)
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
