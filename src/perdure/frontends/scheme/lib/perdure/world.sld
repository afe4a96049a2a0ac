;;; Worlds for tests of programs: stubs written in Scheme, a clock that jumps, kills. See docs/how-to/test-programs.md.
;;; A test is a program whose worlds are with whoever executes it (`perdure test`, pytest). It asks by messages and waits for
;;; the answer; an answer may be that a stub is to be called first. Only what can cross between runs goes to and fro, so a
;;; procedure stays here, in a list of the run, and is known outside by its place in it.
(define-library (perdure world)
  (import (scheme base) (scheme cxr)
          (only (perdure) send-message receive-message self condition-is? condition-message)
          (only (perdure primitives) %make-run-parameter condition/report-string))
  (export make-world stub real without seed starting-at later python-error json minutes hours days
          world? world-start world-run world-advance world-now world-next-alarm world-runs
          world-stub world-fail world-kill world-calls
          run? run-id run-status run-waits-for run-result run-written run-output run-logged run-error run-calls run-attempts
          run-send run-type run-cancel run-pause run-resume run-retry run-restart run-restarts
          crash-everywhere)
  (begin

    (define-record-type world
      (%make-world number)
      world?
      (number %world-number))

    (define-record-type run
      (%make-run world id)
      run?
      (world %run-world)
      (id run-id))

    ;; -- asking --------------------------------------------------------------------------------

    (define %asked (%make-run-parameter 0 'perdure.world:asked))
    (define %procedures (%make-run-parameter '() 'perdure.world:procedures))

    (define (%ask . command)
      (if (not (string=? (self) "perdure-test-file"))
          (error "nobody keeps worlds here: run this file with `perdure test` or pytest"))
      (let ((number (+ (%asked) 1)))
        (%asked number)
        (send-message "perdure-test" (cons number command))
        (%await number)))

    (define (%await number)
      (let ((answer (receive-message
                     (lambda (message)
                       (and (pair? message) (eq? (car message) '%world) (eqv? (cadr message) number))))))
        (case (caddr answer)
          ((done) (cadddr answer))
          ((call)
           (send-message "perdure-test" (cons* number 'answer (%called (cdddr answer))))
           (%await number))
          (else (error (cadddr answer))))))

    (define (cons* first . rest)
      (if (null? rest)
          first
          (cons first (apply cons* rest))))

    ;; What a stub gives: (value V), (raised MESSAGE), or (broken MESSAGE) if it is itself wrong. `place+arguments` says which
    ;; stub is meant, and what it gets.
    (define (%called place+arguments)
      (guard (raised ((%error? raised) (list 'value raised))
                     ((not (error-object? raised)) (list 'raised raised))
                     (else (list (if (%mistake? raised) 'broken 'raised) (condition/report-string raised))))
        (list 'value (apply (list-ref (reverse (%procedures)) (car place+arguments)) (cdr place+arguments)))))

    ;; A mistake of the test, which the program must not see as an error of an effect.
    (define (%mistake? raised)
      (or (condition-is? raised 'program-error)
          (equal? (condition-message raised) "assertion failed:")))

    (define (%error? obj)
      (and (vector? obj) (= (vector-length obj) 3) (eq? (vector-ref obj 0) '%error)))

    (define (%name obj)
      (if (symbol? obj) (symbol->string obj) obj))

    ;; -- what a world is made of ---------------------------------------------------------------

    (define (%stub-form value)
      (cond ((procedure? value)
             (%procedures (cons value (%procedures)))
             (list 'call (- (length (%procedures)) 1)))
            (else (list 'value value))))

    ;; (stub name procedure-or-value ['idempotent #t] ['timeout seconds] ['attempts n])
    (define (stub name value . mark)
      (list 'stub (%name name) (%stub-form value) mark))

    (define (real . names) (list 'real (map %name names)))
    (define (without . modules) (list 'without (map %name modules)))
    (define (seed number) (list 'seed number))
    (define (starting-at time) (list 'now time))

    (define (make-world program . options)
      (%make-world (%ask 'make-world program options)))

    (define (later seconds value) (vector '%later seconds value))
    (define (python-error type message) (vector '%error type message))
    (define (json text) (%ask 'json text))

    (define (minutes count) (* 60 count))
    (define (hours count) (* 3600 count))
    (define (days count) (* 86400 count))

    ;; -- worlds --------------------------------------------------------------------------------

    (define (%tell world . command)
      (%ask 'world (%world-number world) command))

    (define (world-start world . arguments)
      (%make-run world (%tell world 'start arguments)))

    (define (world-run world) (%tell world 'run))
    (define (world-advance world seconds) (%tell world 'advance seconds))
    (define (world-now world) (%tell world 'now))
    (define (world-next-alarm world) (%tell world 'next-alarm))

    (define (world-runs world)
      (map (lambda (id) (%make-run world id)) (%tell world 'runs)))

    (define (world-stub world name value)
      (%tell world 'stub (%name name) (%stub-form value)))

    ;; (world-fail world name ['type type] ['message message] ['times n-or-#f] ['after n] ['seconds seconds])
    (define (world-fail world name . options)
      (%tell world 'fail (%name name) options))

    ;; (world-kill world [when [function [nth]]])
    (define (world-kill world . when+effect+nth)
      (%tell world 'kill (map %name when+effect+nth)))

    (define (world-calls world name)
      (%tell world 'calls (%name name)))

    ;; -- runs ----------------------------------------------------------------------------------

    (define (%of run . command)
      (%ask 'run (%world-number (%run-world run)) (run-id run) command))

    (define (run-status run) (string->symbol (%of run 'status)))
    (define (run-waits-for run) (%of run 'waits-for))
    (define (run-result run) (%of run 'result))
    (define (run-written run) (%of run 'written))
    (define (run-output run) (%of run 'output))
    (define (run-logged run) (%of run 'logged))
    (define (run-error run) (%of run 'error))
    (define (run-calls run name) (%of run 'calls (%name name)))
    (define (run-attempts run name) (%of run 'attempts (%name name)))
    (define (run-send run value) (%of run 'send value))
    (define (run-type run line) (%of run 'type line))
    (define (run-retry run) (%of run 'retry))

    (define (run-restart run name . values) (%of run 'restart (%name name) values))
    (define (run-restarts run) (%of run 'restarts))
    (define (run-pause run) (%of run 'pause))
    (define (run-resume run) (%of run 'resume))

    ;; (run-cancel run [reason [deadline-seconds [force?]]])
    (define (run-cancel run . reason+deadline+force)
      (%of run 'cancel reason+deadline+force))

    ;; -- kills everywhere ----------------------------------------------------------------------

    ;; (crash-everywhere story ['points-max n] ['doubts #t]) -> at how many points the worker was killed, one by one.
    (define (crash-everywhere story . options)
      (%ask 'sweep options)
      (let tell ()
        (let ((failure (guard (raised (#t (if (error-object? raised) (condition/report-string raised) raised)))
                         (story)
                         #f)))
          (%ask 'told failure)
          (if (%ask 'next)
              (tell)
              (%ask 'points)))))))
