;; SRFI 145: assumptions.
(import (scheme base) (scheme write) (srfi 145) (only (perdure) condition/report-string))
(include "check.scm")
(check (assume (+ 1 2)) => 3)
(check (assume 'yes "never shown" 1) => 'yes)
(check-error (assume (= 1 2)) => "assumption does not hold: (= 1 2)")
(check-error (assume #f "it must hold" 5) => "it must hold 5 #f")
(check-fails (assume (car 5)) (assume #f 'no-string 1))
(check (let ((count 0)) (assume (begin (set! count (+ count 1)) #t)) count) => 1)
