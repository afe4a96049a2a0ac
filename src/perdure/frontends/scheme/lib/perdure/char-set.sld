;;; The record behind the sets of SRFI 14, and criteria: what SRFI 13 and 130 take to choose characters by.
;;; A criterion is a character, a set of characters, or a predicate.
(define-library (perdure char-set)
  (import (scheme base) (perdure primitives))
  (export make-char-set char-set? char-set-content criterion-content criterion-test)
  (begin

    (define-record-type <char-set>
      (make-char-set content)
      char-set?
      (content char-set-content))

    ;; What primitives can test characters by, or #f for a predicate: that only Scheme can call.
    (define (criterion-content criterion)
      (cond ((char? criterion) criterion)
            ((char-set? criterion) (char-set-content criterion))
            ((procedure? criterion) #f)
            (else (%fail 'type-error "expected a character, a char-set or a predicate, got" criterion))))

    (define (criterion-test criterion)
      (let ((content (criterion-content criterion)))
        (cond ((not content) criterion)
              ((char? content) (lambda (c) (eq? c content)))
              (else (lambda (c) (%char-set-has? content c))))))))
