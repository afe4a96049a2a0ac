;;; Higher-order procedures on lists: R7RS, SRFI 1.
;;; All of them may be left and re-entered by continuations, so none mutates what it has built.
;;; What takes one list in most calls has a procedure of its own for that (%map-1): the expander
;;; calls it directly for calls with two arguments.
(define-library (perdure list)
  (export map for-each %map-1 %for-each-1 append-map filter-map map-in-order
          filter reduce reduce-left reduce-right fold fold-left fold-right partition remove
          delete delete! delete-duplicates find find-tail any every list-index count
          sixth seventh eighth ninth tenth xcons
          drop-right take-right split-at take-while drop-while span break concatenate
          unfold unfold-right assoc member list-tabulate make-initialized-list
          zip unzip1 pair-for-each pair-fold
          alist-cons alist-copy alist-delete del-assq del-assv del-assoc
          lset-adjoin lset-union lset-intersection lset-difference lset-xor lset<= lset=
          %any-1 %every-1 circular-list? dotted-list? not-pair? null-list?
          flatten list=  %list-sorted?)
  (begin

    (define (%not-a-list who obj)
      (%fail 'type-error (string-append who ": expected a list, got") obj))

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

    ;; The first elements of some lists, or #f when one of them is at its end.
    (define (%cars lists)
      (let loop ((rest lists) (out '()))
        (if (null? rest)
            (reverse out)
            (and (pair? (car rest))
                 (loop (cdr rest) (cons (car (car rest)) out))))))

    (define (%cdrs lists)
      (let loop ((rest lists) (out '()))
        (if (null? rest)
            (reverse out)
            (loop (cdr rest) (cons (cdr (car rest)) out)))))

    (define (map proc list1 . lists)
      (if (null? lists)
          (%map-1 proc list1)
          (let loop ((lists (cons list1 lists)) (out '()))
            (let ((cars (%cars lists)))
              (if cars
                  (loop (%cdrs lists) (cons (apply proc cars) out))
                  (reverse out))))))

    (define map-in-order map)

    (define (for-each proc list1 . lists)
      (if (null? lists)
          (%for-each-1 proc list1)
          (let loop ((lists (cons list1 lists)))
            (let ((cars (%cars lists)))
              (if cars
                  (begin (apply proc cars) (loop (%cdrs lists))))))))

    (define (append-map proc list1 . lists)
      (let loop ((rest (apply map proc list1 lists)) (out '()))
        (if (null? rest)
            (reverse out)
            (loop (cdr rest) (append-reverse (car rest) out)))))

    (define (filter-map proc list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (out '()))
            (if (pair? rest)
                (let ((value (proc (car rest))))
                  (loop (cdr rest) (if value (cons value out) out)))
                (reverse out)))
          (let loop ((lists (cons list1 lists)) (out '()))
            (let ((cars (%cars lists)))
              (if cars
                  (let ((value (apply proc cars)))
                    (loop (%cdrs lists) (if value (cons value out) out)))
                  (reverse out))))))

    (define (pair-for-each proc list1)
      (let loop ((rest list1))
        (if (pair? rest)
            (let ((next (cdr rest)))
              (proc rest)
              (loop next)))))

    (define (pair-fold kons knil list1)
      (let loop ((rest list1) (acc knil))
        (if (pair? rest)
            (let ((next (cdr rest)))
              (loop next (kons rest acc)))
            acc)))

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
            (values (reverse in) (reverse out)))))

    (define (delete obj list1 . compare)
      (let ((same? (if (pair? compare) (car compare) equal?)))
        (remove (lambda (item) (same? obj item)) list1)))

    (define delete! delete)

    (define (delete-duplicates list1 . compare)
      (let ((same? (if (pair? compare) (car compare) equal?)))
        (let loop ((rest list1) (out '()))
          (if (pair? rest)
              (let ((item (car rest)))
                (loop (cdr rest)
                      (if (%any-1 (lambda (kept) (same? kept item)) out)
                          out
                          (cons item out))))
              (reverse out)))))

    ;; -- folds ---------------------------------------------------------------------------

    (define (fold kons knil list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (acc knil))
            (if (pair? rest)
                (loop (cdr rest) (kons (car rest) acc))
                (if (null? rest) acc (%not-a-list "fold" list1))))
          (let loop ((lists (cons list1 lists)) (acc knil))
            (let ((cars (%cars lists)))
              (if cars
                  (loop (%cdrs lists) (apply kons (append cars (list acc))))
                  acc)))))

    (define (fold-left proc init list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (acc init))
            (if (pair? rest)
                (loop (cdr rest) (proc acc (car rest)))
                (if (null? rest) acc (%not-a-list "fold-left" list1))))
          (let loop ((lists (cons list1 lists)) (acc init))
            (let ((cars (%cars lists)))
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
                acc))
          (if (null? list1) init (%not-a-list "reduce" list1))))

    (define (reduce-left proc init list1)
      (if (pair? list1)
          (fold-left proc (car list1) (cdr list1))
          init))

    (define (reduce-right proc init list1)
      (if (pair? list1)
          (let ((backwards (reverse list1)))
            (let loop ((rest (cdr backwards)) (acc (car backwards)))
              (if (pair? rest)
                  (loop (cdr rest) (proc (car rest) acc))
                  acc)))
          init))

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
      (let loop ((i (- n 1)) (out '()))
        (if (< i 0)
            out
            (loop (- i 1) (cons (proc i) out)))))

    (define make-initialized-list list-tabulate)

    ;; -- searches ------------------------------------------------------------------------

    (define (find pred list1)
      (let loop ((rest list1))
        (and (pair? rest)
             (if (pred (car rest))
                 (car rest)
                 (loop (cdr rest))))))

    (define (find-tail pred list1)
      (let loop ((rest list1))
        (and (pair? rest)
             (if (pred (car rest))
                 rest
                 (loop (cdr rest))))))

    (define (%any-1 pred list1)
      (let loop ((rest list1))
        (and (pair? rest)
             (if (null? (cdr rest))
                 (pred (car rest))
                 (or (pred (car rest)) (loop (cdr rest)))))))

    (define (%every-1 pred list1)
      (or (null? list1)
          (let loop ((rest list1))
            (if (null? (cdr rest))
                (pred (car rest))
                (and (pred (car rest)) (loop (cdr rest)))))))

    (define (any pred list1 . lists)
      (if (null? lists)
          (%any-1 pred list1)
          (let loop ((lists (cons list1 lists)))
            (let ((cars (%cars lists)))
              (and cars
                   (or (apply pred cars) (loop (%cdrs lists))))))))

    (define (every pred list1 . lists)
      (if (null? lists)
          (%every-1 pred list1)
          (let loop ((lists (cons list1 lists)) (value #t))
            (let ((cars (%cars lists)))
              (if cars
                  (let ((value (apply pred cars)))
                    (and value (loop (%cdrs lists) value)))
                  value)))))

    (define (list-index pred list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (i 0))
            (and (pair? rest)
                 (if (pred (car rest)) i (loop (cdr rest) (+ i 1)))))
          (let loop ((lists (cons list1 lists)) (i 0))
            (let ((cars (%cars lists)))
              (and cars
                   (if (apply pred cars) i (loop (%cdrs lists) (+ i 1))))))))

    (define (count pred list1 . lists)
      (if (null? lists)
          (let loop ((rest list1) (n 0))
            (if (pair? rest)
                (loop (cdr rest) (if (pred (car rest)) (+ n 1) n))
                n))
          (let loop ((lists (cons list1 lists)) (n 0))
            (let ((cars (%cars lists)))
              (if cars
                  (loop (%cdrs lists) (if (apply pred cars) (+ n 1) n))
                  n)))))

    (define (member obj list1 . compare)
      (if (null? compare)
          (%%member obj list1)
          (let ((same? (car compare)))
            (let loop ((rest list1))
              (and (pair? rest)
                   (if (same? obj (car rest)) rest (loop (cdr rest))))))))

    (define (assoc obj alist . compare)
      (if (null? compare)
          (%%assoc obj alist)
          (let ((same? (car compare)))
            (let loop ((rest alist))
              (and (pair? rest)
                   (if (same? obj (car (car rest))) (car rest) (loop (cdr rest))))))))

    ;; -- parts ---------------------------------------------------------------------------

    (define (sixth list1) (list-ref list1 5))
    (define (seventh list1) (list-ref list1 6))
    (define (eighth list1) (list-ref list1 7))
    (define (ninth list1) (list-ref list1 8))
    (define (tenth list1) (list-ref list1 9))

    (define (xcons a b) (cons b a))

    (define (drop-right list1 k)
      (list-head list1 (- (length list1) k)))

    (define (take-right list1 k)
      (list-tail list1 (- (length list1) k)))

    (define (split-at list1 k)
      (values (list-head list1 k) (list-tail list1 k)))

    (define (take-while pred list1)
      (let loop ((rest list1) (out '()))
        (if (and (pair? rest) (pred (car rest)))
            (loop (cdr rest) (cons (car rest) out))
            (reverse out))))

    (define (drop-while pred list1)
      (let loop ((rest list1))
        (if (and (pair? rest) (pred (car rest)))
            (loop (cdr rest))
            rest)))

    (define (span pred list1)
      (let loop ((rest list1) (out '()))
        (if (and (pair? rest) (pred (car rest)))
            (loop (cdr rest) (cons (car rest) out))
            (values (reverse out) rest))))

    (define (break pred list1)
      (span (lambda (item) (not (pred item))) list1))

    (define (concatenate lists) (apply append lists))

    (define (flatten obj)
      (let loop ((work (list obj)) (out '()))
        (cond ((null? work) (reverse out))
              ((null? (car work)) (loop (cdr work) out))
              ((pair? (car work))
               (loop (cons (car (car work)) (cons (cdr (car work)) (cdr work))) out))
              (else (loop (cdr work) (cons (car work) out))))))

    (define (zip list1 . lists) (apply map list list1 lists))

    (define (unzip1 lists) (%map-1 car lists))

    (define (not-pair? obj) (not (pair? obj)))
    (define (null-list? obj) (null? obj))

    (define (circular-list? obj)
      (let loop ((slow obj) (fast obj))
        (and (pair? fast)
             (let ((fast (cdr fast)))
               (and (pair? fast)
                    (let ((fast (cdr fast)) (slow (cdr slow)))
                      (or (eq? fast slow) (loop slow fast))))))))

    (define (dotted-list? obj)
      (and (not (list? obj)) (not (circular-list? obj))))

    (define (list= same? . lists)
      (or (null? lists)
          (let loop ((a (car lists)) (more (cdr lists)))
            (or (null? more)
                (and (= (length a) (length (car more)))
                     (every same? a (car more))
                     (loop (car more) (cdr more)))))))

    (define (%list-sorted? less? list1)
      (or (null? list1)
          (let loop ((a (car list1)) (rest (cdr list1)))
            (or (null? rest)
                (and (not (less? (car rest) a))
                     (loop (car rest) (cdr rest)))))))

    ;; -- association lists and sets ------------------------------------------------------

    (define (alist-cons key value alist) (cons (cons key value) alist))

    (define (alist-copy alist)
      (%map-1 (lambda (entry) (if (pair? entry) (cons (car entry) (cdr entry)) entry)) alist))

    (define (alist-delete key alist . compare)
      (let ((same? (if (pair? compare) (car compare) equal?)))
        (remove (lambda (entry) (same? key (car entry))) alist)))

    (define (del-assq key alist) (alist-delete key alist eq?))
    (define (del-assv key alist) (alist-delete key alist eqv?))
    (define (del-assoc key alist) (alist-delete key alist equal?))

    (define (%has? same? list1 item)
      (%any-1 (lambda (kept) (same? kept item)) list1))

    (define (lset-adjoin same? list1 . items)
      (fold (lambda (item set) (if (%has? same? set item) set (cons item set))) list1 items))

    (define (lset-union same? . lists)
      (if (null? lists)
          '()
          (fold (lambda (more set)
                  (fold (lambda (item set) (if (%has? same? set item) set (cons item set)))
                        set more))
                (car lists) (cdr lists))))

    (define (lset-intersection same? list1 . lists)
      (filter (lambda (item) (%every-1 (lambda (other) (%has? same? other item)) lists)) list1))

    (define (lset-difference same? list1 . lists)
      (remove (lambda (item) (%any-1 (lambda (other) (%has? same? other item)) lists)) list1))

    (define (lset-xor same? . lists)
      (reduce (lambda (b a)
                (append (lset-difference same? b a) (lset-difference same? a b)))
              '() lists))

    (define (lset<= same? . lists)
      (or (null? lists)
          (let loop ((a (car lists)) (more (cdr lists)))
            (or (null? more)
                (and (%every-1 (lambda (item) (%has? same? (car more) item)) a)
                     (loop (car more) (cdr more)))))))

    (define (lset= same? . lists)
      (and (apply lset<= same? lists)
           (apply lset<= same? (reverse lists))))))
