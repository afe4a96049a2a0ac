;;; SRFI 35: conditions and their types.
;;;
;;; A condition consists of components; one is a type and the values of its fields, as an association list.
;;; The conditions that `error` and the primitives raise are seen as components too: a message, and one for each kind that they
;;; are of. The kinds of (perdure) are types here, with a & before the name; what has two parents has them as components of their own.
(define-library (srfi 35)
  (import (scheme base)
          (rename (perdure primitives) (condition? native?) (condition-message text-of-error)))
  (export make-condition-type condition-type? make-condition condition? condition-has-type? condition-ref
          make-compound-condition extract-condition define-condition-type condition
          &condition &message &serious &error
          message-condition? condition-message serious-condition? error?
          &program-error &type-error &range-error &arity-error &apply-error &unbound-error &divide-error &constant-error
          &syntax-error &read-error &file-error &quota-error &boundary-error &timeout-error &child-error &conflict-error
          &retry-refused &effect-failure &effect-error &effect-timeout &effect-cancelled &outcome-unknown)
  (begin

    (define-record-type <condition-type>
      (make-type name parent fields)
      condition-type?
      (name type-name)
      (parent type-parent)
      (fields type-fields))

    (define-record-type <condition>
      (of-components components)
      made?
      (components made-components))

    (define-record-type <component>
      (make-component type values)
      component?
      (type component-type)
      (values component-values))

    (define &condition (make-type '&condition #f '()))

    ;; `fields` of a type has those of its parents too.
    (define (make-condition-type name parent fields)
      (check-type "make-condition-type" parent)
      (if (not (symbol? name))
          (%fail 'type-error "make-condition-type: expected a symbol, got" name))
      (if (not (and (list? fields) (every symbol? fields)))
          (%fail 'type-error "make-condition-type: expected a list of symbols, got" fields))
      (let ((twice (find (lambda (field) (memq field (type-fields parent))) fields)))
        (if twice
            (%fail 'range-error "make-condition-type: the parent has the field too:" twice)))
      (make-type name parent (append (type-fields parent) fields)))

    (define (check-type who obj)
      (if (not (condition-type? obj))
          (%fail 'type-error (string-append who ": expected a condition type, got") obj)))

    (define (subtype? type wanted)
      (and type
           (or (eq? type wanted) (subtype? (type-parent type) wanted))))

    ;; -- conditions -------------------------------------------------------------------------------

    (define (condition? obj) (or (made? obj) (native? obj)))

    ;; What a primitive found is a part of its message; what the program gave to `error` is not.
    (define (native-message obj)
      (if (eq? (condition-kind obj) 'error)
          (text-of-error obj)
          (condition/report-string obj)))

    (define (components who obj)
      (cond ((made? obj) (made-components obj))
            ((native? obj)
             (cons (make-component &message (list (cons 'message (native-message obj))))
                   (map (lambda (type) (make-component type '()))
                        (filter-map type-of-kind (%condition-kinds obj)))))
            (else (%fail 'type-error (string-append who ": expected a condition, got") obj))))

    ;; (make-condition type field value ...)
    (define (make-condition type . fields-and-values)
      (check-type "make-condition" type)
      (let loop ((rest fields-and-values) (values '()))
        (cond ((null? rest) (condition-of (list (cons type (reverse values)))))
              ((null? (cdr rest))
               (%fail 'arity-error "make-condition: a field has no value:" (car rest)))
              (else (loop (cddr rest) (cons (cons (car rest) (cadr rest)) values))))))

    ;; Makes a condition of (type . values); a field that one component lacks, another must have.
    (define (condition-of parts)
      (let ((known (append-map cdr parts)))
        (of-components
         (map (lambda (part)
                (check-type "condition" (car part))
                (check-fields (car part) (cdr part))
                (make-component (car part)
                                (map (lambda (field) (field-value (car part) field (cdr part) known))
                                     (type-fields (car part)))))
              parts))))

    (define (check-fields type values)
      (let ((unknown (find (lambda (value) (not (memq (car value) (type-fields type)))) values)))
        (if unknown
            (%fail 'range-error "condition: the type has no such field:" (type-name type) (car unknown)))))

    (define (field-value type field values known)
      (or (assq field values)
          (assq field known)
          (%fail 'range-error "condition: a field has no value:" (type-name type) field)))

    (define (make-compound-condition first . more)
      (of-components
       (append-map (lambda (each) (components "make-compound-condition" each)) (cons first more))))

    (define (component-of who condition type)
      (check-type who type)
      (find (lambda (each) (subtype? (component-type each) type)) (components who condition)))

    (define (condition-has-type? condition type)
      (if (component-of "condition-has-type?" condition type) #t #f))

    (define (condition-ref condition field)
      (let loop ((rest (components "condition-ref" condition)))
        (if (null? rest)
            (%fail 'range-error "condition-ref: the condition has no such field:" field))
        (let ((found (assq field (component-values (car rest)))))
          (if found (cdr found) (loop (cdr rest))))))

    (define (extract-condition condition type)
      (let ((found (component-of "extract-condition" condition type)))
        (if (not found)
            (%fail 'range-error "extract-condition: the condition is not of the type" (type-name type)))
        (of-components
         (list (make-component type
                               (filter (lambda (value) (memq (car value) (type-fields type)))
                                       (component-values found)))))))

    ;; -- syntax -----------------------------------------------------------------------------------

    (define-syntax define-condition-type
      (syntax-rules ()
        ((_ type parent predicate (field accessor) ...)
         (begin
           (define type (make-condition-type 'type parent '(field ...)))
           (define (predicate obj)
             (and (condition? obj) (condition-has-type? obj type)))
           (define (accessor condition)
             (condition-ref (extract-condition condition type) 'field))
           ...))))

    (define-syntax condition
      (syntax-rules ()
        ((_ (type (field value) ...) ...)
         (condition-of (list (list type (cons 'field value) ...) ...)))))

    ;; -- the standard types -------------------------------------------------------------------------

    (define-condition-type &message &condition message-condition?
      (message condition-message))

    (define-condition-type &serious &condition serious-condition?)

    (define-condition-type &error &serious error?)

    (define &program-error (make-condition-type '&program-error &error '()))
    (define &type-error (make-condition-type '&type-error &program-error '()))
    (define &range-error (make-condition-type '&range-error &program-error '()))
    (define &arity-error (make-condition-type '&arity-error &program-error '()))
    (define &apply-error (make-condition-type '&apply-error &program-error '()))
    (define &unbound-error (make-condition-type '&unbound-error &program-error '()))
    (define &divide-error (make-condition-type '&divide-error &program-error '()))
    (define &constant-error (make-condition-type '&constant-error &program-error '()))
    (define &syntax-error (make-condition-type '&syntax-error &program-error '()))
    (define &read-error (make-condition-type '&read-error &error '()))
    (define &file-error (make-condition-type '&file-error &error '()))
    (define &quota-error (make-condition-type '&quota-error &error '()))
    (define &boundary-error (make-condition-type '&boundary-error &error '()))
    (define &timeout-error (make-condition-type '&timeout-error &error '()))
    (define &child-error (make-condition-type '&child-error &error '()))
    (define &conflict-error (make-condition-type '&conflict-error &error '()))
    (define &retry-refused (make-condition-type '&retry-refused &error '()))
    (define &effect-failure (make-condition-type '&effect-failure &serious '()))
    (define &effect-error (make-condition-type '&effect-error &effect-failure '()))
    (define &effect-timeout (make-condition-type '&effect-timeout &effect-error '()))
    (define &effect-cancelled (make-condition-type '&effect-cancelled &effect-failure '()))
    (define &outcome-unknown (make-condition-type '&outcome-unknown &effect-failure '()))

    ;; Not a table: what a library holds in its variables is shared by all runs, and only the variables have names there.
    (define (type-of-kind kind)
      (case kind
        ((serious) &serious) ((error) &error) ((program-error) &program-error)
        ((type-error) &type-error) ((range-error) &range-error) ((arity-error) &arity-error)
        ((apply-error) &apply-error) ((unbound-error) &unbound-error) ((divide-error) &divide-error)
        ((constant-error) &constant-error) ((syntax-error) &syntax-error) ((read-error) &read-error)
        ((file-error) &file-error) ((quota-error) &quota-error) ((boundary-error) &boundary-error)
        ((timeout-error) &timeout-error) ((child-error) &child-error) ((conflict-error) &conflict-error)
        ((retry-refused) &retry-refused) ((effect-failure) &effect-failure) ((effect-error) &effect-error)
        ((effect-timeout) &effect-timeout) ((effect-cancelled) &effect-cancelled) ((outcome-unknown) &outcome-unknown)
        (else #f)))))
