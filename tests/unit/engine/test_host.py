"""Files and environment variables as the host grants them, and what `exit` makes of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure import Engine
from perdure.base import limits
from perdure.base.errors import CallError, RunStopped
from perdure.engine.effects import Failed, decide
from perdure.engine.executor import Ended
from perdure.engine.host import Files, environment_functions, host_functions
from perdure.engine.records import dump_result, load_result
from perdure.values.conditions import SchemeError, fail
from perdure.values.printer import report_string

IMPORTS = """(import (scheme base) (scheme write) (scheme read) (scheme file) (scheme process-context)
  (perdure))\n"""


def refused(call: Callable[..., Any], *arguments: Any) -> str:
    """Return the message of the file-error that a function of the host raises."""
    with pytest.raises(SchemeError) as caught:
        call(*arguments)
    assert caught.value.condition.kind == "file-error"
    return report_string(caught.value.condition)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Run a program and return its result."""

    def runs(body: str, *arguments: str, **granted: Any) -> Any:
        (tmp_path / "program.scm").write_text(IMPORTS + body)
        with Engine("memory:", **granted) as engine:
            return engine.run(tmp_path / "program.scm", *arguments, timeout=30)

    return runs


# -- files -------------------------------------------------------------------------------------


def test_a_piece_that_is_written_twice_is_written_once(tmp_path: Path) -> None:
    files = Files(tmp_path)
    place = files.make_empty("a")
    for _ in range(2):
        files.write(place, 3, b"def")
        files.write(place, 0, b"abc")
    assert files.read_bytes("a") == b"abcdef"
    assert files.read_text("a") == "abcdef"
    assert files.make_empty("a") == place
    assert files.read_bytes("a") == b""


def test_a_second_attempt_to_delete_is_no_error(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.make_empty("a")
    assert files.find("a")
    assert files.delete("a")
    assert files.delete("a")
    assert refused(files.find, "a") == 'delete-file: no such file or directory: "a"'


def test_no_path_leads_out_of_a_granted_directory(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (inside / "link").symlink_to(outside / "secret")
    (inside / "folder").symlink_to(outside)
    files = Files(inside)
    for path in ("../outside/secret", str(outside / "secret"), "link", "folder/secret"):
        for call in (files.read_text, files.read_bytes, files.make_empty, files.exists):
            assert "is granted by --files" in refused(call, path)
    assert "is granted by --files" in refused(files.write, "link", 0, b"x")
    assert "is granted by --files" in refused(files.find, "folder/secret")
    files.delete("link")
    assert (outside / "secret").read_text() == "secret"
    assert not (inside / "link").is_symlink()
    (inside / "kept").write_text("kept")
    (inside / "near").symlink_to(inside / "kept")
    assert files.read_text("near") == "kept"


def test_what_is_no_ordinary_file_is_refused_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    files = Files("all")
    assert "no ordinary file" in refused(files.read_text, str(tmp_path / "pipe"))
    assert "open-output-file" in refused(files.make_empty, str(tmp_path / "pipe"))
    assert "is a directory" in refused(files.find, str(tmp_path))
    assert files.read_text(os.devnull) == ""
    assert files.make_empty(os.devnull) == os.devnull


def test_a_file_that_is_too_large_or_no_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path)
    (tmp_path / "a").write_bytes(b"ab\xff")
    assert "byte 0xff at 2" in refused(files.read_text, "a")
    monkeypatch.setattr(limits, "FILE_MAX_BYTES", 2)
    assert "larger than the limit" in refused(files.read_bytes, "a")


def test_nothing_is_granted_unless_the_host_says_so(run: Callable[..., Any]) -> None:
    body = '(define (main) (guard (e ((file-error? e) (condition/report-string e))) (file-exists? "a")))'
    assert "--files grants some" in run(body)
    assert run('(define (main) (get-environment-variable "PATH"))') is False
    assert run("(define (main) (get-environment-variables))") == []
    with pytest.raises(CallError, match="not a directory"):
        Engine("memory:", files="/no/such/folder")


def test_the_environment_is_read_where_it_is_granted(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_TEST", "yes")
    body = '(define (main) (get-environment-variable "PERDURE_TEST"))'
    assert run(body, environment=True) == "yes"
    functions = environment_functions({"a": "\udcff"})
    assert functions["get-environment-variable"]("a") == "\ufffd"


def test_text_that_is_left_in_a_port_is_written_when_the_run_ends(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    left = '(define p (open-output-file "{0}")) (display "left" p)'
    more = "(lambda () (display 1 p))"
    endings = {
        "end": ("0", "left"),
        "exit": ("(exit 3)", "left"),
        "task": ("(spawn (lambda () (exit))) (sleep 100)", "left"),
        "after": (f"(dynamic-wind void (lambda () (exit)) {more})", "left1"),
        "cancelled": (
            f"(spawn (lambda () (dynamic-wind void (lambda () (sleep 100)) {more}))) (sleep 0.01) 0",
            "left1",
        ),
    }
    for name, (ending, expected) in endings.items():
        run(left.format(name) + ending, files=tmp_path)
        assert (tmp_path / name).read_text() == expected, name
    run(left.format("emergency") + "(emergency-exit)", files=tmp_path)
    assert (tmp_path / "emergency").read_text() == ""


def test_a_file_that_is_not_there_yet_can_be_opened_by_a_retry(tmp_path: Path) -> None:
    (tmp_path / "program.scm").write_text(IMPORTS + '(call-with-input-file "a" read)')
    with Engine("memory:", files=tmp_path) as engine:
        run_id = engine.start(tmp_path / "program.scm")
        with pytest.raises(RunStopped) as stopped:
            engine.result(run_id, timeout=30)
        assert stopped.value.kind == "file-error"
        (tmp_path / "a").write_text("(1 2)")
        engine.retry(run_id)
        assert engine.result(run_id, timeout=30) == [1, 2]


# -- exit --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leaving", "code", "value"),
    [
        ("(exit)", 0, None),
        ("(exit #t)", 0, True),
        ("(exit #f)", 1, False),
        ("(exit 7)", 7, 7),
        ("(exit 256)", 0, 256),
        ("(exit -1)", 255, -1),
        ("(exit 'done)", None, "done"),
        ("(emergency-exit 4)", 4, 4),
        ("(spawn (lambda () (exit 5))) (sleep 100)", 5, 5),
        ("(spawn (lambda () (emergency-exit 6))) (sleep 100)", 6, 6),
        ("(parameterize () (exit 8))", 8, 8),
        ("7", None, 7),
    ],
)
def test_exit_ends_the_run_with_a_value_and_a_code(
    tmp_path: Path, leaving: str, code: int | None, value: Any
) -> None:
    (tmp_path / "program.scm").write_text(IMPORTS + leaving)
    with Engine("memory:") as engine:
        run_id = engine.start(tmp_path / "program.scm")
        answer = engine.wait(run_id, timeout=30)
        assert answer is not None
        assert answer.status == "completed"
        assert answer.result is not None
        assert answer.result.exit_code == code
        assert engine.result(run_id) == value


def test_only_exit_does_what_is_outstanding(tmp_path: Path) -> None:
    shown = '(dynamic-wind void (lambda () ({0})) (lambda () (display "after")))'
    with Engine("memory:") as engine:
        for how, expected in (("exit", "after"), ("emergency-exit", "")):
            (tmp_path / "program.scm").write_text(IMPORTS + shown.format(how))
            run_id = engine.start(tmp_path / "program.scm")
            engine.result(run_id, timeout=30)
            assert engine.output(run_id) == expected


def test_an_exit_code_is_kept_with_the_result() -> None:
    assert load_result(dump_result(5)).exit_code is None
    assert load_result(dump_result(5, 3)).exit_code == 3
    assert load_result(dump_result(5, 3)).value == 5
    opaque = load_result(dump_result(len, 3))
    assert (opaque.exit_code, opaque.crosses) == (3, False)


# -- the rest ----------------------------------------------------------------------------------


def test_the_host_says_itself_what_the_program_is_told() -> None:
    function = host_functions(Files("none"), {})["write-file"]
    raised = fail("file-error", "no")
    decided = decide(function.mark, Ended(None, raised), name="write-file", attempt=1, key="r/1")
    assert isinstance(decided, Failed)
    assert decided.condition is raised.condition


def test_a_program_without_main_may_take_arguments_from_its_command_line(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    assert run("(cdr (command-line))", "a", "b") == ["a", "b"]
    assert run("(define (main x) (list x (command-line)))", "a") == [
        "a",
        [str(tmp_path / "program.scm"), "a"],
    ]
    with pytest.raises(CallError, match="takes no arguments"):
        run("(display 1)", "a")


def test_the_clock_goes_on_between_two_looks(run: Callable[..., Any]) -> None:
    assert run("(let* ((a (current-jiffy)) (b (current-jiffy))) (< a b))") is True
