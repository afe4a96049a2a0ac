; Takeuchi's function on lists: a number is a list of that length.
(define (count-down n)
  (if (= n 0) '() (cons n (count-down (- n 1)))))

(define (shorter? x y)
  (and (pair? y)
       (or (null? x)
           (shorter? (cdr x) (cdr y)))))

(define (mas x y z)
  (if (shorter? y x)
      (mas (mas (cdr x) y z) (mas (cdr y) z x) (mas (cdr z) x y))
      z))

(define (takl x y z)
  (length (mas (count-down x) (count-down y) (count-down z))))
