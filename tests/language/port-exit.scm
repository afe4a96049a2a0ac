;; `exit`: what is outstanding is done, the end of the run comes from any task, and what follows is not done.
(import (scheme base) (scheme write) (scheme process-context) (perdure))
(include "check.scm")
(dynamic-wind
  (lambda () (display "ok") (newline))
  (lambda ()
    (spawn
      (lambda ()
        (dynamic-wind
          (lambda () (display "ok") (newline))
          (lambda ()
            (guard (raised (#t (display "FAIL: caught ") (write raised)))
              (exit 'left)
              (display "FAIL: went on")))
          (lambda () (display "ok") (newline)))))
    (sleep 100)
    (display "FAIL: waited to the end"))
  (lambda () (display "ok") (newline)))
(display "FAIL: after exit")
