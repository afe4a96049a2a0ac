;;; The runner of test suites: what SRFI 64 and (chibi test) stand on.
;;; A runner is an object of the run's heap, and the current one the value of a parameter of the run, so a suite is saved and
;;; goes on like any program. The macros of those libraries call `run-test` and `run-group`.
(define-library (perdure testing)
  (import (scheme base) (scheme write) (scheme read) (scheme eval) (scheme repl)
          (only (perdure primitives) %fail %make-run-parameter condition/report-string condition-kind))
  (export run-test run-group run-error-test approximately? same-error? read-and-evaluate current-or-new-runner
          test-begin test-end test-apply
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

    ;; -- runners ------------------------------------------------------------------------------

    ;; `groups` are those that are open, innermost first. `only` are the specifiers of test-apply, #f if all tests run.
    (define-record-type test-runner
      (%make-runner pass fail xpass xfail skip groups skips expected only result aux
                    on-test-begin on-test-end on-group-begin on-group-end on-bad-count on-bad-end-name on-final)
      test-runner?
      (pass test-runner-pass-count %pass!)
      (fail test-runner-fail-count %fail!)
      (xpass test-runner-xpass-count %xpass!)
      (xfail test-runner-xfail-count %xfail!)
      (skip test-runner-skip-count %skip!)
      (groups %groups %groups!)
      (skips %skips %skips!)
      (expected %expected %expected!)
      (only %only %only!)
      (result test-result-alist %result!)
      (aux test-runner-aux-value test-runner-aux-value!)
      (on-test-begin test-runner-on-test-begin test-runner-on-test-begin!)
      (on-test-end test-runner-on-test-end test-runner-on-test-end!)
      (on-group-begin test-runner-on-group-begin test-runner-on-group-begin!)
      (on-group-end test-runner-on-group-end test-runner-on-group-end!)
      (on-bad-count test-runner-on-bad-count test-runner-on-bad-count!)
      (on-bad-end-name test-runner-on-bad-end-name test-runner-on-bad-end-name!)
      (on-final test-runner-on-final test-runner-on-final!))

    ;; An open group: its name, how many tests it should have (or #f), how many there were before it, and the
    ;; specifiers that hold again behind it.
    (define-record-type group
      (%make-group name count before skips expected)
      group?
      (name %group-name)
      (count %group-count)
      (before %group-before)
      (skips %group-skips)
      (expected %group-expected))

    (define (%ignore . arguments) #f)

    (define (test-runner-null)
      (%make-runner 0 0 0 0 0 '() '() '() #f '() #f
                    %ignore %ignore %ignore %ignore %ignore %ignore %ignore))

    (define (test-runner-simple)
      (%make-runner 0 0 0 0 0 '() '() '() #f '() #f
                    test-on-test-begin-simple test-on-test-end-simple test-on-group-begin-simple
                    test-on-group-end-simple test-on-bad-count-simple test-on-bad-end-name-simple
                    test-on-final-simple))

    (define (test-runner-reset runner)
      (%pass! runner 0)
      (%fail! runner 0)
      (%xpass! runner 0)
      (%xfail! runner 0)
      (%skip! runner 0)
      (%groups! runner '())
      (%skips! runner '())
      (%expected! runner '())
      (%only! runner #f)
      (%result! runner '()))

    (define test-runner-current (%make-run-parameter #f 'test-runner-current))
    (define test-runner-factory (%make-run-parameter test-runner-simple 'test-runner-factory))

    (define (test-runner-create) ((test-runner-factory)))

    (define (test-runner-get)
      (or (test-runner-current)
          (error "there is no current test runner: begin with (test-begin name)")))

    (define (current-or-new-runner)
      (or (test-runner-current)
          (let ((runner (test-runner-create)))
            (test-runner-current runner)
            runner)))

    (define (%total runner)
      (+ (test-runner-pass-count runner) (test-runner-fail-count runner) (test-runner-xpass-count runner)
         (test-runner-xfail-count runner) (test-runner-skip-count runner)))

    (define (test-runner-group-stack runner) (map %group-name (%groups runner)))
    (define (test-runner-group-path runner) (reverse (test-runner-group-stack runner)))

    ;; -- properties of a test -------------------------------------------------------------------

    (define (test-result-ref runner name . default)
      (let ((entry (assq name (test-result-alist runner))))
        (cond (entry (cdr entry))
              ((pair? default) (car default))
              (else #f))))

    ;; A list that was handed out is never changed.
    (define (test-result-set! runner name value)
      (test-result-remove runner name)
      (%result! runner (cons (cons name value) (test-result-alist runner))))

    (define (test-result-remove runner name)
      (%result! runner
        (let loop ((rest (test-result-alist runner)))
          (cond ((null? rest) '())
                ((eq? (car (car rest)) name) (loop (cdr rest)))
                (else (cons (car rest) (loop (cdr rest))))))))

    (define (test-result-clear runner) (%result! runner '()))

    (define (test-runner-test-name runner) (test-result-ref runner 'test-name ""))

    (define (%given-runner runner) (if (pair? runner) (car runner) (test-runner-get)))

    (define (test-result-kind . runner)
      (test-result-ref (%given-runner runner) 'result-kind))

    (define (test-passed? . runner)
      (if (memq (apply test-result-kind runner) '(pass xpass)) #t #f))

    ;; -- specifiers: which tests are meant --------------------------------------------------------

    (define (%specifier obj)
      (cond ((procedure? obj) obj)
            ((exact-integer? obj) (test-match-nth 1 obj))
            ((string? obj) (test-match-name obj))
            (else (%fail 'type-error "expected a test specifier: a procedure, a count or a name, got" obj))))

    (define (test-match-name name)
      (lambda (runner) (equal? name (test-runner-test-name runner))))

    (define (test-match-nth n . count)
      (let ((end (+ n (if (pair? count) (car count) 1)))
            (seen 0))
        (lambda (runner)
          (set! seen (+ seen 1))
          (and (<= n seen) (< seen end)))))

    ;; Every specifier is asked, since asking may count.
    (define (%asked specifiers runner)
      (map (lambda (specifier) (if (specifier runner) #t #f)) specifiers))

    (define (%any-matches? specifiers runner)
      (if (memq #t (%asked specifiers runner)) #t #f))

    (define (test-match-any . specifiers)
      (let ((specifiers (map %specifier specifiers)))
        (lambda (runner) (%any-matches? specifiers runner))))

    (define (test-match-all . specifiers)
      (let ((specifiers (map %specifier specifiers)))
        (lambda (runner) (not (memq #f (%asked specifiers runner))))))

    (define (test-skip . specifiers)
      (let ((runner (test-runner-get)))
        (%skips! runner (cons (apply test-match-all specifiers) (%skips runner)))))

    (define (test-expect-fail . specifiers)
      (let ((runner (test-runner-get)))
        (%expected! runner (cons (apply test-match-all specifiers) (%expected runner)))))

    ;; -- one test -----------------------------------------------------------------------------------

    (define (%skipped? runner)
      (let ((skipped? (%any-matches? (%skips runner) runner))
            (chosen? (or (not (%only runner)) (%any-matches? (%only runner) runner))))
        (or skipped? (not chosen?))))

    ;; Runs a test: `passes?` takes the runner, may set properties, and says whether the test passed.
    (define (run-test runner name form passes?)
      (%result! runner (list (cons 'test-name name) (cons 'source-form form)))
      (cond ((%skipped? runner) (test-result-set! runner 'result-kind 'skip))
            ((%any-matches? (%expected runner) runner) (test-result-set! runner 'result-kind 'xfail)))
      ((test-runner-on-test-begin runner) runner)
      (let ((kind (test-result-kind runner)))
        (if (not (eq? kind 'skip))
            (let ((passed? (guard (raised (#t (test-result-set! runner 'actual-error raised) #f))
                             (passes? runner))))
              (test-result-set! runner 'result-kind
                (if (eq? kind 'xfail)
                    (if passed? 'xpass 'xfail)
                    (if passed? 'pass 'fail))))))
      (%count! runner (test-result-kind runner))
      ((test-runner-on-test-end runner) runner))

    (define (%count! runner kind)
      (case kind
        ((pass) (%pass! runner (+ (test-runner-pass-count runner) 1)))
        ((fail) (%fail! runner (+ (test-runner-fail-count runner) 1)))
        ((xpass) (%xpass! runner (+ (test-runner-xpass-count runner) 1)))
        ((xfail) (%xfail! runner (+ (test-runner-xfail-count runner) 1)))
        (else (%skip! runner (+ (test-runner-skip-count runner) 1)))))

    ;; A test that passes if the thunk raises something of a type: a predicate, the symbol of a kind of condition, or
    ;; anything else for whatever is raised.
    (define (run-error-test runner name form type thunk)
      (run-test runner name form
        (lambda (runner)
          (test-result-set! runner 'expected-error type)
          (let ((value (guard (raised (#t (test-result-set! runner 'actual-error raised)
                                          (lambda () (same-error? type raised))))
                         (let ((value (thunk)))
                           (lambda ()
                             (test-result-set! runner 'actual-value value)
                             #f)))))
            (value)))))

    (define (same-error? type raised)
      (cond ((procedure? type) (type raised))
            ((symbol? type) (and (error-object? raised) (eq? (condition-kind raised) type)))
            (else #t)))

    (define (approximately? expected actual margin)
      (<= (- expected margin) actual (+ expected margin)))

    (define (read-and-evaluate text)
      (let* ((port (open-input-string text))
             (form (read port)))
        (if (eof-object? (read port))
            (eval form (interaction-environment))
            (error "test-read-eval-string: there is more than one datum in" text))))

    ;; -- groups ---------------------------------------------------------------------------------------

    (define (test-begin . name+count)
      (let ((runner (current-or-new-runner))
            (name (if (pair? name+count) (car name+count) ""))
            (count (and (pair? name+count) (pair? (cdr name+count)) (cadr name+count))))
        (%result! runner (list (cons 'test-name name)))
        ((test-runner-on-group-begin runner) runner name count)
        (%groups! runner
          (cons (%make-group name count (%total runner) (%skips runner) (%expected runner))
                (%groups runner)))))

    (define (test-end . name)
      (let* ((runner (test-runner-get))
             (groups (%groups runner)))
        (if (null? groups)
            (error "test-end: no group is open"))
        (let ((begun (%group-name (car groups)))
              (expected (%group-count (car groups)))
              (actual (- (%total runner) (%group-before (car groups)))))
          (%result! runner (list (cons 'test-name begun)))
          (if (and (pair? name) (car name) (not (equal? (car name) begun)))
              ((test-runner-on-bad-end-name runner) runner begun (car name)))
          (if (and expected (not (= expected actual)))
              ((test-runner-on-bad-count runner) runner actual expected))
          ((test-runner-on-group-end runner) runner)
          (%skips! runner (%group-skips (car groups)))
          (%expected! runner (%group-expected (car groups)))
          (%groups! runner (cdr groups))
          (if (null? (cdr groups))
              ((test-runner-on-final runner) runner)))))

    ;; A group that is skipped counts as one skipped test.
    (define (run-group name body)
      (let ((runner (current-or-new-runner)))
        (%result! runner (list (cons 'test-name name)))
        (if (%any-matches? (%skips runner) runner)
            (%count! runner 'skip)
            (dynamic-wind
              (lambda () (test-begin name))
              body
              (lambda () (test-end name))))))

    ;; (test-apply [runner] specifier ... thunk)
    (define (test-apply first . rest)
      (cond ((test-runner? first)
             (parameterize ((test-runner-current first))
               (%apply-chosen first rest)))
            ((test-runner-current) => (lambda (runner) (%apply-chosen runner (cons first rest))))
            (else
             (let ((runner (test-runner-create)))
               (apply test-apply runner first rest)
               ((test-runner-on-final runner) runner)))))

    (define (%apply-chosen runner specifiers+thunk)
      (let* ((backwards (reverse specifiers+thunk))
             (specifiers (map %specifier (reverse (cdr backwards))))
             (outside (%only runner)))
        (dynamic-wind
          (lambda ()
            (if (pair? specifiers)
                (%only! runner (append specifiers (or outside '())))))
          (car backwards)
          (lambda () (%only! runner outside)))))

    ;; -- the simple runner's output -----------------------------------------------------------------

    (define (%print . parts)
      (for-each display parts)
      (newline))

    (define (%print-property runner label name)
      (let ((entry (assq name (test-result-alist runner))))
        (if entry
            (begin
              (display label)
              (write (cdr entry))
              (newline)))))

    (define (%full-name runner)
      (let loop ((path (test-runner-group-path runner)) (text ""))
        (if (null? path)
            (string-append text (%shown (test-runner-test-name runner)))
            (loop (cdr path) (string-append text (%shown (car path)) " / ")))))

    (define (%shown name)
      (let ((port (open-output-string)))
        (display name port)
        (get-output-string port)))

    (define (test-on-test-begin-simple runner) #f)

    (define (test-on-test-end-simple runner)
      (case (test-result-kind runner)
        ((fail)
         (%print "FAIL " (%full-name runner))
         (%print-property runner "  test:     " 'source-form)
         (%print-property runner "  expected: " 'expected-value)
         (%print-property runner "  expected error: " 'expected-error)
         (%print-property runner "  got:      " 'actual-value)
         (let ((raised (assq 'actual-error (test-result-alist runner))))
           (if raised
               (%print "  raised:   " (condition/report-string (cdr raised))))))
        ((xpass)
         (%print "PASS, but was expected to fail: " (%full-name runner))
         (%print-property runner "  test:     " 'source-form))
        (else #f)))

    (define (test-on-group-begin-simple runner name count) #f)
    (define (test-on-group-end-simple runner) #f)

    (define (test-on-bad-count-simple runner actual expected)
      (%print "COUNT " (%full-name runner) ": expected " expected " tests, there were " actual))

    (define (test-on-bad-end-name-simple runner begun ended)
      (error "test-end: the names of the group differ at its beginning and its end:" begun ended))

    (define (test-on-final-simple runner)
      (display (%shown (test-runner-test-name runner)))
      (display ": ")
      (display (test-runner-pass-count runner))
      (display " passed")
      (for-each
        (lambda (count words)
          (if (> count 0)
              (begin
                (display ", ")
                (display count)
                (display words))))
        (list (test-runner-fail-count runner) (test-runner-xfail-count runner)
              (test-runner-xpass-count runner) (test-runner-skip-count runner))
        '(" failed" " failed as expected" " passed but were expected to fail" " skipped"))
      (newline))))
