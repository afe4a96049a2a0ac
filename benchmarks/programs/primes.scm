; The sieve of Eratosthenes on lists: every prime strikes its multiples out of the rest.
(define (numbers from to)
  (if (> from to) '() (cons from (numbers (+ from 1) to))))

(define (strike prime items)
  (cond ((null? items) '())
        ((= 0 (remainder (car items) prime)) (strike prime (cdr items)))
        (else (cons (car items) (strike prime (cdr items))))))

(define (sieve items)
  (if (null? items)
      '()
      (cons (car items) (sieve (strike (car items) (cdr items))))))

(define (primes n)
  (apply + (sieve (numbers 2 n))))
