"""The commands do what docs/reference/cli.md says. Method: real processes in an empty folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]
TIMEOUT_S = 60

HELLO = '(import (scheme base) (scheme write)) (define (main who) (display "hello ") (display who) (newline) 42)'
ASK = """(import (scheme base) (perdure))
(define (main) (let ((m (receive-message))) (list 'got (ref m 'a))))"""
WRONG = "(import (scheme base))\n(define (main x)\n  (+ 1 (car x)))"
SLEEP = "(import (scheme base) (perdure)) (define (main) (sleep 100) 'rested)"


def test_run_prints_output_and_result(perdure: Perdure, write: Write) -> None:
    write("hello.scm", HELLO)
    done = perdure("run", "hello.scm", "world", "--id", "h1")
    assert (done.returncode, done.stdout) == (0, "hello world\n42\n")
    assert done.stderr == "run h1\n"


def test_with_json_program_output_goes_to_standard_error(perdure: Perdure, write: Write) -> None:
    write("hello.scm", HELLO)
    done = perdure("run", "hello.scm", '{"a": 1}', "--json")
    assert json.loads(done.stdout) == 42
    assert "hello" in done.stderr


def test_a_finished_run_is_not_run_again(perdure: Perdure, write: Write) -> None:
    write("hello.scm", HELLO)
    perdure("run", "hello.scm", "world", "--id", "h1")
    again = perdure("run", "hello.scm", "world", "--id", "h1")
    assert again.stdout == "42\n"
    other = perdure("run", "hello.scm", "moon", "--id", "h1")
    assert other.returncode == 2
    assert "P302" in other.stderr


def test_start_send_worker_result(perdure: Perdure, write: Write) -> None:
    write("ask.scm", ASK)
    assert perdure("start", "ask.scm", "--id", "a").stdout == "a\n"
    assert perdure("result", "a").returncode == 6
    assert json.loads(perdure("send", "a", '{"a": 7}', "--message-id", "m", "--json").stdout)["new"]
    second = perdure("send", "a", '{"a": 7}', "--message-id", "m", "--json")
    assert not json.loads(second.stdout)["new"]
    assert perdure("worker", "--until-idle").returncode == 0
    assert perdure("result", "a").stdout == "(got 7)\n"
    assert json.loads(perdure("result", "a", "--json").stdout) == ["got", 7]


def test_show_list_and_log_tell_what_a_run_waits_for(perdure: Perdure, write: Write) -> None:
    write("ask.scm", ASK)
    perdure("start", "ask.scm", "--id", "a")
    perdure("worker", "--until-idle")
    shown = json.loads(perdure("show", "a", "--json").stdout)
    (task,) = shown["tasks"]
    assert task["waits"][0]["kind"] == "receive"
    assert task["frames"][-1]["line"] == 2
    (row,) = json.loads(perdure("list", "--json").stdout)
    assert (row["id"], row["status"], row["detail"]) == ("a", "waiting", "a message")
    assert "a message" in perdure("log", "a").stdout
    assert "ask.scm:2" in perdure("show", "a").stdout


def test_show_tells_what_a_transaction_would_undo_and_is_undoing(
    perdure: Perdure, write: Write
) -> None:
    write(
        "undo.scm",
        "(import (scheme base) (perdure))\n"
        "(transaction (on-rollback receive-message void) (receive-message) (rollback))\n",
    )
    perdure("start", "undo.scm", "--id", "a")
    perdure("worker", "--until-idle")
    assert "in a transaction; compensations so far: 2" in perdure("show", "a").stdout
    perdure("send", "a", "1")
    perdure("worker", "--until-idle")
    assert "undoes a transaction; compensations to come: 0" in perdure("show", "a").stdout


def test_an_error_parks_the_run_and_shows_the_place(perdure: Perdure, write: Write) -> None:
    write("wrong.scm", WRONG)
    done = perdure("run", "wrong.scm", "5", "--id", "w")
    assert done.returncode == 1
    assert "wrong.scm:3:8: [P204] car: expected a pair, got 5" in done.stderr
    assert "in main" in done.stderr
    assert "perdure retry w" in done.stderr
    assert perdure("run", "--id", "w").returncode == 1
    assert perdure("retry", "w").returncode == 0
    assert perdure("run", "--id", "w").returncode == 1
    assert perdure("cancel", "w").returncode == 0
    perdure("worker", "--until-idle")
    document = json.loads(perdure("result", "w", "--json").stdout)
    assert document["status"] == "cancelled"


def test_output_is_kept_with_the_run(perdure: Perdure, write: Write) -> None:
    write("hello.scm", HELLO)
    perdure("run", "hello.scm", "world", "--id", "h")
    assert perdure("output", "h").stdout == "hello world\n"


def test_the_console_reads_what_is_piped_in_and_what_is_sent(
    perdure: Perdure, write: Write
) -> None:
    write(
        "name.scm",
        "(define (main) (let* ((a (read-line)) (b (read-line))) (list a (eof-object? b))))",
    )
    assert perdure("run", "name.scm", given="Ada\n").stdout == '("Ada" #t)\n'
    perdure("start", "name.scm", "--id", "n")
    perdure("send", "n", "Grace", "--console")
    perdure("send", "n", "--console", "--eof")
    assert perdure("run", "--id", "n").stdout == '("Grace" #t)\n'


def test_stress_gives_the_same(perdure: Perdure, write: Write) -> None:
    write(
        "fib.scm",
        "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (define (main n) (fib n))",
    )
    assert perdure("run", "fib.scm", "8", "--stress").stdout == "21\n"


def test_check_finds_every_error(perdure: Perdure, write: Write) -> None:
    write("bad.scm", "(import (scheme base))\n(define (main)\n  (nothing 1)\n  (car 1 2))")
    done = perdure("check", "bad.scm", "--json")
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert [(e["line"], e["code"], e["severity"]) for e in found] == [
        (3, "P130", "warning"),
        (4, "P131", "warning"),
    ]
    write("good.scm", HELLO)
    assert perdure("check", "good.scm").returncode == 0


def test_check_takes_several_files_and_shows_expansions(perdure: Perdure, write: Write) -> None:
    macro = "(define-syntax either\n  (syntax-rules ()\n    ((_ a b) (if))))\n(either 1 2)\n"
    write("macro.scm", "(import (scheme base))\n" + macro)
    write("open.scm", "(import (scheme base))\n(define (f x)\n")
    done = perdure("check", "macro.scm", "open.scm", "none.scm", "--json")
    assert done.returncode == 2
    first, second, third = json.loads(done.stdout)
    assert (first["file"], first["line"], first["end_column"]) == ("macro.scm", 5, 13)
    assert first["severity"] == "error"
    (note,) = first["notes"]
    assert (note["line"], note["column"]) == (4, 14)
    assert (
        note["message"] == "in the expansion of either at macro.scm:5:1, template at macro.scm:4:14"
    )
    assert (second["code"], second["line"], second["column"]) == ("P102", 2, 1)
    assert (third["file"], third["code"], third["line"]) == ("none.scm", "P108", 1)
    shown = perdure("check", "macro.scm", "open.scm").stdout
    assert "macro.scm: 1 error\n" in shown
    assert "  in the expansion of either at macro.scm:5:1, template at macro.scm:4:14\n" in shown


def test_ctrl_c_detaches_and_the_run_goes_on_later(
    tmp_path: Path, perdure: Perdure, write: Write
) -> None:
    write("sleep.scm", SLEEP)
    environment = os.environ | {"PERDURE_DB": "sqlite:test.db"}
    command = [sys.executable, "-m", "perdure", "run", "sleep.scm", "--id", "s"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "run s\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert "perdure run --id s" in told
    assert perdure("result", "s").returncode == 6
    assert perdure("cancel", "s").returncode == 0
    assert perdure("run", "--id", "s").returncode == 1


def test_prune_removes_finished_runs(perdure: Perdure, write: Write) -> None:
    write("hello.scm", HELLO)
    perdure("run", "hello.scm", "x")
    assert json.loads(perdure("db", "prune", "--days", "0", "--json").stdout)["runs"] == 1
    assert json.loads(perdure("list", "--json").stdout) == []
    assert json.loads(perdure("db", "info", "--json").stdout)["runs"] == {}


def test_the_demo_proves_that_each_effect_happened_once(perdure: Perdure) -> None:
    done = perdure("demo", "--kills", "2", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["exactly_once"]
    assert len(told["kills"]) == 2


def test_help_and_version(perdure: Perdure) -> None:
    assert "prune" in perdure("db", "--help").stdout
    assert "--stress" in perdure("run", "--help").stdout
    assert perdure("version").stdout.startswith("perdure ")


def test_a_waiting_retry_is_shown_and_changed(perdure: Perdure, write: Write) -> None:
    write(
        "shop.py",
        "import os\n"
        "from perdure import Retry, effect\n\n\n"
        "@effect(idempotent=True, retry=Retry(attempts=3, base_s=3600, jitter=0))\n"
        "def charge():\n"
        "    if not os.path.exists('mended'):\n"
        "        raise ConnectionError('no line')\n"
        "    return 7\n",
    )
    write("pay.scm", "(import (scheme base) (perdure) (python shop)) (define (main) (charge))")
    perdure("start", "pay.scm", "--id", "p")
    assert perdure("worker", "--until-idle").returncode == 0
    shown = perdure("show", "p").stdout
    assert "; attempt 2 of 3 in " in shown
    assert "last error: charge: ConnectionError: no line" in shown
    assert "charge, attempt 2 of 3 at " in perdure("list").stdout
    assert "after charge: ConnectionError: no line" in perdure("log", "p").stdout
    number = json.loads(perdure("show", "p", "--json").stdout)["tasks"][0]["waits"][0]["request"]
    refused = perdure("retry", "p", "--request", str(number + 1), "--now")
    assert refused.returncode == 2
    assert "no effect with this number is waited for" in refused.stderr
    assert "--request" in perdure("retry", "p", "--now").stderr
    assert perdure("retry", "p", "--request", str(number), "--now", "--in", "5").returncode == 2
    more = perdure("retry", "p", "--request", str(number), "--attempts", "9")
    assert more.stdout == f"run p, request {number}: has 9 attempts in all\n"
    later = perdure("retry", "p", "--request", str(number), "--in", "7200")
    assert later.stdout == f"run p, request {number}: is tried again in 7200 s\n"
    perdure("worker", "--until-idle")
    assert "; attempt 2 of 9 in 2 h" in perdure("show", "p").stdout
    write("mended", "")
    now = perdure("retry", "p", "--request", str(number), "--now")
    assert now.stdout == f"run p, request {number}: is tried again now\n"
    perdure("worker", "--until-idle")
    assert perdure("result", "p").stdout == "7\n"
