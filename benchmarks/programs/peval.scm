; A partial evaluator of a small language: it unfolds calls with what is known. Association lists, `case` of symbols.
(define programs
  '((power (x n) (if (= n 0) 1 (* x (power x (- n 1)))))
    (poly (x cs) (if (null cs) 0 (+ (car cs) (* x (poly x (cdr cs))))))
    (ack (m n) (if (= m 0) (+ n 1) (if (= n 0) (ack (- m 1) 1) (ack (- m 1) (ack m (- n 1))))))
    (sum (xs) (if (null xs) 0 (+ (car xs) (sum (cdr xs)))))
    (dot (xs ys) (if (null xs) 0 (+ (* (car xs) (car ys)) (dot (cdr xs) (cdr ys)))))))

(define examples
  '((power y 9)
    (poly z (quote (3 1 4 1 5 9 2 6)))
    (ack 2 3)
    (dot (quote (1 2 3 4)) vs)
    (+ (sum (quote (1 2 3 4 5))) (power (+ y 0) 3))))

(define (known? e) (or (number? e) (and (pair? e) (eq? (car e) 'quote))))
(define (value-of e) (if (pair? e) (cadr e) e))
(define (constant v) (if (number? v) v (list 'quote v)))

(define (lookup name bound)
  (let ((found (assq name bound)))
    (if found (cdr found) name)))

(define (bind names values bound)
  (if (null? names)
      bound
      (cons (cons (car names) (car values)) (bind (cdr names) (cdr values) bound))))

(define (reduce-all es bound)
  (if (null? es)
      '()
      (cons (reduce (car es) bound) (reduce-all (cdr es) bound))))

(define (apply-operator operator a b)
  (case operator
    ((+) (+ a b))
    ((-) (- a b))
    ((*) (* a b))
    ((=) (= a b))
    (else (error "no operator" operator))))

; What can be said of an operation whose operands are not all known.
(define (simplify operator a b)
  (cond ((and (eq? operator '+) (eqv? a 0)) b)
        ((and (eq? operator '+) (eqv? b 0)) a)
        ((and (eq? operator '*) (eqv? a 1)) b)
        ((and (eq? operator '*) (eqv? b 1)) a)
        ((and (eq? operator '*) (or (eqv? a 0) (eqv? b 0))) 0)
        (else (list operator a b))))

(define (reduce e bound)
  (cond ((symbol? e) (lookup e bound))
        ((known? e) e)
        (else
         (case (car e)
           ((if) (reduce-if (cadr e) (caddr e) (cadddr e) bound))
           ((null)
            (let ((v (reduce (cadr e) bound)))
              (if (known? v) (constant (if (null? (value-of v)) 1 0)) (list 'null v))))
           ((car cdr)
            (let ((v (reduce (cadr e) bound)))
              (cond ((not (known? v)) (list (car e) v))
                    ((eq? (car e) 'car) (constant (car (value-of v))))
                    (else (constant (cdr (value-of v)))))))
           ((+ - * =)
            (let ((a (reduce (cadr e) bound)) (b (reduce (caddr e) bound)))
              (if (and (known? a) (known? b))
                  (let ((v (apply-operator (car e) (value-of a) (value-of b))))
                    (if (boolean? v) (if v 1 0) v))
                  (simplify (car e) a b))))
           (else (reduce-call (car e) (reduce-all (cdr e) bound)))))))

(define (reduce-if test then otherwise bound)
  (let ((v (reduce test bound)))
    (cond ((not (known? v)) (list 'if v (reduce then bound) (reduce otherwise bound)))
          ((eqv? (value-of v) 0) (reduce otherwise bound))
          (else (reduce then bound)))))

; Unfold a call if something of it is known; calls of unknown arguments stay as they are.
(define (reduce-call name arguments)
  (let ((found (assq name programs)))
    (if (and found (some-known? arguments))
        (reduce (caddr found) (bind (cadr found) arguments '()))
        (cons name arguments))))

(define (some-known? es)
  (and (pair? es)
       (or (known? (car es)) (some-known? (cdr es)))))

(define (size e) (if (pair? e) (+ (size (car e)) (size (cdr e))) (if (null? e) 0 1)))

(define (peval times)
  (let loop ((times times) (found 0))
    (if (= times 0)
        found
        (loop (- times 1)
              (let each ((examples examples) (found found))
                (if (null? examples)
                    found
                    (each (cdr examples) (+ found (size (reduce (car examples) '()))))))))))
