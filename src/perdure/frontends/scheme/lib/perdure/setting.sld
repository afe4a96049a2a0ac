;;; Getters, their setters, and one accessor for all collections: what SRFI 17 and SRFI 123 stand on.
;;; What a program registers belongs to its run. A field of a record can be set even where its type has no procedure for it:
;;; types do not say which fields have one.
(define-library (perdure setting)
  (import (scheme base) (scheme cxr)
          (only (perdure primitives) %fail %make-run-parameter %record-field-ref %record-field-set! record?
                box? unbox set-box! hash-table? hash-table-ref hash-table-ref/default hash-table-set!))
  (export setter getter-with-setter ref ref* register-getter-with-setter!)
  (begin

    ;; -- collections: SRFI 123 -----------------------------------------------------------------

    ;; Types that the program registered: (predicate getter sparse?).
    (define %registered (%make-run-parameter '() 'srfi.123:registered))

    (define (register-getter-with-setter! type getter sparse?)
      (%registered (cons (list type getter sparse?) (%registered))))

    (define (%registered-for obj)
      (let loop ((rest (%registered)))
        (cond ((null? rest) (%fail 'type-error "ref: can't look for a field in" obj))
              (((car (car rest)) obj) (car rest))
              (else (loop (cdr rest))))))

    (define (ref obj field . default)
      (if (hash-table? obj)
          (if (null? default)
              (hash-table-ref obj field)
              (hash-table-ref/default obj field (car default)))
          (let ((sparse (and (pair? default) (%sparse-type obj))))
            (if sparse
                ((cadr sparse) obj field (car default))
                (%ref obj field)))))

    ;; The registered type of an object that takes a default.
    (define (%sparse-type obj)
      (if (or (pair? obj) (vector? obj) (string? obj) (bytevector? obj) (box? obj))
          (%fail 'arity-error "ref: only what can lack a field takes a default, not" obj))
      (let ((type (%registered-for obj)))
        (if (not (caddr type))
            (%fail 'arity-error "ref: only what can lack a field takes a default, not" obj))
        type))

    (define (%ref obj field)
      (cond ((vector? obj) (vector-ref obj field))
            ((pair? obj)
             (cond ((eq? field 'car) (car obj))
                   ((eq? field 'cdr) (cdr obj))
                   (else (list-ref obj field))))
            ((string? obj) (string-ref obj field))
            ((bytevector? obj) (bytevector-u8-ref obj field))
            ((box? obj) (%check-star field) (unbox obj))
            ((%registered-type obj) => (lambda (type) ((cadr type) obj field)))
            ((record? obj) (%record-field-ref obj field))
            (else (%fail 'type-error "ref: can't look for a field in" obj))))

    (define (%registered-type obj)
      (let loop ((rest (%registered)))
        (and (pair? rest)
             (if ((car (car rest)) obj) (car rest) (loop (cdr rest))))))

    (define (%check-star field)
      (if (not (eq? field '*))
          (%fail 'range-error "ref: the one field of a box is *, not" field)))

    (define (%set obj field value)
      (cond ((hash-table? obj) (hash-table-set! obj field value))
            ((vector? obj) (vector-set! obj field value))
            ((pair? obj)
             (cond ((eq? field 'car) (set-car! obj value))
                   ((eq? field 'cdr) (set-cdr! obj value))
                   (else (list-set! obj field value))))
            ((string? obj) (string-set! obj field value))
            ((bytevector? obj) (bytevector-u8-set! obj field value))
            ((box? obj) (%check-star field) (set-box! obj value))
            ((%registered-type obj) => (lambda (type) ((setter (cadr type)) obj field value)))
            ((record? obj) (%record-field-set! obj field value))
            (else (%fail 'type-error "ref: can't set a field of" obj))))

    (define (ref* obj field . fields)
      (let loop ((obj (ref obj field)) (fields fields))
        (if (null? fields)
            obj
            (loop (ref obj (car fields)) (cdr fields)))))

    ;; (set! (ref* obj field ... last) value)
    (define (%set* obj field . more)
      (let loop ((obj obj) (field field) (more more))
        (if (null? (cdr more))
            (%set obj field (car more))
            (loop (ref obj field) (car more) (cdr more)))))

    ;; -- setters: SRFI 17 ------------------------------------------------------------------------

    ;; Setters of the program's procedures, as an association list.
    (define %setters (%make-run-parameter '() 'srfi.17:setters))

    (define (%setter-of getter)
      (let ((entry (assq getter (%setters))))
        (cond (entry (cdr entry))
              ((%standard-setter getter))
              (else (%fail 'range-error "setter: the procedure has no setter:" getter)))))

    (define (%set-setter! getter setter)
      (%setters (cons (cons getter setter) (%setters))))

    (define (setter getter)
      (if (eq? getter setter)
          %set-setter!
          (%setter-of getter)))

    (define (getter-with-setter getter setter)
      (let ((made (lambda arguments (apply getter arguments))))
        (%set-setter! made setter)
        made))

    ;; Not a table: what a library holds in its variables is shared by all runs, and only the variables themselves have names there
    ;; by which a saved run can refer to it.
    (define (%standard-setter getter)
      (cond
        ((eq? getter car) set-car!)
        ((eq? getter cdr) set-cdr!)
        ((eq? getter caar) (lambda (x value) (set-car! (car x) value)))
        ((eq? getter cadr) (lambda (x value) (set-car! (cdr x) value)))
        ((eq? getter cdar) (lambda (x value) (set-cdr! (car x) value)))
        ((eq? getter cddr) (lambda (x value) (set-cdr! (cdr x) value)))
        ((eq? getter caaar) (lambda (x value) (set-car! (caar x) value)))
        ((eq? getter caadr) (lambda (x value) (set-car! (cadr x) value)))
        ((eq? getter cadar) (lambda (x value) (set-car! (cdar x) value)))
        ((eq? getter caddr) (lambda (x value) (set-car! (cddr x) value)))
        ((eq? getter cdaar) (lambda (x value) (set-cdr! (caar x) value)))
        ((eq? getter cdadr) (lambda (x value) (set-cdr! (cadr x) value)))
        ((eq? getter cddar) (lambda (x value) (set-cdr! (cdar x) value)))
        ((eq? getter cdddr) (lambda (x value) (set-cdr! (cddr x) value)))
        ((eq? getter cadddr) (lambda (x value) (set-car! (cdddr x) value)))
        ((eq? getter cddddr) (lambda (x value) (set-cdr! (cdddr x) value)))
        ((eq? getter list-ref) list-set!)
        ((eq? getter vector-ref) vector-set!)
        ((eq? getter string-ref) string-set!)
        ((eq? getter bytevector-u8-ref) bytevector-u8-set!)
        ((eq? getter hash-table-ref) hash-table-set!)
        ((eq? getter hash-table-ref/default) (lambda (table key default value) (hash-table-set! table key value)))
        ((eq? getter ref) %set)
        ((eq? getter ref*) %set*)
        (else #f)))))
