;;; SRFI 151: exact integers as rows of bits. The associative operations, shifts and counts are primitives.
(define-library (srfi 151)
  (import (scheme base)
          (only (perdure primitives) %fail bitwise-and bitwise-ior bitwise-xor bitwise-eqv bitwise-not
                arithmetic-shift bit-count integer-length))
  (export bitwise-not bitwise-and bitwise-ior bitwise-xor bitwise-eqv
          bitwise-nand bitwise-nor bitwise-andc1 bitwise-andc2 bitwise-orc1 bitwise-orc2
          arithmetic-shift bit-count integer-length bitwise-if
          bit-set? copy-bit bit-swap any-bit-set? every-bit-set? first-set-bit
          bit-field bit-field-any? bit-field-every? bit-field-clear bit-field-set
          bit-field-replace bit-field-replace-same bit-field-rotate bit-field-reverse
          bits->list bits->vector list->bits vector->bits bits
          bitwise-fold bitwise-for-each bitwise-unfold make-bitwise-generator)
  (begin

    (define (bitwise-nand i j) (bitwise-not (bitwise-and i j)))
    (define (bitwise-nor i j) (bitwise-not (bitwise-ior i j)))
    (define (bitwise-andc1 i j) (bitwise-and (bitwise-not i) j))
    (define (bitwise-andc2 i j) (bitwise-and i (bitwise-not j)))
    (define (bitwise-orc1 i j) (bitwise-ior (bitwise-not i) j))
    (define (bitwise-orc2 i j) (bitwise-ior i (bitwise-not j)))

    (define (bitwise-if mask i j)
      (bitwise-ior (bitwise-and mask i) (bitwise-andc1 mask j)))

    ;; -- single bits ----------------------------------------------------------------------------

    (define (%check-index who index)
      (if (not (and (exact-integer? index) (>= index 0)))
          (%fail 'range-error (string-append who ": expected the number of a bit, got") index)))

    (define (bit-set? index i)
      (%check-index "bit-set?" index)
      (odd? (arithmetic-shift i (- index))))

    (define (copy-bit index i on?)
      (%check-index "copy-bit" index)
      (let ((mask (arithmetic-shift 1 index)))
        (if on?
            (bitwise-ior i mask)
            (bitwise-andc2 i mask))))

    (define (bit-swap index1 index2 i)
      (let ((first (bit-set? index1 i)) (second (bit-set? index2 i)))
        (copy-bit index2 (copy-bit index1 i second) first)))

    (define (any-bit-set? test-bits i)
      (not (zero? (bitwise-and test-bits i))))

    (define (every-bit-set? test-bits i)
      (= test-bits (bitwise-and test-bits i)))

    ;; i and i - 1 differ in the first one that is set and all below it; 0 and -1 in all.
    (define (first-set-bit i)
      (- (integer-length (bitwise-xor i (- i 1))) 1))

    ;; -- fields of bits ---------------------------------------------------------------------------

    (define (%width who start end)
      (%check-index who start)
      (%check-index who end)
      (if (> start end)
          (%fail 'range-error (string-append who ": the start of the field is after its end:") start end))
      (- end start))

    (define (%ones n) (- (arithmetic-shift 1 n) 1))

    (define (%mask who start end)
      (arithmetic-shift (%ones (%width who start end)) start))

    (define (%field who i start end)
      (bitwise-and (arithmetic-shift i (- start)) (%ones (%width who start end))))

    (define (bit-field i start end) (%field "bit-field" i start end))

    (define (bit-field-any? i start end)
      (any-bit-set? (%mask "bit-field-any?" start end) i))

    (define (bit-field-every? i start end)
      (every-bit-set? (%mask "bit-field-every?" start end) i))

    (define (bit-field-clear i start end)
      (bitwise-andc2 i (%mask "bit-field-clear" start end)))

    (define (bit-field-set i start end)
      (bitwise-ior i (%mask "bit-field-set" start end)))

    (define (bit-field-replace dest source start end)
      (bitwise-if (%mask "bit-field-replace" start end) (arithmetic-shift source start) dest))

    (define (bit-field-replace-same dest source start end)
      (bitwise-if (%mask "bit-field-replace-same" start end) source dest))

    (define (bit-field-rotate i count start end)
      (let ((width (%width "bit-field-rotate" start end)))
        (if (= width 0)
            i
            (let* ((count (modulo count width))
                   (field (bit-field i start end))
                   (moved (bitwise-ior (arithmetic-shift field count)
                                       (arithmetic-shift field (- count width)))))
              (bit-field-replace i moved start end)))))

    (define (bit-field-reverse i start end)
      (let ((width (%width "bit-field-reverse" start end)))
        (let loop ((n 0) (field (bit-field i start end)) (turned 0))
          (if (= n width)
              (bit-field-replace i turned start end)
              (loop (+ n 1)
                    (arithmetic-shift field -1)
                    (bitwise-ior (arithmetic-shift turned 1) (bitwise-and field 1)))))))

    ;; -- lists and vectors of booleans, lowest bit first ----------------------------------------------

    (define (bits->list i . length)
      (let ((length (if (pair? length) (car length) (integer-length i))))
        (if (not (and (exact-integer? length) (>= length 0)))
            (%fail 'type-error "bits->list: expected a nonnegative exact integer as length, got" length))
        (let loop ((n length) (i i) (out '()))
          (if (= n 0)
              (reverse out)
              (loop (- n 1) (arithmetic-shift i -1) (cons (odd? i) out))))))

    (define (bits->vector i . length)
      (list->vector (apply bits->list i length)))

    (define (list->bits booleans)
      (let loop ((rest (reverse booleans)) (i 0))
        (cond ((null? rest) i)
              ((not (boolean? (car rest)))
               (%fail 'type-error "list->bits: expected a boolean, got" (car rest)))
              (else (loop (cdr rest) (+ i i (if (car rest) 1 0)))))))

    (define (vector->bits booleans) (list->bits (vector->list booleans)))

    (define (bits . booleans) (list->bits booleans))

    (define (bitwise-fold proc seed i)
      (let loop ((rest (bits->list i)) (acc seed))
        (if (null? rest)
            acc
            (loop (cdr rest) (proc (car rest) acc)))))

    (define (bitwise-for-each proc i)
      (for-each proc (bits->list i)))

    (define (bitwise-unfold stop? mapper successor seed)
      (let loop ((state seed) (out '()))
        (if (stop? state)
            (list->bits (reverse out))
            (loop (successor state) (cons (if (mapper state) #t #f) out)))))

    (define (make-bitwise-generator i . start)
      (let ((rest (arithmetic-shift i (- (if (pair? start) (car start) 0)))))
        (lambda ()
          (let ((bit (odd? rest)))
            (set! rest (arithmetic-shift rest -1))
            bit))))))
