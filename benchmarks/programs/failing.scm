;; One effect after the other: bare, or with what makes it safe to fail.
(import (scheme base) (perdure) (python failing))

(define (repeat n thunk)
  (if (> n 0)
      (begin (thunk) (repeat (- n 1) thunk))))

(define (saga end)
  (transaction
   (repeat 10 (lambda () (compensate (step) (undo))))
   (end)))

(define kinds
  (list
   (cons "plain" (lambda () (repeat 10 step)))
   (cons "entered" (lambda () (transaction #t)))
   (cons "compensated" (lambda () (saga void)))
   (cons "undone" (lambda () (saga rollback)))
   (cons "grouped" (lambda () (repeat 5 (lambda () (retrying 3 (step) (step))))))
   (cons "transactional" (lambda () (repeat 10 write)))))

(define (main kind n)
  (repeat n (cdr (assoc kind kinds)))
  n)
