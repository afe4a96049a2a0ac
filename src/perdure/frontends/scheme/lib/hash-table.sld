;;; Procedures on hash tables that take procedures: SRFI 69, and some names of SRFI 125.
(define-library (perdure hash-table)
  (export hash-table-ref hash-table-update! hash-table-update!/default hash-table-walk
          hash-table-for-each hash-table-fold hash-table-map hash-table-map! hash-table-map->list
          hash-table-filter! hash-table-remove! hash-table-count hash-table-find
          hash-table-prune! hash-table-intern!)
  (begin

    (define (hash-table-ref table key . procs)
      (if (hash-table-exists? table key)
          (let ((value (hash-table-ref/default table key #f)))
            (if (and (pair? procs) (pair? (cdr procs)))
                ((cadr procs) value)
                value))
          (if (and (pair? procs) (car procs))
              ((car procs))
              (%fail 'range-error "hash-table-ref: no such key:" key))))

    (define (hash-table-update! table key proc . procs)
      (hash-table-set! table key (proc (apply hash-table-ref table key procs))))

    (define (hash-table-update!/default table key proc default)
      (hash-table-set! table key (proc (hash-table-ref/default table key default))))

    (define (hash-table-walk table proc)
      (if (procedure? table)
          (hash-table-walk proc table)
          (%for-each-1 (lambda (entry) (proc (car entry) (cdr entry)))
                       (hash-table->alist table))))

    (define hash-table-for-each hash-table-walk)

    (define (hash-table-fold table kons knil)
      (if (procedure? table)
          (hash-table-fold knil table kons)
          (fold (lambda (entry acc) (kons (car entry) (cdr entry) acc))
                knil
                (hash-table->alist table))))

    (define (hash-table-map->list proc table)
      (if (procedure? table)
          (hash-table-map->list table proc)
          (%map-1 (lambda (entry) (proc (car entry) (cdr entry))) (hash-table->alist table))))

    ;; A table of the same kind, with the procedure's values of the values.
    (define (hash-table-map proc table)
      (let ((copy (hash-table-copy table)))
        (hash-table-walk table (lambda (key value) (hash-table-set! copy key (proc value))))
        copy))

    (define (hash-table-map! proc table)
      (hash-table-walk table
        (lambda (key value) (hash-table-set! table key (proc key value)))))

    (define (hash-table-remove! table pred)
      (hash-table-walk table
        (lambda (key value) (if (pred key value) (hash-table-delete! table key)))))

    (define (hash-table-filter! table pred)
      (hash-table-remove! table (lambda (key value) (not (pred key value)))))

    (define (hash-table-prune! pred table)
      (hash-table-remove! table pred))

    (define (hash-table-count table . pred)
      (if (null? pred)
          (hash-table-size table)
          (hash-table-fold table
            (lambda (key value n) (if ((car pred) key value) (+ n 1) n))
            0)))

    (define (hash-table-find proc table)
      (let loop ((rest (hash-table->alist table)))
        (and (pair? rest)
             (or (proc (car (car rest)) (cdr (car rest)))
                 (loop (cdr rest))))))

    (define (hash-table-intern! table key make)
      (if (hash-table-exists? table key)
          (hash-table-ref/default table key #f)
          (let ((value (make)))
            (hash-table-set! table key value)
            value)))))
