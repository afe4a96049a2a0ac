; A rewriting theorem prover after Boyer and Moore, with lemmas of our own: association lists, `assq`, much consing.
(define lemmas
  '((and ((and p q) (if p (if q (t) (f)) (f))))
    (or ((or p q) (if p (t) (if q (t) (f)))))
    (not ((not p) (if p (f) (t))))
    (implies ((implies p q) (if p (if q (t) (f)) (t))))
    (iff ((iff p q) (and (implies p q) (implies q p))))
    (if ((if (if p q r) u v) (if p (if q u v) (if r u v))))
    (plus ((plus (plus x y) z) (plus x (plus y z)))
          ((plus (zero) x) x)
          ((plus (succ x) y) (succ (plus x y))))
    (times ((times x (plus y z)) (plus (times x y) (times x z)))
           ((times (times x y) z) (times x (times y z)))
           ((times (zero) x) (zero)))
    (equal ((equal (plus x y) (plus x z)) (equal y z))
           ((equal (append x y) (append x z)) (equal y z))
           ((equal (succ x) (succ y)) (equal x y)))
    (append ((append (append x y) z) (append x (append y z)))
            ((append (nil) x) x))
    (reverse ((reverse (append x y)) (append (reverse y) (reverse x)))
             ((reverse (reverse x)) x))
    (length ((length (append x y)) (plus (length x) (length y)))
            ((length (reverse x)) (length x))
            ((length (nil)) (zero)))
    (member ((member x (append y z)) (or (member x y) (member x z)))
            ((member x (reverse y)) (member x y)))
    (lesseq ((lesseq x y) (not (less y x))))
    (less ((less (plus x y) (plus x z)) (less y z)))))

(define count 0)

; A substitution is an association list from the variables of a pattern to terms, or #f if they don't match.
(define (match term pattern bound)
  (cond ((not bound) #f)
        ((pair? pattern)
         (and (pair? term)
              (eq? (car term) (car pattern))
              (match-all (cdr term) (cdr pattern) bound)))
        (else
         (let ((known (assq pattern bound)))
           (if known
               (and (equal? (cdr known) term) bound)
               (cons (cons pattern term) bound))))))

(define (match-all terms patterns bound)
  (cond ((not bound) #f)
        ((null? patterns) (and (null? terms) bound))
        ((null? terms) #f)
        (else (match-all (cdr terms) (cdr patterns) (match (car terms) (car patterns) bound)))))

(define (substitute bound term)
  (if (pair? term)
      (cons (car term) (substitute-all bound (cdr term)))
      (let ((known (assq term bound)))
        (if known (cdr known) term))))

(define (substitute-all bound terms)
  (if (null? terms)
      '()
      (cons (substitute bound (car terms)) (substitute-all bound (cdr terms)))))

(define (rewrite term)
  (if (pair? term)
      (let ((inner (cons (car term) (rewrite-all (cdr term))))
            (known (assq (car term) lemmas)))
        (if known (rewrite-by inner (cdr known)) inner))
      term))

(define (rewrite-all terms)
  (if (null? terms)
      '()
      (cons (rewrite (car terms)) (rewrite-all (cdr terms)))))

(define (rewrite-by term rules)
  (if (null? rules)
      term
      (let ((bound (match term (car (car rules)) '((#t . #t)))))
        (if bound
            (begin
              (set! count (+ count 1))
              (rewrite (substitute bound (cadr (car rules)))))
            (rewrite-by term (cdr rules))))))

(define (holds? term true false)
  (cond ((or (equal? term '(t)) (member term true)) #t)
        ((or (equal? term '(f)) (member term false)) #f)
        ((and (pair? term) (eq? (car term) 'if))
         (let ((test (cadr term)) (then (caddr term)) (otherwise (cadddr term)))
           (cond ((or (equal? test '(t)) (member test true)) (holds? then true false))
                 ((or (equal? test '(f)) (member test false)) (holds? otherwise true false))
                 (else (and (holds? then (cons test true) false)
                            (holds? otherwise true (cons test false)))))))
        (else #f)))

(define theorem
  '(implies (and (implies x y) (and (implies y z) (implies z u))) (implies x u)))

(define terms
  '((x . (even (plus (plus a b) (plus c (zero)))))
    (y . (equal (times (times a b) (plus c d)) (length (append (reverse (append a b)) (nil)))))
    (z . (less (plus (plus a b) c) (plus a (length (reverse (append d e))))))
    (u . (member a (reverse (reverse b))))))

(define (boyer times)
  (let loop ((times times) (found #f))
    (if (= times 0)
        (list found count)
        (loop (- times 1)
              (holds? (rewrite (substitute terms theorem)) '() '())))))
