"""Ports of files as values: what they hold, when they are full, and what is handed over; lines and their ends."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.base import limits
from perdure.values import ports
from perdure.values.barrier import WriteLog, use
from perdure.values.conditions import SchemeError
from perdure.values.printer import report_string, write_string
from perdure.values.types import EOF


@pytest.mark.parametrize(("port_kind", "written"), [("text", "λ".encode()), ("bytes", b"\xe9")])
def test_what_is_handed_over_is_what_comes_after_what_was(port_kind: str, written: bytes) -> None:
    port = ports.open_output(port_kind, "/tmp/file", offset=10)
    letter = "λ" if port_kind == "text" else "\xe9"
    assert not ports.holds_text(port)
    for _ in range(3_000):
        ports.put_text(port, letter)
    assert ports.holds_text(port)
    octets = ports.unwritten(port)
    assert octets == written * 3_000
    log = WriteLog()
    use(log)
    port.oid = 7
    ports.hand_over(port, len(octets))
    assert (port.offset, ports.holds_text(port), list(log.whole)) == (10 + len(octets), False, [7])


def test_a_file_s_port_is_full_at_the_limit_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_BUFFER_CHARS", 5_000)
    for port_kind in ("text", "bytes"):
        port = ports.open_output(port_kind, "/tmp/file")
        count = 0
        while not ports.fills_up(port, "x" * 10):
            ports.put_text(port, "x" * 10)
            count += 10
        assert 5_000 - ports.CHUNK_CHARS <= count <= 5_000 + ports.CHUNK_CHARS
        assert ports.fills_up(ports.open_output(port_kind, "/tmp/file"), "x" * 5_001)


def test_half_a_surrogate_pair_costs_nothing_else() -> None:
    port = ports.open_output("text", "/tmp/file")
    ports.put_text(port, "a\ud800b")
    assert ports.unwritten(port).startswith(b"a")
    assert ports.unwritten(port).endswith(b"b")


@given(st.text(alphabet="ab\r\n"))
def test_a_line_ends_at_any_of_the_three_line_ends(text: str) -> None:
    port = ports.open_text_input(text)
    lines: list[str] = []
    while (line := ports.read_line(port)) is not EOF:
        lines.append(line.text)
    expected = re.split("\r\n?|\n", text)
    assert lines == (expected[:-1] if expected[-1] == "" else expected)


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (ports.open_text_input("", "folder/in.txt"), "#<textual input port in.txt>"),
        (ports.open_output("bytes", "/a/out.bin"), "#<binary output port out.bin>"),
        (ports.open_output("text"), "#<textual output port>"),
        (ports.CONSOLE_INPUT, "#<console input port>"),
    ],
)
def test_a_port_says_what_it_is(port: ports.Port, text: str) -> None:
    assert write_string(port) == text


def test_a_port_of_the_wrong_kind_is_refused_by_what_it_is() -> None:
    closed = ports.open_output("text")
    ports.close(closed)
    for port, message in [
        (closed, "write: the port is closed: #<closed textual output port>"),
        (
            ports.open_output("bytes"),
            "write: expected a textual output port, got #<binary output port>",
        ),
        (
            ports.open_text_input(""),
            "write: expected a textual output port, got #<textual input port>",
        ),
        (5, "write: expected a textual output port, got 5"),
    ]:
        with pytest.raises(SchemeError) as caught:
            ports.check_output("write", port)
        assert report_string(caught.value.condition) == message
