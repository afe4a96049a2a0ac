;;; SRFI 43: vectors, with procedures that get the index first. What is like SRFI 133 is taken from there.
(define-library (srfi 43)
  (import (scheme base) (perdure primitives)
          (rename (only (srfi 133) vector-copy list->vector reverse-list->vector)
                  (vector-copy part)
                  (list->vector whole-list->vector)
                  (reverse-list->vector whole-reverse-list->vector))
          (only (srfi 133) vector-unfold vector-unfold-right vector-reverse-copy vector-concatenate vector-empty?
                vector= vector-index-right vector-skip vector-skip-right vector-reverse! vector-reverse-copy!
                reverse-vector->list))
  (export make-vector vector vector-unfold vector-unfold-right vector-copy vector-reverse-copy vector-append
          vector-concatenate vector? vector-empty? vector= vector-ref vector-length
          vector-fold vector-fold-right vector-map vector-map! vector-for-each vector-count
          vector-index vector-index-right vector-skip vector-skip-right vector-binary-search
          vector-any vector-every
          vector-set! vector-swap! vector-fill! vector-reverse! vector-copy! vector-reverse-copy!
          vector->list reverse-vector->list list->vector reverse-list->vector)
  (begin

    ;; (vector-copy vec [start [end [fill]]]): the end may lie behind the vector's.
    (define (vector-copy vec . options)
      (if (and (> (length options) 1) (> (cadr options) (vector-length vec)))
          (let ((start (car options)) (end (cadr options)))
            (vector-append
             (part vec start)
             (apply make-vector (- end (vector-length vec)) (cddr options))))
          (apply part vec (if (> (length options) 2) (list-head options 2) options))))

    ;; The indices of the shortest vector, and the vectors, as lists.
    (define (columns vec vecs)
      (let* ((vecs (cons vec vecs))
             (n (apply min (map vector-length vecs))))
        (cons (iota n) (map (lambda (vec) (vector->list vec 0 n)) vecs))))

    (define (vector-map f vec . vecs)
      (whole-list->vector (apply map f (columns vec vecs))))

    (define (vector-map! f vec . vecs)
      (vector-copy! vec 0 (apply vector-map f vec vecs)))

    (define (vector-for-each f vec . vecs)
      (apply for-each f (columns vec vecs)))

    (define (vector-count pred vec . vecs)
      (apply count pred (columns vec vecs)))

    (define (with-index-first kons)
      (lambda (acc i . items) (apply kons i acc items)))

    (define (vector-fold kons knil vec . vecs)
      (apply fold-left (with-index-first kons) knil (columns vec vecs)))

    (define (vector-fold-right kons knil vec . vecs)
      (apply fold-left (with-index-first kons) knil (map reverse (columns vec vecs))))

    ;; (list->vector items [start [end]])
    (define (list->vector items . range)
      (apply part (whole-list->vector items) range))

    (define (reverse-list->vector items . range)
      (whole-reverse-list->vector (vector->list (apply list->vector items range))))))
