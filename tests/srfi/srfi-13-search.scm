;; SRFI 13: predicates, comparison, searching, prefixes.
(import (scheme base) (scheme char) (scheme write) (perdure) (srfi 13) (srfi 14))
(include "check.scm")

(check (list (string-null? "") (string-null? "a") (string-every char-alphabetic? "abc") (string-every #\a "aab") (string-every char-set:digit "123") (string-every char-alphabetic? "") (string-every char-upcase "xyz") (string-every char-numeric? "a12" 1)) => '(#t #f #t #f #t #t #\Z #t))
(check (list (string-any char-numeric? "ab1") (string-any #\b "abc") (string-any char-set:digit "abc") (string-any char-upcase "xyz") (string-any char-numeric? "1ab" 1) (string-any char-numeric? "") (string-any digit-value "ab7")) => '(#t #t #f #\X #f #f 7))

(check (list (string= "abc" "abc") (string= "abc" "abd") (string= "xabc" "abc" 1) (string= "abcd" "xbcx" 1 3 1 3) (string<> "a" "b") (string<> "a" "a")) => '(#t #f #t #t #t #f))
(check (list (string< "abc" "abd") (string< "ab" "abc") (string< "b" "a") (string> "b" "a") (string> "a" "a") (string<= "a" "a") (string>= "ab" "a") (string<= "b" "a") (string< "zb" "ya" 1 2 1 2)) => '(#t #t #f #t #f #t #t #f #f))
(check (list (string-ci= "AbC" "aBc") (string-ci<> "a" "A") (string-ci< "a" "B") (string-ci> "a" "B") (string-ci<= "A" "a") (string-ci>= "b" "A") (string-ci= "xAB" "ab" 1)) => '(#t #f #t #f #t #t #t))
(define (order . arguments)
  (apply string-compare (car arguments) (cadr arguments) (lambda (i) (list '< i)) (lambda (i) (list '= i)) (lambda (i) (list '> i)) (cddr arguments)))
(check (list (order "The cat" "The dog") (order "abc" "abc") (order "abd" "abc") (order "ab" "abc") (order "abc" "ab") (order "xxabd" "abc" 2) (order "abcd" "abxd" 1 4 1 4)) => '((< 4) (= 3) (> 2) (< 2) (> 2) (> 4) (< 2)))
(check (string-compare-ci "ABX" "aby" (lambda (i) (list '< i)) (lambda (i) '=) (lambda (i) '>)) => '(< 2))
(check (list (= (string-hash "abc") (string-hash "abc")) (< -1 (string-hash "abc" 10) 10) (= (string-hash "xabcx" 0 1 4) (string-hash "abc")) (= (string-hash-ci "ABC") (string-hash-ci "abc")) (exact-integer? (string-hash "")) (< (string-hash-ci "Q" 5) 5)) => '(#t #t #t #t #t #t))

(check (list (string-prefix-length "cancaNCAM" "cancancan") (string-suffix-length "CanCan" "cankancan") (string-prefix-length-ci "cancaNCAM" "cancancan") (string-suffix-length-ci "CanCan" "cankancan") (string-prefix-length "xabc" "yabd" 1 4 1) (string-suffix-length "abcx" "abdx" 0 3 0 4)) => '(5 2 8 5 2 0))
(check (list (string-prefix? "foo" "foobar") (string-prefix? "bar" "foobar") (string-prefix? "xfoo" "foobar" 1) (string-prefix? "foo" "xfoobar" 0 3 1) (string-suffix? "bar" "foobar") (string-suffix? "" "") (string-prefix-ci? "FOO" "foobar") (string-suffix-ci? "BAR" "foobar") (string-prefix? "foobar" "foo") (string-suffix-ci? "xxbar" "bar")) => '(#t #f #t #t #t #t #t #t #f #f))

(check (list (string-index "abcd:efgh:ijkl" #\:) (string-index "abcd" #\z) (string-index "abcd:efgh" char-set:punctuation 5) (string-index "abc123" char-numeric?) (string-index "abcabc" #\a 1 3) (string-index "" #\a)) => '(4 #f #f 3 #f #f))
(check (list (string-index-right "abcd:efgh:ijkl" #\:) (string-index-right "abc" char-numeric?) (string-index-right "a1b2c" char-set:digit 0 3) (string-index-right "abca" #\a 1 3)) => '(9 #f 1 #f))
(check (list (string-skip "  \tabc" char-whitespace?) (string-skip "aaab" #\a) (string-skip "aaa" #\a) (string-skip "12ab" char-set:digit) (string-skip-right "abc  " char-set:whitespace) (string-skip-right "abbb" #\b) (string-skip-right "bbb" #\b)) => '(3 3 #f 2 2 0 #f))
(check (list (string-count "banana" #\a) (string-count "a1b22" char-numeric?) (string-count "aXbY" char-set:upper-case) (string-count "banana" #\a 2) (string-count "banana" #\a 2 4)) => '(3 3 2 2 1))
(check (list (string-contains "eek -- what a geek." "ee" 12 18) (string-contains "abcabc" "ca") (string-contains "abc" "x") (string-contains "abc" "") (string-contains "abc" "xbcx" 0 3 1 3) (string-contains "" "") (string-contains-ci "The QUICK" "quick") (string-contains-ci "abc" "Z")) => '(15 2 #f 0 1 0 4 #f))
(check-fails (string-index "abc" #\a 4) (string-index "abc" 5) (string-index 'abc #\a) (string-contains "abc" 'b) (string-index "abc" #\a 0 4) (string-index "abc" #\a 2 1) (string= "abc" "abc" 5) (string-every 5 "abc"))
(check-fails (string-filter "a" "b") (string-delete "a" "b") (string-filter 5 5))
