; Symbolic derivatives of polynomials: lists, symbols, `map`.
(define (derivative e)
  (cond ((not (pair? e)) (if (eq? e 'x) 1 0))
        ((eq? (car e) '+) (cons '+ (map derivative (cdr e))))
        ((eq? (car e) '-) (cons '- (map derivative (cdr e))))
        ((eq? (car e) '*)
         (list '* e (cons '+ (map (lambda (factor) (list '/ (derivative factor) factor)) (cdr e)))))
        ((eq? (car e) '/)
         (list '-
               (list '/ (derivative (cadr e)) (caddr e))
               (list '/ (cadr e) (list '* (caddr e) (caddr e) (derivative (caddr e))))))
        (else (error "no rule for" (car e)))))

(define (size e)
  (if (pair? e) (+ (size (car e)) (size (cdr e)) 1) 0))

(define (deriv times)
  (let loop ((times times) (found #f))
    (if (= times 0)
        (size found)
        (loop (- times 1) (derivative '(+ (* 3 x x) (* a x x) (/ b (- x 1)) (* b x) 5))))))
