;;; Procedures on hash tables that take procedures: SRFI 69, and what SRFI 125 has under names of its own.
;;; Where the two, or MIT Scheme, disagree about the order of arguments, the procedure tells the table apart and takes either.
(define-library (perdure hash-table)
  (export hash-table-ref hash-table-update! hash-table-update!/default hash-table-walk
          hash-table-for-each hash-table-fold hash-table-map hash-table-map! hash-table-map->list
          hash-table-filter! hash-table-remove! hash-table-count hash-table-find
          hash-table-prune! hash-table-intern! hash-table-merge! hash-table-union! alist->hash-table
          %user-table-ref %user-table-set %user-table-delete %user-table-has %hash-table-absent %hash-table-fill!)
  (begin

    ;; What no table holds as a value: the default that tells that there is none.
    (define %hash-table-absent (list 'absent))

    (define (hash-table-ref table key . procs)
      (let ((value (hash-table-ref/default table key %hash-table-absent)))
        (if (eq? value %hash-table-absent)
            (%hash-table-missing "hash-table-ref" key procs)
            (if (and (pair? procs) (pair? (cdr procs)) (cadr procs))
                ((cadr procs) value)
                value))))

    (define (%hash-table-missing who key procs)
      (if (and (pair? procs) (car procs))
          ((car procs))
          (%fail 'range-error (string-append who ": no such key:") key)))

    (define (hash-table-update! table key proc . procs)
      (let ((value (hash-table-ref/default table key %hash-table-absent)))
        (hash-table-set! table key
          (proc (if (eq? value %hash-table-absent)
                    (%hash-table-missing "hash-table-update!" key procs)
                    (if (and (pair? procs) (pair? (cdr procs)) (cadr procs))
                        ((cadr procs) value)
                        value))))))

    (define (hash-table-update!/default table key proc default)
      (hash-table-set! table key (proc (hash-table-ref/default table key default))))

    (define (hash-table-intern! table key make)
      (let ((value (hash-table-ref/default table key %hash-table-absent)))
        (if (eq? value %hash-table-absent)
            (let ((made (make)))
              (hash-table-set! table key made)
              made)
            value)))

    ;; -- visiting all entries: those that there were at the beginning ----------------------------

    (define (hash-table-walk table proc)
      (if (%swapped? table proc)
          (hash-table-walk proc table)
          (let loop ((rest (hash-table->alist table)))
            (if (pair? rest)
                (begin
                  (proc (car (car rest)) (cdr (car rest)))
                  (loop (cdr rest)))))))

    (define hash-table-for-each hash-table-walk)

    (define (hash-table-fold table kons knil)
      (if (%swapped? table knil)
          (hash-table-fold knil table kons)
          (let loop ((rest (hash-table->alist table)) (acc knil))
            (if (pair? rest)
                (loop (cdr rest) (kons (car (car rest)) (cdr (car rest)) acc))
                acc))))

    (define (hash-table-map->list proc table)
      (if (%swapped? table proc)
          (hash-table-map->list table proc)
          (%map-1 (lambda (entry) (proc (car entry) (cdr entry))) (hash-table->alist table))))

    ;; A table of the same kind, with the procedure's values of the values.
    (define (hash-table-map proc table)
      (let ((copy (hash-table-copy table)))
        (hash-table-walk table (lambda (key value) (hash-table-set! copy key (proc value))))
        copy))

    (define (hash-table-map! proc table)
      (if (%swapped? table proc)
          (hash-table-map! table proc)
          (hash-table-walk table
            (lambda (key value) (hash-table-set! table key (proc key value))))))

    (define (hash-table-remove! table pred)
      (if (%swapped? table pred)
          (hash-table-remove! pred table)
          (hash-table-walk table
            (lambda (key value) (if (pred key value) (hash-table-delete! table key))))))

    (define hash-table-prune! hash-table-remove!)

    (define (hash-table-filter! table pred)
      (if (%swapped? table pred)
          (hash-table-filter! pred table)
          (hash-table-remove! table (lambda (key value) (not (pred key value))))))

    (define (hash-table-count table . pred)
      (cond ((null? pred) (hash-table-size table))
            ((%swapped? table (car pred)) (hash-table-count (car pred) table))
            (else
             (hash-table-fold table
               (lambda (key value n) (if ((car pred) key value) (+ n 1) n))
               0))))

    (define (hash-table-find proc table . failure)
      (if (%swapped? table proc)
          (apply hash-table-find table proc failure)
          (let loop ((rest (hash-table->alist table)))
            (if (pair? rest)
                (or (proc (car (car rest)) (cdr (car rest)))
                    (loop (cdr rest)))
                (and (pair? failure) ((car failure)))))))

    ;; -- tables from tables and lists: of several values for a key the first one counts, but for merge! --

    (define (%hash-table-fill! who table alist)
      (if (%user-table? table)
          (%for-each-1
            (lambda (entry)
              (if (not (hash-table-exists? table (car entry)))
                  (hash-table-set! table (car entry) (cdr entry))))
            alist)
          (%fill-hash-table who table alist))
      table)

    (define (alist->hash-table alist . options)
      (%hash-table-fill! 'alist->hash-table (apply make-hash-table options) alist))

    ;; Of a key that both tables have, SRFI 69 takes the second value, SRFI 125 keeps the first.
    (define (hash-table-merge! table1 table2)
      (%for-each-1 (lambda (entry) (hash-table-set! table1 (car entry) (cdr entry)))
                   (hash-table->alist table2))
      table1)

    (define (hash-table-union! table1 table2)
      (%hash-table-fill! 'hash-table-union! table1 (hash-table->alist table2)))

    ;; -- tables with an equivalence of the program: what the primitives leave to the library -----

    (define (%user-table-code table key)
      (let ((hash (hash-table-hash-function table))
            (bound (%user-table-bound table)))
        (if bound (hash key bound) (hash key))))

    ;; The entry of a key, as the pair (key . value) that the table holds, or #f.
    (define (%user-table-entry table key code)
      (let ((same? (hash-table-equivalence-function table)))
        (let loop ((rest (%user-table-bucket table code)))
          (and (pair? rest)
               (if (same? (car (car rest)) key)
                   (car rest)
                   (loop (cdr rest)))))))

    (define (%user-table-ref table key default)
      (let ((entry (%user-table-entry table key (%user-table-code table key))))
        (if entry (cdr entry) default)))

    (define (%user-table-has table key)
      (if (%user-table-entry table key (%user-table-code table key)) #t #f))

    (define (%user-table-set table . keys+values)
      (let loop ((rest keys+values))
        (if (pair? rest)
            (let* ((key (car rest))
                   (code (%user-table-code table key))
                   (entry (%user-table-entry table key code)))
              (if entry
                  (set-cdr! entry (cadr rest))
                  (%user-table-add! table code key (cadr rest)))
              (loop (cddr rest))))))

    (define (%user-table-delete table . keys)
      (let loop ((keys keys) (count 0))
        (if (null? keys)
            count
            (let* ((code (%user-table-code table (car keys)))
                   (entry (%user-table-entry table (car keys) code)))
              (if entry (%user-table-remove! table code entry))
              (loop (cdr keys) (if entry (+ count 1) count))))))))
