"""Output: display, write and their kin, and ports that collect what is written.

Layer: primitives. Imports machine and values.
Invariant: the text is complete before any of it is written, so that an error in printing has
written nothing. Only a file's port whose buffer is full makes its writer wait.
"""

from __future__ import annotations

from typing import Any

from perdure.machine.machine import AGAIN, Machine
from perdure.machine.registers import REGISTERS
from perdure.machine.signals import Isolated
from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values import ports, printer
from perdure.values.conditions import wrong_type
from perdure.values.ports import Port
from perdure.values.types import DEFAULT, UNSPECIFIED, Bytevector, String


def _port(procedure: str, port: Any, port_kind: str = "text") -> Port:
    if port is DEFAULT:
        port = ports.current_output()
    return ports.check_output(procedure, port, port_kind=port_kind)


def _put(port: Port, text: str) -> Any:
    if port.path:
        _put_for_file(port, text)
    else:
        ports.put_text(port, text)
    return UNSPECIFIED


def _put_for_file(port: Port, text: str) -> None:
    root = REGISTERS.machine.root
    if not ports.holds_text(port) and port not in root.unwritten:
        root.unwritten = (*root.unwritten, port)
    if ports.fills_up(port, text):
        raise Isolated(_put_and_flush, port, text)
    ports.put_text(port, text)


def _put_and_flush(machine: Machine, port: Port, text: str) -> Any:
    ports.put_text(port, text)
    machine.callee = machine.namespace["__builtins__"]["perdure.port:flush-output-port"]
    machine.arguments = (port,)
    return AGAIN


@primitive("display")
def display(obj: Any, port: Any = DEFAULT) -> Any:
    target = _port("display", port)
    return _put(target, printer.display_string(obj))


@primitive("write")
def write(obj: Any, port: Any = DEFAULT) -> Any:
    target = _port("write", port)
    return _put(target, printer.write_string(obj))


@primitive("write-shared")
def write_shared(obj: Any, port: Any = DEFAULT) -> Any:
    target = _port("write-shared", port)
    return _put(target, printer.write_shared_string(obj))


@primitive("write-simple")
def write_simple(obj: Any, port: Any = DEFAULT) -> Any:
    target = _port("write-simple", port)
    return _put(target, printer.write_simple_string(obj))


@primitive("write-line")
def write_line(obj: Any, port: Any = DEFAULT) -> Any:
    target = _port("write-line", port)
    return _put(target, f"{printer.write_string(obj)}\n")


@primitive("newline")
def newline(port: Any = DEFAULT) -> Any:
    return _put(_port("newline", port), "\n")


@primitive("write-char")
def write_char(char: Any, port: Any = DEFAULT) -> Any:
    value = checks.letter("write-char", char)
    if ports.put_at_once(port, value):
        return UNSPECIFIED
    return _put(_port("write-char", port), value)


@primitive("write-string")
def write_string(string: Any, port: Any = DEFAULT, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    text = checks.text("write-string", string)
    if start is DEFAULT and ports.put_at_once(port, text):
        return UNSPECIFIED
    if start is not DEFAULT or end is not DEFAULT:
        first, last = checks.span("write-string", start, end, len(text))
        text = text[first:last]
    return _put(_port("write-string", port), text)


@primitive("write-u8")
def write_u8(byte: Any, port: Any = DEFAULT) -> Any:
    value = checks.octet("write-u8", byte)
    return _put(_port("write-u8", port, "bytes"), chr(value))


@primitive("write-bytevector")
def write_bytevector(
    bytevector: Any, port: Any = DEFAULT, start: Any = DEFAULT, end: Any = DEFAULT
) -> Any:
    octets = checks.octets("write-bytevector", bytevector)
    first, last = checks.span("write-bytevector", start, end, len(octets))
    target = _port("write-bytevector", port, "bytes")
    return _put(target, octets[first:last].decode("latin-1"))


@primitive("%check-output-port")
def check_output_port(procedure: Any, port: Any) -> Any:
    """Return an open output port of any kind."""
    name = checks.symbol_name("%check-output-port", procedure)
    if type(port) is not Port or port.direction != "output":
        raise wrong_type(name, "an output port", port)
    return ports.check_output(name, port, port_kind=port.port_kind)


@primitive("open-output-string")
def open_output_string() -> Any:
    return ports.open_output("text")


@primitive("open-output-bytevector")
def open_output_bytevector() -> Any:
    return ports.open_output("bytes")


def _collects(port: Any, port_kind: str) -> bool:
    """Return whether a port keeps all that was written to it."""
    return (
        type(port) is Port
        and (port.port_kind, port.direction) == (port_kind, "output")
        and not port.path
    )


@primitive("get-output-string")
def get_output_string(port: Any) -> Any:
    if not _collects(port, "text"):
        raise wrong_type("get-output-string", "a port of open-output-string", port)
    return String(ports.written_text(port))


@primitive("get-output-bytevector")
def get_output_bytevector(port: Any) -> Any:
    if not _collects(port, "bytes"):
        raise wrong_type("get-output-bytevector", "a port of open-output-bytevector", port)
    return Bytevector(bytearray(ports.written_octets(port)))


@primitive("%console-output")
def console_output() -> Any:
    return ports.CONSOLE_OUTPUT


@primitive("%display-string")
def display_to_string(obj: Any) -> Any:
    return String(printer.display_string(obj))


@primitive("%write-string-of")
def write_to_string(obj: Any) -> Any:
    return String(printer.write_string(obj))
