;;; SRFI 17: `set!` of what a procedure gives: (set! (car x) 1).
(define-library (srfi 17)
  (import (rename (scheme base) (set! set-variable!)) (perdure setting))
  (export set! setter getter-with-setter)
  (begin

    (define-syntax set!
      (syntax-rules ()
        ((_ (getter argument ...) value) ((setter getter) argument ... value))
        ((_ variable value) (set-variable! variable value))))))
