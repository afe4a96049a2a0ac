;;; Control: continuations, dynamic extents, handlers, parameters, promises, tasks, and everything that blocks.
;;;
;;; Invariants. The dynamic state (%dynamic) has three parts: winders, handlers, parameters. A *winder* is a vector
;;; #(before after dynamic): how to enter and leave an extent, and the state outside of it; a *scope* has #f for
;;; before and is left for good only once: leaving it cancels the tasks that it started, or undoes a transaction. A handler that `guard` runs
;;; to look for a clause leaves extents tentatively: their afters run, but scopes stay open until a clause is chosen. Meanwhile they wait
;;; in a scope of their own, so that they are left for good with it.
(define-library (perdure control)
  (export call/cc call-with-current-continuation within-continuation values call-with-values dynamic-wind
          with-exception-handler raise raise-continuable error %signal %guard %no-clause
          make-parameter %with-parameters %change-parameter current-output-port current-input-port current-error-port
          make-promise promise? %make-lazy-promise force
          exit emergency-exit
          sleep sleep-until receive-message send-message self spawn join all race cancel
          task-status task?
          make-channel channel-put channel-get select
          sleep-operation sleep-until-operation receive-operation join-operation channel-put-operation
          channel-get-operation effect-operation wrap-operation
          call-with-escape-continuation call/ec
          %rewind %restart-at %unwind %alarm %boot)
  (begin

    ;; -- continuations and dynamic extents ------------------------------------------------

    (define call/cc %%call/cc)
    (define call-with-current-continuation call/cc)
    (define call/ec call/cc)
    (define call-with-escape-continuation call/cc)

    (define (within-continuation k thunk)
      (call-with-values thunk k))

    (define values %%values)

    (define (call-with-values producer consumer)
      (apply consumer (%values->list (producer))))

    (define (dynamic-wind before thunk after)
      (before)
      (let ((outside (%dynamic)))
        (%set-winders! (cons (vector before after outside) (%winders)))
        (let ((result (thunk)))
          (%set-dynamic! outside)
          (after)
          result)))

    ;; The longest tail that two lists of winders share.
    (define (%common a b)
      (let ((la (length a)) (lb (length b)))
        (let loop ((a (if (> la lb) (list-tail a (- la lb)) a))
                   (b (if (> lb la) (list-tail b (- lb la)) b)))
          (if (eq? a b) a (loop (cdr a) (cdr b))))))

    ;; Leave extents down to `base`, on the way to `target`. For good, their scopes are closed; else these stay open.
    (define (%leave-extents base target for-good?)
      (let loop ((open '()))
        (if (not (eq? (%winders) base))
            (let ((winder (car (%winders))))
              (cond ((vector-ref winder 0)
                     (%set-dynamic! (vector-ref winder 2))
                     (%while-open open (vector-ref winder 1))
                     (loop open))
                    (else
                     ;; First: a task that is stopped in the middle has to find the scope again.
                     (if for-good? (%close-but target winder))
                     (%set-dynamic! (vector-ref winder 2))
                     (loop (if for-good? open (cons winder open)))))))))

    ;; Enter extents from `base` down to `target`; `open` are the scopes inside of it that are to be entered.
    (define (%enter-extents base target open)
      (if (not (eq? base target))
          (let ((winder (car target)))
            (%enter-extents base (cdr target) (if (vector-ref winder 0) open (cons winder open)))
            (%set-dynamic! (vector-ref winder 2))
            (if (vector-ref winder 0)
                (%while-open open (vector-ref winder 0))
                (begin
                  (%refuse-reentry (vector-ref winder 1))
                  (%settle-writes!)))
            (%set-winders! target))))

    ;; Call a thunk outside of scopes that are open, since they are to be entered again. If that does not come about, because the
    ;; thunk is left for good, they are closed.
    (define (%while-open scopes thunk)
      (if (pair? scopes)
          (let ((outside (%dynamic)))
            (%set-winders! (cons (vector #f (list->vector scopes) outside) (%winders)))
            (thunk)
            (%set-dynamic! outside))
          (thunk)))

    (define (%scopes-between inside outside)
      (cond ((eq? inside outside) '())
            ((vector-ref (car inside) 0) (%scopes-between (cdr inside) outside))
            (else (cons (car inside) (%scopes-between (cdr inside) outside)))))

    ;; Frames of earlier releases call these.
    (define (%leave-to target for-good?) (%leave-extents target target for-good?))
    (define (%enter-from base target) (%enter-extents base target '()))

    ;; What is asked before anything is left to go on inside of `target`, so that the error is one of whoever asks for it.
    (define (%refuse-entry base target)
      (if (not (eq? base target))
          (let ((winder (car target)))
            (if (not (vector-ref winder 0))
                (%refuse-reentry (vector-ref winder 1)))
            (%refuse-entry base (cdr target)))))

    (define (%refuse-reentry held)
      (cond ((not held)
             (error "the extent of tasks that have ended can't be entered again"))
            ((eq? held 'undoing)
             (error "a compensation can't be entered again"))
            ((and (%transaction? held) (%transaction-over? held))
             (error "a transaction that is over can't be entered again"))))

    ;; What the machine calls to go on in a continuation with other winders.
    (define (%rewind k . results)
      (%travel k #t)
      (apply %jump k results))

    ;; What a restart does: go on in a continuation by calling a procedure there, whose value is the continuation's.
    (define (%restart-at k function arguments)
      (%travel k #t)
      (%go-on k function arguments))

    (define (%travel k for-good?)
      (let* ((target (%continuation-winders k))
             (base (%common (%winders) target)))
        (%refuse-escape base)
        (%refuse-entry base target)
        (%leave-extents base target for-good?)
        (%enter-extents base target '())))

    ;; What a cancelled task does: leave everything. The handlers outside belong to extents that are left, too: an error
    ;; in a step of the clean-up parks.
    (define (%unwind)
      (if (pair? (%winders))
          (let ((winder (car (%winders))))
            (if (vector-ref winder 0)
                (begin
                  (%set-dynamic! (vector-ref winder 2))
                  (%set-handlers! '())
                  ((vector-ref winder 1)))
                (begin
                  (%close-scope winder)
                  (%set-dynamic! (vector-ref winder 2))))
            (%unwind))
          (if (%run-ends?) (%flush-files))))

    ;; What the machine calls when a step of the clean-up of a cancelled task escapes to where the task was before.
    (define (%escape-from-clean-up)
      (%refuse-escape '())
      (%go-on-unwinding))

    ;; Scopes: closing one cancels its tasks, undoes its transaction, or closes the scopes that wait in it. A closed one that
    ;; held tasks or scopes has #f for `after`.
    (define (%close-scope winder) (%close-but '() winder))

    ;; Close a scope, but of those that wait in it none that is among the winders `target`.
    (define (%close-but target winder)
      (let ((held (vector-ref winder 1)))
        (cond ((%transaction? held)
               (%leave-transaction held (vector-ref winder 2)))
              ((vector? held)
               (for-each
                (lambda (scope) (if (not (memq scope target)) (%close-but target scope)))
                (vector->list held))
               (vector-set! winder 1 #f))
              ((pair? held)
               (vector-set! winder 1 #f)
               ;; Let the cancelled tasks run their afters first, as far as those don't block.
               (if (memq #t (map %cancel-task held))
                   (task-yield))))))

    (define (%with-scope tasks thunk)
      (let* ((outside (%dynamic))
             (scope (vector #f tasks outside)))
        (%set-winders! (cons scope (%winders)))
        (let ((result (thunk)))
          (%set-dynamic! outside)
          (%close-scope scope)
          result)))

    ;; -- errors ------------------------------------------------------------------------------

    (define (with-exception-handler handler thunk)
      (if (not (procedure? handler))
          (%fail 'type-error "with-exception-handler: expected a procedure, got" handler))
      (let ((outside (%dynamic)))
        (%set-handlers! (cons handler (%handlers)))
        (let ((result (thunk)))
          (%set-dynamic! outside)
          result)))

    (define (raise obj) (%raise obj (%dynamic) #f))

    ;; Give an object to the innermost handler. `outside` is the dynamic state of the failing operation: this frame holds it,
    ;; so restarts find by it where the operation's value goes to. `redo` does the operation again, if it is known.
    (define (%raise obj outside redo)
      (let ((handler (%next-handler! obj outside redo)))
        (if handler
            (begin
              (handler obj)
              (%raise (%make-condition 'error "a handler returned from a raise that can't be continued:"
                                       (list obj))
                      outside redo))
            (%park obj outside redo))))

    (define (raise-continuable obj)
      (let* ((outside (%dynamic))
             (handler (%next-handler! obj outside #f)))
        (if handler
            (let ((result (handler obj)))
              (%set-dynamic! outside)
              result)
            (%park obj outside #f))))

    ;; What the machine calls when a primitive or an effect fails.
    (define (%signal condition . redo)
      (%raise condition (%dynamic) (if (pair? redo) (car redo) #f)))

    (define (error message . irritants)
      (raise (%make-condition 'error message irritants)))

    ;; (guard (var clause ...) body ...): `handle` takes the raised object, a thunk that says that no clause
    ;; applies, and a thunk that says that one does.
    (define (%guard thunk handle)
      ((call/cc
        (lambda (guard-k)
          (let ((outside (%winders)))
            (with-exception-handler
             (lambda (raised)
               ((call/cc
                 (lambda (handler-k)
                   (let ((inside (%winders)))
                     (%travel guard-k #f)
                     (%jump guard-k
                            (lambda ()
                              (%look-for-clause
                               handle raised handler-k (%scopes-between inside outside)))))))))
             (lambda ()
               (let ((result (thunk)))
                 (lambda () result)))))))))

    ;; Look for a clause outside of scopes that are open: one that is chosen leaves them for good, and so does what escapes from a test.
    (define (%look-for-clause handle raised handler-k scopes)
      (let* ((outside (%dynamic))
             (waiting (and (pair? scopes) (vector #f (list->vector scopes) outside))))
        (if waiting
            (%set-winders! (cons waiting (%winders))))
        (handle raised
                (lambda ()
                  (%travel handler-k #f)
                  (%jump handler-k (lambda () (raise-continuable raised))))
                (lambda ()
                  (if waiting
                      (begin
                        (%close-scope waiting)
                        (%set-dynamic! outside)))))))

    ;; Frames of earlier releases call this.
    (define (%close-between inside outside)
      (if (not (eq? inside outside))
          (begin
            (if (not (vector-ref (car inside) 0))
                (%close-scope (car inside)))
            (%close-between (cdr inside) outside))))

    ;; -- parameters --------------------------------------------------------------------------

    (define (make-parameter value . converter)
      (if (pair? converter)
          (%make-parameter ((car converter) value) (car converter))
          (%make-parameter value #f)))

    ;; What calling a parameter with a value does.
    (define (%change-parameter parameter value)
      (let ((converter (%parameter-converter parameter)))
        (%set-parameter-value! parameter (if converter (converter value) value))))

    (define (%with-parameters bindings thunk)
      (let* ((converted
              (map (lambda (binding)
                     (let ((converter (%parameter-converter (car binding))))
                       (cons (car binding)
                             (if converter (converter (cdr binding)) (cdr binding)))))
                   bindings))
             (outside (%dynamic)))
        (%set-parameters! (append converted (%parameters)))
        (let ((result (thunk)))
          (%set-dynamic! outside)
          result)))

    (define current-output-port (%make-parameter (%console-output) #f))
    (define current-error-port (%make-parameter (%console-output) #f))
    (define current-input-port (%make-parameter (%console-input) #f))

    ;; -- promises ------------------------------------------------------------------------------

    (define make-promise %%make-promise)
    (define promise? %%promise?)
    (define (%make-lazy-promise thunk) (%make-promise #f thunk))

    (define (force promise)
      (if (promise? promise)
          (let loop ()
            (if (%promise-forced? promise)
                (%promise-value promise)
                (let ((next ((%promise-value promise))))
                  (if (not (%promise-forced? promise))
                      (if (promise? next)
                          (%promise-update! next promise)
                          (%promise-update! (make-promise next) promise)))
                  (loop))))
          promise))

    ;; What a case-lambda calls when no clause of it takes that many arguments.
    (define (%no-clause refusal count)
      (%fail 'arity-error refusal count))

    ;; -- leaving ---------------------------------------------------------------------------------

    ;; The main task's end is the run's, so another task lets that one leave.
    (define (exit . value)
      (if (%main-task?)
          (begin
            (%refuse-escape '())
            (%leave-to '() #t)
            (%flush-files)
            (apply %exit value))
          (%in-main-task (lambda () (apply exit value)))))

    (define (emergency-exit . value)
      (apply %emergency-exit value))

    ;; -- operations, and waiting for one -----------------------------------------------------------

    (define select %%select)

    (define (wrap-operation operation proc)
      (let ((inner (%operation-wrap operation)))
        (%wrap-operation operation
                         (if inner (lambda (value) (proc (inner value))) proc))))

    (define (sleep-operation seconds)
      (%operation 'timer (list (%due-in 'sleep seconds))))

    (define (sleep-until-operation time)
      (%operation 'timer (list (%due-at 'sleep-until time))))

    (define (receive-operation) (%operation 'receive '()))

    (define (join-operation target)
      (if (task? target)
          (%operation 'join (list target))
          (%operation 'child (list target))))

    (define (channel-put-operation channel value)
      (%operation 'put (list (%check-channel 'channel-put channel) value)))

    (define (channel-get-operation channel)
      (%operation 'get (list (%check-channel 'channel-get channel))))

    (define (effect-operation procedure . arguments)
      (if (not (python-procedure? procedure))
          (%fail 'type-error "effect-operation: expected a Python function, got" procedure))
      (%operation 'effect (cons procedure arguments)))

    (define (sleep seconds)
      (select (sleep-operation seconds)))

    (define (sleep-until time)
      (select (sleep-until-operation time)))

    ;; (channel-put channel value [timeout [default]]), (channel-get channel [timeout [default]])
    (define (channel-put channel value . options)
      (%wait-within 'channel-put (channel-put-operation channel value) options))

    (define (channel-get channel . options)
      (%wait-within 'channel-get (channel-get-operation channel) options))

    ;; (receive-message [predicate] [timeout [default]])
    (define (receive-message . options)
      (let* ((selective? (and (pair? options) (procedure? (car options))))
             (predicate (and selective? (car options)))
             (rest (if selective? (cdr options) options))
             (timer (if (and (pair? rest) (car rest))
                        (list (wrap-operation (sleep-operation (car rest))
                                              (lambda (ignored) %%no-message)))
                        '()))
             (message (if predicate
                          (%receive-selected predicate timer)
                          (apply select (receive-operation) timer))))
        (if (eq? message %%no-message)
            (if (pair? (cdr rest)) (cadr rest) #f)
            message)))

    (define %%no-message (list 'no-message))

    ;; A receiver with a predicate looks at one message at a time and keeps its place in the queue by a ticket.
    (define (%receive-selected predicate timer)
      (let ((ticket (%new-ticket)))
        (let loop ((seen 0))
          (let ((found (apply select (%operation 'receive (list #t seen ticket)) timer)))
            (if (eq? found %%no-message)
                found
                (let ((verdict 'none))
                  (dynamic-wind
                   void
                   (lambda () (set! verdict (if (predicate (cdr found)) 'take 'leave)))
                   (lambda ()
                     ;; Left by an escape or an error; a refused message is let go by looking on.
                     (if (eq? verdict 'none) (%release-message))))
                  (if (eq? verdict 'take)
                      (%accept-message (car found))
                      (loop (car found)))))))))

    ;; -- tasks ---------------------------------------------------------------------------------------

    (define (spawn thunk . name)
      (%spawn thunk (if (pair? name) (car name) #f)))

    ;; (join task-or-run [timeout [default]])
    (define (join target . options)
      (%wait-within 'join (join-operation target) options))

    (define (task-status task) (string->symbol (%task-status task)))

    ;; (cancel task [deadline [reason]]): `deadline` seconds from now, what is left of its clean-up is not done.
    (define (cancel target . options)
      (let* ((seconds (and (pair? options) (car options)))
             (reason (and (pair? options) (pair? (cdr options)) (cadr options))))
        (%cancel-task target (and seconds (%due-in 'cancel seconds)) reason)
        (void)))

    ;; Run thunks as tasks and return the list of their values, in order.
    (define (all . thunks)
      (if (null? thunks)
          '()
          (let ((tasks (map (lambda (thunk) (spawn thunk)) thunks)))
            (%with-scope
             tasks
             (lambda ()
               ;; A list also of one, so that what a restart gives in its place is the list, however many there are.
               (let ((joined (%operation 'join tasks)))
                 (select (if (null? (cdr tasks)) (wrap-operation joined list) joined))))))))

    ;; Run thunks as tasks and return the value of the first that ends; the others are cancelled.
    (define (race . thunks)
      (if (null? thunks)
          (error "race: needs at least one procedure"))
      (let ((tasks (map (lambda (thunk) (spawn thunk)) thunks)))
        (%with-scope
         tasks
         (lambda () (apply select (map join-operation tasks))))))

    ;; What the machine calls in a task whose alarm is due.
    (define (%alarm ring) (ring))

    ;; What a run begins with: its top-level forms in order, then its main procedure, if it has one.
    (define (%boot units main arguments)
      (let loop ((units units) (value (void)))
        (if (pair? units)
            (loop (cdr units) ((car units)))
            (let ((value (if main (apply (main) arguments) value)))
              (%flush-files)
              value))))

    (define send-message %%send-message)
    (define self %%self)
    (define make-channel %%make-channel)
    (define task? %%task?)))
