"""Files and the rest of the host: asking for an effect of the host, and the ports of files.

Layer: primitives. Imports machine and values.
Invariant: nothing here touches a file. What a program wants of its host is an effect like any other, so it is asked for
by the procedures of lib/port.sld, which may block; a port that holds text for a file stands in the root of the run
until the text is handed over, so that none is forgotten when the run ends.
"""

from __future__ import annotations

from typing import Any

from perdure.base import limits
from perdure.machine.registers import REGISTERS
from perdure.machine.signals import Suspend
from perdure.machine.state import Operation
from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values import ports
from perdure.values.conditions import wrong_type
from perdure.values.lists import from_items, split_list
from perdure.values.ports import Port
from perdure.values.types import HOST, TRUE, Bytevector, Pair, String, python_procedure


@primitive("%host")
def ask_host(function: Any, *arguments: Any) -> Any:
    """Perform a function of the host as an effect, and return what it returns."""
    name = checks.symbol_name("%host", function)
    raise Suspend((Operation("effect", (python_procedure(HOST, name, False), *arguments)),))


@primitive("%text-for-host")
def text_for_host(procedure: Any, string: Any) -> Any:
    """Return a copy of a string, checked; the program may change its own while the effect goes on."""
    name = checks.symbol_name("%text-for-host", procedure)
    return String(checks.text(name, string))


@primitive("%input-file-port")
def input_file_port(contents: Any, filename: Any) -> Any:
    """Return a port that reads what a file held, a string or a bytevector."""
    path = checks.text("%input-file-port", filename)
    if type(contents) is Bytevector:
        return ports.open_bytes_input(bytes(contents.octets), path)
    return ports.open_text_input(checks.text("%input-file-port", contents), path)


@primitive("%output-file-port")
def output_file_port(binary: Any, filename: Any) -> Any:
    """Return a port for a file that the host made empty."""
    path = checks.text("%output-file-port", filename)
    return ports.open_output("bytes" if binary is not None else "text", path)


@primitive("%port-path")
def port_path(port: Any) -> Any:
    """Return the path of a port's file as a string, FALSE for a port that has none."""
    if type(port) is not Port:
        raise wrong_type("port-path", "a port", port)
    return String(port.path) if port.path else None


@primitive("%take-unwritten")
def take_unwritten(port: Any) -> Any:
    """Take what lies in a file's output port, as a list of (place in the file . bytes); empty for any other port."""
    if type(port) is not Port or not port.path or not ports.holds_text(port):
        return from_items([])
    octets = ports.unwritten(port)
    starts = range(0, len(octets), limits.FILE_PIECE_BYTES)
    pieces = from_items(
        [
            Pair(
                port.offset + start,
                Bytevector(bytearray(octets[start : start + limits.FILE_PIECE_BYTES])),
            )
            for start in starts
        ]
    )
    root = REGISTERS.machine.root
    left = tuple(other for other in root.unwritten if other is not port)
    ports.hand_over(port, len(octets))
    root.unwritten = left
    return pieces


@primitive("%unwritten-ports")
def unwritten_ports() -> Any:
    """Return the ports that hold text for files."""
    return from_items(list(REGISTERS.machine.root.unwritten))


@primitive("%run-ends?")
def run_ends() -> Any:
    """Return whether the run is cancelled, or its main task is over."""
    machine = REGISTERS.machine
    main = machine.task_numbered(machine.root.main_task)
    return TRUE if machine.root.cancelled or main.status in ("completed", "failed") else None


@primitive("command-line")
def command_line() -> Any:
    """Return the program's file and the run's arguments, as fresh strings in a list."""
    words, _ = split_list(REGISTERS.machine.root.command_line)
    return from_items([String(word.text) for word in words])
