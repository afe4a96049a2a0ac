;;; Stable merge sort of lists and vectors: SRFI 95, and those names of SRFI 132 that other Schemes have without an import.
;;; The order may come first or last, where only one of the two can be a procedure.
(define-library (perdure sort)
  (export sort sort! list-sort vector-sort vector-sort! list-stable-sort merge merge! merge-sort sorted? %swapped?
          %sort-list %merge %vector-replace!)
  (begin

    ;; Continuations may come back into `less?`, so what was built is never changed.
    (define (%merge a b less?)
      (let loop ((a a) (b b) (out '()))
        (cond ((null? a) (append-reverse out b))
              ((null? b) (append-reverse out a))
              ((less? (car b) (car a)) (loop a (cdr b) (cons (car b) out)))
              (else (loop (cdr a) b (cons (car a) out))))))

    (define (%sort-list items less?)
      (or (%sorted-by-order items less?)
          (%merge-sort items (length items) less?)))

    ;; Sorts the first n items of a list; at most log n deep.
    (define (%merge-sort items n less?)
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

    ;; An order of things by their keys, if there is a key procedure (SRFI 95).
    (define (%by-key less? key)
      (if (null? key)
          less?
          (let ((key (car key)))
            (lambda (a b) (less? (key a) (key b))))))

    ;; Whether the procedure was given where the data belongs, and the data where the procedure does: other SRFIs have that order.
    (define (%swapped? data proc)
      (and (procedure? data) (not (procedure? proc))))

    (define (list-sort less? items)
      (if (%swapped? items less?)
          (list-sort items less?)
          (%sort-list items less?)))

    (define list-stable-sort list-sort)

    (define (vector-sort less? vec . range)
      (if (%swapped? vec less?)
          (apply vector-sort vec less? range)
          (list->vector (%sort-list (apply vector->list vec range) less?))))

    ;; Puts the items of a list into a vector, from `start` on.
    (define (%vector-replace! vec start items)
      (let loop ((i start) (rest items))
        (if (pair? rest)
            (begin (vector-set! vec i (car rest))
                   (loop (+ i 1) (cdr rest))))))

    (define (vector-sort! less? vec . range)
      (if (%swapped? vec less?)
          (apply vector-sort! vec less? range)
          (%vector-replace! vec
                            (if (pair? range) (car range) 0)
                            (%sort-list (apply vector->list vec range) less?))))

    (define (sort items less? . key)
      (cond ((%swapped? items less?) (apply sort less? items key))
            ((vector? items) (vector-sort (%by-key less? key) items))
            ((or (null? items) (pair? items)) (%sort-list items (%by-key less? key)))
            (else (%fail 'type-error "sort: expected a list or vector, got" items))))

    (define merge-sort sort)

    (define (sort! items less? . key)
      (cond ((%swapped? items less?) (apply sort! less? items key))
            ((vector? items) (vector-sort! (%by-key less? key) items) items)
            (else (apply sort items less? key))))

    (define (merge a b less? . key)
      (if (%swapped? a less?)
          (apply merge b less? a key)
          (%merge a b (%by-key less? key))))

    (define merge! merge)

    (define (sorted? items less? . key)
      (cond ((%swapped? items less?) (apply sorted? less? items key))
            ((vector? items) (%list-sorted? (%by-key less? key) (vector->list items)))
            ((or (null? items) (pair? items)) (%list-sorted? (%by-key less? key) items))
            (else (%fail 'type-error "sorted?: expected a list or vector, got" items))))))
