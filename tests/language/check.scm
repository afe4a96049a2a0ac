;; What every program of this folder includes: one line for each check, `ok` or `FAIL`.
(define (report source expected got)
  (if (equal? expected got)
      (display "ok")
      (begin
        (display "FAIL ") (write source)
        (display " expected ") (write expected)
        (display " got ") (write got)))
  (newline))

(define (message-of raised)
  (if (error-object? raised)
      (condition/report-string raised)
      (list 'raised raised)))

(define-syntax check
  (syntax-rules (=>)
    ((_ expression => expected)
     (let* ((got expression) (wanted expected))
       (report 'expression wanted got)))))

(define-syntax check-error
  (syntax-rules (=>)
    ((_ expression => expected)
     (report 'expression expected
             (guard (raised (#t (message-of raised)))
               (list 'no-error expression))))))
