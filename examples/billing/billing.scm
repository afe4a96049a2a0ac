;;; A subscription that is billed every thirty days, for ever: a plain loop. Its state stays small and its log is cut,
;;; so it costs the same in its hundredth year. A message changes the plan, pauses or ends it.
;;;
;;;   perdure start examples/billing/billing.scm '{"customer": "ada", "plan": "basic"}' --id ada
;;;   perdure send ada '{"plan": "pro"}'
;;;   perdure send ada '{"end": true}'
(import (scheme base) (perdure) (python payments))

(define period (* 30 24 60 60))

(define (charge customer plan count)
  (guard (failure
          ((effect-error? failure)
           (log-event 'warning "not paid" 'invoice count)
           'unpaid))
    (bill customer plan count)))

;; Wait for the end of the period; messages that come meanwhile change the plan.
(define (wait-until due plan)
  (let ((message (receive-message (- due (now)) #f)))
    (cond ((not message) plan)
          ((ref/default message 'end #f) #f)
          (else (wait-until due (ref/default message 'plan plan))))))

(define (main account)
  (let loop ((plan (ref account 'plan)) (due (+ (now) period)) (count 1) (paid 0))
    (let ((outcome (charge (ref account 'customer) plan count)))
      (let ((plan (wait-until due plan))
            (paid (if (eq? outcome 'unpaid) paid (+ paid outcome))))
        (if plan
            (loop plan (+ due period) (+ count 1) paid)
            (list 'ended count paid))))))
