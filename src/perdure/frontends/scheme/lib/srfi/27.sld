;;; SRFI 27: sources of random numbers. The default one is the run's: its state is saved with the run.
(define-library (srfi 27)
  (import (scheme base) (perdure primitives))
  (export random-integer random-real default-random-source make-random-source random-source?
          random-source-state-ref random-source-state-set! random-source-randomize!
          random-source-pseudo-randomize! random-source-make-integers random-source-make-reals)
  (begin

    ;; The state of a source is a box of a number; #f stands for the state of the run.
    (define-record-type <random-source>
      (make-source state)
      random-source?
      (state source-state))

    (define default-random-source (make-source #f))

    ;; All sources begin in the same state.
    (define (make-random-source) (make-source (box 0)))

    (define (random-source-state-ref source)
      (list 'random-source-state (%source-state (source-state source))))

    (define (random-source-state-set! source state)
      (if (not (and (list? state) (= (length state) 2) (eq? (car state) 'random-source-state)))
          (%fail 'type-error "random-source-state-set!: expected what random-source-state-ref returned, got" state))
      (%source-state-set! (source-state source) (cadr state)))

    (define (random-source-randomize! source)
      (%source-state-set! (source-state source) (random-integer (expt 2 56))))

    (define (random-source-pseudo-randomize! source i j)
      (%source-state-set! (source-state source) (%source-seed i j)))

    (define (random-source-make-integers source)
      (let ((state (source-state source)))
        (lambda (n) (%source-integer state n))))

    ;; (random-source-make-reals source [unit]): with a unit, the numbers are multiples of one that is not larger, and
    ;; exact if the unit is.
    (define (random-source-make-reals source . unit)
      (let ((state (source-state source)))
        (if (null? unit)
            (lambda () (%source-real state))
            (let ((unit (car unit)))
              (if (not (and (real? unit) (< 0 unit 1)))
                  (%fail 'range-error "random-source-make-reals: expected a real between 0 and 1, got" unit))
              (let ((parts (exact (ceiling (/ 1 unit)))))
                (lambda ()
                  (let ((found (/ (+ 1 (%source-integer state (- parts 1))) parts)))
                    (if (exact? unit) found (inexact found)))))))))))
