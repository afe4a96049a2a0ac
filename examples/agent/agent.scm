;;; An agent: a model is asked what to do next, its tool calls are performed, their results go back to it, until it
;;; answers. Every reply of the model is saved the moment it came: a crash costs no token that was paid for.
;;;
;;;   perdure run examples/agent/agent.scm '"how warm is it in Bern and in Oslo?"'
(import (scheme base) (scheme write) (perdure) (python model))

(define steps-max 10)

(define (use-tool call)
  (let ((name (ref call 'tool)) (argument (ref call 'argument)))
    (display "tool: ") (display name) (display " ") (display argument) (newline)
    (guard (failure
            ((effect-error? failure) (string-append "error: " (condition/report-string failure))))
      (cond ((string=? name "weather") (weather argument))
            ((string=? name "ask-human") (ask-human argument))
            (else (string-append "there is no tool " name))))))

;; A person answers by a message; nobody has to keep a process alive for it.
(define (ask-human question)
  (display "to you: ") (display question) (newline)
  (let ((message (receive-message (* 24 60 60) #f)))
    (if message (ref message 'answer) "nobody answered")))

(define (converse history steps)
  (if (zero? steps)
      '(gave-up)
      (let ((reply (complete (reverse history))))
        (if (ref reply 'done)
            (ref reply 'text)
            (let ((results (apply all (map (lambda (call) (lambda () (use-tool call)))
                                           (vector->list (ref reply 'calls))))))
              (converse (append (reverse results) history) (- steps 1)))))))

(define (main question)
  (converse (list question) steps-max))
