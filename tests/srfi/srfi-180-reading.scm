;; SRFI 180: JSON, read.
(import (scheme base) (scheme write) (srfi 180) (only (perdure) condition/report-string with-input-from-string))
(include "check.scm")
(define (parsed text) (json-read (open-input-string text)))
(define (listed next) (let loop ((out '())) (let ((obj (next))) (if (eof-object? obj) (reverse out) (loop (cons obj out))))))
(define (refused? text) (guard (raised ((json-error? raised) (string? (json-error-reason raised)))) (list 'read (parsed text))))
(define (chars text) (let ((port (open-input-string text))) (lambda () (read-char port))))

(check (map parsed '("1" " -0 " "12345678901234567890" "1.5" "-2.5e3" "1E2" "1e-2" "0.1" "true" "false" "null" "\"\"" "\"abc\"" "[]" "{}" "[ ]" "{ }"))
       => '(1 0 12345678901234567890 1.5 -2500.0 100.0 0.01 0.1 #t #f null "" "abc" #() () #() ()))
(check (parsed "[1, [2, {\"a\": [], \"b\": {\"c\": null}}], \"x\"]\n") => #(1 #(2 ((a . #()) (b . ((c . null))))) "x"))
(check (parsed "{\"a\":1,\"b\":2,\"a\":3}") => '((a . 1) (b . 2) (a . 3)))
(check (parsed "{\"\":0,\"a b\":1}") => (list (cons (string->symbol "") 0) (cons (string->symbol "a b") 1)))
(check (parsed "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\uD834\\uDD1E\"") => (string-append "\"\\/\x8;\x0c;\n\r\tA\x00e9;\x20ac;" (string #\x1d11e)))
(check (map parsed '("\"\\ud800\"" "\"\\udc00x\"" "\"\\ud800\\u0041\"" "\"\\ud800\\n\"" "\"\\ud800\\ud834\\udd1e\"" "\"\\ud800x\""))
       => (list "\xfffd;" "\xfffd;x" "\xfffd;A" "\xfffd;\n" "\xfffd;\x1d11e;" "\xfffd;x"))
(check (eof-object? (parsed " \n")) => #t)
(check (parsed "\xfeff;{}") => '())
(check (with-input-from-string "[1]" json-read) => #(1))
(check (json-read (chars "[1,{\"k\":[true]}]")) => #(1 ((k . #(#t)))))
(check (let ((port (open-input-string "[1]{\"a\":2} 3 \"x\"null"))) (listed (lambda () (json-read port)))) => '(#(1) ((a . 2)) 3 "x" null))
(check (let ((port (open-input-string "[1] rest"))) (json-read port) (read-line port)) => " rest")

(for-each (lambda (text) (check (refused? text) => #t))
  '("[" "[1" "[1," "[1,]" "[,1]" "[1 2]" "[1,,2]" "[1}" "{" "{\"a\"" "{\"a\":" "{\"a\":1" "{\"a\":1," "{\"a\":1,}" "{a:1}" "{1:2}" "{\"a\" 1}" "{\"a\"::1}" "{,}" "{\"a\":1]"
    "]" "}" "," ":" "*" "tru" "True" "nul" "nullx" "truefalse" "'a'" "01" "-01" "-" "+1" ".5" "1." "1.e2" "1e" "1e+" "1eE2" "0x1" "1a" "1.2.3" "-a" "NaN" "Infinity" "-Infinity"
    "\"" "\"a" "\"\\" "\"\\x\"" "\"\\u12\"" "\"\\u12G4\"" "\"\\ud800\\u12\"" "\"a\nb\"" "\"\t\"" "[\x0c;]" "[\x2060;]" "/* */ 1"))
