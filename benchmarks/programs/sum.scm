; Counting loops: over integers, again and again, and down over flonums.
(define (sum-to n)
  (do ((i n (- i 1))
       (found 0 (+ found i)))
      ((< i 0) found)))

(define (sum times n)
  (let loop ((times times) (found 0))
    (if (= times 0)
        found
        (loop (- times 1) (+ found (sum-to n))))))

(define (sumfp n)
  (let loop ((i n) (found 0.0))
    (if (< i 0.0)
        found
        (loop (- i 1.0) (+ found i)))))
