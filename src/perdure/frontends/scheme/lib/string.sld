;;; Higher-order procedures on strings.
(define-library (perdure string)
  (export string-map string-for-each string-count string-find string-find-next-char string-index
          string-index-right string-search-char string-any string-every string-filter string-delete
          string-fold string-fold-right string-tabulate)
  (begin

    (define (%characters who obj)
      (if (string? obj)
          (string->list obj)
          (%fail 'type-error (string-append who ": expected a string, got") obj)))

    (define (string-map proc string1 . strings)
      (let ((first (%characters "string-map" string1))
            (rest (%map-1 (lambda (string) (%characters "string-map" string)) strings)))
        (list->string (if (null? rest) (%map-1 proc first) (apply map proc first rest)))))

    (define (string-for-each proc string1 . strings)
      (let ((first (%characters "string-for-each" string1))
            (rest (%map-1 (lambda (string) (%characters "string-for-each" string)) strings)))
        (if (null? rest) (%for-each-1 proc first) (apply for-each proc first rest))))

    ;; SRFI 13 takes a character wherever a predicate is expected.
    (define (%char-test pred)
      (if (char? pred) (lambda (c) (eq? c pred)) pred))

    (define (%string-first? pred string)
      (and (string? pred) (not (string? string))))

    ;; R7RS-large has the string first, SRFI 13 too; MIT Scheme's older order is taken as well.
    (define (string-count string pred . range)
      (if (or (string? string) (not (string? pred)))
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
      (if (%string-first? pred string)
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
      (if (%string-first? pred string)
          (string-filter string pred)
          (list->string (filter (%char-test pred) (string->list string)))))

    (define (string-delete pred string)
      (if (%string-first? pred string)
          (string-delete string pred)
          (list->string (remove (%char-test pred) (string->list string)))))

    (define (string-fold kons knil string)
      (fold kons knil (string->list string)))

    (define (string-fold-right kons knil string)
      (fold-right kons knil (string->list string)))

    (define (string-tabulate proc n)
      (list->string (list-tabulate n proc)))))
