"""What runs in a simulated world: small programs whose right result is known.

Layer: testing. Imports the rest of the simulation.
Invariant: a program's result is right whatever happens on the way, or its text says what did happen (a doubt, a failure, a
timeout), and the ledger must agree with that.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from perdure.testing.simulation.world import World

_HEAD = """
(import (scheme base) (scheme write) (perdure) (python perdure.testing.simulation.effects))
(define (count n) (let loop ((i (- n 1)) (made '())) (if (< i 0) made (loop (- i 1) (cons i made)))))
"""

PROGRAMS = {
    # Effects in sequence, in turns of both kinds; output.
    "chain": """
(define (main n)
  (let loop ((i 0) (sum 0))
    (if (< i n)
        (let ((next (if (even? i) (add sum i) (add-slowly sum i))))
          (display i)
          (loop (+ i 1) next))
        sum)))
""",
    # Effects that must not be done twice.
    "payer": """
(define (try pay i)
  (guard (e ((outcome-unknown? e) (list 'doubt i))
            ((effect-error? e) (list 'refused i)))
    (pay (self) i)))
(define (main n)
  (let loop ((i 0) (got '()))
    (if (< i n)
        (loop (+ i 1)
              (cons (try (case (modulo i 3) ((0) pay) ((1) pay-soon) (else pay-carefully)) i) got))
        (reverse got))))
""",
    # Errors, retries and timeouts.
    "fetcher": """
(define (main n)
  (map (lambda (i) (guard (e ((effect-error? e) (list 'failed i))) (fetch (self) i))) (count n)))
""",
    # Tasks, all of which are waited for.
    "team": """
(define (main n)
  (apply + (all (lambda () (sleep 2) n)
                (lambda () (add n 1))
                (lambda () (add-slowly (add n 2) n))
                (lambda () (join (spawn (lambda () (add-slowly n 3))))))))
""",
    # Tasks of which the first wins.
    "racer": """
(define (main n)
  (let ((first (race (lambda () (list 'effect (add-slowly n 1)))
                     (lambda () (sleep n) (list 'timer n)))))
    (list first (add n n))))
""",
    # Timers, which are never early.
    "sleeper": """
(define (main n seconds)
  (let loop ((i 0) (early 0))
    (if (< i n)
        (let ((due (+ (now) seconds)))
          (sleep seconds)
          (woke due i)
          (loop (+ i 1) (if (< (now) due) (+ early 1) early)))
        early)))
""",
    # Messages from outside, in their order.
    "reader": """
(define (main n) (map (lambda (i) (receive-message)) (count n)))
""",
    # A message that may be late.
    "waiter": """
(define (main seconds)
  (let* ((due (+ (now) seconds))
         (got (receive-message seconds 'late)))
    (when (eq? got 'late) (woke due 0))
    got))
""",
    # A run and its child tell each other numbers.
    "ping": """
(define (main n)
  (let ((child (start-run "pong" (self) n)))
    (let loop ((i 0) (got '()))
      (if (< i n)
          (begin
            (send-message child i)
            (let ((answer (receive-message)))
              (loop (+ i 1) (cons answer got))))
          (list (join child) (reverse got))))))
""",
    "pong": """
(define (main parent n)
  (let loop ((i 0))
    (if (< i n)
        (begin (send-message parent (add (receive-message) 100)) (loop (+ i 1)))
        'done)))
""",
    # Children that are joined.
    "parent": """
(define (main n)
  (let* ((children (map (lambda (k) (start-run "chain" (+ k 1))) (count n))))
    (map join children)))
""",
    # Children that send to their parent at the same time.
    "post": """
(define (main n)
  (for-each (lambda (k) (start-run "letters" (self) k 2)) (count n))
  (map (lambda (i) (receive-message)) (count (* 2 n))))
""",
    "letters": """
(define (main to k n)
  (let loop ((i 0))
    (when (< i n)
      (send-message to (list k i))
      (when (odd? k) (add k i))
      (loop (+ i 1)))))
""",
    # Computing that is cut.
    "spinner": """
(define (spin n) (let loop ((i 0) (sum 0)) (if (< i n) (loop (+ i 1) (+ sum i)) sum)))
(define (main n)
  (let ((sums (all (lambda () (spin n)) (lambda () (add (spin 7) 1)) (lambda () (spin 10)))))
    (add (apply + sums) (spin n))))
""",
    # A run that is cancelled from outside.
    "victim": """
(define (main seconds)
  (dynamic-wind
    (lambda () (display "("))
    (lambda () (sleep seconds) (add-slowly 1 1) (sleep seconds) 'slept)
    (lambda () (display ")"))))
""",
    # One whose clean-up waits, and that is paused and resumed from outside. The shield is for a cancellation that comes when
    # the last step is under way already, since nothing was cancelled.
    "cleaner": """
(define (main seconds)
  (dynamic-wind
    (lambda () (display "("))
    (lambda () (shield (lambda () (add-slowly 1 1))) (sleep seconds) 'slept)
    (lambda ()
      (display ":")
      (shield
        (lambda ()
          (display (add 1 1)) (sleep seconds) (display (add-slowly 1 2))
          (display (with-timeout 500 (lambda () (add 2 2)) 4)) (display ")"))))))
""",
    # A saga whose steps fail now and then, are done again in groups, and are undone when it fails or is cancelled.
    "saga": """
(define steps 0)
(define (step i)
  (compensate (book (self) i) (unbook (self) i))
  (set! steps (+ steps 1))
  (if (odd? i)
      (retrying '((attempts 2) (backoff 1) (on effect-error))
        (set! steps (+ steps 10))
        (add i i)
        (fetch (self) i)
        (set! steps (- steps 10)))))
(define (main n)
  (let ((outcome
         (guard (e ((effect-error? e) 'undone))
           (transaction (for-each step (count n)) 'whole))))
    (list outcome steps)))
""",
}


def source_of(name: str) -> str:
    """Return the whole text of a program."""
    return _HEAD + PROGRAMS[name]


class Expected(Struct, frozen=True):
    """A run of a world, and what is known of its end.

    `right` is asked with what `write` shows of its result, once it has completed; it returns what is wrong, or "". `cancelled` is
    asked if it was cancelled.
    """

    run_id: str
    program: str
    arguments: tuple[int, ...]
    right: Callable[[str], str]
    cancelled: Callable[[], str] = lambda: ""
    statuses: tuple[str, ...] = ("completed",)
    output: str = ""


def plan(world: World, chance: random.Random) -> list[Expected]:
    """Draw the runs of a world; messages, cancellations and pauses from outside are entered in its timeline."""
    made = []
    for number in range(chance.choice((1, 2, 2, 4))):
        name = chance.choice(sorted(_PLANS))
        made.append(_PLANS[name](world, chance, f"{name}{number}"))
    return made


def _is(expected: str) -> Callable[[str], str]:
    return lambda found: "" if found == expected else f"it should be {expected}"


def _list(items: list[str]) -> str:
    return f"({' '.join(items)})"


def _chain(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 12)
    output = "".join(map(str, range(n)))
    del world
    return Expected(run_id, "chain", (n,), _is(str(sum(range(n)))), output=output)


def _payer(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 6)

    def right(found: str) -> str:
        names = ("pay", "pay_soon", "pay_carefully")
        rest = found[1:-1]
        for i in range(n):
            done = world.witness.times(names[i % 3], (run_id, i))
            for shown, least, most in (
                (str(i), 1, 1),
                (f"(doubt {i})", 0, 1),
                (f"(refused {i})", 0, 0),
            ):
                if rest.startswith(shown) and rest[len(shown) :][:1] in ("", " "):
                    if not least <= done <= most:
                        return f"payment {i} was done {done} times, it says {shown}"
                    rest = rest[len(shown) + 1 :]
                    break
            else:
                return f"nothing is said of payment {i}"
        return ""

    return Expected(run_id, "payer", (n,), right)


def _fetcher(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 4)

    def right(found: str) -> str:
        rest = found[1:-1]
        for i in range(n):
            failed = f"(failed {i})"
            shown = failed if rest.startswith(failed) else str(i)
            if not rest.startswith(shown):
                return f"nothing is said of {i}"
            if shown != failed and not world.witness.times("fetch", (run_id, i)):
                return f"{i} was never fetched"
            rest = rest[len(shown) + 1 :]
        return ""

    return Expected(run_id, "fetcher", (n,), right)


def _team(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 5)
    del world
    return Expected(run_id, "team", (n,), _is(str(n + (n + 1) + (n + 2 + n) + (n + 3))))


def _racer(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 20)
    del world
    either = {f"((effect {n + 1}) {2 * n})", f"((timer {n}) {2 * n})"}
    return Expected(run_id, "racer", (n,), lambda found: "" if found in either else "neither won")


def _sleeper(world: World, chance: random.Random, run_id: str) -> Expected:
    n, seconds = chance.randrange(1, 4), chance.choice((0, 1, 10, 40))
    del world
    return Expected(run_id, "sleeper", (n, seconds), _is("0"))


def _reader(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 6)
    world.send_in_order(run_id, list(range(n)))
    return Expected(run_id, "reader", (n,), _is(_list([str(i) for i in range(n)])))


def _waiter(world: World, chance: random.Random, run_id: str) -> Expected:
    seconds = chance.choice((1, 10, 100))
    world.send_in_order(run_id, [7], after_s=chance.uniform(0.0, 60.0))
    return Expected(
        run_id, "waiter", (seconds,), lambda found: "" if found in ("7", "late") else "neither came"
    )


def _ping(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 5)
    del world
    answers = _list([str(i + 100) for i in range(n)])
    return Expected(run_id, "ping", (n,), _is(f"(done {answers})"))


def _parent(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 4)
    del world
    return Expected(run_id, "parent", (n,), _is(_list([str(sum(range(k + 1))) for k in range(n)])))


def _post(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 4)
    del world

    def right(found: str) -> str:
        for k in range(n):
            first, second = found.find(f"({k} 0)"), found.find(f"({k} 1)")
            if not 0 <= first < second:
                return f"the letters of {k} came out of order, or not"
        return "" if found.count("(") == 2 * n + 1 else "a letter came twice"

    return Expected(run_id, "post", (n,), right)


def _spinner(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(5, 60)
    del world
    spun = sum(range(n))
    return Expected(
        run_id, "spinner", (n,), _is(str(spun + sum(range(7)) + 1 + sum(range(10)) + spun))
    )


def _victim(world: World, chance: random.Random, run_id: str) -> Expected:
    seconds = chance.choice((1, 10, 60))
    world.cancel(run_id, after_s=chance.uniform(0.0, 60.0))
    return Expected(
        run_id,
        "victim",
        (seconds,),
        _is("slept"),
        statuses=("completed", "cancelled"),
        output="()",
    )


def _cleaner(world: World, chance: random.Random, run_id: str) -> Expected:
    seconds = chance.choice((0, 1, 10, 40))
    if chance.random() < 0.7:
        world.cancel(run_id, after_s=chance.uniform(0.0, 60.0))
    if chance.random() < 0.7:
        world.pause(run_id, after_s=chance.uniform(0.0, 60.0), for_s=chance.uniform(0.0, 100.0))
    return Expected(
        run_id,
        "cleaner",
        (seconds,),
        _is("slept"),
        statuses=("completed", "cancelled"),
        output="(:234)",
    )


def _saga(world: World, chance: random.Random, run_id: str) -> Expected:
    n = chance.randrange(1, 6)
    if chance.random() < 0.5:
        world.cancel(run_id, after_s=chance.uniform(0.0, 40.0))

    def undone() -> str:
        for i in range(n):
            booked = world.witness.times("book", (run_id, i))
            if bool(booked) != bool(world.witness.times("unbook", (run_id, i))):
                return f"step {i} was {'not ' if booked else ''}undone"
        return ""

    def right(found: str) -> str:
        if found == "(undone 0)":
            return undone()
        if found != f"(whole {n})":
            return "the heap is neither as at the beginning nor as at the end"
        booked = all(world.witness.times("book", (run_id, i)) for i in range(n))
        kept = not any(world.witness.times("unbook", (run_id, i)) for i in range(n))
        return "" if booked and kept else "not all steps were done and kept"

    statuses = ("completed", "cancelled")
    return Expected(run_id, "saga", (n,), right, cancelled=undone, statuses=statuses)


_PLANS: dict[str, Callable[[World, random.Random, str], Expected]] = {
    "chain": _chain,
    "payer": _payer,
    "fetcher": _fetcher,
    "team": _team,
    "racer": _racer,
    "sleeper": _sleeper,
    "reader": _reader,
    "waiter": _waiter,
    "ping": _ping,
    "parent": _parent,
    "post": _post,
    "spinner": _spinner,
    "victim": _victim,
    "cleaner": _cleaner,
    "saga": _saga,
}
