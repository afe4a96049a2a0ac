;;; SRFI 180: JSON, read and written as a stream of tokens.
;;; A text is taken strictly as RFC 8259 says. A lone half of a surrogate pair becomes U+FFFD, because no string can hold it.
;;; Of an object's equal keys all are kept. Errors are conditions that `json-error?` knows.
(define-library (srfi 180)
  (import (scheme base) (only (perdure primitives) %make-condition %fail condition-detail))
  (export json-error? json-error-reason json-null?
          json-nesting-depth-limit json-number-of-character-limit
          json-generator json-fold json-read json-lines-read json-sequence-read
          json-accumulator json-write)
  (begin

    (define json-nesting-depth-limit (make-parameter +inf.0))
    (define json-number-of-character-limit (make-parameter +inf.0))

    (define (json-null? obj) (eq? obj 'null))

    ;; -- errors -------------------------------------------------------------------------------

    (define (%json-fail reason . irritants)
      (raise (%make-condition 'error (string-append "json: " reason) irritants 'json-error)))

    (define (json-error? obj)
      (and (error-object? obj)
           (eq? (condition-detail obj) 'json-error)))

    (define (json-error-reason obj) (error-object-message obj))

    (define (%shown char)
      (if (eof-object? char) 'end-of-text char))

    ;; -- characters: a source is a procedure that looks at the next one, and one that takes it ---

    (define-record-type source
      (%make-source look take)
      source?
      (look %look)
      (take %take))

    (define (%source port-or-generator)
      (cond ((source? port-or-generator) port-or-generator)
            ((procedure? port-or-generator) (%generator-source port-or-generator))
            ((and (input-port? port-or-generator) (textual-port? port-or-generator))
             (%make-source (lambda () (peek-char port-or-generator))
                           (lambda () (read-char port-or-generator))))
            (else
             (%fail 'type-error "json: expected a textual input port or a generator, got" port-or-generator))))

    (define (%generator-source next)
      (let ((seen #f))
        (define (look)
          (if (not seen) (set! seen (next)))
          seen)
        (%make-source look
                      (lambda ()
                        (let ((char (look)))
                          (set! seen #f)
                          char)))))

    (define (%given-source arguments)
      (%source (if (pair? arguments) (car arguments) (current-input-port))))

    ;; A source that refuses to give more characters than the parameter says.
    (define (%limited source)
      (let ((limit (json-number-of-character-limit))
            (count 0))
        (%make-source (%look source)
                      (lambda ()
                        (if (>= count limit)
                            (%json-fail "the text has more characters than the limit of" limit))
                        (set! count (+ count 1))
                        ((%take source))))))

    (define (%space? char)
      (memv char '(#\space #\newline #\return #\tab)))

    (define (%skip-space source)
      (let loop ()
        (let ((char ((%look source))))
          (if (%space? char)
              (begin ((%take source)) (loop))
              char))))

    (define (%digit? char)
      (and (char? char) (char<=? #\0 char #\9)))

    ;; -- values that are one token ------------------------------------------------------------------

    (define (%scalar source char)
      (cond ((eqv? char #\") ((%take source)) (%string source))
            ((or (%digit? char) (eqv? char #\-)) (%number source))
            ((eqv? char #\t) (%word source "true" #t))
            ((eqv? char #\f) (%word source "false" #f))
            ((eqv? char #\n) (%word source "null" 'null))
            (else (%json-fail "expected a value, found" (%shown char)))))

    ;; What ends a number or word: anything that begins no other value's text.
    (define (%check-end source)
      (let ((char ((%look source))))
        (if (not (or (eof-object? char) (%space? char)
                     (memv char '(#\, #\: #\] #\} #\[ #\{ #\" #\x1e))))
            (%json-fail "expected the end of a value, found" char))))

    (define (%word source word value)
      (string-for-each
        (lambda (expected)
          (let ((char ((%take source))))
            (if (not (eqv? char expected))
                (%json-fail "expected a value, found a part of" word))))
        word)
      (%check-end source)
      value)

    (define (%number source)
      (let ((text '()))
        (define (take)
          (set! text (cons ((%take source)) text)))
        (define (take-if chars)
          (if (memv ((%look source)) chars) (take)))
        (define (take-digits)
          (if (not (%digit? ((%look source))))
              (%json-fail "expected a digit, found" (%shown ((%look source)))))
          (let loop ()
            (if (%digit? ((%look source)))
                (begin (take) (loop)))))
        (take-if '(#\-))
        (if (eqv? ((%look source)) #\0)
            (take)
            (take-digits))
        (if (eqv? ((%look source)) #\.)
            (begin (take) (take-digits)))
        (if (memv ((%look source)) '(#\e #\E))
            (begin (take) (take-if '(#\+ #\-)) (take-digits)))
        (%check-end source)
        (string->number (list->string (reverse text)))))

    ;; Reads on behind the opening quote.
    (define (%string source)
      (let loop ((chars '()))
        (let ((char ((%take source))))
          (cond ((eof-object? char) (%json-fail "a string has no end"))
                ((eqv? char #\") (list->string (reverse chars)))
                ((eqv? char #\\) (loop (%escaped source chars)))
                ((char<? char #\space)
                 (%json-fail "a string holds a control character that is not escaped:" char))
                (else (loop (cons char chars)))))))

    (define %escapes
      '((#\" . #\") (#\\ . #\\) (#\/ . #\/) (#\b . #\backspace) (#\f . #\x0c)
        (#\n . #\newline) (#\r . #\return) (#\t . #\tab)))

    ;; Reads on behind a backslash and adds what the escape means.
    (define (%escaped source chars)
      (let* ((char ((%take source)))
             (escape (assv char %escapes)))
        (cond (escape (cons (cdr escape) chars))
              ((eqv? char #\u) (%code-unit source chars (%hexadecimal source)))
              (else (%json-fail "unknown escape in a string:" (%shown char))))))

    (define (%hexadecimal source)
      (let loop ((n 0) (left 4))
        (if (= left 0)
            n
            (let* ((char ((%take source)))
                   (place (and (char? char) (%hexadecimal-digit char))))
              (if (not place)
                  (%json-fail "expected four hexadecimal digits, found" (%shown char)))
              (loop (+ (* 16 n) place) (- left 1))))))

    (define (%hexadecimal-digit char)
      (cond ((%digit? char) (- (char->integer char) 48))
            ((char<=? #\a char #\f) (- (char->integer char) 87))
            ((char<=? #\A char #\F) (- (char->integer char) 55))
            (else #f)))

    (define (%code-unit source chars unit)
      (cond ((<= #xd800 unit #xdbff)
             (if (eqv? ((%look source)) #\\)
                 (begin
                   ((%take source))
                   (if (eqv? ((%look source)) #\u)
                       (begin
                         ((%take source))
                         (%second-unit source chars unit (%hexadecimal source)))
                       (%escaped source (cons #\xfffd chars))))
                 (cons #\xfffd chars)))
            ((<= #xdc00 unit #xdfff) (cons #\xfffd chars))
            (else (cons (integer->char unit) chars))))

    (define (%second-unit source chars first second)
      (if (<= #xdc00 second #xdfff)
          (cons (integer->char (+ #x10000 (* 1024 (- first #xd800)) (- second #xdc00))) chars)
          (%code-unit source (cons #\xfffd chars) second)))

    ;; -- the token generator ----------------------------------------------------------------------------

    (define (json-generator . port-or-generator)
      (%tokens (%given-source port-or-generator)))

    ;; `open` are the structures that are open, innermost first; `state` says what may come next.
    (define (%tokens unlimited)
      (let ((source (%limited unlimited))
            (limit (json-nesting-depth-limit))
            (state 'start)
            (open '())
            (depth 0))
        (define (begin-structure kind next token)
          ((%take source))
          (if (>= depth limit)
              (%json-fail "structures are nested more deeply than the limit of" limit))
          (set! depth (+ depth 1))
          (set! open (cons kind open))
          (set! state next)
          token)
        (define (end-structure token)
          ((%take source))
          (set! depth (- depth 1))
          (set! open (cdr open))
          (set! state (if (null? open) 'done 'after-value))
          token)
        (define (value char)
          (cond ((eqv? char #\[) (begin-structure 'array 'first-element 'array-start))
                ((eqv? char #\{) (begin-structure 'object 'first-key 'object-start))
                (else
                 (let ((scalar (%scalar source char)))
                   (set! state (if (null? open) 'done 'after-value))
                   scalar))))
        (define (key char)
          (if (not (eqv? char #\"))
              (%json-fail "expected a key in quotes, found" (%shown char)))
          ((%take source))
          (set! state 'after-key)
          (%string source))
        (define (after-comma)
          ((%take source))
          (let ((char (%skip-space source)))
            (if (eq? (car open) 'array) (value char) (key char))))
        (lambda ()
          (if (eq? state 'done)
              (eof-object)
              (let ((char (%skip-space source)))
                (case state
                  ((start)
                   (cond ((eqv? char #\xfeff)
                          ((%take source))
                          (%start value (%skip-space source)))
                         (else (%start value char))))
                  ((first-element)
                   (if (eqv? char #\]) (end-structure 'array-end) (value char)))
                  ((first-key)
                   (if (eqv? char #\}) (end-structure 'object-end) (key char)))
                  ((after-key)
                   (if (not (eqv? char #\:))
                       (%json-fail "expected a colon behind a key, found" (%shown char)))
                   ((%take source))
                   (value (%skip-space source)))
                  (else
                   (cond ((eqv? char #\,) (after-comma))
                         ((and (eqv? char #\]) (eq? (car open) 'array)) (end-structure 'array-end))
                         ((and (eqv? char #\}) (eq? (car open) 'object)) (end-structure 'object-end))
                         (else
                          (%json-fail "expected a comma or the end of the structure, found"
                                      (%shown char)))))))))))

    (define (%start value char)
      (if (eof-object? char) char (value char)))

    ;; -- folding and reading ----------------------------------------------------------------------------

    ;; `outer` has for each open structure what ends it, and the seed that goes on behind it.
    (define (json-fold proc array-start array-end object-start object-end seed . port-or-generator)
      (let ((next (if (and (pair? port-or-generator) (procedure? (car port-or-generator)))
                      (car port-or-generator)
                      (apply json-generator port-or-generator))))
        (let loop ((seed seed) (outer '()))
          (let ((token (next)))
            (cond ((eof-object? token) seed)
                  ((eq? token 'array-start)
                   (loop (array-start seed) (cons (cons array-end seed) outer)))
                  ((eq? token 'object-start)
                   (loop (object-start seed) (cons (cons object-end seed) outer)))
                  ((memq token '(array-end object-end))
                   (let ((seed (proc ((car (car outer)) seed) (cdr (car outer)))))
                     (if (null? (cdr outer))
                         seed
                         (loop seed (cdr outer)))))
                  (else (loop (proc token seed) outer)))))))

    (define (json-read . port-or-generator)
      (%read (%given-source port-or-generator)))

    (define %nothing (list 'nothing))

    (define (%read source)
      (let ((found (json-fold
                     (lambda (obj seed) (if (eq? seed %nothing) obj (cons obj seed)))
                     (lambda (seed) '())
                     (lambda (items) (list->vector (reverse items)))
                     (lambda (seed) '())
                     %alist
                     %nothing
                     (%tokens source))))
        (if (eq? found %nothing) (eof-object) found)))

    ;; Values and keys, the last value first, as an association list.
    (define (%alist values+keys)
      (let loop ((rest values+keys) (out '()))
        (if (null? rest)
            out
            (loop (cddr rest)
                  (cons (cons (string->symbol (cadr rest)) (car rest)) out)))))

    (define (json-lines-read . port-or-generator)
      (let ((source (%given-source port-or-generator)))
        (lambda () (%read source))))

    ;; Each text stands behind a record separator; one that is wrong is left out, as RFC 7464 says.
    (define (json-sequence-read . port-or-generator)
      (let ((source (%given-source port-or-generator)))
        (define (skip-to-separator)
          (let loop ()
            (let ((char ((%look source))))
              (if (not (or (eof-object? char) (eqv? char #\x1e)))
                  (begin ((%take source)) (loop))))))
        (define (skip-separators)
          (if (eqv? (%skip-space source) #\x1e)
              (begin ((%take source)) (skip-separators))))
        (lambda ()
          (let next-text ()
            (skip-separators)
            (let ((obj (guard (raised ((json-error? raised) %nothing))
                         (%read source))))
              (if (eq? obj %nothing)
                  (begin (skip-to-separator) (next-text))
                  obj))))))

    ;; -- writing ------------------------------------------------------------------------------------------

    (define (%sink port-or-accumulator)
      (cond ((procedure? port-or-accumulator) port-or-accumulator)
            ((and (output-port? port-or-accumulator) (textual-port? port-or-accumulator))
             (lambda (text) (write-string text port-or-accumulator)))
            (else
             (%fail 'type-error "json: expected a textual output port or an accumulator, got"
                    port-or-accumulator))))

    (define (json-accumulator port-or-accumulator)
      (let ((put (%sink port-or-accumulator))
            (open '())
            (state 'start))
        (define (separate)
          (if (eq? state 'after-value) (put ",")))
        (define (end kind text)
          (if (not (and (pair? open) (eq? (car open) kind) (memq state '(first after-value))))
              (%json-fail "this token can't come here:" (if (eq? kind 'array) 'array-end 'object-end)))
          (put text)
          (set! open (cdr open))
          (set! state (if (null? open) 'done 'after-value)))
        (define (key obj)
          (if (not (string? obj))
              (%json-fail "expected a key, a string, found" obj))
          (separate)
          (put (%quoted obj))
          (put ":")
          (set! state 'after-key))
        (define (value obj)
          (if (not (eq? state 'after-key)) (separate))
          (cond ((eq? obj 'array-start) (put "[") (set! open (cons 'array open)) (set! state 'first))
                ((eq? obj 'object-start) (put "{") (set! open (cons 'object open)) (set! state 'first))
                (else
                 (put (%scalar-text obj))
                 (set! state (if (null? open) 'done 'after-value)))))
        (lambda (token)
          (cond ((eq? state 'done) (%json-fail "the text has ended; there is no place for" token))
                ((eq? token 'array-end) (end 'array "]"))
                ((eq? token 'object-end) (end 'object "}"))
                ((and (pair? open) (eq? (car open) 'object) (not (eq? state 'after-key))) (key token))
                (else (value token))))))

    (define (%scalar-text obj)
      (cond ((string? obj) (%quoted obj))
            ((eq? obj #t) "true")
            ((eq? obj #f) "false")
            ((eq? obj 'null) "null")
            ((%json-number? obj) (number->string obj))
            (else (%json-fail "no JSON stands for" obj))))

    (define (%json-number? obj)
      (or (exact-integer? obj)
          (and (real? obj) (inexact? obj) (< -inf.0 obj +inf.0))))

    (define (%quoted string)
      (let ((port (open-output-string)))
        (write-char #\" port)
        (string-for-each
          (lambda (char)
            (cond ((assv char %written-escapes) => (lambda (escape) (write-string (cdr escape) port)))
                  ((char<? char #\space)
                   (write-string (if (char<? char #\x10) "\\u000" "\\u00") port)
                   (write-string (number->string (char->integer char) 16) port))
                  (else (write-char char port))))
          string)
        (write-char #\" port)
        (get-output-string port)))

    (define %written-escapes
      '((#\" . "\\\"") (#\\ . "\\\\") (#\backspace . "\\b") (#\x0c . "\\f")
        (#\newline . "\\n") (#\return . "\\r") (#\tab . "\\t")))

    ;; Nothing is written of an object that JSON can't hold.
    (define (json-write obj . port-or-accumulator)
      (let ((put (%sink (if (pair? port-or-accumulator) (car port-or-accumulator) (current-output-port)))))
        (%check obj)
        (%put-tokens obj (json-accumulator put))))

    (define (%check obj)
      (cond ((vector? obj) (vector-for-each %check obj))
            ((or (null? obj) (pair? obj))
             (let loop ((rest obj))
               (cond ((null? rest) #t)
                     ((and (pair? rest) (pair? (car rest)) (symbol? (car (car rest))))
                      (%check (cdr (car rest)))
                      (loop (cdr rest)))
                     (else (%json-fail "an object is an association list with symbols, not" obj)))))
            (else (%scalar-text obj))))

    (define (%put-tokens obj put)
      (cond ((vector? obj)
             (put 'array-start)
             (vector-for-each (lambda (item) (%put-tokens item put)) obj)
             (put 'array-end))
            ((or (null? obj) (pair? obj))
             (put 'object-start)
             (for-each (lambda (entry)
                         (put (symbol->string (car entry)))
                         (%put-tokens (cdr entry) put))
                       obj)
             (put 'object-end))
            (else (put obj))))))
