;;; Stable merge sort of lists and vectors: SRFI 95 and SRFI 132 names, either order of arguments.
(define-library (perdure sort)
  (export sort sort! list-sort vector-sort vector-sort! list-stable-sort merge merge-sort sorted?)
  (begin

    (define (%merge a b less?)
      (let loop ((a a) (b b) (out '()))
        (cond ((null? a) (append-reverse out b))
              ((null? b) (append-reverse out a))
              ((less? (car b) (car a)) (loop a (cdr b) (cons (car b) out)))
              (else (loop (cdr a) b (cons (car a) out))))))

    ;; Sorts the first n items of a list; at most log n deep.
    (define (%sort-list items n less?)
      (let step ((items items) (n n))
        (cond ((> n 2)
               (let ((half (quotient n 2)))
                 (%merge (step items half)
                         (step (list-tail items half) (- n half))
                         less?)))
              ((= n 2)
               (let ((a (car items)) (b (cadr items)))
                 (if (less? b a) (list b a) (list a b))))
              ((= n 1) (list (car items)))
              (else '()))))

    (define (list-sort less? items)
      (if (procedure? items)
          (list-sort items less?)
          (%sort-list items (length items) less?)))

    (define list-stable-sort list-sort)

    (define (vector-sort less? vec)
      (if (procedure? vec)
          (vector-sort vec less?)
          (list->vector (%sort-list (vector->list vec) (vector-length vec) less?))))

    (define (vector-sort! vec less?)
      (if (procedure? vec)
          (vector-sort! less? vec)
          (let loop ((i 0) (rest (%sort-list (vector->list vec) (vector-length vec) less?)))
            (if (pair? rest)
                (begin (vector-set! vec i (car rest))
                       (loop (+ i 1) (cdr rest)))))))

    (define (sort items less?)
      (cond ((procedure? items) (sort less? items))
            ((vector? items) (vector-sort less? items))
            ((or (null? items) (pair? items)) (%sort-list items (length items) less?))
            (else (%fail 'type-error "sort: expected a list or vector, got" items))))

    (define merge-sort sort)

    (define (sort! items less?)
      (cond ((procedure? items) (sort! less? items))
            ((vector? items) (vector-sort! items less?) items)
            (else (sort items less?))))

    (define (merge a b less?)
      (if (procedure? a)
          (%merge b less? a)
          (%merge a b less?)))

    (define (sorted? items less?)
      (cond ((procedure? items) (sorted? less? items))
            ((vector? items) (%list-sorted? less? (vector->list items)))
            (else (%list-sorted? less? items))))))
