;;; Higher-order procedures on strings.
(define-library (perdure string)
  (export string-map string-for-each string-count string-find string-find-next-char string-index
          string-index-right string-search-char string-any string-every string-filter string-delete
          string-fold string-fold-right string-tabulate)
  (begin

    (define (string-map proc string1 . strings)
      (list->string
        (if (null? strings)
            (%map-1 proc (string->list string1))
            (apply map proc (string->list string1) (%map-1 string->list strings)))))

    (define (string-for-each proc string1 . strings)
      (if (null? strings)
          (%for-each-1 proc (string->list string1))
          (apply for-each proc (string->list string1) (%map-1 string->list strings))))

    ;; SRFI 13 takes a character wherever a predicate is expected.
    (define (%char-test pred)
      (if (char? pred) (lambda (c) (eq? c pred)) pred))

    ;; R7RS-large has the string first, SRFI 13 too; MIT Scheme's older order is taken as well.
    (define (string-count string pred . range)
      (if (string? string)
          (count (%char-test pred) (apply string->list string range))
          (apply string-count pred string range)))

    (define (string-index string pred . range)
      (let ((test (%char-test pred)))
        (let loop ((i (if (pair? range) (car range) 0))
                   (rest (apply string->list string range)))
          (and (pair? rest)
               (if (test (car rest)) i (loop (+ i 1) (cdr rest)))))))

    (define string-search-char string-index)
    (define string-find-next-char string-index)

    (define (string-find pred string)
      (if (string? pred)
          (string-find string pred)
          (string-index string pred)))

    (define (string-index-right string pred)
      (let ((test (%char-test pred)))
        (let loop ((i (- (string-length string) 1)))
          (and (>= i 0)
               (if (test (string-ref string i)) i (loop (- i 1)))))))

    (define (string-any pred string)
      (%any-1 (%char-test pred) (string->list string)))

    (define (string-every pred string)
      (%every-1 (%char-test pred) (string->list string)))

    (define (string-filter pred string)
      (if (string? pred)
          (string-filter string pred)
          (list->string (filter (%char-test pred) (string->list string)))))

    (define (string-delete pred string)
      (if (string? pred)
          (string-delete string pred)
          (list->string (remove (%char-test pred) (string->list string)))))

    (define (string-fold kons knil string)
      (fold kons knil (string->list string)))

    (define (string-fold-right kons knil string)
      (fold-right kons knil (string->list string)))

    (define (string-tabulate proc n)
      (list->string (list-tabulate n proc)))))
