;;; A trip: a seat and a room that must fit together, held until the traveller says yes, given back if not.
;;;
;;;   perdure start examples/trip/trip.scm '{"traveller": "ada", "to": "Oslo"}' --id trip-1
;;;   perdure worker --until-idle
;;;   perdure send trip-1 '"yes"'              or  perdure cancel trip-1 --reason "ill"
;;;
;;; An offer of a seat is good for some seconds only. When it is gone before the room is found, the heap is as it was
;;; before, what is held is given back, and both are asked for again: they are one step.
(import (scheme base) (scheme write) (perdure) (python agency))

(define minute 60)
(define day (* 24 60 minute))
(define offers-seen 0)

;; A seat and a room for it, as one step.
(define (hold-both to)
  (retrying (retry-policy 'attempts 4 'backoff (* 5 minute) 'on '("OfferGone"))
    (let ((offer (offer-seat to)))
      (set! offers-seen (+ offers-seen 1))
      (let* ((seat (compensate (hold-seat offer) => drop-seat))
             (room (compensate (hold-room to (ref seat 'night)) => drop-room)))
        (confirm-offer offer)
        (list seat room)))))

(define (main request)
  (let ((to (ref request 'to)))
    (guard (failure
            ((effect-error? failure) (list 'no-trip (effect-error-type failure)))
            ((timeout-error? failure) '(no-answer)))
      (transaction
       (let ((held (hold-both to)))
         (with-deadline (+ (now) (* 2 day))
           (lambda ()
             (if (equal? (receive-message) "yes")
                 (list 'booked (pay (ref request 'traveller) held) 'offers offers-seen)
                 (rollback '(declined))))))))))
