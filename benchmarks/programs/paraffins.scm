; All paraffins of n carbon atoms: radicals of each size, in vectors of lists, joined at a bond or around an atom.
(define-record-type radical
  (make-radical a b c)
  radical?
  (a radical-a)
  (b radical-b)
  (c radical-c))

; Add to `found` one structure for each way to draw three radicals with m atoms in all, the sizes not growing.
(define (three-of m radicals make found)
  (do ((i 0 (+ i 1))
       (found found
         (do ((j i (+ j 1))
              (found found
                (let ((k (- m i j)))
                  (if (< k j)
                      found
                      (draw-three i j k radicals make found)))))
             ((> (+ i j j) m) found))))
      ((> (* 3 i) m) found)))

(define (draw-three i j k radicals make found)
  (let loop-i ((as (vector-ref radicals i)) (found found))
    (if (null? as)
        found
        (let loop-j ((bs (if (= i j) as (vector-ref radicals j))) (found found))
          (if (null? bs)
              (loop-i (cdr as) found)
              (let loop-k ((cs (if (= j k) bs (vector-ref radicals k))) (found found))
                (if (null? cs)
                    (loop-j (cdr bs) found)
                    (loop-k (cdr cs) (cons (make (car as) (car bs) (car cs)) found)))))))))

(define (radicals-up-to n)
  (let ((radicals (make-vector (+ n 1) '(hydrogen))))
    (do ((size 1 (+ size 1)))
        ((> size n) radicals)
      (vector-set! radicals size (three-of (- size 1) radicals make-radical '())))))

; Two radicals of half the size each, joined by a bond.
(define (bond-centred n radicals)
  (if (odd? n)
      '()
      (let loop ((first (vector-ref radicals (quotient n 2))) (found '()))
        (if (null? first)
            found
            (let inner ((second first) (found found))
              (if (null? second)
                  (loop (cdr first) found)
                  (inner (cdr second) (cons (cons (car first) (car second)) found))))))))

; Four radicals of less than half the size each, around an atom; the largest drawn last.
(define (atom-centred n radicals)
  (let ((most (quotient (- n 1) 2)))
    (let loop ((size 0) (found '()))
      (if (> size most)
          found
          (loop (+ size 1)
                (let each ((largest (vector-ref radicals size)) (found found))
                  (if (null? largest)
                      found
                      (each (cdr largest)
                            (smaller-three (- n 1 size) size largest radicals found)))))))))

(define (smaller-three m size largest radicals found)
  (do ((i 0 (+ i 1))
       (found found
         (do ((j i (+ j 1))
              (found found
                (let ((k (- m i j)))
                  (if (or (< k j) (> k size))
                      found
                      (draw-smaller i j k size largest radicals found)))))
             ((> (+ i j j) m) found))))
      ((> (* 3 i) m) found)))

; Radicals as large as the largest come from what is left of its list, so nothing is drawn twice.
(define (draw-smaller i j k size largest radicals found)
  (define (drawn-from s) (if (= s size) largest (vector-ref radicals s)))
  (let loop-k ((cs (drawn-from k)) (found found))
    (if (null? cs)
        found
        (let loop-j ((bs (if (= j k) cs (drawn-from j))) (found found))
          (if (null? bs)
              (loop-k (cdr cs) found)
              (let loop-i ((as (if (= i j) bs (drawn-from i))) (found found))
                (if (null? as)
                    (loop-j (cdr bs) found)
                    (loop-i (cdr as)
                            (cons (vector (car as) (car bs) (car cs) (car largest)) found)))))))))

(define (paraffins n)
  (let ((radicals (radicals-up-to (quotient n 2))))
    (list (length (bond-centred n radicals)) (length (atom-centred n radicals)))))
