;;; An order as a transaction: every step that was done has an undo, and an error on the way undoes them, last one first.
;;;
;;;   perdure run examples/order/order.scm '{"id": "A1", "card": "4111", "items": ["book", "lamp"]}'
;;;
;;; An item that is sold out ("unicorn") fails the order after the payment: the payment is refunded.
(import (scheme base) (scheme write) (perdure) (python shop))

(define (settle order)
  (transaction
   (let* ((items (vector->list (ref order 'items)))
          (total (apply + (map price items)))
          (payment (compensate (charge-card (ref order 'card) total) => refund))
          ;; All reservations are in flight at once.
          (reservations
           (apply all (map (lambda (item)
                             (lambda () (compensate (reserve (ref order 'id) item) => release)))
                           items))))
     (display "paid ") (display total) (newline)
     (list 'shipped (ship (ref order 'id) reservations)))))

(define (main order)
  (guard (failure
          ((effect-error? failure)
           (display "undone: ") (display (condition/report-string failure)) (newline)
           (list 'failed (ref order 'id))))
    (settle order)))
