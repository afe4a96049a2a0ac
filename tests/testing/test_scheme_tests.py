"""Tests in Scheme: every procedure of (perdure world), and what becomes of files that fail.

Method: files of tests are written and run as `perdure test` does; what they assert is the test, and the counts are checked.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.base.errors import ProgramError
from perdure.testing.virtual.scheme import Found, run_file

PROGRAM = """
(import (scheme base) (scheme write) (perdure) (python shop))
(define (main order)
  (display "order ") (write order)
  (sleep 86400)
  (let ((paid (guard (failure ((effect-error? failure)
                               (list 'unpaid (effect-error-type failure) (effect-error-message failure)))
                              ((outcome-unknown? failure) 'unknown))
                (list 'paid (charge order 30)))))
    (log-event 'info "charged")
    (list paid (receive-message (* 7 86400) 'silence))))
"""

HEAD = """
(import (scheme base) (scheme write) (scheme process-context) (srfi 64) (perdure world))
(test-begin "order")
"""

IDEMPOTENT = (
    "from perdure import effect\n@effect(idempotent=True)\ndef charge(order, amount): return 7\n"
)


def ran(folder: Path, text: str, *, module: str = "", whole: bool = False) -> Found:
    (folder / "order.scm").write_text(PROGRAM)
    if module:
        (folder / "shop.py").write_text(module)
    (folder / "test_order.scm").write_text(text if whole else f"{HEAD}{text}\n(test-end)\n")
    return run_file(folder / "test_order.scm")


def test_a_world_is_told_and_asked(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (define calls '())
        (define world
          (make-world "order.scm" (stub 'charge (lambda (order amount) (set! calls (cons amount calls)) (list order amount)))))
        (define began (world-now world))
        (define run (world-start world 'a-symbol))
        (test-assert (and (world? world) (run? run)))
        (test-equal "run-1" (run-id run))
        (test-eq 'waiting (run-status run))
        (test-equal "sleep" (run-waits-for run))
        (test-equal "order a-symbol" (run-output run))
        (test-equal (+ began (days 1)) (world-next-alarm world))
        (world-advance world (hours 23))
        (test-equal '() calls)
        (world-advance world (minutes 60))
        (test-equal '(30) calls)
        (test-equal (+ began 86400) (world-now world))
        (test-equal '(("a-symbol" 30)) (run-calls run 'charge))
        (test-equal (world-calls world "shop.charge") (run-calls run 'charge))
        (test-equal '((info "charged")) (run-logged run))
        (test-assert (run-send run '(a "list" 1/2)))
        (test-equal '((paid #("a-symbol" 30)) (a "list" 1/2)) (run-result run))
        (test-equal "((paid #(\\"a-symbol\\" 30)) (a \\"list\\" 1/2))" (run-written run))
        (test-equal #f (run-error run))
        (test-equal #f (world-next-alarm world))
        (test-assert (not (run-send run 'too-late)))
        (test-equal '("run-1") (map run-id (world-runs world)))
        """,
    )
    assert found.report == "order: 19 passed"
    assert (found.passed, found.failed, found.skipped, found.good) == (19, 0, 0, True)
    assert found.summary == "19 passed"


def test_time_passes_until_nothing_happens_any_more(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (define world (make-world "order.scm" (starting-at 1000) (seed 7) (stub 'charge #t)))
        (define run (world-start world (json "{\\"id\\": [1, null, true]}")))
        (world-run world)
        (test-equal '((paid #t) silence) (run-result run))
        (test-equal (+ 1000.0 (days 8)) (world-now world))
        """,
    )
    assert found.report == "order: 2 passed"


def test_stubs_fail_take_time_and_are_replaced(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (define (paid-with world)
          (let ((run (world-start world 1)))
            (world-run world)
            (car (run-result run))))
        (define world (make-world "order.scm" (stub 'charge (python-error "ConnectionError" "no route"))))
        (test-equal '(unpaid "ConnectionError" "no route") (paid-with world))
        (world-stub world 'charge (lambda (order amount) (raise (python-error "SoldOutError" "gone"))))
        (test-equal '(unpaid "SoldOutError" "gone") (paid-with world))
        (world-stub world 'charge (lambda (order amount) (error "declined:" amount)))
        (test-equal '(unpaid "RuntimeError" "declined: 30") (paid-with world))
        (world-stub world 'charge (lambda (order amount) (raise 'declined)))
        (test-equal '(unpaid "RuntimeError" "declined") (paid-with world))
        (world-stub world 'charge (later 10 "slow"))
        (test-equal '(paid "slow") (paid-with world))
        (world-fail world 'charge 'type "KeyError" 'message "k" 'times 1 'after 1)
        (test-equal '(paid "slow") (paid-with world))
        (test-equal '(unpaid "KeyError" "'k'") (paid-with world))
        (world-fail world 'charge 'times #f 'seconds 5)
        (test-equal '(unpaid "RuntimeError" "") (paid-with world))
        (test-error (world-fail world 'charge 'tims 1))
        (test-error (world-stub world 'chrage 1))
        """,
    )
    assert found.report == "order: 10 passed"


def test_a_type_of_the_programs_module_is_found_by_its_name(tmp_path: Path) -> None:
    module = (
        "from perdure import Retry, effect\n"
        "class Busy(Exception): pass\n"
        "@effect(retry=Retry(attempts=3, base_s=1), nothing_happened=(Busy,))\n"
        "def charge(order, amount): return 7\n"
    )
    found = ran(
        tmp_path,
        """
        (define world (make-world "order.scm" (real 'charge)))
        (world-fail world 'charge 'type "Busy" 'times 2)
        (define run (world-start world 1))
        (world-run world)
        (test-equal '((paid 7) silence) (run-result run))
        (test-equal '(raised raised returned) (run-attempts run 'charge))
        """,
        module=module,
    )
    assert found.report == "order: 2 passed"


def test_the_worker_is_killed(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (define (outcome when . mark)
          (let* ((world (make-world "order.scm" (without 'shop)
                                    (apply stub 'charge (lambda (order amount) amount) mark)))
                 (run (world-start world 1)))
            (world-kill world)
            (world-kill world when 'charge 1)
            (world-run world)
            (car (run-result run))))
        (test-equal 'unknown (outcome 'after-effect))
        (test-equal '(paid 30) (outcome 'after-effect 'idempotent #t 'attempts 4 'timeout 5))
        (test-equal '(paid 30) (outcome 'before-commit))
        (test-error (outcome 'sometimes))
        (test-error (outcome 'before-effect 'idem #t))
        """,
        module="raise SystemExit('it was imported')",
    )
    assert found.report == "order: 5 passed"


def test_a_story_survives_a_kill_everywhere(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (define told 0)
        (define (story)
          (set! told (+ told 1))
          (let* ((world (make-world "order.scm" (stub 'charge (lambda (order amount) amount) 'idempotent #t)))
                 (run (world-start world 1)))
            (world-run world)
            (if (not (equal? (run-result run) '((paid 30) silence))) (error "wrong"))))
        (define points (crash-everywhere story))
        (test-assert (> points 5))
        (test-equal (+ points 2) told)
        (test-equal 3 (crash-everywhere story 'points-max 3))
        (test-error (crash-everywhere story 'point 3))
        """,
        module=IDEMPOTENT,
    )
    assert found.report == "order: 4 passed"


def test_a_story_that_differs_after_a_kill_is_found(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (define charged 0)
        (define (story)
          (let* ((world (make-world "order.scm" (stub 'charge (lambda (order amount) (set! charged (+ charged 1)) charged))))
                 (run (world-start world 1)))
            (world-run world)))
        (test-assert "survives" (crash-everywhere story))
        (test-assert "fails by itself" (crash-everywhere (lambda () (error "the story"))))
        (test-assert "goes on" #t)
        """,
        module=IDEMPOTENT,
    )
    assert (found.passed, found.failed) == (1, 2)
    assert "with the worker killed before the commit of turn 1 of run-1" in found.report
    assert "raised:   the story" in found.report


def test_a_run_is_parked_retried_cancelled_and_typed_to(tmp_path: Path) -> None:
    (tmp_path / "reader.scm").write_text(
        "(import (scheme base) (python shop))\n(list (read-line) (charge 1 2))\n"
    )
    found = ran(
        tmp_path,
        """
        (define world (make-world "reader.scm" (stub 'charge 5)))
        (define run (world-start world))
        (test-equal "a console line" (run-waits-for run))
        (world-fail world 'charge 'type "OSError" 'message "down")
        (test-assert (run-type run "hello"))
        (test-eq 'parked (run-status run))
        (test-assert (string? (run-error run)))
        (test-error (run-result run))
        (test-assert (run-retry run))
        (test-equal '("hello" 5) (run-result run))
        (define other (world-start world))
        (test-error (run-result other))
        (test-assert (run-cancel other "enough"))
        (test-eq 'cancelled (run-status other))
        (world-stub world 'charge (python-error "OSError" "down"))
        (define parked (world-start world))
        (run-type parked "hello")
        (test-assert (memq 'use-value (run-restarts parked)))
        (test-error (run-restart parked 'use-valeu 5))
        (test-assert (string? (run-restart parked 'use-value '(a symbol))))
        (test-equal '("hello" (a symbol)) (run-result parked))
        (world-stub world 'charge 5)
        (define third (world-start world))
        (test-assert (run-pause third))
        (test-assert (run-type third "hello"))
        (test-eq 'parked (run-status third))
        (test-assert (run-resume third))
        (test-assert (not (run-resume third)))
        (test-equal '("hello" 5) (run-result third))
        (define last (world-start world))
        (test-assert (run-cancel last "enough" 60 #t))
        (test-assert (not (run-cancel last)))
        """,
    )
    assert found.report == "order: 22 passed"


def test_a_stub_may_ask_and_wait(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (import (only (perdure) sleep now))
        (define began (now))
        (define world
          (make-world "order.scm"
            (stub 'charge (lambda (order amount) (sleep 5) (world-now world)))))
        (define run (world-start world 1))
        (world-run world)
        (test-equal (list 'paid (- (world-now world) (days 7))) (car (run-result run)))
        (test-equal (+ began 5) (now))
        """,
    )
    assert found.report == "order: 2 passed"


def test_tests_that_fail_are_shown_and_counted(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        """
        (test-equal "sums" 5 (+ 1 1))
        (test-skip 1)
        (test-equal 1 2)
        (test-expect-fail 1)
        (test-equal 1 2)
        (test-equal 1 1)
        """,
    )
    assert (found.passed, found.failed, found.skipped, found.good) == (2, 1, 1, False)
    assert found.summary == "2 passed, 1 failed, 1 skipped"
    assert "FAIL order / sums" in found.report
    assert "expected: 5" in found.report


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('(error "broken" 5)', "[P200] broken 5"),
        ("(receive-message)", "waits for something that never comes: a message"),
        ("(exit 3)", "the test ended with exit code 3"),
        ('(define w (make-world "nothing.scm"))', "nothing.scm"),
        ('(define w (make-world "order.scm"))', "(python shop)"),
        (
            """(define w (make-world "order.scm" (stub 'charge (lambda all (receive-message number?)))))
            (world-start w 1) (world-run w)""",
            "a stub of the test waits for something that never comes",
        ),
    ],
)
def test_a_file_that_does_not_come_to_its_end_says_why(
    tmp_path: Path, text: str, wanted: str
) -> None:
    body = f"(import (only (perdure) receive-message))\n{text}"
    found = ran(tmp_path, body)
    assert not found.good
    assert wanted in found.error
    assert found.summary == "0 passed, and did not come to its end"


@pytest.mark.parametrize(
    ("stub", "wanted"),
    [
        ("(lambda () 1)", "(lambda): expected 0 arguments, got 2"),
        ("(lambda (order amount) (car amount))", "car: expected a pair, got 30"),
        ("(lambda (order amount) (assert (= amount 31)))", "assertion failed: (= amount 31)"),
    ],
)
def test_a_stub_that_is_wrong_fails_the_test_and_not_the_program(
    tmp_path: Path, stub: str, wanted: str
) -> None:
    body = f"""
    (import (only (perdure) assert))
    (define world (make-world "order.scm" (stub 'charge {stub})))
    (define run (world-start world 1))
    (test-assert "runs" (world-run world))
    """
    found = ran(tmp_path, body)
    assert "FAIL order / runs" in found.output
    assert f"a stub of the test is wrong: {wanted}" in found.output


def test_what_a_test_does_not_stub_is_said_as_scheme_says_it(tmp_path: Path) -> None:
    found = ran(
        tmp_path,
        '(define w (make-world "order.scm")) (world-start w 1) (world-run w)',
        module=IDEMPOTENT,
    )
    assert "stub it with (stub 'charge ...), or let it run with (real 'charge)" in found.error


def test_a_file_needs_no_srfi_64(tmp_path: Path) -> None:
    text = '(import (scheme base) (perdure world))\n(if (days 2) "fine" (error "wrong"))'
    found = ran(tmp_path, text, whole=True)
    assert found.good
    assert found.summary == "0 passed"


def test_a_file_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProgramError):
        ran(tmp_path, "(", whole=True)
