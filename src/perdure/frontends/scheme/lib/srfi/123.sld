;;; SRFI 123: one accessor for all collections, and `set!` of it.
(define-library (srfi 123)
  (import (only (scheme base) define) (srfi 17) (perdure setting))
  (export ref ref* ~ $bracket-apply$ register-getter-with-setter! set! setter getter-with-setter)
  (begin
    (define ~ ref*)
    (define $bracket-apply$ ref*)))
