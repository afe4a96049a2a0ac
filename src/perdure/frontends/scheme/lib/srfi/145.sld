;;; SRFI 145: assumptions, checked.

(define-library (srfi 145)
  (import (scheme base))
  (export assume)
  (begin
    (define (broken expression . messages)
      (apply error
             (if (and (pair? messages) (string? (car messages)))
                 (car messages)
                 "assumption does not hold:")
             (if (and (pair? messages) (string? (car messages)))
                 (append (cdr messages) (list expression))
                 (cons expression messages))))

    (define-syntax assume
      (syntax-rules ()
        ((_ expression message ...)
         (let ((value expression))
           (if value value (broken 'expression message ...))))))))
