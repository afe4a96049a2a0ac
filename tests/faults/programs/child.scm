(import (scheme base) (python effects))
(define (main i) (good i))
