;; Parks at once.
(import (scheme base) (perdure))
(define (main number)
  (transaction
   (with-restarts ((give (value) value))
     (error "a question" number))))
