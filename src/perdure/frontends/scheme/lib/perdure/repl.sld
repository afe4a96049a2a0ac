;;; The loop of a session at a terminal (perdure repl): it reads an entry from the console, evaluates its forms in the program's
;;; environment and shows what they give. The terminal's side is cli/repl.py.
;;;
;;; Invariants. All entries are evaluated by the main task, so that a continuation of one can be entered from another. What must not go
;;; back when one is entered is in the session, a vector #(number text failure failures):
;;;   number    of the last entry
;;;   text      of the entry that is being evaluated, or #f
;;;   failure   the last error, as #(raised continuation base), or #f: its stack lies between the two continuations
;;;   failures  how many entries failed
;;; An entry comes as one line, in which #\x1e stands for #\newline.

(define-library (perdure repl)
  (import (perdure primitives))
  (export make-session run-session)
  (begin

    (define (make-session) (vector 0 #f #f 0))

    (define (session-number session) (vector-ref session 0))
    (define (session-text session) (vector-ref session 1))

    (define (begin-entry! session text)
      (vector-set! session 0 (+ 1 (session-number session)))
      (vector-set! session 1 text))

    (define (end-entry! session)
      (vector-set! session 1 #f))

    (define (fail-entry! session failure)
      (vector-set! session 2 failure)
      (vector-set! session 3 (+ 1 (vector-ref session 3))))

    ;; Whatever gives up an entry enters `again` once more: a continuation that leaves all of the entry's extents.
    (define (run-session session)
      (let ((again (call/cc (lambda (k) k))))
        (%on-interrupt (lambda ()
                         (if (session-text session) (show "interrupted"))
                         (again again)))
        (end-entry! session)
        (let loop ()
          (let ((line (read-line (%console-input))))
            (if (not (eof-object? line))
                (begin
                  ;; What (read) leaves of its line is no entry.
                  (if (not (blank? line))
                      (run-entry session line again))
                  (loop)))))))

    (define (blank? line)
      (string-null? (string-trim line)))

    (define (run-entry session line again)
      (begin-entry! session (string-replace-all line "\x1e;" "\n"))
      (with-exception-handler
       (lambda (raised)
         (call/cc (lambda (k)
                    (fail-entry! session (vector raised k again))
                    (show (error-report raised k again))))
         (again again))
       (lambda ()
         (let* ((file (string-append "repl:" (number->string (session-number session))))
                (thunks (%compile-text (session-text session) file (interaction-environment))))
           (for-each (lambda (thunk) (thunk)) (car thunks))
           (for-each (lambda (thunk) (for-each show-value (%values->list (thunk)))) (cdr thunks)))))
      (end-entry! session))

    ;; Of wrong syntax the evaluator has made a report already.
    (define (error-report raised k base)
      (if (and (error-object? raised)
               (eq? (condition-kind raised) 'syntax-error)
               (string? (condition-detail raised)))
          (condition-detail raised)
          (%report raised k base)))

    (define (show-value value)
      (if (not (eq? value (void)))
          (show (%write-string-of value))))

    ;; To the console, wherever the program's own output goes now.
    (define (show text)
      (%fresh-line)
      (write-string text (%console-output))
      (newline (%console-output)))))
