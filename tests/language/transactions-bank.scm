;; Many tasks move money between the same accounts, in transactions that conflict, fail and are cancelled: none is lost.
(include "check.scm")

;; Chance that is the same in every variation, and that no roll-back puts back.
(define (chance seed) (modulo (+ (* seed 1103515245) 12345) 2147483648))
(define (pick seed n) (modulo (quotient seed 65536) n))

(define accounts (make-vector 6 100))
(define names (make-hash-table))
(define total-moves 0)
(for-each (lambda (i) (hash-table-set! names i (list 'account i 100))) '(0 1 2 3 4 5))
(define (sum-of-vector) (apply + (vector->list accounts)))
(define (sum-of-table) (apply + (map caddr (hash-table-values names))))

(define (move! from to amount)
  (vector-set! accounts from (- (vector-ref accounts from) amount))
  (hash-table-update! names from (lambda (entry) (list 'account from (- (caddr entry) amount))))
  (task-yield)
  (vector-set! accounts to (+ (vector-ref accounts to) amount))
  (hash-table-update! names to (lambda (entry) (list 'account to (+ (caddr entry) amount)))))

(define policy (retry-policy 'attempts 50 'backoff 1 'factor 1.1 'jitter 0.5 'on '(conflict-error)))

(define (mover seed moves)
  (lambda ()
    (let loop ((seed seed) (moves moves) (done 0))
      (if (= moves 0)
          done
          (let* ((s1 (chance seed)) (s2 (chance s1)) (s3 (chance s2)) (s4 (chance s3))
                 (from (pick s1 6)) (to (pick s2 6)) (amount (+ 1 (pick s3 20)))
                 (fate (pick s4 5)))
            (loop s4
                  (- moves 1)
                  (+ done
                     (guard (e ((symbol? e) 0))
                       (retrying policy
                         (move! from to amount)
                         (if (= fate 0) (sleep 0.3))
                         (transaction
                          (move! to from 1)
                          (if (= fate 1) (raise 'inner-failed))
                          (if (= fate 2) (rollback)))
                         (if (= fate 3) (raise 'failed))
                         1)))))))))

(define counts (apply all (map (lambda (seed) (mover seed 4)) '(1 2 3 4 5))))
(check (sum-of-vector) => 600)
(check (sum-of-table) => 600)
(check (vector->list accounts) => (map (lambda (i) (caddr (hash-table-ref/default names i #f))) '(0 1 2 3 4 5)))
(check (and (> (apply + counts) 0) (< (apply + counts) 20)) => #t)

;; cancelled in the middle, as long as it lasts
(let ((movers (map (lambda (seed) (spawn (mover seed 20))) '(11 12 13))))
  (sleep 2)
  (for-each cancel movers)
  (sleep 60)
  (check (map task-status movers) => '(cancelled cancelled cancelled)))
(check (sum-of-vector) => 600)
(check (sum-of-table) => 600)
(check (vector->list accounts) => (map (lambda (i) (caddr (hash-table-ref/default names i #f))) '(0 1 2 3 4 5)))
(check (hash-table-keys names) => '(0 1 2 3 4 5))

;; compensations move money back: each is done once, whoever is cancelled when
(define ledger (make-channel 1000))
(define (entries)
  (channel-put ledger 'end)
  (let loop ((found '())) (let ((x (channel-get ledger))) (if (eq? x 'end) (reverse found) (loop (cons x found))))))
(define (do-it step) (sleep 0.25) (channel-put ledger (cons 'do step)) step)
(define (undo-it step) (sleep 0.25) (channel-put ledger (cons 'undo step)))
(define (saga)
  (transaction
   (let loop ((step 1))
     (if (<= step 6)
         (begin (compensate (do-it step) => undo-it) (loop (+ step 1))))))
  'whole)
(define (balanced? found)
  (let* ((did (map cdr (filter (lambda (e) (eq? (car e) 'do)) found)))
         (undid (map cdr (filter (lambda (e) (eq? (car e) 'undo)) found))))
    (or (and (null? undid) (= (length did) 6)) (equal? did (reverse undid)))))
(let loop ((when 0.1))
  (if (< when 2.2)
      (let ((t (spawn saga)))
        (sleep when) (cancel t) (sleep 0.6) (cancel t) (sleep 10)
        (let ((found (entries)))
          (if (not (balanced? found)) (check (list when found) => 'balanced)))
        (loop (+ when 0.3)))))
(check (let ((t (spawn saga))) (sleep 10) (list (task-status t) (balanced? (entries)))) => '(completed #t))
