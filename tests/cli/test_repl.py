"""`perdure repl` with lines that are piped in: what it evaluates, prints and keeps.

Method: real processes in an empty folder; a session with an id is gone on with in another process.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]


def test_values_are_printed_and_definitions_are_not(perdure: Perdure) -> None:
    done = perdure(
        "repl",
        given='(+ 1 2) (define x\n  5)\nx ; a comment\n\n(values 1 "b")\n(values)\n'
        "(begin (display 'hi) #f)\n(if #f #f)\n\"two\nlines\"\n#| one\n more |# 'end\n",
    )
    assert done.stdout == '3\n5\n1\n"b"\nhi\n#f\n"two\\nlines"\nend\n'
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_is_reported_with_place_and_stack_and_what_follows_is_evaluated(
    perdure: Perdure,
) -> None:
    done = perdure(
        "repl",
        given="(define (f x)\n  (+ 1 (car x)))\n(f 5)\n(raise 'boom)\n(error \"bad:\" 1)\n(if)\n'on\n",
    )
    assert "repl:1:2:8: [P204] car: expected a pair, got 5\n" in done.stdout
    assert "    2 |   (+ 1 (car x)))\n      |        ^^^^^^^\n" in done.stdout
    assert re.search(r"in f +repl:1:2 +x = 5\n", done.stdout)
    assert re.search(r"repl:3:1:1: \[P230\] raised: boom", done.stdout)
    assert "repl:4:1:1: [P200] bad: 1" in done.stdout
    assert "repl:5:1:1: [P110] if:" in done.stdout
    assert done.stdout.endswith("\non\n")
    assert done.returncode == 1


def test_everything_survives_from_process_to_process(perdure: Perdure, write: Write) -> None:
    write(
        "my.sld",
        "(define-library (my) (export twice) (import (scheme base))"
        "  (begin (define (twice x) (* 2 x))))",
    )
    write("shop.py", "import perdure\n@perdure.effect\ndef price(x):\n    return x + 1\n")
    first = perdure(
        "repl", "--id", "s",
        given="(define-syntax swap! (syntax-rules () ((_ a b) (let ((t a)) (set! a b) (set! b t)))))\n"
        "(define-record-type point (make-point x y) point? (x px) (y py))\n"
        "(define p (make-point 1 2))\n"
        "(import (prefix (my) my-) (python shop) (srfi 1))\n"
        "(define k #f)\n"
        "(* 10 (call/cc (lambda (c) (set! k c) 1)))\n"
        "(define t (spawn (lambda () (sleep 0.1) (display \"slept\") 'ok)))\n",
    )  # fmt: skip
    assert (first.returncode, first.stdout) == (0, "10\n")
    assert first.stderr == "the session stays; go on with: perdure repl --id s\n"
    second = perdure(
        "repl", "--id", "s",
        given="(define a 1) (define b 2) (swap! a b) (list a b)\n(py p)\n(my-twice 4)\n(price 4)\n"
        "(first '(7))\n(k 9)\n(join t)\n",
    )  # fmt: skip
    assert second.returncode == 0
    assert sorted(second.stdout.replace("slept\n", "").split("\n")[:-1]) == sorted(
        ["(2 1)", "2", "8", "5", "7", "90", "ok"]
    )
    assert "slept" in second.stdout


def test_a_place_in_an_earlier_entry_is_known_in_another_process(perdure: Perdure) -> None:
    perdure("repl", "--id", "s", given="(define (f x)\n  (car x))\n")
    second = perdure("repl", "--id", "s", given="(f 5)\n(f 5)\n")
    assert second.stdout.count("repl:1:2:3: [P204]") == 2
    assert "repl:3:1" in second.stdout, "the same text again is an entry of its own"
    third = perdure("repl", "--id", "s", given=",stack\n,stack 0\n,stack 7\n")
    assert "0  f                repl:1:2:3  x\n  1  top level        repl:3:1:1" in third.stdout
    assert "  x = 5\n" in third.stdout
    assert "there is no frame 7" in third.stdout


def test_a_program_at_the_prompt_reads_what_follows(perdure: Perdure) -> None:
    done = perdure(
        "repl", given="(read-line)\nhello there\n(read)\n(a\n b)\n(+ 1 1)\n(list (read-line))\n"
    )
    assert done.stdout == '"hello there"\n(a b)\n2\n(#<eof>)\n'


def test_a_session_without_a_name_ends_with_its_input(perdure: Perdure) -> None:
    perdure("repl", given="1\n")
    perdure("repl", "--id", "named", given="1\n")
    rows = json.loads(perdure("list", "--json").stdout)
    assert {(row["program"], row["status"]) for row in rows} == {
        ("repl", "completed"),
        ("repl", "waiting"),
    }
    (named,) = [row for row in rows if row["id"] == "named"]
    assert (named["status"], named["detail"]) == ("waiting", "a console line")


def test_exit_ends_the_session(perdure: Perdure, write: Write) -> None:
    done = perdure("repl", "--id", "s", given="(exit 3)\n'never\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    again = perdure("repl", "--id", "s", given="1\n")
    assert again.returncode == 2
    assert "P305" in again.stderr
    write("other.scm", "(import (scheme base)) 1")
    perdure("run", "other.scm", "--id", "o")
    other = perdure("repl", "--id", "o", given="1\n")
    assert (other.returncode, "not a session" in other.stderr) == (2, True)


def test_text_that_ends_inside_of_a_form_is_an_error(perdure: Perdure) -> None:
    done = perdure("repl", given="1\n(+ 1\n")
    assert done.returncode == 1
    assert done.stdout.startswith("1\nrepl:2:1:1: [P102]")


def test_commands_look_at_the_session(perdure: Perdure) -> None:
    done = perdure(
        "repl",
        given="(define (f x . more) (car x))\n(define y '(1 2))\n"
        "(define-syntax my-or (syntax-rules () ((_ a b) (let ((t a)) (if t t b)))))\n"
        ",stack\n,describe f\n,describe y\n,describe if\n,describe my-or\n,describe vector-ref\n,describe string-indxe\n"
        ",apropos string-index\n,expand (let ((t 1)) (my-or #f t))\n,expand1 (my-or 1 2)\n,expand1 (car 1)\n"
        ",expand (define z (undefined-macro))\n(eq? 'z 'z)\n,describe z\n"
        ",time (vector-fill! (make-vector 10 0) 1)\n,tasks\n,help\n,quit\n'never\n",
    )
    out = done.stdout
    assert out.startswith(
        "there was no error yet\nf is a procedure, of this session\n  (f x . more)\n  defined at repl:1:1:1\n"
    )
    assert "y is a variable, of this session\n  value: (1 2)\n" in out
    assert "if is syntax, from (scheme base)\n" in out
    assert "my-or is a macro, of this session\n" in out
    assert "vector-ref is a procedure, from (scheme base)\n  (vector-ref vector k)\n" in out
    assert "string-indxe is not bound\n  did you mean string-index?\n" in out
    assert re.search(r"^string-index->cursor +\(srfi 130\), not imported$", out, re.MULTILINE)
    assert "(let ((t 1)) (let ((t.2 #f)) (if t.2 t.2 t)))\n" in out
    assert "(let ((t 1)) (if t t 2))\n" in out
    assert "(car 1) is no use of a macro" in out
    assert "z is not bound" in out, "what is expanded defines nothing"
    assert re.search(r"^1 turn; saved \d+ objects, \d+ bytes$", out, re.MULTILINE)
    assert "there are no tasks in the background\n" in out
    assert ",apropos TEXT" in out
    assert "never" not in out
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_command_says_which_is_meant(perdure: Perdure) -> None:
    done = perdure("repl", given=",descibe car\n,xyz\n,describe\n,help me\n,expand (if)\n1\n")
    assert "there is no command ,descibe\n  next: did you mean ,describe?" in done.stderr
    assert ",help lists the commands" in done.stderr
    assert ",describe is written ,describe NAME" in done.stderr
    assert ",help is written ,help\n" in done.stderr
    assert "[P110] if:" in done.stderr
    assert (done.returncode, done.stdout) == (0, "1\n")


def test_a_worker_may_execute_the_session(perdure: Perdure, tmp_path: Path) -> None:
    perdure("repl", "--id", "s", given="(define (f x)\n  (car x))\n")
    worker = subprocess.Popen(
        [sys.executable, "-m", "perdure", "worker", "--db", "sqlite:test.db"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert worker.stderr is not None
        assert "executes the runs" in worker.stderr.readline()
        perdure("send", "s", "(begin (sleep 0.01) (display 'there))", "--console")
        while "there" not in perdure("output", "s").stdout:
            pass
        done = perdure("repl", "--id", "s", given="(f 5)\n(read-line)\nx\n,describe f\n")
    finally:
        worker.kill()
        worker.communicate()
    assert done.stdout.startswith("there\nrepl:1:2:3: [P204]")
    assert '\n"x"\nf is a procedure' in done.stdout


def test_lines_that_are_piped_in_load_no_terminal(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom perdure.cli.main import perform_line\nperform_line(sys.argv[1:])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "repl", "--db", "sqlite:test.db"],
        cwd=tmp_path,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path)},
        check=True,
        input="1",
        capture_output=True,
        text=True,
    )
    loaded = set(done.stderr.split())
    assert "perdure.cli.repl_session" in loaded
    assert not loaded & {"prompt_toolkit", "typer", "rich"}
