;;; A request that a person has to approve. After two days without an answer they are reminded; after a week it is
;;; refused. Waiting costs nothing: the run lies in the database.
;;;
;;;   perdure start examples/approval/approval.scm '{"title": "a new desk", "approver": "kim"}' --id desk
;;;   perdure worker &
;;;   perdure send desk '{"verdict": "approve", "by": "kim"}'
(import (scheme base) (perdure) (python office))

(define day (* 24 60 60))

;; Messages from outside are JSON, so a verdict comes as a string.
(define (verdict-of message)
  (string->symbol (ref message 'verdict)))

(define (ask request reminders)
  (let ((message (receive-message (* 2 day) 'silence)))
    (cond ((not (eq? message 'silence)) (verdict-of message))
          ((zero? reminders) 'refuse)
          (else
           (mail (ref request 'approver)
                 (string-append "please decide: " (ref request 'title)))
           (ask request (- reminders 1))))))

(define (main request)
  (mail (ref request 'approver) (string-append "to approve: " (ref request 'title)))
  (let ((verdict (with-timeout (* 7 day) (lambda () (ask request 3)) 'refuse)))
    (log-event 'info "decided" 'verdict verdict)
    (if (eq? verdict 'approve)
        (list 'approved (order-desk (ref request 'title)))
        (list 'refused))))
