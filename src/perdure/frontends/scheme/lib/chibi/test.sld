;;; (chibi test): the test macros of Chibi Scheme, on the runner of SRFI 64. A test outside of any group gets a runner, too.
(define-library (chibi test)
  (import (scheme base) (scheme inexact) (scheme process-context) (perdure testing))
  (export test test-equal test-assert test-not test-error test-values test-group
          test-begin test-end test-exit test-failure-count test-equal? current-test-comparator current-test-epsilon)
  (begin

    (define current-test-epsilon (make-parameter 1e-5))

    ;; Inexact numbers are equal if they are close, at any depth of lists and vectors.
    (define (test-equal? expected value)
      (cond ((and (number? expected) (number? value) (or (inexact? expected) (inexact? value)))
             (%close? expected value))
            ((and (pair? expected) (pair? value))
             (and (test-equal? (car expected) (car value))
                  (test-equal? (cdr expected) (cdr value))))
            ((and (vector? expected) (vector? value))
             (test-equal? (vector->list expected) (vector->list value)))
            (else (equal? expected value))))

    (define (%close? a b)
      (cond ((= a b) #t)
            ((not (and (real? a) (real? b))) #f)
            ((or (nan? a) (nan? b)) (and (nan? a) (nan? b)))
            ((or (infinite? a) (infinite? b)) #f)
            (else (<= (abs (- a b)) (* (current-test-epsilon) (max (abs a) (abs b)))))))

    (define current-test-comparator (make-parameter test-equal?))

    (define (test-failure-count)
      (test-runner-fail-count (current-or-new-runner)))

    (define (test-exit)
      (exit (= (test-failure-count) 0)))

    (define-syntax test
      (syntax-rules ()
        ((_ expected expression) (test #f expected expression))
        ((_ name expected expression)
         (test-with (current-test-comparator) name expected expression))))

    (define-syntax test-equal
      (syntax-rules ()
        ((_ same? expected expression) (test-with same? #f expected expression))
        ((_ same? name expected expression) (test-with same? name expected expression))))

    (define-syntax test-with
      (syntax-rules ()
        ((_ same? name expected expression)
         (run-test (current-or-new-runner) (or name "") 'expression
           (lambda (runner)
             (let ((wanted expected))
               (test-result-set! runner 'expected-value wanted)
               (let ((value expression))
                 (test-result-set! runner 'actual-value value)
                 (same? wanted value))))))))

    (define-syntax test-assert
      (syntax-rules ()
        ((_ expression) (test-assert "" expression))
        ((_ name expression)
         (run-test (current-or-new-runner) name 'expression
           (lambda (runner)
             (let ((value expression))
               (test-result-set! runner 'actual-value value)
               value))))))

    (define-syntax test-not
      (syntax-rules ()
        ((_ expression) (test-assert "" (not expression)))
        ((_ name expression) (test-assert name (not expression)))))

    (define-syntax test-values
      (syntax-rules ()
        ((_ expected expression) (test-values #f expected expression))
        ((_ name expected expression)
         (test name
               (call-with-values (lambda () expected) list)
               (call-with-values (lambda () expression) list)))))

    (define-syntax test-error
      (syntax-rules ()
        ((_ expression) (test-error "" expression))
        ((_ name expression)
         (run-error-test (current-or-new-runner) name 'expression #t (lambda () expression)))))

    (define-syntax test-group
      (syntax-rules ()
        ((_ name body ...)
         (run-group name (lambda () body ... (if #f #f))))))))
