;;; Ports: reading from the console, files, and procedures around a port. And what else is asked of the host.
;;;
;;; Invariants. What blocks is here, never in a primitive: a console that has nothing yet, and every dealing with a file,
;;; which is an effect of the host (%host). A file is read whole when it is opened. What is written to one is collected
;;; in the port and handed over in pieces, each with its place in the file, so a piece that is written twice is written once.
(define-library (perdure port)
  (export read read-line read-char peek-char %read-char-1 %peek-char-1 read-string char-ready? read-u8 peek-u8 u8-ready?
          read-bytevector read-bytevector! console-operation
          close-port close-input-port close-output-port flush-output-port %flush-files
          open-input-file open-binary-input-file open-output-file open-binary-output-file
          file-exists? delete-file
          call-with-port call-with-input-file call-with-output-file
          with-input-from-file with-output-to-file
          call-with-output-string call-with-input-string with-output-to-string with-input-from-string
          get-environment-variable get-environment-variables current-jiffy)
  (begin

    ;; -- reading, from the console too ---------------------------------------------------------

    (define (console-operation) (%operation 'console '()))

    (define (%typed what count)
      (let ((found (%console-take what count)))
        (if (operation? found)
            (begin
              (select found)
              (%typed what count))
            found)))

    (define (%typed-datum)
      (let ((found (%console-read)))
        (if (operation? found)
            (begin
              (select found)
              (%typed-datum))
            (car found))))

    (define (%port-of port)
      (if (pair? port) (car port) (current-input-port)))

    (define (read . port)
      (let ((port (%port-of port)))
        (if (%console-port? port) (%typed-datum) (%read port))))

    (define (read-line . port)
      (let ((port (%port-of port)))
        (if (%console-port? port) (%typed 'line 0) (%read-line port))))

    (define (%read-char-1 port)
      (or (%read-at-hand port)
          (if (%console-port? port) (%typed 'char 1) (%read-char port))))

    (define (%peek-char-1 port)
      (or (%peek-at-hand port)
          (if (%console-port? port) (%typed 'peek 1) (%peek-char port))))

    (define (read-char . port) (%read-char-1 (%port-of port)))
    (define (peek-char . port) (%peek-char-1 (%port-of port)))

    (define (read-string k . port)
      (let ((port (%port-of port)))
        ;; SRFI 6 and some Schemes have the port first.
        (cond ((port? k) (read-string port k))
              ((and (%console-port? port) (exact-integer? k) (> k 0)) (%typed 'string k))
              (else (%read-string k port)))))

    (define (char-ready? . port)
      (let ((port (%port-of port)))
        (if (%console-port? port)
            (not (operation? (%console-take 'peek 1)))
            (%char-ready? port))))

    (define (read-u8 . port) (%read-u8 (%port-of port)))
    (define (peek-u8 . port) (%peek-u8 (%port-of port)))
    (define (u8-ready? . port) (%u8-ready? (%port-of port)))
    (define (read-bytevector k . port) (%read-bytevector k (%port-of port)))
    (define (read-bytevector! bytevector . rest)
      (if (pair? rest)
          (apply %read-bytevector! bytevector (car rest) (cdr rest))
          (%read-bytevector! bytevector (current-input-port))))

    ;; -- handing over what was written, and closing ----------------------------------------------

    (define (%write-pieces path pieces)
      (if (pair? pieces)
          (begin
            (%host 'write-file path (caar pieces) (cdar pieces))
            (%write-pieces path (cdr pieces)))))

    (define (flush-output-port . port)
      (let ((port (if (pair? port) (car port) (current-output-port))))
        (%check-output-port 'flush-output-port port)
        (%flush port)))

    (define (%flush port)
      (%write-pieces (%port-path port) (%take-unwritten port))
      (void))

    ;; What a run does at its end.
    (define (%flush-files)
      (for-each %flush (%unwritten-ports)))

    (define (close-port port)
      (%%close-port port)
      (%flush port))

    (define (close-input-port port) (%%close-input-port port))

    (define (close-output-port port)
      (%%close-output-port port)
      (%flush port))

    ;; -- files -----------------------------------------------------------------------------------

    (define (open-input-file filename)
      (let ((path (%text-for-host 'open-input-file filename)))
        (%input-file-port (%host 'open-input-file path) path)))

    (define (open-binary-input-file filename)
      (let ((path (%text-for-host 'open-binary-input-file filename)))
        (%input-file-port (%host 'open-binary-input-file path) path)))

    ;; The host says where the file is: the run may go on in another directory.
    (define (open-output-file filename)
      (%output-file-port #f (%host 'open-output-file (%text-for-host 'open-output-file filename))))

    (define (open-binary-output-file filename)
      (%output-file-port
       #t (%host 'open-output-file (%text-for-host 'open-binary-output-file filename))))

    (define (file-exists? filename)
      (%host 'file-exists? (%text-for-host 'file-exists? filename)))

    ;; In two steps, so that the second can be done twice: a file that is missing then was deleted by the first attempt.
    (define (delete-file filename)
      (let ((path (%text-for-host 'delete-file filename)))
        (%host 'find-file path)
        (%host 'delete-file path)
        (void)))

    ;; -- around a port -----------------------------------------------------------------------------

    (define (call-with-port port proc)
      (let ((result (proc port)))
        (close-port port)
        result))

    (define (call-with-input-file filename proc)
      (call-with-port (open-input-file filename) proc))

    (define (call-with-output-file filename proc)
      (call-with-port (open-output-file filename) proc))

    (define (with-input-from-file filename thunk)
      (call-with-port (open-input-file filename)
        (lambda (port) (parameterize ((current-input-port port)) (thunk)))))

    (define (with-output-to-file filename thunk)
      (call-with-port (open-output-file filename)
        (lambda (port) (parameterize ((current-output-port port)) (thunk)))))

    (define (call-with-output-string proc)
      (let ((port (open-output-string)))
        (proc port)
        (get-output-string port)))

    (define (call-with-input-string string proc)
      (proc (open-input-string string)))

    (define (with-output-to-string . thunk)
      (let ((port (open-output-string)))
        (if (pair? thunk)
            (parameterize ((current-output-port port))
              ((car thunk))))
        (get-output-string port)))

    (define (with-input-from-string string thunk)
      (parameterize ((current-input-port (open-input-string string)))
        (thunk)))

    ;; -- the host's environment and clock ------------------------------------------------------------

    (define (get-environment-variable name)
      (%host 'get-environment-variable (%text-for-host 'get-environment-variable name)))

    (define (get-environment-variables)
      (map (lambda (entry) (cons (vector-ref entry 0) (vector-ref entry 1)))
           (vector->list (%host 'get-environment-variables))))

    ;; A turn has one time, so reading the clock ends it; the next one's time is in the log.
    (define (current-jiffy)
      (sleep 0)
      (%%current-jiffy))))
