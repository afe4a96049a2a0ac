"""What a run has evaluated is there in another process, although the files that it came from are gone.

Goal: environments, macros and libraries that `eval` brought into a run are a part of the run.
Method: evaluate, wait for a message, close the engine, delete the files, go on with another engine.
"""

from __future__ import annotations

import threading
from pathlib import Path

from perdure import Engine

LIBRARY = """
(define-library (my counter)
  (export next! counting)
  (import (scheme base))
  (begin
    (define count 0)
    (define (next!) (set! count (+ count 1)) count)
    (define-syntax counting (syntax-rules () ((_ e) (let ((n (next!))) (list n e)))))))
"""
PYTHON = """
from perdure import effect

@effect(idempotent=True)
def greet(name):
    return f"hello {name}"
"""
PROGRAM = """
(import (scheme base) (scheme eval) (scheme repl) (perdure))
(define base 100)
(define-syntax add (syntax-rules () ((_ n) (+ base n))))
(define (main)
  (let ((one (environment '(scheme base) '(my counter) '(srfi 145) '(python greeting)))
        (two (environment '(only (my counter) next!))))
    (eval '(define (from n) (if (= n 0) '() (counting (from (- n 1))))) one)
    (eval '(next!) two)
    (let ((name (receive-message)))
      (eval '(define (own n) (add n)) (interaction-environment))
      (list (eval '(from 2) one)
            (eval '(next!) two)
            (eval '(assume (> (next!) 4)) one)
            (eval (list 'greet name) one)
            (eval '(own 1) (interaction-environment))))))
"""


def test_names_and_libraries_that_eval_brought_in_survive_the_process_and_the_files(
    tmp_path: Path,
) -> None:
    program = tmp_path / "program.scm"
    program.write_text(PROGRAM)
    (tmp_path / "my").mkdir()
    library = tmp_path / "my" / "counter.sld"
    library.write_text(LIBRARY)
    (tmp_path / "greeting.py").write_text(PYTHON)
    database = f"sqlite:{tmp_path}/runs.db"
    waiting = threading.Event()
    with Engine(
        database, observer=lambda commit: waiting.set() if commit.status == "waiting" else None
    ) as engine:
        engine.start(program, id="one")
        assert waiting.wait(20)
    library.unlink()
    program.unlink()
    with Engine(database) as engine:
        engine.send("one", "kim")
        expected = [[2, [3, []]], 4, True, "hello kim", 101]
        assert engine.result("one", timeout=20) == expected
