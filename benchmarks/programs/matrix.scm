; Multiplication of square matrices: vectors of vectors, three loops in each other.
(define (make-matrix n value-at)
  (let ((made (make-vector n #f)))
    (do ((i 0 (+ i 1)))
        ((= i n) made)
      (let ((row (make-vector n 0)))
        (do ((j 0 (+ j 1)))
            ((= j n))
          (vector-set! row j (value-at i j)))
        (vector-set! made i row)))))

(define (multiply a b n)
  (make-matrix n
    (lambda (i j)
      (let ((row (vector-ref a i)))
        (let loop ((k 0) (found 0))
          (if (= k n)
              found
              (loop (+ k 1)
                    (+ found (* (vector-ref row k) (vector-ref (vector-ref b k) j))))))))))

(define (matrix n)
  (let* ((a (make-matrix n (lambda (i j) (+ i (* 2 j)))))
         (b (make-matrix n (lambda (i j) (- i j))))
         (c (multiply a b n)))
    (do ((i 0 (+ i 1))
         (trace 0 (+ trace (vector-ref (vector-ref c i) i))))
        ((= i n) trace))))
