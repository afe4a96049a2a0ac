;;; Retry policies in a dynamic extent. The machine copies the one in force to each effect's request; the engine keeps to it.
(define-library (perdure retry)
  (export with-retry %retry-policy)
  (begin

    ;; A checked policy, or #f: as the function's mark says.
    (define %retry-policy (%make-parameter #f #f))

    (define (with-retry policy thunk)
      (%with-parameters (list (cons %retry-policy (and policy (%checked-policy 'with-retry policy))))
                        thunk))))
