;; SRFI 64: what the simple runner displays, which runner a suite gets, and when it is called.
(import (scheme base) (scheme write) (srfi 64) (only (perdure) with-output-to-string condition/report-string))
(include "check.scm")

(define output
  (with-output-to-string
    (lambda ()
      (test-with-runner (test-runner-simple)
        (test-begin "all" 9)
        (test-assert "good" #t)
        (test-equal "sum" 4 (+ 1 2))
        (test-group "inner"
          (test-assert "bad" (car 5))
          (test-error "none" #t (list 1)))
        (test-expect-fail 2)
        (test-assert "known" #f)
        (test-assert "mended" #t)
        (test-skip "later")
        (test-assert "later" #t)
        (test-end "all")))))
(check output => "FAIL all / sum
  test:     (+ 1 2)
  expected: 4
  got:      3
FAIL all / inner / bad
  test:     (car 5)
  raised:   car: expected a pair, got 5
FAIL all / inner / none
  test:     (list 1)
  expected error: #t
  got:      (1)
PASS, but was expected to fail: all / mended
  test:     #t
COUNT all / all: expected 9 tests, there were 7
all: 1 passed, 3 failed, 1 failed as expected, 1 passed but were expected to fail, 1 skipped
")
(check-error (test-with-runner (test-runner-simple) (test-begin "a") (test-end "b"))
             => "test-end: the names of the group differ at its beginning and its end: \"a\" \"b\"")

;; the factory makes the runner of a suite that has none
(define calls '())
(define (note . what) (set! calls (cons what calls)))
(define (noting-runner)
  (let ((runner (test-runner-null)))
    (test-runner-on-group-begin! runner (lambda (runner name count) (note 'group-begin name count (test-runner-group-path runner))))
    (test-runner-on-group-end! runner (lambda (runner) (note 'group-end (test-runner-group-path runner) (test-runner-test-name runner))))
    (test-runner-on-test-begin! runner (lambda (runner) (note 'test-begin (test-runner-test-name runner) (test-result-kind runner))))
    (test-runner-on-test-end! runner (lambda (runner) (note 'test-end (test-result-kind runner))))
    (test-runner-on-final! runner (lambda (runner) (note 'final)))
    runner))
(test-runner-factory noting-runner)
(check (test-runner-current) => #f)
(test-begin "s" 2)
(test-group "t" (test-assert "x" #t))
(test-skip 1)
(test-assert "y" #f)
(test-end "s")
(check (reverse calls)
       => '((group-begin "s" 2 ()) (group-begin "t" #f ("s")) (test-begin "x" #f) (test-end pass) (group-end ("s" "t") "t")
            (test-begin "y" skip) (test-end skip) (group-end ("s") "s") (final)))
(check (test-runner-pass-count (test-runner-current)) => 1)

;; the current runner can be set, and outlives what it was set in
(define mine (test-runner-null))
(guard (raised (#t #f)) (test-runner-current mine) (raise 'leave))
(check (eq? (test-runner-current) mine) => #t)
(parameterize ((test-runner-current (test-runner-null)))
  (test-assert #f)
  (test-runner-current #f))
(check (list (eq? (test-runner-current) mine) (test-runner-fail-count mine)) => '(#t 0))
