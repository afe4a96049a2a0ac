;;; Higher-order procedures on vectors: R7RS, parts of SRFI 133.
(define-library (perdure vector)
  (export vector-map vector-for-each %vector-map-1 %vector-for-each-1 vector-fold vector-fold-right
          vector-count vector-index vector-any vector-every vector-binary-search
          make-initialized-vector vector-tabulate vector-map! vector-filter)
  (begin

    (define (%a-vector who obj)
      (if (vector? obj) obj (%fail 'type-error (string-append who ": expected a vector, got") obj)))

    (define (%vector-map-1 proc vec)
      (let ((n (vector-length (%a-vector "vector-map" vec))))
        (let loop ((i 0) (out '()))
          (if (< i n)
              (loop (+ i 1) (cons (proc (vector-ref vec i)) out))
              (list->vector (reverse out))))))

    (define (%vector-for-each-1 proc vec)
      (let ((n (vector-length (%a-vector "vector-for-each" vec))))
        (let loop ((i 0))
          (if (< i n)
              (begin (proc (vector-ref vec i)) (loop (+ i 1)))))))

    (define (vector-map proc vec . vecs)
      (if (null? vecs)
          (%vector-map-1 proc vec)
          (list->vector (apply map proc (%lists "vector-map" (cons vec vecs))))))

    (define (vector-for-each proc vec . vecs)
      (if (null? vecs)
          (%vector-for-each-1 proc vec)
          (apply for-each proc (%lists "vector-for-each" (cons vec vecs)))))

    (define (%lists who vecs)
      (%map-1 (lambda (vec) (vector->list (%a-vector who vec))) vecs))

    ;; The items of some vectors as lists.
    (define (%columns vec vecs)
      (%map-1 vector->list (cons vec vecs)))

    (define (vector-map! proc vec . vecs)
      (if (null? vecs)
          (let ((n (vector-length vec)))
            (let loop ((i 0))
              (if (< i n)
                  (begin (vector-set! vec i (proc (vector-ref vec i)))
                         (loop (+ i 1))))))
          (vector-copy! vec 0 (apply vector-map proc vec vecs))))

    (define (vector-fold proc init vec . vecs)
      (if (null? vecs)
          (let ((n (vector-length vec)))
            (let loop ((i 0) (acc init))
              (if (< i n)
                  (loop (+ i 1) (proc acc (vector-ref vec i)))
                  acc)))
          (apply fold-left proc init (%columns vec vecs))))

    (define (vector-fold-right proc init vec . vecs)
      (if (null? vecs)
          (let loop ((i (- (vector-length vec) 1)) (acc init))
            (if (< i 0)
                acc
                (loop (- i 1) (proc acc (vector-ref vec i)))))
          (fold-left (lambda (acc items) (apply proc acc items))
                     init
                     (reverse (apply map list (%columns vec vecs))))))

    (define (vector-count pred vec . vecs)
      (if (null? vecs)
          (vector-fold (lambda (n item) (if (pred item) (+ n 1) n)) 0 vec)
          (apply count pred (%columns vec vecs))))

    (define (vector-index pred vec . vecs)
      (if (null? vecs)
          (let ((n (vector-length vec)))
            (let loop ((i 0))
              (and (< i n)
                   (if (pred (vector-ref vec i)) i (loop (+ i 1))))))
          (apply list-index pred (%columns vec vecs))))

    (define (vector-any pred vec . vecs)
      (if (null? vecs)
          (let ((n (vector-length vec)))
            (let loop ((i 0))
              (and (< i n)
                   (or (pred (vector-ref vec i)) (loop (+ i 1))))))
          (apply any pred (%columns vec vecs))))

    (define (vector-every pred vec . vecs)
      (if (null? vecs)
          (let ((n (vector-length vec)))
            (let loop ((i 0) (value #t))
              (if (< i n)
                  (let ((value (pred (vector-ref vec i))))
                    (and value (loop (+ i 1) value)))
                  value)))
          (apply every pred (%columns vec vecs))))

    (define (vector-filter pred vec)
      (list->vector (filter pred (vector->list vec))))

    ;; `compare` gives a negative number, zero or a positive one; the result is an index or #f.
    (define (vector-binary-search vec value compare)
      (let loop ((low 0) (high (- (vector-length vec) 1)))
        (and (<= low high)
             (let* ((middle (quotient (+ low high) 2))
                    (order (compare (vector-ref vec middle) value)))
               (cond ((zero? order) middle)
                     ((negative? order) (loop (+ middle 1) high))
                     (else (loop low (- middle 1))))))))

    (define (vector-tabulate proc n)
      (list->vector (list-tabulate n proc)))

    (define (make-initialized-vector n proc)
      (list->vector (list-tabulate n proc)))))
