;;; Tests of agent.scm in Scheme: the model is a stub that says what the test wants.
;;;
;;;   perdure test examples/agent
(import (scheme base) (srfi 64) (perdure world))

(test-begin "agent")

;; A model that asks for a tool first, and then answers with what the tool has said.
(define (model-asking tool argument)
  (stub 'complete
    (lambda (history)
      (if (= (vector-length history) 1)
          (json (string-append "{\"done\": false, \"calls\": [{\"tool\": \"" tool "\", \"argument\": \"" argument "\"}]}"))
          (json (string-append "{\"done\": true, \"text\": \"" (vector-ref history 1) "\"}"))))))

(define (answer-of world)
  (let ((run (world-start world "how warm is it?")))
    (world-run world)
    (run-result run)))

(test-equal "Bern: 30 degrees"
  (answer-of (make-world "agent.scm" (model-asking "weather" "Bern") (stub 'weather "Bern: 30 degrees"))))

(test-equal "error: weather: LookupError: no station"
  (answer-of (make-world "agent.scm" (model-asking "weather" "Rome")
                         (stub 'weather (python-error "LookupError" "no station")))))

(test-equal "there is no tool magic"
  (answer-of (make-world "agent.scm" (model-asking "magic" "Bern"))))

(test-equal "nobody answered"
  (answer-of (make-world "agent.scm" (model-asking "ask-human" "really?"))))

(test-group "a person answers within a day"
  (let* ((world (make-world "agent.scm" (model-asking "ask-human" "really?")))
         (run (world-start world "how warm is it?")))
    (world-advance world (hours 23))
    (test-eq 'waiting (run-status run))
    (run-send run (json "{\"answer\": \"yes\"}"))
    (test-equal "yes" (run-result run))))

(test-group "a model that never comes to an end is given up"
  (let* ((world (make-world "agent.scm" (stub 'complete (json "{\"done\": false, \"calls\": []}"))))
         (run (world-start world "how warm is it?")))
    (test-equal '(gave-up) (run-result run))
    (test-equal 10 (length (run-calls run 'complete)))))

(test-assert "no kill loses a reply that was paid for"
  (crash-everywhere
   (lambda ()
     (answer-of (make-world "agent.scm" (model-asking "weather" "Bern") (stub 'weather "Bern: 30 degrees"))))))

(test-end)
