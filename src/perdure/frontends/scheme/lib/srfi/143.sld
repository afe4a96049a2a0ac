;;; SRFI 143: fixnums, here integers of 62 bits. What can't leave their range is the general procedure itself under another
;;; name, as fast as that; what can checks its result.
(define-library (srfi 143)
  (import (scheme base) (srfi 151) (only (perdure primitives) %fail))
  (export fx-width fx-greatest fx-least fixnum?
          (rename = fx=?) (rename < fx<?) (rename > fx>?) (rename <= fx<=?) (rename >= fx>=?)
          (rename zero? fxzero?) (rename positive? fxpositive?) (rename negative? fxnegative?)
          (rename odd? fxodd?) (rename even? fxeven?) (rename max fxmax) (rename min fxmin)
          fx+ fx- fxneg fx* fxquotient (rename remainder fxremainder) fxabs fxsquare
          (rename exact-integer-sqrt fxsqrt)
          fx+/carry fx-/carry fx*/carry
          (rename bitwise-not fxnot) (rename bitwise-and fxand) (rename bitwise-ior fxior)
          (rename bitwise-xor fxxor) (rename bit-count fxbit-count) (rename integer-length fxlength)
          (rename bitwise-if fxif) (rename first-set-bit fxfirst-set-bit)
          fxarithmetic-shift fxarithmetic-shift-left fxarithmetic-shift-right
          fxbit-set? fxcopy-bit fxbit-field fxbit-field-rotate fxbit-field-reverse)
  (begin

    (define fx-width 62)
    (define fx-greatest 2305843009213693951)
    (define fx-least -2305843009213693952)

    (define (fixnum? obj)
      (and (exact-integer? obj)
           (<= -2305843009213693952 obj 2305843009213693951)))

    ;; The result of an operation, if it is a fixnum.
    (define (%checked who result)
      (if (fixnum? result)
          result
          (%fail 'range-error (string-append who ": the result is not a fixnum:") result)))

    (define (fx+ i j) (%checked "fx+" (+ i j)))
    (define (fx- i j) (%checked "fx-" (- i j)))
    (define (fxneg i) (%checked "fxneg" (- i)))
    (define (fx* i j) (%checked "fx*" (* i j)))
    (define (fxquotient i j) (%checked "fxquotient" (quotient i j)))
    (define (fxabs i) (%checked "fxabs" (abs i)))
    (define (fxsquare i) (%checked "fxsquare" (* i i)))

    ;; A sum as its lowest bits, seen as a fixnum, and what is carried.
    (define (%carried sum)
      (let* ((modulus 4611686018427387904)
             (low (+ (floor-remainder (- sum fx-least) modulus) fx-least)))
        (values low (quotient (- sum low) modulus))))

    (define (fx+/carry i j k) (%carried (+ i j k)))
    (define (fx-/carry i j k) (%carried (- i j k)))
    (define (fx*/carry i j k) (%carried (+ (* i j) k)))

    (define (%check-index who index)
      (if (not (and (exact-integer? index) (<= 0 index 61)))
          (%fail 'range-error (string-append who ": expected a number from 0 to 61, got") index)))

    (define (fxarithmetic-shift i count)
      (%check-index "fxarithmetic-shift" (abs count))
      (%checked "fxarithmetic-shift" (arithmetic-shift i count)))

    (define (fxarithmetic-shift-left i count)
      (%check-index "fxarithmetic-shift-left" count)
      (%checked "fxarithmetic-shift-left" (arithmetic-shift i count)))

    (define (fxarithmetic-shift-right i count)
      (%check-index "fxarithmetic-shift-right" count)
      (arithmetic-shift i (- count)))

    (define (fxbit-set? index i)
      (%check-index "fxbit-set?" index)
      (bit-set? index i))

    (define (fxcopy-bit index i on?)
      (%check-index "fxcopy-bit" index)
      (%signed (copy-bit index i on?)))

    ;; An integer of at most 62 bits as the fixnum that has these bits.
    (define (%signed i)
      (call-with-values (lambda () (%carried i)) (lambda (low carry) low)))

    (define (fxbit-field i start end)
      (%check-field "fxbit-field" start end)
      (%signed (bit-field i start end)))

    (define (fxbit-field-rotate i count start end)
      (%check-field "fxbit-field-rotate" start end)
      (%signed (bit-field-rotate i count start end)))

    (define (fxbit-field-reverse i start end)
      (%check-field "fxbit-field-reverse" start end)
      (%signed (bit-field-reverse i start end)))

    (define (%check-field who start end)
      (if (not (<= 0 start end 62))
          (%fail 'range-error (string-append who ": expected a field within 62 bits, got") start end)))))
