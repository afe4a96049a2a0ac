;;; SRFI 64: test suites. The runner and all procedures are those of (perdure testing); here are the macros.
(define-library (srfi 64)
  (import (scheme base) (perdure testing))
  (export test-assert test-equal test-eqv test-eq test-approximate test-error test-read-eval-string
          test-begin test-end test-group test-group-with-cleanup test-apply test-with-runner
          test-skip test-expect-fail test-match-name test-match-nth test-match-any test-match-all
          test-runner? test-runner-null test-runner-simple test-runner-create test-runner-factory
          test-runner-current test-runner-get test-runner-reset
          test-runner-pass-count test-runner-fail-count test-runner-xpass-count test-runner-xfail-count
          test-runner-skip-count test-runner-test-name test-runner-group-path test-runner-group-stack
          test-runner-aux-value test-runner-aux-value!
          test-result-kind test-passed? test-result-ref test-result-set! test-result-remove test-result-clear
          test-result-alist
          test-runner-on-test-begin test-runner-on-test-begin! test-runner-on-test-end test-runner-on-test-end!
          test-runner-on-group-begin test-runner-on-group-begin! test-runner-on-group-end test-runner-on-group-end!
          test-runner-on-bad-count test-runner-on-bad-count! test-runner-on-bad-end-name test-runner-on-bad-end-name!
          test-runner-on-final test-runner-on-final!
          test-on-test-begin-simple test-on-test-end-simple test-on-group-begin-simple test-on-group-end-simple
          test-on-bad-count-simple test-on-bad-end-name-simple test-on-final-simple)
  (begin

    (define-syntax test-assert
      (syntax-rules ()
        ((_ expression) (test-assert "" expression))
        ((_ name expression)
         (run-test (test-runner-get) name 'expression
           (lambda (runner)
             (let ((value expression))
               (test-result-set! runner 'actual-value value)
               value))))))

    ;; (same? expected actual) says whether a test passes.
    (define-syntax test-same
      (syntax-rules ()
        ((_ same? name expected expression)
         (run-test (test-runner-get) name 'expression
           (lambda (runner)
             (let ((wanted expected))
               (test-result-set! runner 'expected-value wanted)
               (let ((value expression))
                 (test-result-set! runner 'actual-value value)
                 (same? wanted value))))))))

    (define-syntax test-equal
      (syntax-rules ()
        ((_ expected expression) (test-same equal? "" expected expression))
        ((_ name expected expression) (test-same equal? name expected expression))))

    (define-syntax test-eqv
      (syntax-rules ()
        ((_ expected expression) (test-same eqv? "" expected expression))
        ((_ name expected expression) (test-same eqv? name expected expression))))

    (define-syntax test-eq
      (syntax-rules ()
        ((_ expected expression) (test-same eq? "" expected expression))
        ((_ name expected expression) (test-same eq? name expected expression))))

    (define-syntax test-approximate
      (syntax-rules ()
        ((_ expected expression margin) (test-approximate "" expected expression margin))
        ((_ name expected expression margin)
         (test-same (lambda (wanted value) (approximately? wanted value margin)) name expected expression))))

    ;; Of two arguments the first is the type, but a string can only be a name.
    (define-syntax test-error
      (syntax-rules ()
        ((_ expression)
         (run-error-test (test-runner-get) "" 'expression #t (lambda () expression)))
        ((_ type expression)
         (let ((first type))
           (run-error-test (test-runner-get)
                           (if (string? first) first "")
                           'expression
                           (if (string? first) #t first)
                           (lambda () expression))))
        ((_ name type expression)
         (run-error-test (test-runner-get) name 'expression type (lambda () expression)))))

    (define (test-read-eval-string text)
      (read-and-evaluate text))

    (define-syntax test-group
      (syntax-rules ()
        ((_ name body ...)
         (run-group name (lambda () body ... (if #f #f))))))

    (define-syntax test-group-with-cleanup
      (syntax-rules ()
        ((_ name body ... cleanup)
         (run-group name
           (lambda ()
             (dynamic-wind
               (lambda () #f)
               (lambda () body ... (if #f #f))
               (lambda () cleanup)))))))

    (define-syntax test-with-runner
      (syntax-rules ()
        ((_ runner body ...)
         (parameterize ((test-runner-current runner))
           body ...))))))
