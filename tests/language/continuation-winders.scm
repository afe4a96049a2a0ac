;; dynamic-wind and continuations in every combination: which befores and afters run, in what order, in which dynamic state.
(include "check.scm")
(define trace '())
(define (note x) (set! trace (cons x trace)))
(define (traced) (let ((t (reverse trace))) (set! trace '()) t))
(define (in-extent name thunk)
  (dynamic-wind (lambda () (note (list 'in name))) thunk (lambda () (note (list 'out name)))))
(define (outside-in name) (list (list 'in name) (list 'out name)))
;; leaving several at once, innermost first
(check (list (call/cc (lambda (k) (in-extent 1 (lambda () (in-extent 2 (lambda () (in-extent 3 (lambda () (k 'left))))))))) (traced))
  => '(left ((in 1) (in 2) (in 3) (out 3) (out 2) (out 1))))
;; entering several again, outermost first
(define k #f)
(define n 0)
(check (begin
         (in-extent 1 (lambda () (in-extent 2 (lambda () (call/cc (lambda (c) (set! k c))) (note 'body)))))
         (set! n (+ n 1))
         (if (< n 3) (k n))
         (traced))
  => '((in 1) (in 2) body (out 2) (out 1) (in 1) (in 2) body (out 2) (out 1) (in 1) (in 2) body (out 2) (out 1)))
;; from extent to extent: only what is not common
(check (let ((ka #f) (n 0))
         (in-extent 'common
           (lambda ()
             (in-extent 'a (lambda () (call/cc (lambda (c) (set! ka c))) (note 'in-a)))
             (set! n (+ n 1))
             (if (< n 3) (in-extent 'b (lambda () (in-extent 'c (lambda () (ka #f))))))))
         (traced))
  => '((in common) (in a) in-a (out a) (in b) (in c) (out c) (out b) (in a) in-a (out a) (in b) (in c) (out c) (out b) (in a) in-a (out a) (out common)))
;; a jump within one extent runs nothing
(check (begin (in-extent 1 (lambda () (call/cc (lambda (k) (k 'x))) (call/cc (lambda (k) (+ 1 (k 'y)))))) (traced)) => (outside-in 1))
;; the same extent entered twice at a time is two extents
(check (let ((k #f) (depth 0))
         (define (enter)
           (in-extent depth
             (lambda ()
               (set! depth (+ depth 1))
               (if (< depth 3) (enter) (call/cc (lambda (out) (set! k out)))))))
         (enter)
         (if k (let ((again k)) (set! k #f) (again #f)))
         (traced))
  => '((in 0) (in 1) (in 2) (out 2) (out 1) (out 0) (in 0) (in 1) (in 2) (out 2) (out 1) (out 0)))
;; escapes out of befores and afters
(check (list (call/cc (lambda (k) (in-extent 1 (lambda () (dynamic-wind (lambda () (note 'before) (k 'from-before)) (lambda () (note 'never)) (lambda () (note 'never))))))) (traced))
  => '(from-before ((in 1) before (out 1))))
(check (list (call/cc (lambda (k) (in-extent 1 (lambda () (dynamic-wind (lambda () #f) (lambda () 'body) (lambda () (note 'after) (k 'from-after))))))) (traced))
  => '(from-after ((in 1) after (out 1))))
;; an after that jumps elsewhere while an escape goes on: the last one wins
(check (list (call/cc (lambda (a) (call/cc (lambda (b) (dynamic-wind (lambda () #f) (lambda () (b 'b)) (lambda () (a 'a))))) 'after-b)) (traced)) => '(a ()))
;; a before that is entered again and captures there
(check (let ((k #f) (n 0))
         (dynamic-wind
          (lambda () (note 'before-starts) (call/cc (lambda (c) (if (not k) (set! k c)))) (note 'before-ends))
          (lambda () (note 'body))
          (lambda () (note 'after)))
         (set! n (+ n 1))
         (if (< n 3) (k #f))
         (traced))
  => '(before-starts before-ends body after before-ends body after before-ends body after))
;; an after that is entered again
(check (let ((k #f) (n 0))
         (in-extent 1 (lambda () (dynamic-wind (lambda () (note 'before)) (lambda () (note 'body)) (lambda () (call/cc (lambda (c) (if (not k) (set! k c)))) (note 'after)))))
         (set! n (+ n 1))
         (if (< n 3) (k #f))
         (traced))
  => '((in 1) before body after (out 1) (in 1) after (out 1) (in 1) after (out 1)))
;; extents and parameters: befores and afters see the parameters of the dynamic-wind, the body its own
(define p (make-parameter 'top))
(check (let ((k #f) (n 0))
         (parameterize ((p 'wind))
           (dynamic-wind
            (lambda () (note (list 'before (p))))
            (lambda () (parameterize ((p 'body)) (call/cc (lambda (c) (set! k c))) (note (list 'body (p)))))
            (lambda () (note (list 'after (p))))))
         (note (list 'outside (p)))
         (set! n (+ n 1))
         (if (< n 2) (parameterize ((p 'elsewhere)) (k #f)))
         (traced))
  => '((before wind) (body body) (after wind) (outside top) (before wind) (body body) (after wind) (outside top)))
;; extents and handlers: an after runs with the handlers of the dynamic-wind
(check (list (guard (e (#t (list 'outer e)))
               (dynamic-wind
                (lambda () #f)
                (lambda () (guard (e (#t (list 'inner e))) (raise 'first)))
                (lambda () (raise 'in-after))))
             (traced))
  => '((outer in-after) ()))
(check (guard (e (#t (list 'outer e)))
         (dynamic-wind
          (lambda () #f)
          (lambda () (with-exception-handler (lambda (e) 'inner) (lambda () (call/cc (lambda (k) (raise-continuable 'x))))))
          (lambda () (raise-continuable 'in-after))))
  => '(outer in-after))
;; errors leave extents once, in order, when a guard takes them
(check (list (guard (e (#t (note 'clause) e)) (in-extent 1 (lambda () (in-extent 2 (lambda () (raise 'oops)))))) (traced))
  => '(oops ((in 1) (in 2) (out 2) (out 1) clause)))
(check (list (with-exception-handler (lambda (e) (note 'handler) 5) (lambda () (in-extent 1 (lambda () (+ 1 (raise-continuable 'c)))))) (traced))
  => '(6 ((in 1) handler (out 1))))
;; a generator that lives in an extent enters and leaves it with each item
(define (generator-in-extent)
  (define return #f)
  (define resume
    (lambda ()
      (in-extent 'g (lambda () (for-each (lambda (x) (call/cc (lambda (next) (set! resume (lambda () (next #f))) (return x)))) '(a b))))
      (return 'end)))
  (lambda () (call/cc (lambda (k) (set! return k) (resume)))))
(check (let ((g (generator-in-extent))) (let* ((a (g)) (b (g)) (c (g))) (list a b c (traced))))
  => '(a b end ((in g) (out g) (in g) (out g) (in g) (out g))))
;; values go through; nested results are kept
(check (list (call-with-values (lambda () (in-extent 1 (lambda () (in-extent 2 (lambda () (values 1 2)))))) list) (traced)) => '((1 2) ((in 1) (in 2) (out 2) (out 1))))
(check (list (+ 1 (in-extent 1 (lambda () (call/cc (lambda (k) (in-extent 2 (lambda () (k 41)))))))) (traced)) => '(42 ((in 1) (in 2) (out 2) (out 1))))
