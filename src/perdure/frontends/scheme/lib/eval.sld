;;; (scheme eval), (scheme load) and (scheme repl): code that is compiled while the program runs.
;;;
;;; The primitives compile and give thunks; calling them here makes evaluated code a part of the
;;; continuation, so it blocks, is saved and goes on like any other.

(define-library (perdure eval)
  (export environment eval load %evaluate)
  (import (scheme base))
  (begin
    ;; Calls thunks in order and gives what the last one gives, in tail position.
    (define (%evaluate thunks)
      (cond ((null? thunks) (if #f #f))
            ((null? (cdr thunks)) ((car thunks)))
            (else ((car thunks)) (%evaluate (cdr thunks)))))

    (define (environment . import-sets)
      (let ((made (%environment import-sets)))
        (%evaluate (car made))
        (cdr made)))

    (define eval
      (case-lambda
        ((expression) (eval expression (interaction-environment)))
        ((expression environment) (%evaluate (%compile-datum expression environment)))))

    (define load
      (case-lambda
        ((filename) (load filename (interaction-environment)))
        ((filename environment)
         (let* ((text (call-with-input-file filename %whole-text))
                (thunks (%compile-text text filename environment)))
           (%evaluate (car thunks))
           (%evaluate (cdr thunks))))))

    (define (%whole-text port)
      (let ((text (open-output-string)))
        (let loop ()
          (let ((part (read-string 65536 port)))
            (if (eof-object? part)
                (get-output-string text)
                (begin (write-string part text) (loop)))))))))
