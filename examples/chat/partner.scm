;;; The other side of chat.scm: answers each line, and counts them.
(import (scheme base) (perdure))

(define (main friend)
  (let loop ((count 0))
    (let ((message (receive-message 3600 'bye)))
      (if (eq? message 'bye)
          count
          (begin
            (send-message (car message)
                          (string-append "you said " (number->string (string-length (cadr message))) " letters"))
            (loop (+ count 1)))))))
