;;; Cancellation: what holds it up.
;;;
;;; Invariant. A task is shielded while %shield is bound to its own number (machine/shielding.py), so a shield ends with its
;;; extent, however that is left, and a task that is spawned inside is not shielded.
(define-library (perdure cancellation)
  (export shield %shield)
  (begin

    (define %shield (%make-parameter #f #f))

    ;; Call a thunk that is neither cancelled nor interrupted by a timeout or deadline from outside of it: both wait
    ;; until it is left.
    (define (shield thunk)
      (let ((outside (%dynamic)))
        (%set-parameters! (cons (cons %shield (%deeper-shield))
                                (cons (cons %deadline #f) (%parameters))))
        (let ((result (thunk)))
          (%set-dynamic! outside)
          (%shield-left)
          result)))))
