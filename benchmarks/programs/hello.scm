(import (scheme base) (scheme write))
(define (main)
  (display "hello, world")
  (newline))
