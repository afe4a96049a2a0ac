; Earley's algorithm on an ambiguous grammar: vectors of lists of items, and how many parses there are.
; A rule is #(left right), where `right` is a list; non-terminals are small integers, terminals are symbols.
(define rules
  (vector (vector 0 '(0 plus 0))
          (vector 0 '(0 times 0))
          (vector 0 '(1))
          (vector 1 '(name))
          (vector 1 '(open 0 close))))

; An item is #(rule rest origin).
(define (item rule rest origin) (vector rule rest origin))
(define (item-rule item) (vector-ref item 0))
(define (item-rest item) (vector-ref item 1))
(define (item-origin item) (vector-ref item 2))

(define (same-item? a b)
  (and (= (item-origin a) (item-origin b))
       (eq? (item-rest a) (item-rest b))
       (eq? (item-rule a) (item-rule b))))

(define (known? item items)
  (let loop ((items items))
    (cond ((null? items) #f)
          ((same-item? item (car items)) #t)
          (else (loop (cdr items))))))

; `sets` holds the finished items of each position; `agenda` those that are still to be looked at.
(define (add item agenda seen)
  (if (or (known? item seen) (known? item agenda)) agenda (cons item agenda)))

(define (predict symbol position agenda seen)
  (let loop ((i 0) (agenda agenda))
    (if (= i (vector-length rules))
        agenda
        (let ((rule (vector-ref rules i)))
          (loop (+ i 1)
                (if (= (vector-ref rule 0) symbol)
                    (add (item rule (vector-ref rule 1) position) agenda seen)
                    agenda))))))

(define (advance-those-waiting-for symbol items agenda seen)
  (let loop ((items items) (agenda agenda))
    (if (null? items)
        agenda
        (let* ((waiting (car items)) (rest (item-rest waiting)))
          (loop (cdr items)
                (if (and (pair? rest) (eqv? (car rest) symbol))
                    (add (item (item-rule waiting) (cdr rest) (item-origin waiting)) agenda seen)
                    agenda))))))

(define (close agenda position sets)
  (let loop ((agenda agenda) (seen '()))
    (if (null? agenda)
        (vector-set! sets position seen)
        (let* ((now (car agenda)) (rest (item-rest now)) (seen (cons now seen)) (agenda (cdr agenda)))
          (cond ((null? rest)
                 (loop (advance-those-waiting-for (vector-ref (item-rule now) 0)
                                                  (vector-ref sets (item-origin now))
                                                  agenda seen)
                       seen))
                ((number? (car rest))
                 (loop (predict (car rest) position agenda seen) seen))
                (else (loop agenda seen)))))))

(define (scan token items)
  (let loop ((items items) (agenda '()))
    (if (null? items)
        agenda
        (let* ((now (car items)) (rest (item-rest now)))
          (loop (cdr items)
                (if (and (pair? rest) (eq? (car rest) token))
                    (cons (item (item-rule now) (cdr rest) (item-origin now)) agenda)
                    agenda))))))

(define (parse tokens)
  (let* ((n (length tokens)) (sets (make-vector (+ n 1) '())))
    (close (predict 0 0 '() '()) 0 sets)
    (let loop ((tokens tokens) (position 0))
      (if (pair? tokens)
          (begin
            (close (scan (car tokens) (vector-ref sets position)) (+ position 1) sets)
            (loop (cdr tokens) (+ position 1)))
          sets))))

; How many ways there are to derive the tokens between two positions from a list of symbols.
(define (ways symbols from to tokens)
  (cond ((null? symbols) (if (= from to) 1 0))
        ((symbol? (car symbols))
         (if (and (< from to) (eq? (car symbols) (vector-ref tokens from)))
             (ways (cdr symbols) (+ from 1) to tokens)
             0))
        (else
         (let loop ((middle (+ from 1)) (found 0))
           (if (> middle to)
               found
               (let ((rest (ways (cdr symbols) middle to tokens)))
                 (loop (+ middle 1)
                       (if (= rest 0)
                           found
                           (+ found (* rest (ways-of (car symbols) from middle tokens)))))))))))

(define (ways-of symbol from to tokens)
  (let loop ((i 0) (found 0))
    (if (= i (vector-length rules))
        found
        (let ((rule (vector-ref rules i)))
          (loop (+ i 1)
                (if (= (vector-ref rule 0) symbol)
                    (+ found (ways (vector-ref rule 1) from to tokens))
                    found))))))

(define (sentence n)
  (if (= n 0)
      '(name)
      (cons 'name (cons (if (even? n) 'plus 'times) (sentence (- n 1))))))

(define (earley long short)
  (let loop ((i 0) (sets (parse (sentence long))) (items 0))
    (if (= i (vector-length sets))
        (list items (ways-of 0 0 (+ short short 1) (list->vector (sentence short))))
        (loop (+ i 1) sets (+ items (length (vector-ref sets i)))))))
