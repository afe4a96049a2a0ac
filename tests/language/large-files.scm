;; Files larger than a port's buffer, and many more characters than one effect writes.
(import (scheme base) (scheme write) (scheme read) (scheme file) (perdure))
(include "check.scm")
(call-with-output-file "numbers.txt"
  (lambda (p) (do ((i 0 (+ i 1))) ((= i 30000)) (write i p) (newline p))))
(check (call-with-input-file "numbers.txt"
         (lambda (p) (let loop ((n 0) (sum 0)) (let ((next (read p))) (if (eof-object? next) (list n sum) (loop (+ n 1) (+ sum next)))))))
       => '(30000 449985000))
(define big (make-string 6000000 #\λ))
(call-with-output-file "big.txt" (lambda (p) (write-string "a" p) (write-string big p) (write-char #\z p)))
(check (call-with-input-file "big.txt" (lambda (p) (let* ((s (read-line p)) (n (string-length s))) (list n (string-ref s 0) (string-ref s 1) (string-ref s (- n 1))))))
       => '(6000002 #\a #\λ #\z))
(check (call-with-port (open-binary-input-file "big.txt") (lambda (p) (bytevector-length (read-bytevector 20000000 p)))) => 12000002)
(delete-file "big.txt")
(delete-file "numbers.txt")
