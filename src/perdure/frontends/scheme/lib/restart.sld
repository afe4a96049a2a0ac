;;; Restarts: named ways to go on, from the program and at every error.
;;;
;;; Invariant. %restarts is a list of (continuation . clauses), innermost first; a clause is a vector
;;; #(name description parameters procedure), read by machine/restarts.py. %signalled is what handlers look at, a Signalled
;;; or #f.
(define-library (perdure restart)
  (export %with-restarts %restarts %signalled)
  (begin

    (define %restarts (%make-parameter '() #f))
    (define %signalled (%make-parameter #f #f))

    ;; What (with-restarts (clause ...) body ...) calls. A restart's value is that of the whole form.
    (define (%with-restarts clauses thunk)
      (call/cc
       (lambda (k)
         (let ((outside (%dynamic)))
           (%set-parameters! (cons (cons %restarts (cons (cons k clauses) (%restarts)))
                                   (%parameters)))
           (let ((result (thunk)))
             (%set-dynamic! outside)
             result)))))))
