"""Input from string and bytevector ports, and what is common to all ports.

Layer: primitives. Imports machine.signals and values.
Invariant: the reading primitives take an explicit port, and their names start with `%`: the
console blocks, so they raise `ports.ConsoleRead` for it, and the procedures of R7RS are written
in Scheme around them.
"""

from __future__ import annotations

from typing import Any

from perdure.machine.signals import Isolated
from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values import ports
from perdure.values.barrier import touch
from perdure.values.conditions import fail, wrong_type
from perdure.values.ports import Port, Reading
from perdure.values.types import DEFAULT, EOF, TRUE, UNSPECIFIED, Bytevector

# -- all ports -----------------------------------------------------------------------------


def _is_port(obj: Any, direction: str) -> bool:
    return type(obj) is Port and obj.direction == direction


@primitive("port?")
def is_port(obj: Any) -> Any:
    return TRUE if type(obj) is Port else None


@primitive("input-port?")
def is_input(obj: Any) -> Any:
    return TRUE if _is_port(obj, "input") else None


@primitive("output-port?")
def is_output(obj: Any) -> Any:
    return TRUE if _is_port(obj, "output") else None


@primitive("textual-port?")
def is_textual(obj: Any) -> Any:
    return TRUE if type(obj) is Port and obj.port_kind != "bytes" else None


@primitive("binary-port?")
def is_binary(obj: Any) -> Any:
    return TRUE if type(obj) is Port and obj.port_kind == "bytes" else None


@primitive("%console-port?")
def is_console(obj: Any) -> Any:
    return TRUE if type(obj) is Port and obj.port_kind == "console" else None


@primitive("input-port-open?")
def is_input_open(port: Any) -> Any:
    if not _is_port(port, "input"):
        raise wrong_type("input-port-open?", "an input port", port)
    return TRUE if port.is_open else None


@primitive("output-port-open?")
def is_output_open(port: Any) -> Any:
    if not _is_port(port, "output"):
        raise wrong_type("output-port-open?", "an output port", port)
    return TRUE if port.is_open else None


@primitive("close-port")
def close_port(port: Any) -> Any:
    if type(port) is not Port:
        raise wrong_type("close-port", "a port", port)
    ports.close(port)
    return UNSPECIFIED


@primitive("close-input-port")
def close_input(port: Any) -> Any:
    if not _is_port(port, "input"):
        raise wrong_type("close-input-port", "an input port", port)
    ports.close(port)
    return UNSPECIFIED


@primitive("close-output-port")
def close_output(port: Any) -> Any:
    if not _is_port(port, "output"):
        raise wrong_type("close-output-port", "an output port", port)
    ports.close(port)
    return UNSPECIFIED


@primitive("%console-input")
def console_input() -> Any:
    return ports.CONSOLE_INPUT


@primitive("open-input-string")
def open_input_string(string: Any) -> Any:
    return ports.open_text_input(checks.text("open-input-string", string))


@primitive("open-input-bytevector")
def open_input_bytevector(bytevector: Any) -> Any:
    return ports.open_bytes_input(bytes(checks.octets("open-input-bytevector", bytevector)))


# -- text ----------------------------------------------------------------------------------


@primitive("%read-char")
def read_char(port: Any) -> Any:
    return ports.read_char(ports.check_input("read-char", port))


@primitive("%peek-char")
def peek_char(port: Any) -> Any:
    return ports.peek_char(ports.check_input("peek-char", port))


@primitive("%peek-at-hand")
def peek_at_hand(port: Any) -> Any:
    """Return what `%peek-char` returns, if that needs no waiting and is no error; else #f."""
    return ports.char_at_hand(port)


@primitive("%read-at-hand")
def read_at_hand(port: Any) -> Any:
    """Return what `%read-char` returns, if that needs no waiting and is no error; else #f."""
    found = ports.char_at_hand(port)
    if found is not None and found is not EOF:
        ports.advance(port, port.position + 1)
    return found


@primitive("%read-line")
def read_line(port: Any) -> Any:
    return ports.read_line(ports.check_input("read-line", port))


@primitive("%read-string")
def read_string(k: Any, port: Any) -> Any:
    count = checks.count("read-string", k)
    return ports.read_text(ports.check_input("read-string", port), count)


def _read_badly(machine: Any, port: Port, found: Reading) -> Any:
    """Go past what is malformed, so that reading can go on behind it, and say what is wrong."""
    del machine
    _pass(port, found)
    raise fail("read-error", f"read: {found.problem}")


def _pass(port: Port, found: Reading) -> None:
    if port.oid:
        touch(port)
    port.position, port.fold = found.end, found.fold


@primitive("%read")
def read(port: Any) -> Any:
    source = ports.check_input("read", port)
    found = ports.read_text_datum(
        source.source.text, source.position, fold=source.fold, name=source.path
    )
    if found.problem:
        # It changes the port and raises, so it must not be done twice.
        raise Isolated(_read_badly, source, found)
    _pass(source, found)
    return found.datum


@primitive("%char-ready?")
def is_char_ready(port: Any) -> Any:
    ports.check_input("char-ready?", port)
    return TRUE


# -- bytes ---------------------------------------------------------------------------------


def _binary(procedure: str, port: Any) -> Port:
    return ports.check_input(procedure, port, port_kind="bytes")


@primitive("%read-u8")
def read_u8(port: Any) -> Any:
    source = _binary("read-u8", port)
    found = ports.peek_octet(source)
    if found is not EOF:
        ports.advance(source, source.position + 1)
    return found


@primitive("%peek-u8")
def peek_u8(port: Any) -> Any:
    return ports.peek_octet(_binary("peek-u8", port))


@primitive("%u8-ready?")
def is_u8_ready(port: Any) -> Any:
    _binary("u8-ready?", port)
    return TRUE


@primitive("%read-bytevector")
def read_bytevector(k: Any, port: Any) -> Any:
    count = checks.count("read-bytevector", k)
    source = _binary("read-bytevector", port)
    if not count:
        return Bytevector(bytearray())
    found = ports.read_octets(source, count)
    return Bytevector(bytearray(found)) if found else EOF


@primitive("%read-bytevector!")
def read_bytevector_into(
    bytevector: Any, port: Any, start: Any = DEFAULT, end: Any = DEFAULT
) -> Any:
    octets = checks.octets("read-bytevector!", bytevector)
    first, last = checks.span("read-bytevector!", start, end, len(octets))
    source = _binary("read-bytevector!", port)
    if first == last:
        return 0
    position = source.position
    found = bytes(source.source.octets[position : position + last - first])
    if not found:
        return EOF
    if bytevector.oid:
        touch(bytevector)
    if source.oid:
        touch(source)
    source.position = position + len(found)
    octets[first : first + len(found)] = found
    return len(found)
