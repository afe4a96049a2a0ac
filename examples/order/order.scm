;;; An order as a saga: every step that was done has an undo, and an error on the way undoes them, last one first.
;;;
;;;   perdure run examples/order/order.scm '{"id": "A1", "card": "4111", "items": ["book", "lamp"]}'
;;;
;;; An item that is sold out ("unicorn") fails the order after the payment: the payment is refunded.
(import (scheme base) (scheme write) (perdure) (python shop))

;; Undo procedures of the steps done so far, newest first.
(define undos '())

(define (step do undo)
  (let ((result (do)))
    (set! undos (cons (lambda () (undo result)) undos))
    result))

(define (undo-everything)
  (for-each (lambda (undo) (undo)) undos)
  (set! undos '()))

(define (reserve-item order item)
  (step (lambda () (reserve (ref order 'id) item))
        (lambda (reservation) (release reservation))))

(define (settle order)
  (let* ((items (vector->list (ref order 'items)))
         (total (apply + (map price items)))
         (payment (step (lambda () (charge-card (ref order 'card) total))
                        (lambda (payment) (refund payment))))
         ;; All reservations are in flight at once.
         (reservations (apply all (map (lambda (item) (lambda () (reserve-item order item))) items))))
    (display "paid ") (display total) (newline)
    (list 'shipped (ship (ref order 'id) reservations))))

(define (main order)
  (guard (failure
          ((error-object? failure)
           (display "undoing: ") (display (condition/report-string failure)) (newline)
           (undo-everything)
           (list 'failed (ref order 'id))))
    (settle order)))
