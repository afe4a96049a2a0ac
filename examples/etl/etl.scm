;;; Extract, transform, load: every source is read by a task of its own; pages go through a channel to three workers, and
;;; what these made is loaded in batches. Kill it at any moment: only the pages in flight are read again.
;;;
;;;   perdure run examples/etl/etl.scm '["shop", "web", "app"]'
(import (scheme base) (scheme write) (perdure) (python warehouse))

(define (extract source pages)
  (let loop ((page 1) (count 0))
    (let ((rows (fetch-page source page)))
      (if (zero? (vector-length rows))
          count
          (begin
            (channel-put pages rows)
            (loop (+ page 1) (+ count (vector-length rows))))))))

(define (clean row)
  (list (ref row 'source) (ref row 'id) (* 100 (ref row 'amount))))

;; Take pages until the end is announced; the value is the sum of what this worker loaded.
(define (transform pages number)
  (let loop ((total 0))
    (let ((rows (channel-get pages)))
      (if (eq? rows 'end)
          total
          (let ((cleaned (map clean (vector->list rows))))
            (load-rows number cleaned)
            (loop (apply + total (map (lambda (row) (list-ref row 2)) cleaned))))))))

(define (main sources)
  (let* ((pages (make-channel 4))
         (workers (map (lambda (number) (spawn (lambda () (transform pages number)))) '(1 2 3)))
         (counts (apply all (map (lambda (source) (lambda () (extract source pages)))
                                 (vector->list sources)))))
    (for-each (lambda (worker) (channel-put pages 'end)) workers)
    (let ((totals (map join workers)))
      (display "rows: ") (display (apply + counts)) (newline)
      (list 'loaded (apply + counts) 'cents (apply + totals)))))
