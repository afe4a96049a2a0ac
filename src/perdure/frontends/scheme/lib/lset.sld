;;; Association lists, and lists as sets: SRFI 1.
;;; SRFI 1 says which argument of the equivalence comes from which list; a set keeps the order that its text shows.
(define-library (perdure lset)
  (export alist-cons alist-copy alist-delete alist-delete! del-assq del-assv del-assoc
          lset-adjoin lset-union lset-union! lset-intersection lset-intersection!
          lset-difference lset-difference! lset-xor lset-xor!
          lset-diff+intersection lset-diff+intersection! lset<= lset=)
  (begin

    (define (alist-cons key value alist) (cons (cons key value) alist))

    (define (alist-copy alist)
      (%map-1 (lambda (entry) (if (pair? entry) (cons (car entry) (cdr entry)) entry)) alist))

    (define (alist-delete key alist . compare)
      (let ((same? (if (pair? compare) (car compare) equal?)))
        (remove (lambda (entry) (same? key (car entry))) alist)))

    (define alist-delete! alist-delete)

    (define (del-assq key alist) (alist-delete key alist eq?))
    (define (del-assv key alist) (alist-delete key alist eqv?))
    (define (del-assoc key alist) (alist-delete key alist equal?))

    ;; Whether an item is in a list: the item is the first argument of the equivalence.
    (define (%in? same? item list1)
      (%any-1 (lambda (other) (same? item other)) list1))

    ;; Whether an item is in a set: what is in the set is the first argument.
    (define (%has? same? set item)
      (%any-1 (lambda (kept) (same? kept item)) set))

    (define (%adjoin same? item set)
      (if (%has? same? set item) set (cons item set)))

    (define (lset-adjoin same? list1 . items)
      (fold (lambda (item set) (%adjoin same? item set)) list1 items))

    (define (lset-union same? . lists)
      (reduce (lambda (more set)
                (cond ((null? more) set)
                      ((null? set) more)
                      ((eq? more set) set)
                      (else (fold (lambda (item set) (%adjoin same? item set)) set more))))
              '() lists))

    (define (lset-intersection same? list1 . lists)
      (filter (lambda (item) (%every-1 (lambda (other) (%in? same? item other)) lists)) list1))

    (define (lset-difference same? list1 . lists)
      (remove (lambda (item) (%any-1 (lambda (other) (%in? same? item other)) lists)) list1))

    (define (lset-xor same? . lists)
      (reduce (lambda (more set)
                (append-reverse (lset-difference same? set more)
                                (lset-difference same? more set)))
              '() lists))

    (define (lset-diff+intersection same? list1 . lists)
      (partition (lambda (item) (not (%any-1 (lambda (other) (%in? same? item other)) lists))) list1))

    (define (%subset? same? list1 list2)
      (%every-1 (lambda (item) (%in? same? item list2)) list1))

    ;; Whether each list is so related to the next.
    (define (%chain? related? lists)
      (or (null? lists)
          (let loop ((a (car lists)) (more (cdr lists)))
            (or (null? more)
                (and (or (eq? a (car more)) (related? a (car more)))
                     (loop (car more) (cdr more)))))))

    (define (lset<= same? . lists)
      (%chain? (lambda (a b) (%subset? same? a b)) lists))

    (define (lset= same? . lists)
      (%chain? (lambda (a b)
                 (and (%subset? same? a b)
                      (%subset? (lambda (item other) (same? other item)) b a)))
               lists))

    (define lset-union! lset-union)
    (define lset-intersection! lset-intersection)
    (define lset-difference! lset-difference)
    (define lset-xor! lset-xor)
    (define lset-diff+intersection! lset-diff+intersection)))
