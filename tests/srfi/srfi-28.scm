;; SRFI 28: basic format strings.
(import (scheme base) (scheme write) (perdure) (srfi 28))
(include "check.scm")
(check (format "Hello, ~a" "World!") => "Hello, World!")
(check (format "Error, list is too short: ~s~%" '(one "two" 3)) => "Error, list is too short: (one \"two\" 3)\n")
(check (list (format "") (format "~~") (format "~a~A" 1 #\x) (format "~S" #\x) (format "a~%b")) => '("" "~" "1x" "#\\x" "a\nb"))
(check (format "~a and ~s" '("x") '("x")) => "(x) and (\"x\")")
(check-error (format "~a ~a" 1) => "format: more directives than objects in \"~a ~a\"")
(check-fails (format "~q" 1) (format "~") (format 'a) (format "~s"))
