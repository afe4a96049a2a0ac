;;; A supplier's deliveries, entered one by one. What is wrong with a record is not known before it comes, so an error is a
;;; question: the run parks at the record, alive, and a person or a program answers.
;;;
;;;   perdure run examples/intake/intake.scm '[{"item": "tea", "count": 4}, {"item": "cup", "count": "many"}]' --id intake-1
;;;   perdure restart intake-1                       asks which way to go on
;;;   perdure restart intake-1 use-count 12          the supplier has called
;;;   perdure restart --program intake --error error skip-record     all that stand at such an error
;;;
;;; The policy of this program: whoever is on duty is told at once, and a run that nobody has answered within three days
;;; gives up, and takes back what it has entered.
(import (scheme base) (scheme write) (perdure) (python stock))

(set-error-policy!
 (lambda (failure)
   (notify (self) (condition/report-string failure))
   (list 'park (* 3 24 60 60) 'fail)))

(define (enter-record record)
  (with-restarts ((skip-record () "Leave this record out." 0)
                  (use-count (count) "Enter another count." (enter-count record count)))
    (enter-count record (ref record 'count))))

(define (enter-count record count)
  (if (not (and (exact-integer? count) (positive? count)))
      (error "not a count:" count (ref record 'item)))
  (compensate (enter (ref record 'item) count) (take-back (ref record 'item) count))
  count)

(define (main records)
  (transaction
   (let loop ((records (vector->list records)) (total 0))
     (if (null? records)
         (list 'entered total)
         (loop (cdr records) (+ total (enter-record (car records))))))))
