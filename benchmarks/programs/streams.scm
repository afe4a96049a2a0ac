; A long stream of promises of which nothing is kept, and a loop of `delay-force`: both in constant space.
(import (scheme base) (scheme lazy))

(define (numbers n) (delay (cons n (numbers (+ n 1)))))

(define (streams n)
  (let loop ((stream (numbers 1)) (found 0))
    (let ((pair (force stream)))
      (if (> (car pair) n)
          found
          (loop (cdr pair) (+ found (car pair)))))))

(define (forced-loop n)
  (force (count-down n)))

(define (count-down n)
  (delay-force (if (= n 0) (delay 'done) (count-down (- n 1)))))
