"""A program as a process: its exit code, its command line, what is typed, and the files it is granted.

Method: real processes in an empty folder.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

IMPORTS = (
    "(import (scheme base) (scheme read) (scheme write) (scheme file) (scheme process-context))"
)
COUNT = """
(let loop ((count 0))
  (let ((datum (read)))
    (if (eof-object? datum)
        (exit count)
        (begin (write datum) (newline) (loop (+ count 1))))))"""


def test_exit_sets_the_exit_code_also_of_result(perdure: Perdure, write: Write) -> None:
    write("leave.scm", f"{IMPORTS} (define (main code) (display 1) (exit code))")
    for given, code in (("0", 0), ("7", 7), ("false", 1), ("true", 0), ("256", 0)):
        done = perdure("run", "leave.scm", given, "--id", f"run{given}")
        assert (done.returncode, done.stdout) == (code, "1"), given
        assert perdure("result", f"run{given}").returncode == code
    done = perdure("run", "leave.scm", "done")
    assert (done.returncode, done.stdout) == (0, '1"done"\n')


def test_the_command_line_is_there_without_main(perdure: Perdure, write: Write) -> None:
    write("words.scm", f"{IMPORTS} (write (command-line))")
    done = perdure("run", "words.scm", "a", "5", "[1]", "true", "a b")
    assert done.stdout == '("words.scm" "a" "5" "[1]" "true" "a b")'


def test_data_are_read_from_what_is_piped_in(perdure: Perdure, write: Write) -> None:
    write("count.scm", IMPORTS + COUNT)
    done = perdure("run", "count.scm", given='(a\n  "b\nc") #f #| x\n |# #;gone 12')
    assert done.stdout == '(a "b\\nc")\n#f\n12\n'
    assert done.returncode == 3


def test_files_are_granted_by_an_option(perdure: Perdure, write: Write, tmp_path: Path) -> None:
    write(
        "files.scm",
        f"{IMPORTS} (define (main name) (call-with-output-file name (lambda (p) (write 'x p))) (file-exists? name))",
    )
    assert perdure("run", "files.scm", "a").stdout == "#t\n"
    assert (tmp_path / "a").read_text() == "x"
    refused = perdure("run", "files.scm", "b", "--files", "none")
    assert refused.returncode == 1
    assert "[P213] open-output-file: no file is granted" in refused.stderr
    (tmp_path / "inside").mkdir()
    assert perdure("run", "files.scm", "c", "--files", "inside").stdout == "#t\n"
    assert (tmp_path / "inside" / "c").read_text() == "x"
    outside = perdure("run", "files.scm", "../d", "--files", "inside")
    assert "is granted by --files" in outside.stderr
    missing = perdure("run", "files.scm", "e", "--files", "nowhere")
    assert (missing.returncode, "P303" in missing.stderr) == (2, True)


def test_the_environment_is_granted_unless_it_is_refused(perdure: Perdure, write: Write) -> None:
    write("environment.scm", f'{IMPORTS} (string? (get-environment-variable "PATH"))')
    assert perdure("run", "environment.scm").stdout == "#t\n"
    assert perdure("run", "environment.scm", "--no-environment").stdout == "#f\n"
