; Text work: a source text, read character by character, becomes marked-up text on a string port.
(import (scheme base) (scheme char))

(define source
  "(define (square x) ; the product with itself\n  (* x x))\n(display \"a \\\"quoted\\\" text\")\n(let ((n 12)) (square n))\n")

(define keywords '("define" "let" "lambda" "if"))

(define (delimiter? c)
  (or (eof-object? c) (char-whitespace? c)
      (char=? c #\() (char=? c #\)) (char=? c #\") (char=? c #\;)))

(define (read-word in)
  (let loop ((found '()))
    (if (delimiter? (peek-char in))
        (list->string (reverse found))
        (loop (cons (read-char in) found)))))

(define (escape text out)
  (let ((n (string-length text)))
    (do ((i 0 (+ i 1)))
        ((= i n))
      (let ((c (string-ref text i)))
        (case c
          ((#\\ #\{ #\} #\% #\& #\_)
           (write-char #\\ out)
           (write-char c out))
          (else (write-char c out)))))))

(define (mark kind text out)
  (write-char #\\ out)
  (write-string kind out)
  (write-char #\{ out)
  (escape text out)
  (write-char #\} out))

(define (read-comment in)
  (let loop ((found '()))
    (if (char=? (peek-char in) #\newline)
        (list->string (reverse found))
        (loop (cons (read-char in) found)))))

(define (read-quoted in)
  (let loop ((found '()))
    (let ((c (read-char in)))
      (cond ((char=? c #\") (list->string (reverse found)))
            ((char=? c #\\) (loop (cons (read-char in) (cons c found))))
            (else (loop (cons c found)))))))

(define (typeset-text in out)
  (let loop ()
    (let ((c (peek-char in)))
      (if (not (eof-object? c))
          (begin
            (cond ((char-whitespace? c) (write-char (read-char in) out))
                  ((char=? c #\;) (mark "comment" (read-comment in) out))
                  ((char=? c #\") (read-char in) (mark "text" (read-quoted in) out))
                  ((or (char=? c #\() (char=? c #\))) (write-char (read-char in) out))
                  (else
                   (let ((word (read-word in)))
                     (mark (cond ((string->number word) "number")
                                 ((member word keywords) "keyword")
                                 (else "variable"))
                           word out))))
            (loop))))))

(define (typeset times)
  (let loop ((times times) (found 0))
    (if (= times 0)
        found
        (let ((out (open-output-string)))
          (typeset-text (open-input-string source) out)
          (loop (- times 1) (+ found (string-length (get-output-string out))))))))
