(define (one-to n)
  (let loop ((n n) (made '()))
    (if (> n 0) (loop (- n 1) (cons n made)) made)))

(define (join first second)
  (if (null? first)
      second
      (cons (car first) (join (cdr first) second))))

(define (safe? row distance placed)
  (if (null? placed)
      #t
      (and (not (= (car placed) (+ row distance)))
           (not (= (car placed) (- row distance)))
           (not (= (car placed) row))
           (safe? row (+ distance 1) (cdr placed)))))

(define (try rows tried placed)
  (if (null? rows)
      (if (null? tried) 1 0)
      (+ (if (safe? (car rows) 1 placed)
             (try (join (cdr rows) tried) '() (cons (car rows) placed))
             0)
         (try (cdr rows) (cons (car rows) tried) placed))))

(define (queens n) (try (one-to n) '() '()))
