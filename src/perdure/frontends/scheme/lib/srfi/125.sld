;;; SRFI 125: hash tables made with comparators. What does not take one is the library's own (lib/hash-table.sld).
;;; All tables are mutable. No type test is made: a key that the comparator does not take is its procedures' affair.
(define-library (srfi 125)
  (import (scheme base) (srfi 128)
          (rename (only (perdure primitives) %fail hash hash-by-identity %hash-table-absent
                        make-hash-table hash-table? hash-table-contains? hash-table-exists? hash-table-empty?
                        hash-table-ref hash-table-ref/default hash-table-set! hash-table-delete!
                        hash-table-intern! hash-table-update! hash-table-update!/default hash-table-clear!
                        hash-table-size hash-table-keys hash-table-values hash-table-find hash-table-count
                        hash-table-for-each hash-table-walk hash-table-map! hash-table-map->list
                        hash-table-fold hash-table-prune! hash-table-copy hash-table-empty-copy
                        hash-table->alist hash-table-union! %hash-table-fill!
                        hash-table-equivalence-function hash-table-hash-function)
                  (make-hash-table %make-hash-table)))
  (export make-hash-table hash-table hash-table-unfold alist->hash-table
          hash-table? hash-table-contains? hash-table-exists? hash-table-empty? hash-table=? hash-table-mutable?
          hash-table-ref hash-table-ref/default
          hash-table-set! hash-table-delete! hash-table-intern! hash-table-update! hash-table-update!/default
          hash-table-pop! hash-table-clear!
          hash-table-size hash-table-keys hash-table-values hash-table-entries hash-table-find hash-table-count
          hash-table-map hash-table-for-each hash-table-walk hash-table-map! hash-table-map->list
          hash-table-fold hash-table-prune!
          hash-table-copy hash-table-empty-copy hash-table->alist
          hash-table-union! (rename hash-table-union! hash-table-merge!)
          hash-table-intersection! hash-table-difference! hash-table-xor!
          hash string-hash string-ci-hash hash-by-identity
          hash-table-equivalence-function hash-table-hash-function)
  (begin

    ;; -- constructors -------------------------------------------------------------------------

    ;; Arguments that are not procedures only advise; a table needs no advice.
    (define (make-hash-table comparator . advice)
      (cond ((comparator? comparator)
             (%make-hash-table (comparator-equality-predicate comparator)
                               (comparator-hash-function comparator)))
            ((and (pair? advice) (procedure? (car advice)))
             (%make-hash-table comparator (car advice)))
            (else (%make-hash-table comparator))))

    (define (hash-table comparator . keys+values)
      (let ((table (make-hash-table comparator)))
        (apply hash-table-set! table keys+values)
        table))

    (define (hash-table-unfold stop? mapper successor seed comparator . advice)
      (let ((table (apply make-hash-table comparator advice)))
        (let loop ((seed seed))
          (if (stop? seed)
              table
              (begin
                (call-with-values (lambda () (mapper seed))
                  (lambda (key value) (hash-table-set! table key value)))
                (loop (successor seed)))))))

    (define (alist->hash-table alist comparator . advice)
      (%hash-table-fill! 'alist->hash-table (apply make-hash-table comparator advice) alist))

    ;; -- predicates and parts -----------------------------------------------------------------

    (define (hash-table-mutable? table)
      (hash-table-size table)
      #t)

    (define (hash-table=? comparator table1 table2)
      (let ((same? (comparator-equality-predicate comparator)))
        (and (= (hash-table-size table1) (hash-table-size table2))
             (let loop ((rest (hash-table->alist table1)))
               (or (null? rest)
                   (let ((value (hash-table-ref/default table2 (car (car rest)) %hash-table-absent)))
                     (and (not (eq? value %hash-table-absent))
                          (same? (cdr (car rest)) value)
                          (loop (cdr rest)))))))))

    (define (hash-table-entries table)
      (values (hash-table-keys table) (hash-table-values table)))

    (define (hash-table-pop! table)
      (if (hash-table-empty? table)
          (%fail 'range-error "hash-table-pop!: the table is empty:" table))
      (let ((entry (car (hash-table->alist table))))
        (hash-table-delete! table (car entry))
        (values (car entry) (cdr entry))))

    (define (hash-table-map proc comparator table)
      (let ((made (make-hash-table comparator)))
        (hash-table-for-each (lambda (key value) (hash-table-set! made key (proc value))) table)
        made))

    ;; -- tables as sets of keys -----------------------------------------------------------------

    (define (hash-table-intersection! table1 table2)
      (hash-table-prune! (lambda (key value) (not (hash-table-contains? table2 key))) table1)
      table1)

    (define (hash-table-difference! table1 table2)
      (hash-table-prune! (lambda (key value) (hash-table-contains? table2 key)) table1)
      table1)

    (define (hash-table-xor! table1 table2)
      (hash-table-for-each
        (lambda (key value)
          (if (= (hash-table-delete! table1 key) 0)
              (hash-table-set! table1 key value)))
        (if (eq? table1 table2) (hash-table-copy table2 #t) table2))
      table1)))
