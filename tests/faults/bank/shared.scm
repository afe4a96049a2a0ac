;; The saga on the bank in the runs' own database, whose movements commit with the turn: they have no keys, so that a
;; doubled one shows.
(import (scheme base) (perdure) (python shared))
(include "ten-steps.scm")
