;;; SRFI 14: sets of characters.
;;;
;;; Invariant: a set never changes. Its content is the name of a property of Unicode or a string of the first and the
;;; last character of each stretch; primitives in Python read both. So the linear-update procedures return new sets, a
;;; standard set costs nothing until it is used, and any set is an ordinary record for the heap.
;;;
;;; A cursor is the code point of the next character, or #f at the end.
(define-library (srfi 14)
  (import (scheme base) (perdure primitives) (perdure char-set))
  (export char-set? char-set= char-set<= char-set-hash
          char-set-cursor char-set-ref char-set-cursor-next end-of-char-set?
          char-set-fold char-set-unfold char-set-unfold! char-set-for-each char-set-map
          char-set-copy char-set list->char-set list->char-set! string->char-set string->char-set!
          char-set-filter char-set-filter! ucs-range->char-set ucs-range->char-set! ->char-set
          char-set->list char-set->string char-set-size char-set-count char-set-contains? char-set-every char-set-any
          char-set-adjoin char-set-adjoin! char-set-delete char-set-delete!
          char-set-complement char-set-complement! char-set-union char-set-union!
          char-set-intersection char-set-intersection! char-set-difference char-set-difference!
          char-set-xor char-set-xor! char-set-diff+intersection char-set-diff+intersection!
          char-set:lower-case char-set:upper-case char-set:title-case char-set:letter char-set:digit
          char-set:letter+digit char-set:graphic char-set:printing char-set:whitespace char-set:iso-control
          char-set:punctuation char-set:symbol char-set:hex-digit char-set:blank char-set:ascii
          char-set:empty char-set:full)
  (begin

    (define char-set:lower-case (make-char-set 'lower-case))
    (define char-set:upper-case (make-char-set 'upper-case))
    (define char-set:title-case (make-char-set 'title-case))
    (define char-set:letter (make-char-set 'letter))
    (define char-set:digit (make-char-set 'digit))
    (define char-set:letter+digit (make-char-set 'letter+digit))
    (define char-set:graphic (make-char-set 'graphic))
    (define char-set:printing (make-char-set 'printing))
    (define char-set:whitespace (make-char-set 'whitespace))
    (define char-set:iso-control (make-char-set 'iso-control))
    (define char-set:punctuation (make-char-set 'punctuation))
    (define char-set:symbol (make-char-set 'symbol))
    (define char-set:hex-digit (make-char-set 'hex-digit))
    (define char-set:blank (make-char-set 'blank))
    (define char-set:ascii (make-char-set 'ascii))
    (define char-set:empty (make-char-set 'empty))
    (define char-set:full (make-char-set 'full))

    (define (contents sets) (map char-set-content sets))

    ;; -- comparing --------------------------------------------------------------------------

    ;; Whether each of some contents and the next are so related.
    (define (chained? related? row)
      (or (null? row)
          (let loop ((a (car row)) (rest (cdr row)))
            (or (null? rest)
                (and (related? a (car rest)) (loop (car rest) (cdr rest)))))))

    (define (char-set= . sets) (chained? %char-set-same? (contents sets)))
    (define (char-set<= . sets) (chained? %char-set-within? (contents sets)))

    (define (char-set-hash set . bound)
      (let ((hash (%char-set-hash (char-set-content set))))
        (if (and (pair? bound) (not (eqv? (car bound) 0)))
            (modulo hash (car bound))
            hash)))

    ;; -- cursors ----------------------------------------------------------------------------

    (define (char-set-cursor set) (%char-set-next (char-set-content set) 0))

    (define (char-set-ref set cursor)
      (if (not (and cursor (char-set-contains? set (integer->char cursor))))
          (%fail 'range-error "char-set-ref: expected a cursor into the set, got" cursor))
      (integer->char cursor))

    (define (char-set-cursor-next set cursor)
      (if (not cursor)
          (%fail 'range-error "char-set-cursor-next: the cursor is at the end of" set))
      (%char-set-next (char-set-content set) (+ cursor 1)))

    (define (end-of-char-set? cursor) (not cursor))

    ;; -- iterating --------------------------------------------------------------------------

    (define (char-set-fold kons knil set)
      (let ((content (char-set-content set)))
        (let loop ((cursor (%char-set-next content 0)) (acc knil))
          (if cursor
              (loop (%char-set-next content (+ cursor 1))
                    (kons (integer->char cursor) acc))
              acc))))

    (define (char-set-for-each proc set)
      (char-set-fold (lambda (c ignored) (proc c) ignored) (if #f #f) set))

    (define (char-set-unfold stop? mapper successor seed . base)
      (let loop ((seed seed) (chars '()))
        (if (stop? seed)
            (apply list->char-set chars base)
            (loop (successor seed) (cons (mapper seed) chars)))))

    (define char-set-unfold! char-set-unfold)

    (define (char-set-map proc set)
      (list->char-set (char-set-fold (lambda (c chars) (cons (proc c) chars)) '() set)))

    (define (char-set-filter pred set . base)
      (apply list->char-set
             (char-set-fold (lambda (c chars) (if (pred c) (cons c chars) chars)) '() set)
             base))

    (define char-set-filter! char-set-filter)

    (define (char-set-count pred set)
      (char-set-fold (lambda (c n) (if (pred c) (+ n 1) n)) 0 set))

    (define (char-set-every pred set)
      (let ((content (char-set-content set)))
        (let loop ((cursor (%char-set-next content 0)) (value #t))
          (if (and cursor value)
              (loop (%char-set-next content (+ cursor 1)) (pred (integer->char cursor)))
              value))))

    (define (char-set-any pred set)
      (let ((content (char-set-content set)))
        (let loop ((cursor (%char-set-next content 0)))
          (and cursor
               (or (pred (integer->char cursor))
                   (loop (%char-set-next content (+ cursor 1))))))))

    ;; -- making -----------------------------------------------------------------------------

    (define (char-set-copy set) (make-char-set (char-set-content set)))

    (define (joined chars base)
      (let ((made (%char-set-of chars)))
        (make-char-set (if (pair? base)
                (%char-set-combine 'union made (contents base))
                made))))

    (define (char-set . chars) (joined chars '()))
    (define (list->char-set chars . base) (joined chars base))
    (define (list->char-set! chars base) (joined chars (list base)))
    (define (string->char-set string . base) (joined (string->list string) base))
    (define (string->char-set! string base) (joined (string->list string) (list base)))

    ;; (ucs-range->char-set lower upper [error? [base]])
    (define (ucs-range->char-set lower upper . options)
      (let ((made (%char-set-range lower upper (and (pair? options) (car options)))))
        (make-char-set (if (and (pair? options) (pair? (cdr options)))
                (%char-set-combine 'union made (contents (cdr options)))
                made))))

    (define ucs-range->char-set! ucs-range->char-set)

    (define (->char-set obj)
      (cond ((char-set? obj) obj)
            ((string? obj) (string->char-set obj))
            ((char? obj) (char-set obj))
            (else (%fail 'type-error "->char-set: expected a char-set, string or character, got" obj))))

    ;; -- asking -----------------------------------------------------------------------------

    (define (char-set->list set) (vector->list (%char-set-chars (char-set-content set))))
    (define (char-set->string set) (vector->string (%char-set-chars (char-set-content set))))
    (define (char-set-size set) (%char-set-size (char-set-content set)))
    (define (char-set-contains? set char) (%char-set-has? (char-set-content set) char))

    ;; -- algebra ----------------------------------------------------------------------------

    (define (combined operation set sets)
      (make-char-set (%char-set-combine operation (char-set-content set) (contents sets))))

    (define (char-set-adjoin set . chars) (combined 'union set (list (list->char-set chars))))
    (define (char-set-delete set . chars) (combined 'difference set (list (list->char-set chars))))
    (define (char-set-complement set) (combined 'difference char-set:full (list set)))
    (define (char-set-union . sets) (combined 'union char-set:empty sets))
    (define (char-set-intersection . sets) (combined 'intersection char-set:full sets))
    (define (char-set-difference set . sets) (combined 'difference set sets))
    (define (char-set-xor . sets) (combined 'xor char-set:empty sets))

    (define (char-set-diff+intersection set . sets)
      (let ((others (apply char-set-union sets)))
        (values (char-set-difference set others)
                (char-set-intersection set others))))

    (define char-set-adjoin! char-set-adjoin)
    (define char-set-delete! char-set-delete)
    (define char-set-complement! char-set-complement)
    (define char-set-union! char-set-union)
    (define char-set-intersection! char-set-intersection)
    (define char-set-difference! char-set-difference)
    (define char-set-xor! char-set-xor)
    (define char-set-diff+intersection! char-set-diff+intersection)))
