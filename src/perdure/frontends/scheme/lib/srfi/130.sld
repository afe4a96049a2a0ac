;;; SRFI 130: strings with cursors. A cursor is an index: every character of a string can be reached at once.
(define-library (srfi 130)
  (import (scheme base) (perdure primitives) (perdure char-set)
          (rename (perdure text)
                  (string-delete string-remove)
                  (string-for-each-index string-for-each-cursor))
          (only (perdure text) string-for-each-index)
          (rename (only (scheme base) string->list string->vector string-ref substring string-copy)
                  (string->list string->list/cursors)
                  (string->vector string->vector/cursors)
                  (string-ref string-ref/cursor)
                  (substring substring/cursors)
                  (string-copy string-copy/cursors)))
  (export string-cursor? string-cursor-start string-cursor-end string-cursor-next string-cursor-prev
          string-cursor-forward string-cursor-back
          string-cursor=? string-cursor<? string-cursor>? string-cursor<=? string-cursor>=?
          string-cursor-diff string-cursor->index string-index->cursor
          string-null? string-every string-any string-tabulate string-unfold string-unfold-right
          string->list/cursors string->vector/cursors reverse-list->string string-join
          string-ref/cursor substring/cursors string-copy/cursors
          string-take string-drop string-take-right string-drop-right string-pad string-pad-right
          string-trim string-trim-right string-trim-both
          string-prefix-length string-suffix-length string-prefix? string-suffix?
          string-index string-index-right string-skip string-skip-right
          string-contains string-contains-right
          string-reverse string-concatenate string-concatenate-reverse
          string-fold string-fold-right string-for-each-cursor string-for-each-index
          string-replicate string-count string-replace string-split string-filter string-remove)
  (begin

    ;; -- cursors ------------------------------------------------------------------------------------

    (define (string-cursor? obj) (and (exact-integer? obj) (>= obj 0)))
    (define (string-cursor-start string) (string-length string) 0)
    (define (string-cursor-end string) (string-length string))

    (define (moved who string cursor n)
      (let ((found (+ cursor n)))
        (if (not (and (exact-integer? found) (<= 0 found (string-length string))))
            (%fail 'range-error (string-append who ": there is no such position in") string cursor))
        found))

    (define (string-cursor-next string cursor) (moved "string-cursor-next" string cursor 1))
    (define (string-cursor-prev string cursor) (moved "string-cursor-prev" string cursor -1))
    (define (string-cursor-forward string cursor n) (moved "string-cursor-forward" string cursor n))
    (define (string-cursor-back string cursor n) (moved "string-cursor-back" string cursor (- n)))
    (define (string-cursor=? a b) (= a b))
    (define (string-cursor<? a b) (< a b))
    (define (string-cursor>? a b) (> a b))
    (define (string-cursor<=? a b) (<= a b))
    (define (string-cursor>=? a b) (>= a b))
    (define (string-cursor-diff string start end) (- end start))
    (define (string-cursor->index string cursor) (moved "string-cursor->index" string cursor 0))
    (define (string-index->cursor string index) (moved "string-index->cursor" string index 0))

    ;; -- searching: where there is nothing to find, the result is the end of the search -----------------

    (define (forward who string criterion range wanted)
      (let ((range (%string-range who string range)))
        (or (find-forward string criterion (car range) (cdr range) wanted)
            (cdr range))))

    ;; The position behind the character that is found.
    (define (backward who string criterion range wanted)
      (let* ((range (%string-range who string range))
             (place (find-backward string criterion (car range) (cdr range) wanted)))
        (if place (+ place 1) (car range))))

    (define (string-index string criterion . range)
      (forward 'string-index string criterion range #t))

    (define (string-skip string criterion . range)
      (forward 'string-skip string criterion range #f))

    (define (string-index-right string criterion . range)
      (backward 'string-index-right string criterion range #t))

    (define (string-skip-right string criterion . range)
      (backward 'string-skip-right string criterion range #f))

    (define (string-contains-right string pattern . ranges)
      (let ((range (%string-range 'string-contains-right string (first-range ranges))))
        (%string-find-back string (part pattern (second-range ranges)) (car range) (cdr range))))

    ;; -- repeating and splitting ---------------------------------------------------------------------------

    (define (string-replicate string from to . range)
      (%string-cyclic (part string range) from to))

    ;; (string-split string delimiter [grammar [limit [start [end]]]])
    (define (string-split string delimiter . options)
      (let* ((grammar (if (pair? options) (car options) 'infix))
             (options (if (pair? options) (cdr options) '()))
             (limit (and (pair? options) (car options)))
             (text (part string (if (pair? options) (cdr options) '()))))
        (if (not (memq grammar '(infix strict-infix prefix suffix)))
            (%fail 'range-error "string-split: expected infix, strict-infix, prefix or suffix, got" grammar))
        (if (not (or (not limit) (and (exact-integer? limit) (>= limit 0))))
            (%fail 'type-error "string-split: expected a nonnegative exact integer as limit, got" limit))
        (cond ((not (string-null? text))
               (split (if (and (eq? grammar 'prefix) (string-prefix? delimiter text))
                          (substring text (string-length delimiter))
                          text)
                      delimiter limit (eq? grammar 'suffix)))
              ((eq? grammar 'strict-infix)
               (%fail 'range-error "string-split: nothing to split, and the grammar is strict-infix"))
              (else '()))))

    (define (split text delimiter limit suffix?)
      (let ((end (string-length text)) (width (string-length delimiter)))
        ;; Without a delimiter each character but the last is followed by one that is empty.
        (define (next-end start)
          (if (= width 0)
              (and (< (+ start 1) end) (+ start 1))
              (%string-find text delimiter start end #f)))
        (let loop ((start 0) (limit limit) (out '()))
          (let ((found (and (not (eqv? limit 0)) (next-end start))))
            (cond (found
                   (loop (+ found width)
                         (and limit (- limit 1))
                         (cons (substring text start found) out)))
                  ((and suffix? (= start end)) (reverse out))
                  (else (reverse (cons (substring text start) out))))))))))
