;;; Tests of approval.scm in Scheme: a week of waiting takes some milliseconds.
;;;
;;;   perdure test examples/approval
(import (scheme base) (srfi 64) (perdure) (perdure world))

(test-begin "approval")

(define request (json "{\"title\": \"a desk\", \"approver\": \"kim\"}"))
(define approved (json "{\"verdict\": \"approve\", \"by\": \"kim\"}"))

(define (office)
  (make-world "approval.scm"
    (stub 'mail 'sent)
    (stub 'order-desk (lambda (title) (string-append "ordered " title)))))

(test-group "a quick answer"
  (let* ((world (office))
         (run (world-start world request)))
    (test-eq 'waiting (run-status run))
    (run-send run approved)
    (test-equal '(approved "ordered a desk") (run-result run))
    (test-equal '(("kim" "to approve: a desk")) (run-calls run 'mail))))

(test-group "a late answer, after a reminder"
  (let* ((world (office))
         (run (world-start world request)))
    (world-advance world (days 3))
    (test-equal '(("kim" "to approve: a desk") ("kim" "please decide: a desk")) (run-calls run 'mail))
    (run-send run approved)
    (test-equal '(approved "ordered a desk") (run-result run))))

(test-group "no answer within a week"
  (let* ((world (office))
         (began (world-now world))
         (run (world-start world request)))
    (world-run world)
    (test-equal '(refused) (run-result run))
    (test-equal (+ began (days 7)) (world-now world))
    (test-equal '() (run-calls run 'order-desk))))

(test-group "mail that is down for a while"
  (let* ((world (office))
         (run (world-start world request)))
    (world-fail world 'mail 'type "ConnectionError" 'times 3)
    (world-advance world (days 3))
    (test-equal '(returned raised raised raised returned) (run-attempts run 'mail))
    (test-equal 2 (length (run-calls run 'mail)))
    (run-send run approved)
    (test-eq 'completed (run-status run))))

(test-assert "no kill loses an answer"
  (crash-everywhere
   (lambda ()
     (let* ((world (office))
            (run (world-start world request)))
       (world-advance world (days 3))
       (run-send run approved)
       (assert (equal? '(approved "ordered a desk") (run-result run)))))))

(test-end)
