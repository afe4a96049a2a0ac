; Sleep until a time; return the time of the turn that woke up.
(import (scheme base) (perdure))

(define (main until)
  (sleep-until until)
  (now))
