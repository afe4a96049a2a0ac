;; What the programs of this folder include: tests/language/check.scm, and a check for whatever error.
(include "../language/check.scm")

(define-syntax check-fails
  (syntax-rules ()
    ((_ expression ...)
     (begin
       (report 'expression 'an-error
               (guard (raised (#t (if (error-object? raised) 'an-error raised)))
                 (list 'no-error expression)))
       ...))))
