;;; Higher-order procedures on lists: R7RS, SRFI 1.
;;; All of them may be left and re-entered by continuations, so none mutates what it has built.
;;; What takes one list in most calls has a procedure of its own for that (%map-1): the expander
;;; calls it directly for calls with two arguments.
(define-library (perdure list)
  (export map for-each %map-1 %for-each-1 append-map append-map! map! filter-map map-in-order
          filter filter! remove remove! partition partition! reduce reduce-left reduce-right
          fold fold-left fold-right delete delete! delete-duplicates delete-duplicates!
          pair-for-each pair-fold pair-fold-right unfold unfold-right list-tabulate make-initialized-list
          find find-tail any every %any-1 %every-1 list-index count assoc member
          %not-a-list %list-sorted?)
  (begin

    (define (%not-a-list who obj)
      (%fail 'type-error (string-append who ": expected a list, got") obj))

    ;; What a walk returns at its end, if that is the end of a list.
    (define (%at-end who rest list1 value)
      (if (null? rest) value (%not-a-list who list1)))

    ;; -- map and for-each ----------------------------------------------------------------

    (define (%map-1 proc list1)
      (let loop ((rest list1) (out '()))
        (if (pair? rest)
            (loop (cdr rest) (cons (proc (car rest)) out))
            (if (null? rest) (reverse out) (%not-a-list "map" list1)))))

    (define (%for-each-1 proc list1)
      (let loop ((rest list1))
        (if (pair? rest)
            (begin (proc (car rest)) (loop (cdr rest)))
            (if (not (null? rest)) (%not-a-list "for-each" list1)))))

    (define (map proc list1 . lists)
      (if (null? lists)
          (%map-1 proc list1)
          (let loop ((lists (cons list1 lists)) (out '()))
            (let ((cars (%cars 'map lists)))
              (if cars
                  (loop (%cdrs lists) (cons (apply proc cars) out))
                  (reverse out))))))

    (define map-in-order map)
    (define map! map)

    (define (for-each proc list1 . lists)
      (if (null? lists)
          (%for-each-1 proc list1)
          (let loop ((lists (cons list1 lists)))
            (let ((cars (%cars 'for-each lists)))
              (if cars
                  (begin (apply proc cars) (loop (%cdrs lists))))))))

    (define (append-map proc list1 . lists)
      (apply append (apply map proc list1 lists)))

    (define append-map! append-map)

    (define (filter-map proc list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (out '()))
            (if (pair? rest)
                (let ((value (proc (car rest))))
                  (loop (cdr rest) (if value (cons value out) out)))
                (%at-end "filter-map" rest list1 (reverse out))))
          (let loop ((lists (cons list1 lists)) (out '()))
            (let ((cars (%cars 'filter-map lists)))
              (if cars
                  (let ((value (apply proc cars)))
                    (loop (%cdrs lists) (if value (cons value out) out)))
                  (reverse out))))))

    ;; The next pairs are found before the procedure is called: it may change the ones it gets.
    (define (pair-for-each proc list1 . lists)
      (let loop ((lists (cons list1 lists)))
        (if (%cars 'pair-for-each lists)
            (let ((next (%cdrs lists)))
              (apply proc lists)
              (loop next)))))

    (define (pair-fold kons knil list1 . lists)
      (let loop ((lists (cons list1 lists)) (acc knil))
        (if (%cars 'pair-fold lists)
            (let ((next (%cdrs lists)))
              (loop next (apply kons (append lists (list acc)))))
            acc)))

    (define (pair-fold-right kons knil list1 . lists)
      (let collect ((lists (cons list1 lists)) (rows '()))
        (if (%cars 'pair-fold-right lists)
            (collect (%cdrs lists) (cons lists rows))
            (let loop ((rows rows) (acc knil))
              (if (pair? rows)
                  (loop (cdr rows) (apply kons (append (car rows) (list acc))))
                  acc)))))

    ;; -- filters -------------------------------------------------------------------------

    (define (filter pred list1)
      (let loop ((rest list1) (out '()))
        (if (pair? rest)
            (if (pred (car rest))
                (loop (cdr rest) (cons (car rest) out))
                (loop (cdr rest) out))
            (if (null? rest) (reverse out) (%not-a-list "filter" list1)))))

    (define (remove pred list1)
      (let loop ((rest list1) (out '()))
        (if (pair? rest)
            (if (pred (car rest))
                (loop (cdr rest) out)
                (loop (cdr rest) (cons (car rest) out)))
            (if (null? rest) (reverse out) (%not-a-list "remove" list1)))))

    (define (partition pred list1)
      (let loop ((rest list1) (in '()) (out '()))
        (if (pair? rest)
            (if (pred (car rest))
                (loop (cdr rest) (cons (car rest) in) out)
                (loop (cdr rest) in (cons (car rest) out)))
            (if (null? rest)
                (values (reverse in) (reverse out))
                (%not-a-list "partition" list1)))))

    (define filter! filter)
    (define remove! remove)
    (define partition! partition)

    (define (delete obj list1 . compare)
      (let ((same? (if (pair? compare) (car compare) equal?)))
        (remove (lambda (item) (same? obj item)) list1)))

    (define (delete-duplicates list1 . compare)
      (let ((same? (if (pair? compare) (car compare) equal?)))
        (let loop ((rest list1) (out '()))
          (if (pair? rest)
              (let ((item (car rest)))
                (loop (cdr rest)
                      (if (%any-1 (lambda (kept) (same? kept item)) out)
                          out
                          (cons item out))))
              (%at-end "delete-duplicates" rest list1 (reverse out))))))

    (define delete! delete)
    (define delete-duplicates! delete-duplicates)

    ;; -- folds ---------------------------------------------------------------------------

    (define (fold kons knil list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (acc knil))
            (if (pair? rest)
                (loop (cdr rest) (kons (car rest) acc))
                (if (null? rest) acc (%not-a-list "fold" list1))))
          (let loop ((lists (cons list1 lists)) (acc knil))
            (let ((arguments (%cars 'fold lists (list acc))))
              (if arguments
                  (loop (%cdrs lists) (apply kons arguments))
                  acc)))))

    (define (fold-left proc init list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (acc init))
            (if (pair? rest)
                (loop (cdr rest) (proc acc (car rest)))
                (if (null? rest) acc (%not-a-list "fold-left" list1))))
          (let loop ((lists (cons list1 lists)) (acc init))
            (let ((cars (%cars 'fold-left lists)))
              (if cars
                  (loop (%cdrs lists) (apply proc acc cars))
                  acc)))))

    (define (fold-right proc init list1 . lists)
      (if (null? lists)
          (let loop ((rest (reverse list1)) (acc init))
            (if (pair? rest)
                (loop (cdr rest) (proc (car rest) acc))
                acc))
          (let loop ((rows (reverse (apply map list list1 lists))) (acc init))
            (if (pair? rows)
                (loop (cdr rows) (apply proc (append (car rows) (list acc))))
                acc))))

    (define (reduce proc init list1)
      (if (pair? list1)
          (let loop ((rest (cdr list1)) (acc (car list1)))
            (if (pair? rest)
                (loop (cdr rest) (proc (car rest) acc))
                (%at-end "reduce" rest list1 acc)))
          (%at-end "reduce" list1 list1 init)))

    (define (reduce-left proc init list1)
      (if (pair? list1)
          (fold-left proc (car list1) (cdr list1))
          (%at-end "reduce-left" list1 list1 init)))

    (define (reduce-right proc init list1)
      (if (pair? list1)
          (let ((backwards (reverse list1)))
            (let loop ((rest (cdr backwards)) (acc (car backwards)))
              (if (pair? rest)
                  (loop (cdr rest) (proc (car rest) acc))
                  acc)))
          (%at-end "reduce-right" list1 list1 init)))

    (define (unfold stop? mapper successor seed . tail-gen)
      (let loop ((seed seed) (out '()))
        (if (stop? seed)
            (append-reverse out (if (pair? tail-gen) ((car tail-gen) seed) '()))
            (loop (successor seed) (cons (mapper seed) out)))))

    (define (unfold-right stop? mapper successor seed . tail)
      (let loop ((seed seed) (out (if (pair? tail) (car tail) '())))
        (if (stop? seed)
            out
            (loop (successor seed) (cons (mapper seed) out)))))

    (define (list-tabulate n proc)
      (if (not (and (exact-integer? n) (>= n 0)))
          (%fail 'type-error "list-tabulate: expected a nonnegative exact integer, got" n))
      (let loop ((i (- n 1)) (out '()))
        (if (< i 0)
            out
            (loop (- i 1) (cons (proc i) out)))))

    (define make-initialized-list list-tabulate)

    ;; -- searches ------------------------------------------------------------------------

    (define (find pred list1)
      (let loop ((rest list1))
        (if (pair? rest)
            (if (pred (car rest))
                (car rest)
                (loop (cdr rest)))
            (%at-end "find" rest list1 #f))))

    (define (find-tail pred list1)
      (let loop ((rest list1))
        (if (pair? rest)
            (if (pred (car rest))
                rest
                (loop (cdr rest)))
            (%at-end "find-tail" rest list1 #f))))

    (define (%any-1 pred list1)
      (let loop ((rest list1))
        (if (pair? rest)
            (if (null? (cdr rest))
                (pred (car rest))
                (or (pred (car rest)) (loop (cdr rest))))
            (%at-end "any" rest list1 #f))))

    (define (%every-1 pred list1)
      (let loop ((rest list1))
        (if (pair? rest)
            (if (null? (cdr rest))
                (pred (car rest))
                (and (pred (car rest)) (loop (cdr rest))))
            (%at-end "every" rest list1 #t))))

    ;; The last call of the predicate is a tail call: so whether it is the last is found out first.
    (define (any pred list1 . lists)
      (if (null? lists)
          (%any-1 pred list1)
          (let loop ((lists (cons list1 lists)))
            (let ((cars (%cars 'any lists)))
              (and cars
                   (let ((rest (%cdrs lists)))
                     (if (%cars 'any rest)
                         (or (apply pred cars) (loop rest))
                         (apply pred cars))))))))

    (define (every pred list1 . lists)
      (if (null? lists)
          (%every-1 pred list1)
          (let loop ((lists (cons list1 lists)))
            (let ((cars (%cars 'every lists)))
              (or (not cars)
                  (let ((rest (%cdrs lists)))
                    (if (%cars 'every rest)
                        (and (apply pred cars) (loop rest))
                        (apply pred cars))))))))

    (define (list-index pred list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (i 0))
            (if (pair? rest)
                (if (pred (car rest)) i (loop (cdr rest) (+ i 1)))
                (%at-end "list-index" rest list1 #f)))
          (let loop ((lists (cons list1 lists)) (i 0))
            (let ((cars (%cars 'list-index lists)))
              (and cars
                   (if (apply pred cars) i (loop (%cdrs lists) (+ i 1))))))))

    (define (count pred list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (n 0))
            (if (pair? rest)
                (loop (cdr rest) (if (pred (car rest)) (+ n 1) n))
                (%at-end "count" rest list1 n)))
          (let loop ((lists (cons list1 lists)) (n 0))
            (let ((cars (%cars 'count lists)))
              (if cars
                  (loop (%cdrs lists) (if (apply pred cars) (+ n 1) n))
                  n)))))

    (define (member obj list1 . compare)
      (if (null? compare)
          (%%member obj list1)
          (let ((same? (car compare)))
            (let loop ((rest list1))
              (if (pair? rest)
                  (if (same? obj (car rest)) rest (loop (cdr rest)))
                  (%at-end "member" rest list1 #f))))))

    (define (assoc obj alist . compare)
      (if (null? compare)
          (%%assoc obj alist)
          (let ((same? (car compare)))
            (let loop ((rest alist))
              (if (pair? rest)
                  (if (same? obj (car (car rest))) (car rest) (loop (cdr rest)))
                  (%at-end "assoc" rest alist #f))))))

    (define (%list-sorted? less? list1)
      (or (null? list1)
          (let loop ((a (car list1)) (rest (cdr list1)))
            (or (null? rest)
                (and (not (less? (car rest) a))
                     (loop (car rest) (cdr rest)))))))))
