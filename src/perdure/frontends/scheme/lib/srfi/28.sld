;;; SRFI 28: `format` with ~a, ~s, ~% and ~~.
(define-library (srfi 28)
  (import (scheme base) (scheme write) (perdure primitives))
  (export format)
  (begin

    (define (format template . objects)
      (if (not (string? template))
          (%fail 'type-error "format: expected a string, got" template))
      (let ((port (open-output-string)) (end (string-length template)))
        (let loop ((i 0) (objects objects))
          (cond ((= i end) (get-output-string port))
                ((not (eqv? (string-ref template i) #\~))
                 (write-char (string-ref template i) port)
                 (loop (+ i 1) objects))
                ((= (+ i 1) end)
                 (%fail 'range-error "format: nothing follows the tilde at the end of" template))
                (else
                 (loop (+ i 2) (directive (string-ref template (+ i 1)) objects port template)))))))

    ;; Writes what a directive stands for and returns the objects that are left.
    (define (directive char objects port template)
      (define (next)
        (if (null? objects)
            (%fail 'range-error "format: more directives than objects in" template))
        (car objects))
      (case char
        ((#\a #\A) (display (next) port) (cdr objects))
        ((#\s #\S) (write (next) port) (cdr objects))
        ((#\%) (newline port) objects)
        ((#\~) (write-char #\~ port) objects)
        (else (%fail 'range-error "format: expected ~a, ~s, ~% or ~~, got the directive" char 'in template))))))
