; Trees that live for a short and for a long time: records, recursion, much allocation.
(define-record-type node
  (make-node left right)
  node?
  (left node-left set-node-left!)
  (right node-right set-node-right!))

(define (bottom-up depth)
  (if (= depth 0)
      (make-node #f #f)
      (make-node (bottom-up (- depth 1)) (bottom-up (- depth 1)))))

(define (top-down! depth node)
  (if (> depth 0)
      (begin
        (set-node-left! node (make-node #f #f))
        (set-node-right! node (make-node #f #f))
        (top-down! (- depth 1) (node-left node))
        (top-down! (- depth 1) (node-right node)))))

(define (nodes node)
  (if node
      (+ 1 (nodes (node-left node)) (nodes (node-right node)))
      0))

(define (gcbench depth)
  (let ((kept (bottom-up depth)))
    (let loop ((d 2) (found 0))
      (if (> d depth)
          (+ found (nodes kept))
          (do ((i (quotient (expt 2 (+ depth 1)) (expt 2 (+ d 2))) (- i 1))
               (found found
                      (let ((root (make-node #f #f)))
                        (top-down! d root)
                        (+ found (nodes root)))))
              ((= i 0) (loop (+ d 2) found)))))))
