;;; SRFI 126: hash tables after R6RS, on the library's own (lib/hash-table.sld). All are mutable, and none is weak: a run's heap is
;;; saved, so that a key goes when its table does.
(define-library (srfi 126)
  (import (scheme base)
          (rename (only (perdure primitives) %fail make-hash-table alist->hash-table hash-table? hash-table-size
                        hash-table-ref hash-table-ref/default hash-table-set! hash-table-delete! hash-table-contains?
                        hash-table-update! hash-table-intern! hash-table-copy hash-table-empty-copy hash-table-clear!
                        hash-table-keys hash-table-values hash-table-walk hash-table-prune! hash-table-fold
                        hash-table->alist hash-table-empty? hash-table-equivalence-function
                        hash-table-hash-function hash-table-map! %hash-table-absent
                        equal-hash string-hash string-ci-hash symbol-hash)
                  (hash-table? hashtable?)
                  (hash-table-size hashtable-size)
                  (hash-table-contains? hashtable-contains?)
                  (hash-table-intern! hashtable-intern!)
                  (hash-table-empty-copy %empty-copy)
                  (hash-table-walk %walk)
                  (hash-table-keys hashtable-key-list)
                  (hash-table-values hashtable-value-list)
                  (hash-table-empty? hashtable-empty?)))
  (export make-eq-hashtable make-eqv-hashtable make-hashtable
          alist->eq-hashtable alist->eqv-hashtable alist->hashtable weakness
          hashtable? hashtable-size hashtable-ref hashtable-set! hashtable-delete! hashtable-contains?
          hashtable-lookup hashtable-update! hashtable-intern!
          hashtable-copy hashtable-clear! hashtable-empty-copy
          hashtable-keys hashtable-values hashtable-entries
          hashtable-key-list hashtable-value-list hashtable-entry-lists
          hashtable-walk hashtable-update-all! hashtable-prune! hashtable-merge! hashtable-sum
          hashtable-map->lset hashtable-find hashtable-empty? hashtable-pop! hashtable-inc! hashtable-dec!
          hashtable-equivalence-function hashtable-hash-function hashtable-weakness hashtable-mutable?
          hash-salt equal-hash string-hash string-ci-hash symbol-hash)
  (begin

    ;; Capacities and weakness only advise.
    (define (make-eq-hashtable . advice) (make-hash-table eq?))
    (define (make-eqv-hashtable . advice) (make-hash-table eqv?))

    ;; The hash function may be a pair of two, or #f for one of ours.
    (define (make-hashtable hash equivalence . advice)
      (cond ((not hash) (make-hash-table equivalence))
            ((pair? hash) (make-hash-table equivalence (car hash)))
            (else (make-hash-table equivalence hash))))

    (define (%filled table alist)
      (for-each
        (lambda (entry)
          (if (not (hashtable-contains? table (car entry)))
              (hash-table-set! table (car entry) (cdr entry))))
        alist)
      table)

    (define (alist->eq-hashtable . advice+alist) (%filled (make-eq-hashtable) (%last advice+alist)))
    (define (alist->eqv-hashtable . advice+alist) (%filled (make-eqv-hashtable) (%last advice+alist)))
    (define (alist->hashtable hash equivalence . advice+alist)
      (%filled (make-hashtable hash equivalence) (%last advice+alist)))

    (define (%last items) (list-ref items (- (length items) 1)))

    (define-syntax weakness
      (syntax-rules () ((_ kind) 'kind)))

    ;; -- access -------------------------------------------------------------------------------

    ;; (hashtable-ref table key default), or with a procedure for a missing key and one for what is found.
    (define (hashtable-ref table key . options)
      (cond ((null? options) (hash-table-ref table key))
            ((procedure? (car options)) (apply hash-table-ref table key options))
            ((and (not (car options)) (pair? (cdr options)))
             (hash-table-ref table key #f (cadr options)))
            (else (hash-table-ref/default table key (car options)))))

    (define (hashtable-set! table key value) (hash-table-set! table key value))

    (define (hashtable-delete! table key)
      (hash-table-delete! table key)
      (if #f #f))

    (define (hashtable-lookup table key)
      (let ((value (hash-table-ref/default table key %hash-table-absent)))
        (if (eq? value %hash-table-absent)
            (values #f #f)
            (values value #t))))

    (define (hashtable-update! table key proc . default)
      (cond ((null? default) (hash-table-update! table key proc))
            ((procedure? (car default)) (hash-table-update! table key proc (car default)))
            (else (hash-table-update! table key proc (lambda () (car default))))))

    (define (hashtable-inc! table key . by)
      (hash-table-update! table key (lambda (n) (+ n (if (pair? by) (car by) 1))) (lambda () 0)))

    (define (hashtable-dec! table key . by)
      (hash-table-update! table key (lambda (n) (- n (if (pair? by) (car by) 1))) (lambda () 0)))

    (define (hashtable-pop! table)
      (if (hashtable-empty? table)
          (%fail 'range-error "hashtable-pop!: the table is empty:" table))
      (let ((entry (car (hash-table->alist table))))
        (hash-table-delete! table (car entry))
        (values (car entry) (cdr entry))))

    ;; -- the whole table ------------------------------------------------------------------------

    (define (hashtable-copy table . options) (hash-table-copy table))
    (define (hashtable-empty-copy table . capacity) (%empty-copy table))
    (define (hashtable-clear! table . capacity) (hash-table-clear! table))

    (define (hashtable-keys table) (list->vector (hashtable-key-list table)))
    (define (hashtable-values table) (list->vector (hashtable-value-list table)))
    (define (hashtable-entries table) (values (hashtable-keys table) (hashtable-values table)))
    (define (hashtable-entry-lists table) (values (hashtable-key-list table) (hashtable-value-list table)))

    (define (hashtable-walk table proc) (%walk table proc))
    (define (hashtable-update-all! table proc) (hash-table-map! proc table))
    (define (hashtable-prune! table proc) (hash-table-prune! proc table))

    ;; The values of the source go before.
    (define (hashtable-merge! table source)
      (%walk source (lambda (key value) (hash-table-set! table key value)))
      table)

    (define (hashtable-sum table init proc) (hash-table-fold table proc init))

    (define (hashtable-map->lset table proc)
      (hash-table-fold table (lambda (key value acc) (cons (proc key value) acc)) '()))

    ;; The first key and value that the procedure takes, and whether there are any.
    (define (hashtable-find table proc)
      (let loop ((rest (hash-table->alist table)))
        (cond ((null? rest) (values #f #f #f))
              ((proc (car (car rest)) (cdr (car rest)))
               (values (car (car rest)) (cdr (car rest)) #t))
              (else (loop (cdr rest))))))

    ;; -- about a table ----------------------------------------------------------------------------

    (define (hashtable-equivalence-function table) (hash-table-equivalence-function table))

    (define (hashtable-hash-function table)
      (let ((same? (hash-table-equivalence-function table)))
        (if (memq same? (list eq? eqv?)) #f (hash-table-hash-function table))))

    (define (hashtable-weakness table)
      (hashtable-size table)
      #f)

    (define (hashtable-mutable? table)
      (hashtable-size table)
      #t)

    (define (hash-salt) 9699690)))
