;;; SRFI 132: sort libraries, on top of the core's stable merge sort (lib/sort.sld).
;;; All sorts are stable. What finds one element sorts, too: n log n steps, and never n squared.
(define-library (srfi 132)
  (import (scheme base)
          (only (perdure primitives) list-sort vector-sort vector-sort! sorted? %sort-list %merge %vector-replace!
                %fail))
  (export list-sorted? vector-sorted?
          list-sort list-stable-sort list-sort! list-stable-sort!
          vector-sort vector-stable-sort vector-sort! vector-stable-sort!
          list-merge list-merge! vector-merge vector-merge!
          list-delete-neighbor-dups list-delete-neighbor-dups!
          vector-delete-neighbor-dups vector-delete-neighbor-dups!
          vector-find-median vector-find-median! vector-select! vector-separate!)
  (begin

    (define list-stable-sort list-sort)
    (define list-sort! list-sort)
    (define list-stable-sort! list-sort)
    (define vector-stable-sort vector-sort)
    (define vector-stable-sort! vector-sort!)

    (define (list-sorted? less? items)
      (sorted? items less?))

    (define (vector-sorted? less? vec . range)
      (sorted? (apply vector->list vec range) less?))

    ;; -- merging ------------------------------------------------------------------------------

    (define (list-merge less? items1 items2)
      (%merge items1 items2 less?))

    (define list-merge! list-merge)

    (define (vector-merge less? vec1 vec2 . bounds)
      (list->vector (%merged less? vec1 vec2 bounds)))

    (define (vector-merge! less? to vec1 vec2 . bounds)
      (let ((start (if (pair? bounds) (car bounds) 0))
            (items (%merged less? vec1 vec2 (if (pair? bounds) (cdr bounds) '()))))
        (if (> (+ start (length items)) (vector-length to))
            (%fail 'range-error "vector-merge!: the first vector is too short for" (length items) 'elements))
        (%vector-replace! to start items)))

    ;; `bounds` are start1, end1, start2, end2, as far as they are given.
    (define (%merged less? vec1 vec2 bounds)
      (let* ((n (length bounds))
             (split (if (< n 2) n 2)))
        (%merge (apply vector->list vec1 (list-copy-head bounds split))
                (apply vector->list vec2 (list-tail bounds split))
                less?)))

    (define (list-copy-head items n)
      (if (= n 0)
          '()
          (cons (car items) (list-copy-head (cdr items) (- n 1)))))

    ;; -- neighbours that are equal: the first one stays -----------------------------------------

    (define (list-delete-neighbor-dups same? items)
      (if (null? items)
          '()
          (let loop ((rest (cdr items)) (out (list (car items))))
            (cond ((null? rest) (reverse out))
                  ((same? (car out) (car rest)) (loop (cdr rest) out))
                  (else (loop (cdr rest) (cons (car rest) out)))))))

    (define list-delete-neighbor-dups! list-delete-neighbor-dups)

    (define (vector-delete-neighbor-dups same? vec . range)
      (list->vector (list-delete-neighbor-dups same? (apply vector->list vec range))))

    ;; What is left stands at the beginning of the range; the result is where it ends.
    (define (vector-delete-neighbor-dups! same? vec . range)
      (let ((start (if (pair? range) (car range) 0))
            (kept (list-delete-neighbor-dups same? (apply vector->list vec range))))
        (%vector-replace! vec start kept)
        (+ start (length kept))))

    ;; -- the middle, and the first ones ------------------------------------------------------------

    (define (%mean a b) (/ (+ a b) 2))

    (define (vector-find-median less? vec knil . mean)
      (%median (vector-sort less? vec) knil mean))

    (define (vector-find-median! less? vec knil . mean)
      (vector-sort! less? vec)
      (%median vec knil mean))

    (define (%median sorted knil mean)
      (let* ((n (vector-length sorted))
             (half (quotient n 2)))
        (cond ((= n 0) knil)
              ((odd? n) (vector-ref sorted half))
              (else ((if (pair? mean) (car mean) %mean)
                     (vector-ref sorted (- half 1))
                     (vector-ref sorted half))))))

    ;; The element that has k smaller ones before it when the range is sorted.
    (define (vector-select! less? vec k . range)
      (let ((sorted (%sort-list (apply vector->list vec range) less?)))
        (if (not (and (exact-integer? k) (< -1 k (length sorted))))
            (%fail 'range-error "vector-select!: no such place in the range:" k))
        (list-ref sorted k)))

    ;; Brings the k smallest elements of the range to its beginning.
    (define (vector-separate! less? vec k . range)
      (let ((sorted (%sort-list (apply vector->list vec range) less?)))
        (if (not (and (exact-integer? k) (<= 0 k (length sorted))))
            (%fail 'range-error "vector-separate!: the range has not so many elements:" k))
        (%vector-replace! vec (if (pair? range) (car range) 0) sorted)))))
