"""Kill a process with SIGKILL at random moments, again and again, until its run is done.

Goal: promises 1 to 3: nothing acknowledged is lost, every idempotent effect is done, no other effect is done twice.
Method: a program mixes sequential effects, parallel tasks, timers, recursion, a hash table and effects that are not
idempotent and whose `outcome-unknown` it takes; a file tells how often each was performed.

PERDURE_KILLS sets the number of kills (default 12; 100 take about a minute and a half).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from perdure import Engine

KILLS = int(os.environ.get("PERDURE_KILLS", "12"))
ROUNDS = 25 * KILLS

MODULE = """
import os, time
from perdure import effect

def note(kind, *words):
    with open(os.path.join(os.path.dirname(__file__), "ledger.txt"), "a") as file:
        file.write(" ".join(map(str, (kind, *words))) + "\\n")

@effect(idempotent=True)
async def good(i, idempotency_key):
    note("good", idempotency_key)
    return i * 2

@effect(idempotent=True)
def slow(i):
    time.sleep(0.005)
    return i

def risky(i):
    note("risky", i)
    time.sleep(0.003)
    return i
"""

PROGRAM = """
(import (scheme base) (scheme write) (perdure) (python ledger))
(define counts (make-hash-table))
(define (careful-risky i)
  (guard (e ((outcome-unknown? e)
             (hash-table-update! counts 'doubt (lambda (n) (+ n 1)) (lambda () 0))))
    (risky i)))
(define (walk tree)
  (cond ((null? tree) 0)
        ((pair? tree) (+ (walk (car tree)) (walk (cdr tree))))
        (else (good tree))))
(define (main n)
  (let loop ((i 0) (sum 0))
    (if (< i n)
        (let* ((a (good i))
               (b (apply + (all (lambda () (slow i))
                                (lambda () (sleep 0.01) i)
                                (lambda () (good i))))))
          (careful-risky i)
          (display i)
          (loop (+ i 1) (+ sum a b)))
        (list sum (walk '((1 2) 3 (4 (5)))) (hash-table-ref/default counts 'doubt 0)))))
"""

CHILD = """
import sys
from perdure import Engine
with Engine("sqlite:" + sys.argv[1] + "/kills.db") as engine:
    engine.run(sys.argv[1] + "/program.scm", int(sys.argv[2]), id="one")
"""


def test_a_run_that_is_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    (tmp_path / "ledger.py").write_text(MODULE)
    (tmp_path / "program.scm").write_text(PROGRAM)
    moments = random.Random(7)
    command = [sys.executable, "-c", CHILD, str(tmp_path), str(ROUNDS)]
    for _ in range(KILLS):
        child = subprocess.Popen(command)
        try:
            child.wait(timeout=moments.uniform(0.4, 1.0))
            break
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    assert subprocess.run(command, timeout=120, check=False).returncode == 0
    with Engine(f"sqlite:{tmp_path}/kills.db", execute="none") as engine:
        result = engine.result("one")
        output = engine.output("one")
    expected = sum(6 * i for i in range(ROUNDS))
    assert result[:2] == [expected, 30]
    assert output == "".join(map(str, range(ROUNDS)))
    ledger = Counter((tmp_path / "ledger.txt").read_text().splitlines())
    performed = {line: times for line, times in ledger.items() if line.startswith("risky")}
    assert not [line for line, times in performed.items() if times > 1]
    assert len(performed) >= ROUNDS - result[2]
    assert len([line for line in ledger if line.startswith("good")]) == 2 * ROUNDS + 5
