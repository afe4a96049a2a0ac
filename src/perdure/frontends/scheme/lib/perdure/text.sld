;;; What SRFI 13 and SRFI 130 have in common: procedures on strings and parts of them.
;;;
;;; Invariant: every result is a new string. A `range` is the list of the optional start and end at the end of the arguments.
;;; A criterion chooses characters (perdure char-set). What needs no procedure of the program scans in Python.
(define-library (perdure text)
  (import (scheme base) (perdure primitives) (perdure char-set)
          (rename (only (perdure primitives) string-reverse string-pad-left string-pad-right string-prefix? string-suffix?)
                  (string-reverse reversed)
                  (string-pad-left padded-left)
                  (string-pad-right padded-right)
                  (string-prefix? prefix?)
                  (string-suffix? suffix?)))
  (export find-forward find-backward first-range second-range part
          string-every string-any string-tabulate string-unfold string-unfold-right
          reverse-list->string string-join
          string-take string-drop string-take-right string-drop-right string-pad string-pad-right
          string-trim string-trim-right string-trim-both
          string-prefix-length string-suffix-length string-prefix? string-suffix?
          string-contains string-count string-filter string-delete
          string-concatenate string-concatenate-reverse string-reverse
          string-fold string-fold-right string-for-each-index string-replace)
  (begin

    (define (part string range) (apply string-copy string range))

    ;; Of (start1 end1 start2 end2), any prefix of which may be given.
    (define (first-range range)
      (if (> (length range) 2) (list-head range 2) range))

    (define (second-range range)
      (if (> (length range) 2) (list-tail range 2) '()))

    ;; -- scanning -------------------------------------------------------------------------------

    (define (meets? criterion char) (if (criterion char) #t #f))

    ;; The first position whose character meets the criterion (or, if not `wanted`, does not), or #f.
    (define (find-forward string criterion start end wanted)
      (let ((content (criterion-content criterion)))
        (if content
            (%string-scan string content start end wanted)
            (let loop ((i start))
              (and (< i end)
                   (if (eq? wanted (meets? criterion (string-ref string i)))
                       i
                       (loop (+ i 1))))))))

    (define (find-backward string criterion start end wanted)
      (let ((content (criterion-content criterion)))
        (if content
            (%string-scan-back string content start end wanted)
            (let loop ((i (- end 1)))
              (and (>= i start)
                   (if (eq? wanted (meets? criterion (string-ref string i)))
                       i
                       (loop (- i 1))))))))

    (define (string-every criterion string . range)
      (let ((content (criterion-content criterion))
            (range (%string-range 'string-every string range)))
        (if content
            (not (%string-scan string content (car range) (cdr range) #f))
            (%every-1 criterion (string->list string (car range) (cdr range))))))

    (define (string-any criterion string . range)
      (let ((content (criterion-content criterion))
            (range (%string-range 'string-any string range)))
        (if content
            (and (%string-scan string content (car range) (cdr range) #t) #t)
            (%any-1 criterion (string->list string (car range) (cdr range))))))

    (define (string-count string criterion . range)
      (count (criterion-test criterion) (apply string->list string range)))

    (define (string-contains string pattern . ranges)
      (let ((range (%string-range 'string-contains string (first-range ranges))))
        (%string-find string (part pattern (second-range ranges)) (car range) (cdr range) #f)))

    ;; The first versions of SRFI 13 had the string first.
    (define (string-filter criterion string . range)
      (if (and (string? criterion) (not (string? string)))
          (apply string-filter string criterion range)
          (kept string criterion range #t)))

    (define (string-delete criterion string . range)
      (if (and (string? criterion) (not (string? string)))
          (apply string-delete string criterion range)
          (kept string criterion range #f)))

    (define (kept string criterion range wanted)
      (let ((content (criterion-content criterion))
            (range (%string-range 'string-filter string range)))
        (if content
            (%string-kept string content (car range) (cdr range) wanted)
            (list->string
             ((if wanted filter remove) criterion (string->list string (car range) (cdr range)))))))

    ;; -- making ---------------------------------------------------------------------------------

    (define (string-tabulate proc len)
      (list->string (list-tabulate len proc)))

    ;; (string-unfold stop? mapper successor seed [base [make-final]]); the mapper gives a character or a string.
    (define (string-unfold stop? mapper successor seed . options)
      (let loop ((seed seed) (pieces (if (pair? options) (list (car options)) '())))
        (if (stop? seed)
            (%string-of (reverse (final seed options pieces)))
            (loop (successor seed) (cons (mapper seed) pieces)))))

    (define (string-unfold-right stop? mapper successor seed . options)
      (let loop ((seed seed) (pieces (if (pair? options) (list (car options)) '())))
        (if (stop? seed)
            (%string-of (final seed options pieces))
            (loop (successor seed) (cons (mapper seed) pieces)))))

    (define (final seed options pieces)
      (if (and (pair? options) (pair? (cdr options)))
          (cons ((cadr options) seed) pieces)
          pieces))

    (define (reverse-list->string chars) (list->string (reverse chars)))

    (define (string-concatenate strings) (apply string-append strings))

    ;; (string-concatenate-reverse strings [final [end]])
    (define (string-concatenate-reverse strings . options)
      (string-concatenate
       (reverse (if (pair? options)
                    (cons (apply substring (car options) 0 (cdr options)) strings)
                    strings))))

    ;; (string-join strings [delimiter [grammar]])
    (define (string-join strings . options)
      (let ((delimiter (if (pair? options) (car options) " "))
            (grammar (if (and (pair? options) (pair? (cdr options))) (cadr options) 'infix)))
        (case grammar
          ((infix strict-infix)
           (if (and (null? strings) (eq? grammar 'strict-infix))
               (%fail 'range-error "string-join: no strings to join, and the grammar is strict-infix"))
           (between delimiter strings))
          ((prefix) (string-concatenate (append-map (lambda (s) (list delimiter s)) strings)))
          ((suffix) (string-concatenate (append-map (lambda (s) (list s delimiter)) strings)))
          (else (%fail 'range-error "string-join: expected infix, strict-infix, prefix or suffix, got" grammar)))))

    (define (between delimiter strings)
      (if (null? strings)
          (string)
          (string-concatenate
           (cons (car strings) (append-map (lambda (s) (list delimiter s)) (cdr strings))))))

    ;; -- parts ----------------------------------------------------------------------------------

    (define (string-take string n) (substring string 0 n))
    (define (string-drop string n) (substring string n))
    (define (string-take-right string n) (substring string (- (string-length string) n)))
    (define (string-drop-right string n) (substring string 0 (- (string-length string) n)))

    ;; (string-pad string n [char [start [end]]])
    (define (string-pad string n . options)
      (padded padded-left string n options))

    (define (string-pad-right string n . options)
      (padded padded-right string n options))

    (define (padded pad string n options)
      (if (pair? options)
          (pad (part string (cdr options)) n (car options))
          (pad string n)))

    ;; (string-trim string [criterion [start [end]]])
    (define (string-trim string . options) (trimmed string options #t #f))
    (define (string-trim-right string . options) (trimmed string options #f #t))
    (define (string-trim-both string . options) (trimmed string options #t #t))

    (define (trimmed string options left? right?)
      (let* ((criterion (if (pair? options) (car options) char-whitespace?))
             (range (%string-range 'string-trim string (if (pair? options) (cdr options) '())))
             (start (car range))
             (end (cdr range))
             (first (if left? (find-forward string criterion start end #f) start))
             (last (if right? (find-backward string criterion start end #f) (- end 1))))
        (if (and first last)
            (substring string first (+ last 1))
            (string-copy ""))))

    (define (string-reverse string . range)
      (reversed (part string range)))

    ;; (string-replace string1 string2 start1 end1 [start2 [end2]])
    (define (string-replace string1 string2 start1 end1 . range2)
      (let ((range (%string-range 'string-replace string1 (list start1 end1))))
        (string-append (substring string1 0 (car range))
                       (part string2 range2)
                       (substring string1 (cdr range)))))

    ;; -- prefixes and suffixes --------------------------------------------------------------------

    (define (string-prefix-length string1 string2 . ranges)
      (%string-common-prefix (part string1 (first-range ranges)) (part string2 (second-range ranges)) #f))

    (define (string-suffix-length string1 string2 . ranges)
      (%string-common-suffix (part string1 (first-range ranges)) (part string2 (second-range ranges)) #f))

    (define (string-prefix? string1 string2 . ranges)
      (prefix? (part string1 (first-range ranges)) (part string2 (second-range ranges))))

    (define (string-suffix? string1 string2 . ranges)
      (suffix? (part string1 (first-range ranges)) (part string2 (second-range ranges))))

    ;; -- folding ----------------------------------------------------------------------------------

    (define (string-fold kons knil string . range)
      (fold kons knil (apply string->list string range)))

    (define (string-fold-right kons knil string . range)
      (fold-right kons knil (apply string->list string range)))

    (define (string-for-each-index proc string . range)
      (let* ((range (%string-range 'string-for-each-index string range))
             (end (cdr range)))
        (let loop ((i (car range)))
          (if (< i end)
              (begin (proc i) (loop (+ i 1)))))))))
