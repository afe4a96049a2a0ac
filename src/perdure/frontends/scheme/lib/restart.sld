;;; Restarts: named ways to go on, from the program and at every error.
;;;
;;; Invariant. %restarts is a list of (continuation . clauses), innermost first; a clause is a vector
;;; #(name description parameters procedure), read by machine/restarts.py. %signalled is what handlers look at, a Signalled
;;; or #f.
(define-library (perdure restart)
  (export %with-restarts %restarts %signalled %consult)
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
             result)))))

    ;; What the machine calls where an error would park a task whose run has a procedure as its policy.
    (define (%consult policy raised place)
      ((call/cc
        (lambda (k)
          (with-exception-handler
           (lambda (failure)
             (k (lambda () (%policy-failed failure place))))
           (lambda ()
             (let ((verdict (%with-parameters (list (cons %signalled place))
                                              (lambda () (policy raised)))))
               (lambda () (%policy-verdict verdict place)))))))))))
