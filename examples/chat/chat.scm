;;; Two runs that talk: this one starts a partner, sends it lines, and waits for its answers.
;;;
;;;   perdure run examples/chat/chat.scm '["hello", "how are you?"]'
(import (scheme base) (scheme write) (perdure))

(define (say line)
  (write-string line)
  (newline))

(define (main lines)
  (let ((partner (start-run "partner" (self))))
    (vector-for-each
     (lambda (line)
       (send-message partner (list (self) line))
       (say (string-append "> " line))
       (say (string-append "< " (receive-message))))
     lines)
    (send-message partner 'bye)
    (list 'partner-heard (join partner))))
