;;; SRFI 41: streams, with lazy heads and tails.
;;;
;;; A stream is a record around a box that holds (forced? . content): the content of a forced stream is '() or a record
;;; of a head and a tail; that of another one is a thunk that returns a stream. A stream that takes over the work of
;;; another shares its box, so that a long chain of lazy streams is forced in constant space.
;;; Not R7RS promises: they mark the promise whose value they take over, and `stream-null` belongs to all runs.
(define-library (srfi 41)
  (import (scheme base) (perdure primitives))
  (export stream-null stream-cons stream? stream-null? stream-pair? stream-car stream-cdr stream-lambda
          define-stream list->stream port->stream stream stream->list stream-append stream-concat
          stream-constant stream-drop stream-drop-while stream-filter stream-fold stream-for-each
          stream-from stream-iterate stream-length stream-let stream-map stream-match stream-of
          stream-range stream-ref stream-reverse stream-scan stream-take stream-take-while
          stream-unfold stream-unfolds stream-zip)
  (begin

    ;; -- streams ----------------------------------------------------------------------------------

    (define-record-type <stream>
      (make-stream state)
      stream?
      (state stream-state set-stream-state!))

    (define-record-type <stream-pair>
      (make-stream-pair head tail)
      full?
      (head head)
      (tail tail))

    (define (forced content) (make-stream (box (cons #t content))))
    (define (lazy thunk) (make-stream (box (cons #f thunk))))

    (define-syntax stream-lazy
      (syntax-rules ()
        ((_ expression) (lazy (lambda () expression)))))

    (define (stream-force stream)
      (let loop ()
        (let ((state (unbox (stream-state stream))))
          (if (car state)
              (cdr state)
              (let ((next ((cdr state))))
                (check-stream "stream-lambda" next)
                ;; The thunk itself may have forced this stream, or another task.
                (if (not (car (unbox (stream-state stream))))
                    (take-over! stream next))
                (loop))))))

    (define (take-over! stream next)
      (let ((state (unbox (stream-state next))))
        (set-box! (stream-state stream) state)
        (if (not (car state))
            (set-stream-state! next (stream-state stream)))))

    (define (check-stream who obj)
      (if (not (stream? obj))
          (%fail 'type-error (string-append who ": expected a stream, got") obj)))

    (define (check-procedure who obj)
      (if (not (procedure? obj))
          (%fail 'type-error (string-append who ": expected a procedure, got") obj)))

    (define (check-count who obj)
      (if (not (and (exact-integer? obj) (>= obj 0)))
          (%fail 'type-error (string-append who ": expected a nonnegative exact integer, got") obj)))

    ;; Each part has a name or is a constant: so runs refer to it, and none takes it for its own.
    (define empty-state (box '(#t)))
    (define stream-null (make-stream empty-state))

    (define-syntax stream-cons
      (syntax-rules ()
        ((_ first rest)
         (forced (make-stream-pair (stream-lazy (forced first)) (stream-lazy rest))))))

    (define (stream-null? obj) (and (stream? obj) (null? (stream-force obj))))
    (define (stream-pair? obj) (and (stream? obj) (full? (stream-force obj))))

    (define (contents who stream)
      (check-stream who stream)
      (let ((content (stream-force stream)))
        (if (null? content)
            (%fail 'range-error (string-append who ": the stream is empty")))
        content))

    (define (stream-car stream) (stream-force (head (contents "stream-car" stream))))
    (define (stream-cdr stream) (tail (contents "stream-cdr" stream)))

    ;; -- syntax -----------------------------------------------------------------------------------

    (define-syntax stream-lambda
      (syntax-rules ()
        ((_ formals body1 body2 ...)
         (lambda formals (stream-lazy (let () body1 body2 ...))))))

    (define-syntax define-stream
      (syntax-rules ()
        ((_ (name . formals) body1 body2 ...)
         (define name (stream-lambda formals body1 body2 ...)))))

    (define-syntax stream-let
      (syntax-rules ()
        ((_ loop ((name value) ...) body1 body2 ...)
         ((letrec ((loop (stream-lambda (name ...) body1 body2 ...))) loop) value ...))))

    (define-syntax stream
      (syntax-rules ()
        ((_) stream-null)
        ((_ first rest ...) (stream-cons first (stream rest ...)))))

    (define (no-match stream)
      (%fail 'range-error "stream-match: no pattern matches" stream))

    (define-syntax stream-match
      (syntax-rules ()
        ((_ expression clause ...)
         (let ((strm expression))
           (check-stream "stream-match" strm)
           (match-clauses strm clause ...)))))

    (define-syntax match-clauses
      (syntax-rules ()
        ((_ strm) (no-match strm))
        ((_ strm (pattern expression) clause ...)
         (match-clauses strm (pattern #t expression) clause ...))
        ((_ strm (pattern fender expression) clause ...)
         (let ((fail (lambda () (match-clauses strm clause ...))))
           (match-pattern strm pattern fender expression (fail))))))

    (define-syntax match-pattern
      (syntax-rules (_)
        ((match strm () fender expression failed)
         (if (and (stream-null? strm) fender) expression failed))
        ((match strm (_ . pattern) fender expression failed)
         (if (stream-pair? strm)
             (let ((rest (stream-cdr strm)))
               (match-pattern rest pattern fender expression failed))
             failed))
        ((match strm (name . pattern) fender expression failed)
         (if (stream-pair? strm)
             (let ((name (stream-car strm)) (rest (stream-cdr strm)))
               (match-pattern rest pattern fender expression failed))
             failed))
        ((match strm _ fender expression failed)
         (if fender expression failed))
        ((match strm name fender expression failed)
         (let ((name strm))
           (if fender expression failed)))))

    (define-syntax stream-of
      (syntax-rules ()
        ((_ expression clause ...) (elements expression stream-null clause ...))))

    ;; The elements that some clauses make, and then those of `others`.
    (define-syntax elements
      (syntax-rules (in is)
        ((_ expression others) (stream-cons expression others))
        ((_ expression others (name in source) clause ...)
         (stream-let loop ((strm source))
           (if (stream-null? strm)
               others
               (let ((name (stream-car strm)))
                 (elements expression (loop (stream-cdr strm)) clause ...)))))
        ((_ expression others (name is value) clause ...)
         (let ((name value))
           (elements expression others clause ...)))
        ((_ expression others test clause ...)
         (if test
             (elements expression others clause ...)
             others))))

    ;; -- making -----------------------------------------------------------------------------------

    (define (list->stream items)
      (if (not (list? items))
          (%fail 'type-error "list->stream: expected a list, got" items))
      (let loop ((rest (reverse items)) (made stream-null))
        (if (pair? rest)
            (let ((item (car rest)))
              (loop (cdr rest) (stream-cons item made)))
            made)))

    (define (port->stream . port)
      (let ((port (if (pair? port) (car port) (current-input-port))))
        (if (not (input-port? port))
            (%fail 'type-error "port->stream: expected an input port, got" port))
        (stream-let loop ((c (read-char port)))
          (if (eof-object? c)
              stream-null
              (stream-cons c (loop (read-char port)))))))

    (define (stream-constant . items)
      (if (null? items)
          stream-null
          (stream-let loop ((rest items))
            (if (pair? rest)
                (stream-cons (car rest) (loop (cdr rest)))
                (loop items)))))

    (define (check-number who obj)
      (if (not (number? obj))
          (%fail 'type-error (string-append who ": expected a number, got") obj)))

    (define (stream-from first . step)
      (let ((step (if (pair? step) (car step) 1)))
        (check-number "stream-from" first)
        (check-number "stream-from" step)
        (stream-let loop ((n first))
          (stream-cons n (loop (+ n step))))))

    (define (stream-range first past . step)
      (check-number "stream-range" first)
      (check-number "stream-range" past)
      (let* ((step (if (pair? step) (car step) (if (< first past) 1 -1))))
        (check-number "stream-range" step)
        (let ((before? (if (< 0 step) < >)))
          (stream-let loop ((n first))
            (if (before? n past)
                (stream-cons n (loop (+ n step)))
                stream-null)))))

    (define (stream-iterate proc base)
      (check-procedure "stream-iterate" proc)
      (stream-let loop ((value base))
        (stream-cons value (loop (proc value)))))

    (define (stream-unfold mapper pred? generator base)
      (check-procedure "stream-unfold" mapper)
      (check-procedure "stream-unfold" pred?)
      (check-procedure "stream-unfold" generator)
      (stream-let loop ((base base))
        (if (pred? base)
            (stream-cons (mapper base) (loop (generator base)))
            stream-null)))

    ;; The generator gives the next seed and a result for each stream: a list of one element, #f for none now, or '()
    ;; for no more.
    (define (stream-unfolds generator seed)
      (check-procedure "stream-unfolds" generator)
      (let ((rows (stream-let loop ((seed seed))
                    (call-with-values
                     (lambda () (generator seed))
                     (lambda (next . results) (stream-cons results (loop next)))))))
        (define (column i)
          (stream-let loop ((rows rows))
            (let ((result (list-ref (stream-car rows) i)))
              (cond ((pair? result) (stream-cons (car result) (loop (stream-cdr rows))))
                    (result stream-null)
                    (else (loop (stream-cdr rows)))))))
        (apply values (map column (iota (length (stream-car rows)))))))

    ;; -- from streams to streams ----------------------------------------------------------------------

    (define (stream-append . streams)
      (for-each (lambda (strm) (check-stream "stream-append" strm)) streams)
      (stream-let loop ((strm stream-null) (more streams))
        (cond ((stream-pair? strm) (stream-cons (stream-car strm) (loop (stream-cdr strm) more)))
              ((null? more) stream-null)
              ((null? (cdr more)) (car more))
              (else (loop (car more) (cdr more))))))

    (define (stream-concat streams)
      (check-stream "stream-concat" streams)
      (stream-let loop ((strm stream-null) (more streams))
        (check-stream "stream-concat" strm)
        (cond ((stream-pair? strm) (stream-cons (stream-car strm) (loop (stream-cdr strm) more)))
              ((stream-null? more) stream-null)
              (else (loop (stream-car more) (stream-cdr more))))))

    (define (stream-drop n strm)
      (check-count "stream-drop" n)
      (check-stream "stream-drop" strm)
      (stream-let loop ((n n) (strm strm))
        (if (or (= n 0) (stream-null? strm))
            strm
            (loop (- n 1) (stream-cdr strm)))))

    (define (stream-drop-while pred? strm)
      (check-procedure "stream-drop-while" pred?)
      (check-stream "stream-drop-while" strm)
      (stream-let loop ((strm strm))
        (if (and (stream-pair? strm) (pred? (stream-car strm)))
            (loop (stream-cdr strm))
            strm)))

    (define (stream-take n strm)
      (check-count "stream-take" n)
      (check-stream "stream-take" strm)
      (stream-let loop ((n n) (strm strm))
        (if (or (= n 0) (stream-null? strm))
            stream-null
            (stream-cons (stream-car strm) (loop (- n 1) (stream-cdr strm))))))

    (define (stream-take-while pred? strm)
      (check-procedure "stream-take-while" pred?)
      (check-stream "stream-take-while" strm)
      (stream-let loop ((strm strm))
        (if (and (stream-pair? strm) (pred? (stream-car strm)))
            (stream-cons (stream-car strm) (loop (stream-cdr strm)))
            stream-null)))

    (define (stream-filter pred? strm)
      (check-procedure "stream-filter" pred?)
      (check-stream "stream-filter" strm)
      (stream-let loop ((strm strm))
        (cond ((stream-null? strm) stream-null)
              ((pred? (stream-car strm)) (stream-cons (stream-car strm) (loop (stream-cdr strm))))
              (else (loop (stream-cdr strm))))))

    (define (check-streams who streams)
      (if (null? streams)
          (%fail 'arity-error (string-append who ": expected at least one stream")))
      (for-each (lambda (strm) (check-stream who strm)) streams))

    (define (stream-map proc . streams)
      (check-procedure "stream-map" proc)
      (check-streams "stream-map" streams)
      (stream-let loop ((streams streams))
        (if (any stream-null? streams)
            stream-null
            (stream-cons (apply proc (map stream-car streams)) (loop (map stream-cdr streams))))))

    (define (stream-zip . streams)
      (check-streams "stream-zip" streams)
      (apply stream-map list streams))

    (define (stream-scan proc base strm)
      (check-procedure "stream-scan" proc)
      (check-stream "stream-scan" strm)
      (stream-let loop ((base base) (strm strm))
        (if (stream-null? strm)
            (stream base)
            (stream-cons base (loop (proc base (stream-car strm)) (stream-cdr strm))))))

    (define (stream-reverse strm)
      (check-stream "stream-reverse" strm)
      (stream-let loop ((strm strm) (reversed stream-null))
        (if (stream-null? strm)
            reversed
            (loop (stream-cdr strm) (stream-cons (stream-car strm) reversed)))))

    ;; -- from streams to other values -------------------------------------------------------------------

    (define (stream-fold proc base strm)
      (check-procedure "stream-fold" proc)
      (check-stream "stream-fold" strm)
      (let loop ((base base) (strm strm))
        (if (stream-null? strm)
            base
            (loop (proc base (stream-car strm)) (stream-cdr strm)))))

    (define (stream-for-each proc . streams)
      (check-procedure "stream-for-each" proc)
      (check-streams "stream-for-each" streams)
      (let loop ((streams streams))
        (if (not (any stream-null? streams))
            (begin
              (apply proc (map stream-car streams))
              (loop (map stream-cdr streams))))))

    (define (stream-length strm)
      (check-stream "stream-length" strm)
      (let loop ((n 0) (strm strm))
        (if (stream-null? strm)
            n
            (loop (+ n 1) (stream-cdr strm)))))

    (define (stream-ref strm n)
      (check-stream "stream-ref" strm)
      (check-count "stream-ref" n)
      (let loop ((strm strm) (left n))
        (cond ((stream-null? strm)
               (%fail 'range-error "stream-ref: the stream is too short for the index" n))
              ((= left 0) (stream-car strm))
              (else (loop (stream-cdr strm) (- left 1))))))

    ;; (stream->list [n] stream)
    (define (stream->list first . rest)
      (let ((n (if (pair? rest) first -1))
            (strm (if (pair? rest) (car rest) first)))
        (if (pair? rest) (check-count "stream->list" n))
        (check-stream "stream->list" strm)
        (let loop ((n n) (strm strm) (items '()))
          (if (or (= n 0) (stream-null? strm))
              (reverse items)
              (loop (- n 1) (stream-cdr strm) (cons (stream-car strm) items))))))))
