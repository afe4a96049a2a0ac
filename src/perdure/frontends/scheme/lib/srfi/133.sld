;;; SRFI 133: vectors. The procedures that most programs use are in the core; here are the others.
;;; What calls a procedure collects its results in a list first: a continuation that is entered again finds its own.
(define-library (srfi 133)
  (import (scheme base) (perdure primitives))
  (export make-vector vector vector-unfold vector-unfold-right vector-copy vector-reverse-copy vector-append
          vector-concatenate vector-append-subvectors
          vector? vector-empty? vector= vector-ref vector-length
          vector-fold vector-fold-right vector-map vector-map! vector-for-each vector-count vector-cumulate
          vector-index vector-index-right vector-skip vector-skip-right vector-binary-search
          vector-any vector-every vector-partition
          vector-set! vector-swap! vector-fill! vector-reverse! vector-copy! vector-reverse-copy!
          vector-unfold! vector-unfold-right!
          vector->list reverse-vector->list list->vector reverse-list->vector vector->string string->vector)
  (begin

    ;; -- making -----------------------------------------------------------------------------------

    ;; The n results of (f index seed ...), the last first; the indices go from `first` by `step`.
    (define (generated f n first step seeds)
      (let loop ((left n) (i first) (seeds seeds) (items '()))
        (if (= left 0)
            items
            (call-with-values
             (lambda () (apply f i seeds))
             (lambda (item . seeds)
               (loop (- left 1) (+ i step) seeds (cons item items)))))))

    (define (check-size who n)
      (if (not (and (exact-integer? n) (>= n 0)))
          (%fail 'type-error (string-append who ": expected a nonnegative exact integer, got") n)))

    (define (vector-unfold f n . seeds)
      (check-size "vector-unfold" n)
      (list->vector (reverse (generated f n 0 1 seeds))))

    (define (vector-unfold-right f n . seeds)
      (check-size "vector-unfold-right" n)
      (list->vector (generated f n (- n 1) -1 seeds)))

    (define (vector-unfold! f vec start end . seeds)
      (let ((n (vector-length (vector-copy vec start end))))
        (vector-copy! vec start (list->vector (reverse (generated f n start 1 seeds))))))

    (define (vector-unfold-right! f vec start end . seeds)
      (let ((n (vector-length (vector-copy vec start end))))
        (vector-copy! vec start (list->vector (generated f n (- end 1) -1 seeds)))))

    (define (vector-reverse-copy vec . range)
      (list->vector (apply reverse-vector->list vec range)))

    (define (vector-concatenate vecs) (apply vector-append vecs))

    ;; (vector-append-subvectors vec start end ...)
    (define (vector-append-subvectors . arguments)
      (let loop ((rest arguments) (parts '()))
        (cond ((null? rest) (vector-concatenate (reverse parts)))
              ((< (length rest) 3)
               (%fail 'arity-error "vector-append-subvectors: a vector, a start and an end go together, got" rest))
              (else
               (loop (cdddr rest)
                     (cons (vector-copy (car rest) (cadr rest) (caddr rest)) parts))))))

    (define (reverse-vector->list vec . range) (reverse (apply vector->list vec range)))
    (define (reverse-list->vector items) (list->vector (reverse items)))

    ;; -- asking -----------------------------------------------------------------------------------

    (define (vector-empty? vec) (= (vector-length vec) 0))

    (define (vector= same? . vecs)
      (apply list= same? (map vector->list vecs)))

    (define (vector-cumulate f init vec)
      (let loop ((rest (vector->list vec)) (acc init) (items '()))
        (if (pair? rest)
            (let ((acc (f acc (car rest))))
              (loop (cdr rest) acc (cons acc items)))
            (reverse-list->vector items))))

    (define (unless-all pred) (lambda items (not (apply pred items))))

    (define (vector-skip pred vec . vecs)
      (apply vector-index (unless-all pred) vec vecs))

    (define (vector-skip-right pred vec . vecs)
      (apply vector-index-right (unless-all pred) vec vecs))

    (define (vector-index-right pred vec . vecs)
      (let* ((vecs (cons vec vecs))
             (n (apply min (map vector-length vecs)))
             (found (apply list-index pred
                           (map (lambda (vec) (reverse-vector->list vec 0 n)) vecs))))
        (and found (- n found 1))))

    ;; The items that satisfy the predicate first, then the others; and how many do.
    (define (vector-partition pred vec)
      (let-values (((in out) (partition pred (vector->list vec))))
        (values (list->vector (append in out)) (length in))))

    ;; -- changing ---------------------------------------------------------------------------------

    (define (vector-reverse! vec . range)
      (vector-copy! vec (if (pair? range) (car range) 0) (apply vector-reverse-copy vec range)))

    (define (vector-reverse-copy! to at from . range)
      (vector-copy! to at (apply vector-reverse-copy from range)))))
