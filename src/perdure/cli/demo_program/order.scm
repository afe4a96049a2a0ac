;;; A payment, reservations in parallel, an approval, a wait, a parcel.
(import (scheme base) (scheme write) (perdure) (python shop))

(define (say . parts)
  (for-each display parts)
  (newline))

(define (reserve-all items)
  (apply all (map (lambda (item) (lambda () (reserve item))) items)))

(define (main order)
  (let* ((items (vector->list (ref order 'items)))
         (payment (charge-card (ref order 'card) (ref order 'total))))
    (say "paid " (ref payment 'amount))
    (let ((places (reserve-all items)))
      (say "reserved " places)
      (say "waiting for an approval")
      (let ((approval (receive-message)))
        (say "approved by " (ref approval 'by))
        (sleep 2)
        (let ((parcel (ship (ref order 'id))))
          (say "shipped as " parcel)
          (list 'delivered parcel))))))
