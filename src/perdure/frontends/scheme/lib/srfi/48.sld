;;; SRFI 48: `format` with numbers in fixed fields, radices, lists of arguments.
;;; ~w,dF rounds the decimal digits that a number is written with, a tie to the even digit, as `round` does.
;;; ~& begins a new line unless one has just begun in this call; what the port held before is not known.
(define-library (srfi 48)
  (import (scheme base) (scheme char) (scheme write)
          (only (perdure primitives) %fail real-part imag-part string-index string-pad-left))
  (export format)
  (begin

    (define (format . arguments)
      (cond ((null? arguments) (error "format: expected a template"))
            ((string? (car arguments)) (%to-string (car arguments) (cdr arguments)))
            ((not (and (pair? (cdr arguments)) (string? (cadr arguments))))
             (%fail 'type-error "format: expected a template, or a port and a template, got" arguments))
            ((not (car arguments)) (%to-string (cadr arguments) (cddr arguments)))
            (else
             (let ((port (if (eq? (car arguments) #t) (current-output-port) (car arguments))))
               (write-string (%to-string (cadr arguments) (cddr arguments)) port)
               (if #f #f)))))

    (define (%to-string template objects)
      (let* ((output (open-output-string))
             (rest (%format template objects output)))
        (if (pair? rest)
            (%fail 'range-error "format: more objects than directives; left are" rest))
        (get-output-string output)))

    ;; Writes a template and returns the objects that are left.
    (define (%format template objects output)
      (let ((end (string-length template)))
        (let loop ((i 0) (objects objects))
          (cond ((= i end) objects)
                ((not (eqv? (string-ref template i) #\~))
                 (write-char (string-ref template i) output)
                 (loop (+ i 1) objects))
                ((= (+ i 1) end)
                 (%fail 'range-error "format: nothing follows the tilde at the end of" template))
                ((memv (string-ref template (+ i 1)) '(#\0 #\1 #\2 #\3 #\4 #\5 #\6 #\7 #\8 #\9 #\,))
                 (%fixed-field template (+ i 1) objects output loop))
                (else
                 (loop (+ i 2)
                       (%directive (char-downcase (string-ref template (+ i 1))) template objects output)))))))

    (define (%next template objects)
      (if (null? objects)
          (%fail 'range-error "format: more directives than objects in" template))
      (car objects))

    (define (%directive char template objects output)
      (define (next) (%next template objects))
      (define (number radix)
        (let ((obj (next)))
          (if (not (number? obj))
              (%fail 'type-error (string-append "format: ~" (string char) " expects a number, got") obj))
          (write-string (number->string obj radix) output)
          (cdr objects)))
      (case char
        ((#\a) (display (next) output) (cdr objects))
        ((#\s #\y) (write (next) output) (cdr objects))
        ((#\w) (write-shared (next) output) (cdr objects))
        ((#\d) (number 10))
        ((#\x) (number 16))
        ((#\o) (number 8))
        ((#\b) (number 2))
        ((#\f) (%write-field (next) 0 #f output) (cdr objects))
        ((#\c)
         (if (not (char? (next)))
             (%fail 'type-error "format: ~c expects a character, got" (next)))
         (write-char (next) output)
         (cdr objects))
        ((#\? #\k)
         (let ((inner (next)))
           (if (not (string? inner))
               (%fail 'type-error "format: ~? expects a template and a list, got" inner))
           (let ((rest (%format inner (%next template (cdr objects)) output)))
             (if (pair? rest)
                 (%fail 'range-error "format: more objects than directives; left are" rest))
             (cddr objects))))
        ((#\~) (write-char #\~ output) objects)
        ((#\%) (newline output) objects)
        ((#\&) (%fresh-line output) objects)
        ((#\t) (write-char #\tab output) objects)
        ((#\_) (write-char #\space output) objects)
        ((#\h) (write-string %help output) objects)
        (else
         (%fail 'range-error "format: unknown directive; (format \"~h\") shows all. It is" char 'in template))))

    (define (%fresh-line output)
      (let* ((text (get-output-string output))
             (length (string-length text)))
        (if (not (and (> length 0) (eqv? (string-ref text (- length 1)) #\newline)))
            (newline output))))

    ;; -- ~w,dF ------------------------------------------------------------------------------------

    ;; Reads the width and the digits of a field and goes on behind it.
    (define (%fixed-field template start objects output go-on)
      (define (number-at i)
        (let loop ((i i) (n #f))
          (let ((digit (and (< i (string-length template)) (digit-value (string-ref template i)))))
            (if digit
                (loop (+ i 1) (+ (* 10 (or n 0)) digit))
                (cons n i)))))
      (let* ((width (number-at start))
             (comma? (and (< (cdr width) (string-length template))
                          (eqv? (string-ref template (cdr width)) #\,)))
             (digits (if comma? (number-at (+ (cdr width) 1)) (cons #f (cdr width))))
             (end (cdr digits)))
        (if (not (and (< end (string-length template))
                      (char-ci=? (string-ref template end) #\f)))
            (%fail 'range-error "format: ~w,dF is the one directive with numbers, in" template))
        (%write-field (%next template objects) (or (car width) 0) (car digits) output)
        (go-on (+ end 1) (cdr objects))))

    (define (%write-field obj width digits output)
      (let ((text (cond ((string? obj) obj)
                        ((not (number? obj))
                         (%fail 'type-error "format: ~F expects a number or a string, got" obj))
                        (digits (%fixed obj digits))
                        (else (number->string obj)))))
        (write-string
          (if (< (string-length text) width) (string-pad-left text width) text)
          output)))

    (define (%fixed number digits)
      (if (real? number)
          (%fixed-real number digits)
          (let ((imaginary (%fixed-real (imag-part number) digits)))
            (string-append (%fixed-real (real-part number) digits)
                           (if (memv (string-ref imaginary 0) '(#\- #\+)) "" "+")
                           imaginary
                           "i"))))

    ;; Rounds the digits that the number is written with; a number that is written with an exponent keeps it.
    (define (%fixed-real number digits)
      (if (and (inexact? number) (not (< -inf.0 number +inf.0)))
          (number->string number)
          (let* ((text (number->string (if (integer? number) number (inexact number))))
                 (places (string-length text))
                 (exponent (or (string-index text #\e) places)))
            (string-append (%rounded (substring text 0 exponent) digits)
                           (substring text exponent places)))))

    ;; Takes the text of a number without exponent.
    (define (%rounded text digits)
      (let* ((number (abs (string->number (string-append "#e" text))))
             (scaled (number->string (round (* number (expt 10 digits)))))
             (padded (if (<= (string-length scaled) digits) (string-pad-left scaled (+ digits 1) #\0) scaled))
             (point (- (string-length padded) digits)))
        (string-append (if (eqv? (string-ref text 0) #\-) "-" "")
                       (substring padded 0 point)
                       "."
                       (substring padded point (string-length padded)))))

    (define %help
      "(format [port] template object ...)  port: an output port, #t for the current one, #f for a string
~h  this text
~a  the object, displayed
~s  the object, written
~w  the object, written with labels for what is shared
~y  the object, written
~d  a number, decimal
~x  a number, hexadecimal
~o  a number, octal
~b  a number, binary
~w,dF  a number or string in w columns, with d digits behind the point
~c  a character
~?  a template and a list of its objects
~k  the same as ~?
~~  a tilde
~t  a tab
~%  a newline
~&  a newline, unless one has just been written
~_  a space
")))
