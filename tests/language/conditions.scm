;; Conditions have kinds, and kinds have kinds that they are of.
(import (scheme base) (scheme write) (perdure))
(include "check.scm")

(define-syntax caught
  (syntax-rules ()
    ((_ body) (guard (e (#t e)) body))))
(define (kinds condition . wanted)
  (map (lambda (kind) (condition-is? condition kind)) wanted))

(define bad-type (caught (car 5)))
(check (kinds bad-type 'type-error 'program-error 'error 'serious 'range-error 'effect-failure) => '(#t #t #t #t #f #f))
(check (list (program-error? bad-type) (error-object? bad-type) (effect-failure? bad-type) (effect-error? bad-type)) => '(#t #t #f #f))
(check (kinds (caught (error "no")) 'error 'serious 'program-error) => '(#t #t #f))
(check (map program-error? (list (caught (vector-ref (vector 1) 5)) (caught (car)) (caught (5)) (caught nowhere) (caught (/ 1 0)) (caught (set-car! '(1) 2)))) => '(#t #t #t #t #t #t))
(check (let ((late (caught (with-timeout 1 (lambda () (sleep 60)))))) (list (condition-kind late) (timeout-error? late) (effect-timeout? late) (condition-is? late 'error))) => '(timeout-error #t #f #t))
(check (let ((c (caught (read (open-input-string "(1"))))) (list (read-error? c) (condition-is? c 'error) (program-error? c))) => '(#t #t #f))
(check (let ((c (caught (open-input-file "nowhere.txt")))) (list (file-error? c) (condition-is? c 'error))) => '(#t #t))
(check (let ((c (caught (make-vector 100000000000 0)))) (list (quota-error? c) (condition-is? c 'error))) => '(#t #t))

;; Whatever else is raised is of no kind.
(check (list (condition-is? 5 'error) (condition-is? (caught (raise 'x)) 'serious) (effect-failure? "no") (effect-error-is? 5 "Exception")) => '(#f #f #f #f))
(check (guard (e ((condition-is? e 'error) 'wrong) ((symbol? e) e)) (raise 'mine)) => 'mine)

;; A handler chooses by the nearest clause that takes it.
(define (sorted-out thunk)
  (guard (e ((condition-is? e 'timeout-error) 'late) ((condition-is? e 'program-error) 'wrong) ((condition-is? e 'error) 'other))
    (thunk)))
(check (map sorted-out (list (lambda () (with-timeout 1 (lambda () (sleep 60)))) (lambda () (car 5)) (lambda () (error "x")) (lambda () 7))) => '(late wrong other 7))

(check-error (condition-is? bad-type 'tpye-error) => "condition-is?: unknown kind of condition: tpye-error")
(check-error (condition-is? bad-type "error") => "condition-is?: expected a symbol, got \"error\"")
(check-error (effect-error-type bad-type) => "effect-error-type: expected an effect-failure condition, got #<type-error: car: expected a pair, got 5>")
(check-error (effect-error-is? bad-type 5) => "effect-error-is?: expected a string, got 5")
