;;; SRFI 13: strings. What SRFI 130 has too is in (perdure text); here are comparison, case, searching by position, mutation,
;;; and the low-level procedures.
;;;
;;; `string-map` and `string-for-each` also take several strings, as R7RS has them.
(define-library (srfi 13)
  (import (scheme base) (perdure primitives) (perdure char-set) (perdure text) (only (srfi 14) char-set:graphic)
          (rename (only (scheme base) string-map string-for-each)
                  (string-map map-strings)
                  (string-for-each for-each-string)))
  (export string? string-null? string-every string-any
          make-string string string-tabulate string->list list->string reverse-list->string string-join
          string-length string-ref string-copy substring/shared string-copy!
          string-take string-drop string-take-right string-drop-right string-pad string-pad-right
          string-trim string-trim-right string-trim-both
          string-set! string-fill!
          string-compare string-compare-ci
          string= string<> string< string> string<= string>=
          string-ci= string-ci<> string-ci< string-ci> string-ci<= string-ci>=
          string-hash string-hash-ci
          string-prefix-length string-suffix-length string-prefix-length-ci string-suffix-length-ci
          string-prefix? string-suffix? string-prefix-ci? string-suffix-ci?
          string-index string-index-right string-skip string-skip-right string-count
          string-contains string-contains-ci
          string-titlecase string-titlecase! string-upcase string-upcase! string-downcase string-downcase!
          string-reverse string-reverse!
          string-append string-append/shared string-concatenate string-concatenate/shared
          string-concatenate-reverse string-concatenate-reverse/shared
          string-map string-map! string-fold string-fold-right string-unfold string-unfold-right
          string-for-each string-for-each-index
          xsubstring string-xcopy! string-replace string-tokenize string-filter string-delete
          string-parse-start+end string-parse-final-start+end let-string-start+end
          check-substring-spec substring-spec-ok?
          make-kmp-restart-vector kmp-step string-kmp-partial-search)
  (begin

    (define substring/shared string-copy)
    (define string-append/shared string-append)
    (define string-concatenate/shared string-concatenate)
    (define string-concatenate-reverse/shared string-concatenate-reverse)

    ;; -- comparison -------------------------------------------------------------------------------

    ;; Calls one of three procedures, by the order of two parts, with the position in string1 where they differ first.
    (define (compare string1 string2 less same greater ranges fold?)
      (let* ((part1 (part string1 (first-range ranges)))
             (part2 (part string2 (second-range ranges)))
             (a (if fold? (%string-fold-case part1) part1))
             (b (if fold? (%string-fold-case part2) part2))
             (n (%string-common-prefix a b #f))
             (place (+ n (if (pair? ranges) (car ranges) 0))))
        ((cond ((= n (string-length a)) (if (= n (string-length b)) same less))
               ((= n (string-length b)) greater)
               ((char<? (string-ref a n) (string-ref b n)) less)
               (else greater))
         place)))

    (define (string-compare string1 string2 proc< proc= proc> . ranges)
      (compare string1 string2 proc< proc= proc> ranges #f))

    (define (string-compare-ci string1 string2 proc< proc= proc> . ranges)
      (compare string1 string2 proc< proc= proc> ranges #t))

    (define (yes place) #t)
    (define (no place) #f)

    (define (string= a b . ranges) (compare a b no yes no ranges #f))
    (define (string<> a b . ranges) (compare a b yes no yes ranges #f))
    (define (string< a b . ranges) (compare a b yes no no ranges #f))
    (define (string> a b . ranges) (compare a b no no yes ranges #f))
    (define (string<= a b . ranges) (compare a b yes yes no ranges #f))
    (define (string>= a b . ranges) (compare a b no yes yes ranges #f))
    (define (string-ci= a b . ranges) (compare a b no yes no ranges #t))
    (define (string-ci<> a b . ranges) (compare a b yes no yes ranges #t))
    (define (string-ci< a b . ranges) (compare a b yes no no ranges #t))
    (define (string-ci> a b . ranges) (compare a b no no yes ranges #t))
    (define (string-ci<= a b . ranges) (compare a b yes yes no ranges #t))
    (define (string-ci>= a b . ranges) (compare a b no yes yes ranges #t))

    ;; (string-hash string [bound [start [end]]])
    (define (string-hash string . options)
      (if (pair? options)
          (%string-hash-of (part string (cdr options)) (car options))
          (%string-hash-of string 0)))

    (define (string-hash-ci string . options)
      (apply string-hash (%string-fold-case string) options))

    (define (common measure string1 string2 ranges)
      (measure (part string1 (first-range ranges)) (part string2 (second-range ranges)) #t))

    (define (string-prefix-length-ci string1 string2 . ranges)
      (common %string-common-prefix string1 string2 ranges))

    (define (string-suffix-length-ci string1 string2 . ranges)
      (common %string-common-suffix string1 string2 ranges))

    (define (string-prefix-ci? string1 string2 . ranges)
      (= (common %string-common-prefix string1 string2 ranges)
         (string-length (part string1 (first-range ranges)))))

    (define (string-suffix-ci? string1 string2 . ranges)
      (= (common %string-common-suffix string1 string2 ranges)
         (string-length (part string1 (first-range ranges)))))

    ;; -- searching ----------------------------------------------------------------------------------

    (define (search find who string criterion range wanted)
      (let ((range (%string-range who string range)))
        (find string criterion (car range) (cdr range) wanted)))

    (define (string-index string criterion . range)
      (search find-forward 'string-index string criterion range #t))

    (define (string-index-right string criterion . range)
      (search find-backward 'string-index-right string criterion range #t))

    (define (string-skip string criterion . range)
      (search find-forward 'string-skip string criterion range #f))

    (define (string-skip-right string criterion . range)
      (search find-backward 'string-skip-right string criterion range #f))

    (define (string-contains-ci string pattern . ranges)
      (let ((range (%string-range 'string-contains-ci string (first-range ranges))))
        (%string-find string (part pattern (second-range ranges)) (car range) (cdr range) #t)))

    ;; (string-tokenize string [criterion [start [end]]])
    (define (string-tokenize string . options)
      (let* ((criterion (if (pair? options) (car options) char-set:graphic))
             (range (%string-range 'string-tokenize string (if (pair? options) (cdr options) '())))
             (end (cdr range)))
        (let loop ((start (car range)) (tokens '()))
          (let ((first (find-forward string criterion start end #t)))
            (if first
                (let ((last (or (find-forward string criterion first end #f) end)))
                  (loop last (cons (substring string first last) tokens)))
                (reverse tokens))))))

    ;; -- case and mutation -----------------------------------------------------------------------------

    (define (string-titlecase string . range) (%string-titlecase (part string range)))
    (define (string-upcase string . range) (%string-simple-upcase (part string range)))
    (define (string-downcase string . range) (%string-simple-downcase (part string range)))

    (define (string-map proc string . rest)
      (if (and (pair? rest) (string? (car rest)))
          (apply map-strings proc string rest)
          (map-strings proc (part string rest))))

    ;; Replace a part of a string by what `convert` makes of it, which has the same length.
    (define (update! convert string range)
      (string-copy! string (if (pair? range) (car range) 0) (convert (part string range))))

    (define (string-titlecase! string . range) (update! string-titlecase string range))
    (define (string-upcase! string . range) (update! string-upcase string range))
    (define (string-downcase! string . range) (update! string-downcase string range))
    (define (string-reverse! string . range) (update! string-reverse string range))

    (define (string-map! proc string . range)
      (update! (lambda (part) (string-map proc part)) string range))

    (define (string-for-each proc string . rest)
      (if (and (pair? rest) (string? (car rest)))
          (apply for-each-string proc string rest)
          (for-each-string proc (part string rest))))

    ;; (xsubstring string from [to [start [end]]])
    (define (xsubstring string from . options)
      (let ((repeated (part string (if (pair? options) (cdr options) '()))))
        (%string-cyclic repeated from
                        (if (pair? options) (car options) (+ from (string-length repeated))))))

    (define (string-xcopy! target tstart string from . options)
      (string-copy! target tstart (apply xsubstring string from options)))

    ;; -- optional ranges, for procedures of the same kind ------------------------------------------------

    ;; Returns the arguments behind the range, its start and its end.
    (define (string-parse-start+end who string arguments)
      (let* ((given (if (> (length arguments) 2) (list-head arguments 2) arguments))
             (range (%string-range (if (symbol? who) who 'string-parse-start+end) string given)))
        (values (list-tail arguments (length given)) (car range) (cdr range))))

    (define (string-parse-final-start+end who string arguments)
      (let-values (((rest start end) (string-parse-start+end who string arguments)))
        (if (pair? rest)
            (%fail 'arity-error "string-parse-final-start+end: too many arguments:" rest))
        (values start end)))

    (define-syntax let-string-start+end
      (syntax-rules ()
        ((_ (start end) who string arguments body1 body2 ...)
         (let-values (((start end) (string-parse-final-start+end who string arguments)))
           body1 body2 ...))
        ((_ (start end rest) who string arguments body1 body2 ...)
         (let-values (((rest start end) (string-parse-start+end who string arguments)))
           body1 body2 ...))))

    (define (substring-spec-ok? string start end)
      (and (string? string) (exact-integer? start) (exact-integer? end)
           (<= 0 start end (string-length string))))

    (define (check-substring-spec who string start end)
      (%string-range (if (symbol? who) who 'check-substring-spec) string (list start end))
      (if #f #f))

    ;; -- searching by Knuth, Morris and Pratt --------------------------------------------------------------

    ;; Item i is how much of the pattern still matches when character i does not, after the first i did; -1: nothing
    ;; does, not even the next character of the text. (make-kmp-restart-vector pattern [c= [start [end]]])
    (define (make-kmp-restart-vector pattern . options)
      (let* ((c= (if (pair? options) (car options) char=?))
             (pattern (part pattern (if (pair? options) (cdr options) '())))
             (n (string-length pattern))
             (restart (make-vector n -1)))
        (let loop ((i 1) (k 0))
          (if (< i n)
              (let ((char (string-ref pattern i)))
                (if (or (> k 0) (not (c= char (string-ref pattern 0))))
                    (vector-set! restart i k))
                (let fall ((k k))
                  (cond ((< k 0) (loop (+ i 1) 0))
                        ((c= char (string-ref pattern k)) (loop (+ i 1) (+ k 1)))
                        (else (fall (vector-ref restart k))))))))
        restart))

    ;; How much of the pattern matches behind the character c, if i characters did before it.
    (define (kmp-step pattern restart c i c= p-start)
      (let loop ((i i))
        (cond ((c= c (string-ref pattern (+ i p-start))) (+ i 1))
              ((< (vector-ref restart i) 0) 0)
              (else (loop (vector-ref restart i))))))

    ;; (string-kmp-partial-search pattern restart string i [c= [p-start [s-start [s-end]]]]): minus the position behind
    ;; a match, or how much of the pattern matches at the end of the string.
    (define (string-kmp-partial-search pattern restart string i . options)
      (let* ((c= (if (pair? options) (car options) char=?))
             (more (if (pair? options) (cdr options) '()))
             (p-start (if (pair? more) (car more) 0))
             (range (%string-range 'string-kmp-partial-search string (if (pair? more) (cdr more) '())))
             (end (cdr range))
             (n (vector-length restart)))
        (let loop ((place (car range)) (i i))
          (cond ((= i n) (- place))
                ((= place end) i)
                (else
                 (loop (+ place 1)
                       (kmp-step pattern restart (string-ref string place) i c= p-start)))))))))
