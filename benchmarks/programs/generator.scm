; Generators by call/cc: one that walks a tree, and two whose leaves are compared as they come.
(define (make-tree from to)
  (if (= from to)
      from
      (let ((middle (quotient (+ from to) 2)))
        (cons (make-tree from middle) (make-tree (+ middle 1) to)))))

; The same leaves in a tree of another shape.
(define (make-vine from to)
  (if (= from to) from (cons from (make-vine (+ from 1) to))))

; A procedure that returns the next leaf at each call, and #f after the last one.
(define (leaves tree)
  (define return #f)
  (define (walk tree)
    (if (pair? tree)
        (begin (walk (car tree)) (walk (cdr tree)))
        (call/cc
         (lambda (rest)
           (set! go-on rest)
           (return tree)))))
  (define (go-on ignored)
    (walk tree)
    (set! go-on (lambda (ignored) (return #f)))
    (return #f))
  (lambda ()
    (call/cc
     (lambda (k)
       (set! return k)
       (go-on #f)))))

(define (generator n)
  (let ((next (leaves (make-tree 1 n))))
    (let loop ((found 0))
      (let ((leaf (next)))
        (if leaf (loop (+ found leaf)) found)))))

(define (same-fringe n)
  (let ((first (leaves (make-tree 1 n))) (second (leaves (make-vine 1 n))))
    (let loop ()
      (let ((a (first)) (b (second)))
        (cond ((not (eqv? a b)) #f)
              (a (loop))
              (else #t))))))
