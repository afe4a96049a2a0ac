;;; Parts of lists, and what lists they are: SRFI 1.
;;; What may change its arguments according to SRFI 1 (take!) does not: a new list is always a right answer.
(define-library (perdure sublist)
  (export sixth seventh eighth ninth tenth car+cdr xcons circular-list
          take! drop-right drop-right! take-right split-at split-at!
          take-while take-while! drop-while span span! break break!
          concatenate concatenate! flatten zip unzip1 unzip2 unzip3 unzip4 unzip5
          circular-list? dotted-list? not-pair? null-list? list=)
  (begin

    (define (sixth list1) (list-ref list1 5))
    (define (seventh list1) (list-ref list1 6))
    (define (eighth list1) (list-ref list1 7))
    (define (ninth list1) (list-ref list1 8))
    (define (tenth list1) (list-ref list1 9))

    (define (car+cdr pair) (values (car pair) (cdr pair)))
    (define (xcons a b) (cons b a))

    (define (circular-list item . items)
      (let ((first (cons item (list-copy items))))
        (set-cdr! (last-pair first) first)
        first))

    ;; A dotted list has as many elements as pairs.
    (define (%pairs-behind who list1 k)
      (let ((n (length+ list1)))
        (if (not n) (%not-a-list who list1))
        (if (not (and (exact-integer? k) (<= 0 k n)))
            (%fail 'range-error
                   (string-append who ": expected an exact integer from 0 to " (number->string n) ", got") k))
        (- n k)))

    (define (drop-right list1 k)
      (list-head list1 (%pairs-behind "drop-right" list1 k)))

    (define (take-right list1 k)
      (list-tail list1 (%pairs-behind "take-right" list1 k)))

    (define (split-at list1 k)
      (values (take list1 k) (drop list1 k)))

    (define take! take)
    (define drop-right! drop-right)
    (define split-at! split-at)

    (define (%not-the-end who rest list1)
      (if (not (or (pair? rest) (null? rest)))
          (%not-a-list who list1)))

    (define (take-while pred list1)
      (let loop ((rest list1) (out '()))
        (if (and (pair? rest) (pred (car rest)))
            (loop (cdr rest) (cons (car rest) out))
            (begin
              (%not-the-end "take-while" rest list1)
              (reverse out)))))

    (define (drop-while pred list1)
      (let loop ((rest list1))
        (if (and (pair? rest) (pred (car rest)))
            (loop (cdr rest))
            (begin
              (%not-the-end "drop-while" rest list1)
              rest))))

    (define (span pred list1)
      (let loop ((rest list1) (out '()))
        (if (and (pair? rest) (pred (car rest)))
            (loop (cdr rest) (cons (car rest) out))
            (begin
              (%not-the-end "span" rest list1)
              (values (reverse out) rest)))))

    (define (break pred list1)
      (span (lambda (item) (not (pred item))) list1))

    (define take-while! take-while)
    (define span! span)
    (define break! break)

    (define (concatenate lists) (apply append lists))
    (define (concatenate! lists) (apply append! lists))

    (define (flatten obj)
      (let loop ((work (list obj)) (out '()))
        (cond ((null? work) (reverse out))
              ((null? (car work)) (loop (cdr work) out))
              ((pair? (car work))
               (loop (cons (car (car work)) (cons (cdr (car work)) (cdr work))) out))
              (else (loop (cdr work) (cons (car work) out))))))

    (define (zip list1 . lists) (apply map list list1 lists))

    (define (unzip1 lists) (%map-1 first lists))

    (define (unzip2 lists)
      (values (%map-1 first lists) (%map-1 second lists)))

    (define (unzip3 lists)
      (values (%map-1 first lists) (%map-1 second lists) (%map-1 third lists)))

    (define (unzip4 lists)
      (values (%map-1 first lists) (%map-1 second lists) (%map-1 third lists) (%map-1 fourth lists)))

    (define (unzip5 lists)
      (values (%map-1 first lists) (%map-1 second lists) (%map-1 third lists) (%map-1 fourth lists)
              (%map-1 fifth lists)))

    ;; -- kinds of lists ------------------------------------------------------------------

    (define (not-pair? obj) (not (pair? obj)))

    (define (null-list? list1)
      (or (null? list1)
          (and (not (pair? list1)) (%not-a-list "null-list?" list1))))

    (define (circular-list? obj)
      (let loop ((slow obj) (fast obj))
        (and (pair? fast)
             (let ((fast (cdr fast)))
               (and (pair? fast)
                    (let ((fast (cdr fast)) (slow (cdr slow)))
                      (or (eq? fast slow) (loop slow fast))))))))

    (define (dotted-list? obj)
      (and (not (list? obj)) (not (circular-list? obj))))

    (define (list= same? . lists)
      (or (null? lists)
          (let loop ((a (car lists)) (more (cdr lists)))
            (or (null? more)
                (and (or (eq? a (car more))
                         (and (= (length a) (length (car more)))
                              (every same? a (car more))))
                     (loop (car more) (cdr more)))))))))
