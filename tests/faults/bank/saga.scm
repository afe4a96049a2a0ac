;; The saga on the bank that has a file of its own.
(import (scheme base) (perdure) (rename (python bank) (transfer move) (give-back move-back)))
(include "ten-steps.scm")
