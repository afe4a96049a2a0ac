;;; SRFI 128: comparators.
;;; The default comparator's registered comparators belong to the run: they are the value of a parameter of the run.
;;; The salt is a constant, because a run may go on in another process and hashes may be stored.
(define-library (srfi 128)
  (import (scheme base) (only (perdure primitives) %fail %make-run-parameter hash real-part imag-part
            string-hash string-ci-hash symbol-hash char-hash char-ci-hash boolean-hash number-hash))
  (export comparator? comparator-ordered? comparator-hashable?
          make-comparator make-pair-comparator make-list-comparator make-vector-comparator
          make-eq-comparator make-eqv-comparator make-equal-comparator
          boolean-hash char-hash char-ci-hash string-hash string-ci-hash symbol-hash number-hash
          hash-bound hash-salt
          make-default-comparator default-hash comparator-register-default!
          comparator-type-test-predicate comparator-equality-predicate comparator-ordering-predicate
          comparator-hash-function comparator-test-type comparator-check-type comparator-hash
          =? <? >? <=? >=? comparator-if<=>)
  (begin

    (define-record-type comparator
      (%make-comparator type-test equality ordering hash ordered? hashable?)
      comparator?
      (type-test comparator-type-test-predicate)
      (equality comparator-equality-predicate)
      (ordering comparator-ordering-predicate)
      (hash comparator-hash-function)
      (ordered? comparator-ordered?)
      (hashable? comparator-hashable?))

    (define (%no-ordering a b)
      (error "the comparator has no ordering predicate; can't order" a b))

    (define (%no-hash obj)
      (error "the comparator has no hash function; can't hash" obj))

    (define (make-comparator type-test equality ordering hash)
      (for-each
        (lambda (part)
          (if (not (procedure? part))
              (%fail 'type-error "make-comparator: expected a procedure, got" part)))
        (list type-test equality (or ordering %no-ordering) (or hash %no-hash)))
      (%make-comparator type-test equality
                        (or ordering %no-ordering) (or hash %no-hash)
                        (if ordering #t #f) (if hash #t #f)))

    (define (comparator-test-type comparator obj)
      ((comparator-type-test-predicate comparator) obj))

    (define (comparator-check-type comparator obj)
      (or (comparator-test-type comparator obj)
          (%fail 'type-error "comparator-check-type: the comparator does not take" obj)))

    (define (comparator-hash comparator obj)
      ((comparator-hash-function comparator) obj))

    ;; -- hashing ----------------------------------------------------------------------------

    (define-syntax hash-bound
      (syntax-rules () ((_) 4294967296)))

    (define-syntax hash-salt
      (syntax-rules () ((_) 9699690)))

    ;; The hash of a row of things, given the hash of what comes before the next one.
    (define (%mix before next)
      (modulo (+ (* 31 before) next 17) (hash-bound)))

    ;; -- comparators of compounds, out of those of their parts -----------------------------------

    (define (make-pair-comparator car-comparator cdr-comparator)
      (let ((car-equal? (comparator-equality-predicate car-comparator))
            (cdr-equal? (comparator-equality-predicate cdr-comparator)))
        (make-comparator
          (lambda (obj)
            (and (pair? obj)
                 (comparator-test-type car-comparator (car obj))
                 (comparator-test-type cdr-comparator (cdr obj))))
          (lambda (a b)
            (and (car-equal? (car a) (car b))
                 (cdr-equal? (cdr a) (cdr b))))
          (and (comparator-ordered? car-comparator)
               (comparator-ordered? cdr-comparator)
               (lambda (a b)
                 (if (car-equal? (car a) (car b))
                     ((comparator-ordering-predicate cdr-comparator) (cdr a) (cdr b))
                     ((comparator-ordering-predicate car-comparator) (car a) (car b)))))
          (and (comparator-hashable? car-comparator)
               (comparator-hashable? cdr-comparator)
               (lambda (obj)
                 (%mix (comparator-hash car-comparator (car obj))
                       (comparator-hash cdr-comparator (cdr obj))))))))

    (define (make-list-comparator element type-test empty? head tail)
      (let ((same? (comparator-equality-predicate element))
            (less? (comparator-ordering-predicate element)))
        (make-comparator
          (lambda (obj)
            (and (type-test obj)
                 (let loop ((rest obj))
                   (or (empty? rest)
                       (and (comparator-test-type element (head rest))
                            (loop (tail rest)))))))
          (lambda (a b)
            (let loop ((a a) (b b))
              (cond ((empty? a) (empty? b))
                    ((empty? b) #f)
                    (else (and (same? (head a) (head b))
                               (loop (tail a) (tail b)))))))
          (and (comparator-ordered? element)
               (lambda (a b)
                 (let loop ((a a) (b b))
                   (cond ((empty? b) #f)
                         ((empty? a) #t)
                         ((same? (head a) (head b)) (loop (tail a) (tail b)))
                         (else (less? (head a) (head b)))))))
          (and (comparator-hashable? element)
               (lambda (obj)
                 (let loop ((rest obj) (code 0))
                   (if (empty? rest)
                       code
                       (loop (tail rest) (%mix code (comparator-hash element (head rest)))))))))))

    (define (make-vector-comparator element type-test length ref)
      (let ((same? (comparator-equality-predicate element))
            (less? (comparator-ordering-predicate element)))
        (make-comparator
          (lambda (obj)
            (and (type-test obj)
                 (let ((n (length obj)))
                   (let loop ((i 0))
                     (or (= i n)
                         (and (comparator-test-type element (ref obj i))
                              (loop (+ i 1))))))))
          (lambda (a b)
            (let ((n (length a)))
              (and (= n (length b))
                   (let loop ((i 0))
                     (or (= i n)
                         (and (same? (ref a i) (ref b i))
                              (loop (+ i 1))))))))
          (and (comparator-ordered? element)
               (lambda (a b)
                 (let ((n (length a)) (m (length b)))
                   (or (< n m)
                       (and (= n m)
                            (let loop ((i 0))
                              (and (< i n)
                                   (if (same? (ref a i) (ref b i))
                                       (loop (+ i 1))
                                       (less? (ref a i) (ref b i))))))))))
          (and (comparator-hashable? element)
               (lambda (obj)
                 (let ((n (length obj)))
                   (let loop ((i 0) (code n))
                     (if (= i n)
                         code
                         (loop (+ i 1) (%mix code (comparator-hash element (ref obj i))))))))))))

    ;; -- the default comparator --------------------------------------------------------------------

    ;; Comparators of types that are not Scheme's own, oldest first.
    (define %registered (%make-run-parameter '() 'srfi.128:registered))

    (define (comparator-register-default! comparator)
      (if (not (comparator? comparator))
          (%fail 'type-error "comparator-register-default!: expected a comparator, got" comparator))
      (%registered (append (%registered) (list comparator))))

    ;; Objects of a lower rank come before those of a higher one.
    (define (%rank obj)
      (cond ((null? obj) 0)
            ((pair? obj) 1)
            ((boolean? obj) 2)
            ((char? obj) 3)
            ((string? obj) 4)
            ((symbol? obj) 5)
            ((number? obj) 6)
            ((vector? obj) 7)
            ((bytevector? obj) 8)
            (else
             (let loop ((rest (%registered)) (rank 9))
               (if (or (null? rest) (comparator-test-type (car rest) obj))
                   rank
                   (loop (cdr rest) (+ rank 1)))))))

    ;; 0 if two objects are equal; else -1 if the first is less and it is asked for, or 1.
    (define (%compare a b ordered?)
      (let loop ((a a) (b b))
        (let ((rank (%rank a)) (other (%rank b)))
          (cond ((< rank other) -1)
                ((> rank other) 1)
                ((= rank 1)
                 (let ((first (%compare (car a) (car b) ordered?)))
                   (if (= first 0) (loop (cdr a) (cdr b)) first)))
                (else (%compare-ranked rank a b ordered?))))))

    (define (%compare-ranked rank a b ordered?)
      (case rank
        ((0) 0)
        ((2) (cond ((eq? a b) 0) (b -1) (else 1)))
        ((3) (cond ((char=? a b) 0) ((char<? a b) -1) (else 1)))
        ((4) (cond ((string=? a b) 0) ((string<? a b) -1) (else 1)))
        ((5) (cond ((eq? a b) 0)
                   ((string<? (symbol->string a) (symbol->string b)) -1)
                   (else 1)))
        ((6) (%compare-numbers a b))
        ((7) (%compare-rows a b vector-length vector-ref ordered?))
        ((8) (%compare-rows a b bytevector-length bytevector-u8-ref ordered?))
        (else
         (let ((registered (%registered)))
           (if (= rank (+ 9 (length registered)))
               (if (eqv? a b) 0 1)
               (let ((comparator (list-ref registered (- rank 9))))
                 (cond (((comparator-equality-predicate comparator) a b) 0)
                       ((and ordered? ((comparator-ordering-predicate comparator) a b)) -1)
                       (else 1))))))))

    (define (%compare-numbers a b)
      (cond ((= a b) 0)
            ((and (real? a) (real? b)) (if (< a b) -1 1))
            ((= (real-part a) (real-part b)) (if (< (imag-part a) (imag-part b)) -1 1))
            (else (if (< (real-part a) (real-part b)) -1 1))))

    (define (%compare-rows a b length ref ordered?)
      (let ((n (length a)) (m (length b)))
        (cond ((< n m) -1)
              ((> n m) 1)
              (else
               (let loop ((i 0))
                 (if (= i n)
                     0
                     (let ((order (%compare (ref a i) (ref b i) ordered?)))
                       (if (= order 0) (loop (+ i 1)) order))))))))

    (define (%default-equal? a b) (= (%compare a b #f) 0))
    (define (%default-less? a b) (= (%compare a b #t) -1))

    ;; What holds objects of registered types can't be left to `hash`, which does not know them.
    (define (default-hash obj)
      (if (null? (%registered))
          (hash obj)
          (%hash-registered obj)))

    (define (%hash-registered obj)
      (let ((rank (%rank obj)))
        (cond ((= rank 1)
               (let loop ((rest obj) (code 0))
                 (if (pair? rest)
                     (loop (cdr rest) (%mix code (%hash-registered (car rest))))
                     (%mix code (%hash-registered rest)))))
              ((= rank 7)
               (let ((n (vector-length obj)))
                 (let loop ((i 0) (code n))
                   (if (= i n)
                       code
                       (loop (+ i 1) (%mix code (%hash-registered (vector-ref obj i))))))))
              ((or (< rank 9) (= rank (+ 9 (length (%registered))))) (hash obj))
              (else (comparator-hash (list-ref (%registered) (- rank 9)) obj)))))

    (define (%anything? obj) #t)

    (define %default-comparator
      (make-comparator %anything? %default-equal? %default-less? default-hash))
    (define %eq-comparator (make-comparator %anything? eq? #f default-hash))
    (define %eqv-comparator (make-comparator %anything? eqv? #f default-hash))
    (define %equal-comparator (make-comparator %anything? equal? #f default-hash))

    (define (make-default-comparator) %default-comparator)
    (define (make-eq-comparator) %eq-comparator)
    (define (make-eqv-comparator) %eqv-comparator)
    (define (make-equal-comparator) %equal-comparator)

    ;; -- comparing with a comparator -----------------------------------------------------------------

    ;; Whether a relation holds between each object and the next.
    (define (%chain? related? a b rest)
      (let loop ((a a) (b b) (rest rest))
        (and (related? a b)
             (or (null? rest)
                 (loop b (car rest) (cdr rest))))))

    (define (=? comparator a b . rest)
      (%chain? (comparator-equality-predicate comparator) a b rest))

    (define (<? comparator a b . rest)
      (%chain? (comparator-ordering-predicate comparator) a b rest))

    (define (>? comparator a b . rest)
      (let ((less? (comparator-ordering-predicate comparator)))
        (%chain? (lambda (a b) (less? b a)) a b rest)))

    (define (<=? comparator a b . rest)
      (let ((less? (comparator-ordering-predicate comparator)))
        (%chain? (lambda (a b) (not (less? b a))) a b rest)))

    (define (>=? comparator a b . rest)
      (let ((less? (comparator-ordering-predicate comparator)))
        (%chain? (lambda (a b) (not (less? a b))) a b rest)))

    (define-syntax comparator-if<=>
      (syntax-rules ()
        ((_ a b less equal greater)
         (comparator-if<=> (make-default-comparator) a b less equal greater))
        ((_ comparator a b less equal greater)
         (let ((chosen comparator) (first a) (second b))
           (cond ((=? chosen first second) equal)
                 ((<? chosen first second) less)
                 (else greater))))))))
