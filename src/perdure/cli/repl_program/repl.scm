;;; What a session of `perdure repl` is a run of. Its own names begin with %, so that they are in nobody's way.
(import (scheme base) (scheme case-lambda) (scheme char) (scheme complex) (scheme cxr) (scheme eval)
        (scheme file) (scheme inexact) (scheme lazy) (scheme load) (scheme process-context)
        (scheme read) (scheme repl) (scheme time) (scheme write) (perdure)
        (prefix (perdure repl) %))

(define %session (%make-session))
(%run-session %session)
