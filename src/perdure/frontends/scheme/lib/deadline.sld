;;; Time limits: extents that are left when their time is over.
;;;
;;; Invariant. An extent with a time limit has an alarm of its task, and while its thunk runs, %deadline is bound to the number of
;;; that alarm. A time limit counts for effects (machine/deadlines.py) as long as its alarm is set: not in the clean-up
;;; after it rang, nor in a task that is cancelled, nor inside a shield, which binds %deadline to #f.
(define-library (perdure deadline)
  (export with-timeout with-deadline %deadline %wait-within)
  (begin

    (define %deadline (%make-parameter #f #f))

    ;; Call a thunk in this task. When the alarm rings, its extent is left, and `over` is called in its place.
    (define (%with-alarm due thunk over)
      ((call/cc
        (lambda (k)
          (let ((alarm #f))
            (dynamic-wind
             (lambda () (set! alarm (%set-alarm due (lambda () (k over)))))
             (lambda ()
               (let ((result (%with-parameters (list (cons %deadline alarm)) thunk)))
                 (lambda () result)))
             (lambda () (%withdraw-alarm alarm))))))))

    (define (%time-is-over message time on-timeout)
      (cond ((null? on-timeout)
             (raise (%make-condition 'timeout-error message (list time))))
            ((procedure? (car on-timeout)) ((car on-timeout)))
            (else (car on-timeout))))

    ;; Run a thunk in this task; when the time is over it is left, and `on-timeout` (a thunk or a value) is the result.
    (define (with-timeout seconds thunk . on-timeout)
      (%with-alarm (%due-in 'with-timeout seconds)
                   thunk
                   (lambda () (%time-is-over "with-timeout: the time is over" seconds on-timeout))))

    ;; The same with a time in seconds since the epoch. Of several around each other, the earliest counts.
    (define (with-deadline time thunk . on-timeout)
      (let ((due (%due-at 'with-deadline time)))
        (define (over) (%time-is-over "with-deadline: the time is over" time on-timeout))
        (if (<= due (now))
            (over)
            (%with-alarm due thunk over))))

    (define %%timed-out (list 'timed-out))

    ;; Wait for an operation; `options` are () or (timeout [default]). Without a default, a timeout-error is raised.
    (define (%wait-within procedure operation options)
      (if (and (pair? options) (car options))
          (let* ((due (%due-in procedure (car options)))
                 (timer (wrap-operation (sleep-until-operation due) (lambda (ignored) %%timed-out)))
                 (result (select operation timer)))
            (cond ((not (eq? result %%timed-out)) result)
                  ((pair? (cdr options)) (cadr options))
                  (else
                   (raise (%make-condition 'timeout-error
                                           (string-append (symbol->string procedure) ": the time is over")
                                           (list (car options)))))))
          (select operation)))))
