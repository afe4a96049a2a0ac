;;; Tests of chat.scm and partner.scm in Scheme: two runs in one world.
;;;
;;;   perdure test examples/chat
(import (scheme base) (srfi 64) (perdure) (perdure world))

(test-begin "chat")

(define lines (vector "hello" "how are you?"))

(test-group "two runs talk"
  (let* ((world (make-world "chat.scm"))
         (run (world-start world lines)))
    (test-equal '(partner-heard 2) (run-result run))
    (test-equal "> hello\n< you said 5 letters\n> how are you?\n< you said 12 letters\n" (run-output run))
    (test-equal '(completed completed) (map run-status (world-runs world)))))

(test-group "a partner that hears nothing for an hour ends"
  (let* ((world (make-world "partner.scm"))
         (run (world-start world "nobody")))
    (world-advance world (minutes 59))
    (test-eq 'waiting (run-status run))
    (world-advance world (minutes 1))
    (test-equal 0 (run-result run))))

(test-assert "no kill loses a line"
  (crash-everywhere
   (lambda ()
     (assert (equal? '(partner-heard 2) (run-result (world-start (make-world "chat.scm") lines)))))))

(test-end)
