; The Mandelbrot set: loops in loops over flonums, into a vector of vectors.
(define (escape-time cr ci)
  (let loop ((zr cr) (zi ci) (count 0))
    (if (= count 64)
        count
        (let ((zr2 (* zr zr)) (zi2 (* zi zi)))
          (if (> (+ zr2 zi2) 4.0)
              count
              (loop (+ (- zr2 zi2) cr) (+ (* 2.0 zr zi) ci) (+ count 1)))))))

(define (mbrot n)
  (let ((rows (make-vector n #f))
        (step (/ 3.0 n)))
    (do ((y 0 (+ y 1)))
        ((= y n))
      (let ((row (make-vector n 0)))
        (do ((x 0 (+ x 1)))
            ((= x n))
          (vector-set! row x (escape-time (+ -2.0 (* step x)) (+ -1.5 (* step y)))))
        (vector-set! rows y row)))
    (let count ((y 0) (x 0) (found 0))
      (cond ((= y n) found)
            ((= x n) (count (+ y 1) 0 found))
            (else (count y (+ x 1) (+ found (vector-ref (vector-ref rows y) x))))))))
