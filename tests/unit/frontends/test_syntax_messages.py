"""What a wrong program is told: place, code, what was expected and found, and the next step.

Goal: messages that teach, all of them at once, and nothing that is right called wrong. Method: wrong programs, and the exact text of
everything that `check` says about them, as "line:column code message | next step".
"""

from __future__ import annotations

import pytest
from evaluator import RESOLVER

from perdure.base.errors import ProgramError, SyntaxErrors
from perdure.frontends.scheme import check_program, expand_program


def problems(source: str) -> list[ProgramError]:
    try:
        return check_program(expand_program(source, "t.scm", resolver=RESOLVER))
    except SyntaxErrors as error:
        return error.errors


def shown(problem: ProgramError) -> str:
    assert problem.span is not None
    text = f"{problem.span.line}:{problem.span.column} {problem.code} {problem.message}"
    return f"{text} | {problem.hint}" if problem.hint else text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "(define (f x",
            [
                "1:9 P102 the ( that opens here is never closed; 2 lists are open at the end, the outermost since t.scm:1:1 | each ( needs a ) behind the last part of its list",
            ],
        ),
        (
            "(define (f x)\n  (g x\n\n(define (h y) (if))",
            [
                "2:3 P102 the ( that opens here is never closed | a new form seems to begin on line 4; look for the missing ) before it",
                "4:15 P110 if: expected (if test then else) or (if test then), found (if)",
            ],
        ),
        (
            "(a b))",
            [
                "1:6 P101 expected a datum, found ), where no list is open | take it away, or look above it for a list that is closed too early",
            ],
        ),
        (
            "(a b]",
            [
                "1:5 P101 expected ) to close the ( at t.scm:1:1, found ] | write ), or open with the other",
            ],
        ),
        (
            '(display "abc)',
            [
                '1:10 P104 the string that opens here has no closing quotation mark | a " inside of a string is written \\"',
            ],
        ),
        (
            '(define a "one)\n(define b "two")',
            [
                "2:15 P104 the string that opens here has no closing quotation mark | the string on line 1 goes on to a form on line 2; is it closed?",
            ],
        ),
        (
            "#| never closed",
            [
                "1:1 P104 the comment that opens here with #| has no closing |#",
            ],
        ),
        (
            "(list '|never closed)",
            [
                "1:8 P104 the symbol that opens here with | has no closing |",
            ],
        ),
        (
            "(a . b c)",
            [
                "1:1 P105 expected one datum after the dot, found 2 | a list with a dot is written (a . b)",
            ],
        ),
        (
            "(. a)",
            [
                "1:2 P105 expected a datum, found a dot: it stands only before the last datum of a list | a list with a dot is written (a . b)",
            ],
        ),
        (
            "(list ')",
            [
                "1:7 P105 expected a datum after '), found ) | write the datum, or take it away",
            ],
        ),
        (
            '"\\q"',
            [
                '1:2 P103 unknown escape \\q in a string or symbol | escapes are \\n \\t \\r \\a \\b \\" \\\\ \\| \\xHEX; and \\ at the end of a line',
            ],
        ),
        (
            '"\\x41 is A"',
            [
                "1:2 P103 expected hexadecimal digits and a semicolon after \\x | the character with the code 41 is written \\x41;",
            ],
        ),
        (
            '"\\xD800;"',
            [
                '1:2 P103 \\xD800; is no character: codes go up to 10FFFF, without D800 to DFFF | escapes are \\n \\t \\r \\a \\b \\" \\\\ \\| \\xHEX; and \\ at the end of a line',
            ],
        ),
        (
            "#\\spce",
            [
                "1:1 P103 unknown character #\\spce | did you mean #\\space?",
            ],
        ),
        (
            "#\\xZZ",
            [
                "1:1 P103 unknown character #\\xZZ | names are space, newline, tab, return, null, alarm, backspace, delete, escape",
            ],
        ),
        (
            "#<procedure f>",
            [
                "1:1 P103 expected a datum, found #<procedure: that is how objects without a text are shown | build the object where it is needed; it can't be written into a program",
            ],
        ),
        (
            "#xfg",
            [
                "1:1 P103 expected a number, found #xfg | digits follow the prefix, like #xff, #b101, #e1.5",
            ],
        ),
        (
            "#q",
            [
                "1:1 P103 unknown syntax #q | what begins with # is #t #f #\\a #(1 2) #u8(1 2) #| |# #; #x1f",
            ],
        ),
        (
            "{a}",
            [
                "1:1 P103 expected a datum, found {: braces have no meaning | write ( and ) around lists",
                "1:3 P103 expected a datum, found }: braces have no meaning | write ( and ) around lists",
            ],
        ),
        (
            "#u8(1 256)",
            [
                "1:1 P103 expected exact integers from 0 to 255 in a bytevector, found 256",
            ],
        ),
        (
            "#vu8(1)",
            [
                "1:1 P103 unknown syntax #vu8 | a bytevector is written #u8(1 2 3)",
            ],
        ),
        (
            "(lambda (a #!optional b) a)",
            [
                "1:12 P103 unknown directive #!optional | see case-lambda for procedures with optional arguments",
            ],
        ),
        (
            "'(#1#)",
            [
                "1:3 P107 no datum before has the label #1=",
            ],
        ),
        (
            "(if)",
            [
                "1:1 P110 if: expected (if test then else) or (if test then), found (if)",
            ],
        ),
        (
            "(if 1 2 3 4)",
            [
                "1:1 P110 if: expected (if test then else) or (if test then), found (if 1 2 3 4)",
            ],
        ),
        (
            "(if . x)",
            [
                "1:1 P110 if: expected (if test then else) or (if test then), found (if . x) | take the dot away: the parts of this form are a plain list",
            ],
        ),
        (
            "(lambda)",
            [
                "1:1 P110 lambda: expected (lambda (parameter ...) body ...), found (lambda)",
            ],
        ),
        (
            "(lambda (x))",
            [
                "1:1 P110 lambda: expected (lambda (parameter ...) body ...), found (lambda (x))",
            ],
        ),
        (
            "(lambda (x y x) x)",
            [
                "1:14 P112 parameter x is there twice, first at t.scm:1:10 | give one of them another name",
            ],
        ),
        (
            "(lambda (x 5) x)",
            [
                "1:12 P110 expected the name of a parameter, found 5 | defaults and patterns are no part of Scheme's parameters; see case-lambda",
            ],
        ),
        (
            "(define (f (x 1)) x)",
            [
                "1:12 P110 expected the name of a parameter, found (x 1) | defaults and patterns are no part of Scheme's parameters; see case-lambda",
            ],
        ),
        (
            "(let ((x)) x)",
            [
                "1:7 P110 expected a binding (variable value), found (x) | it is written (let ((variable value) ...) body ...)",
            ],
        ),
        (
            "(let (x 1) x)",
            [
                "1:7 P110 expected a binding (variable value), found x | each binding has its own parentheses: ((x 1))",
                "1:9 P110 expected a binding (variable value), found 1 | it is written (let ((variable value) ...) body ...)",
            ],
        ),
        (
            "(let ((x 1) (x 2)) x)",
            [
                "1:14 P112 variable x is there twice, first at t.scm:1:8 | give one of them another name",
            ],
        ),
        (
            "(let ((1 x)) x)",
            [
                "1:8 P110 expected the name of a variable, found 1 | it is written (let ((variable value) ...) body ...)",
            ],
        ),
        (
            "(let loop)",
            [
                "1:1 P110 let: expected (let name ((variable value) ...) body ...), found (let loop)",
            ],
        ),
        (
            "(let* 5 1)",
            [
                "1:1 P110 let*: expected (let* ((variable value) ...) body ...), found (let* 5 1)",
            ],
        ),
        (
            "(define)",
            [
                "1:1 P110 define: expected (define name expression) or (define (name parameter ...) body ...), found (define)",
            ],
        ),
        (
            "(define x)",
            [
                "1:1 P110 define: expected (define name expression) or (define (name parameter ...) body ...), found (define x)",
            ],
        ),
        (
            "(define 5 1)",
            [
                "1:1 P110 define: expected (define name expression) or (define (name parameter ...) body ...), found (define 5 1)",
            ],
        ),
        (
            "(define (f) (define x 1))",
            [
                "1:1 P110 expected an expression at the end of the body, found none in (define (f) (define x 1)) | add the expression that it returns",
            ],
        ),
        (
            "(define (f) (define x 1) (define x 2) x)",
            [
                "1:34 P112 x is defined twice in this body, first at t.scm:1:21 | write (set! x ...) to change it, or give one another name",
            ],
        ),
        (
            "(list (define x 1))",
            [
                "1:7 P117 define: expected an expression, found a definition | definitions stand at top level and in bodies; wrap them in (let () ...)",
            ],
        ),
        (
            "(if #t (define x 1))",
            [
                "1:8 P117 define: expected an expression, found a definition | definitions stand at top level and in bodies; wrap them in (let () ...)",
            ],
        ),
        (
            "(list (import (scheme base)))",
            [
                "1:7 P117 import stands at top level only | move it out of the form around it",
            ],
        ),
        (
            "(set! 5 1)",
            [
                "1:1 P110 set!: expected (set! variable expression), found (set! 5 1)",
            ],
        ),
        (
            "(set! car 1)",
            [
                "1:7 P119 car is imported and can't be assigned | define a variable of your own first: (define car ...)",
            ],
        ),
        (
            "(set! if 1)",
            [
                "1:7 P111 expected a variable, found if, which is a syntactic keyword | define a variable first: (define if ...)",
            ],
        ),
        (
            "(list if)",
            [
                "1:7 P111 expected a variable, found if, which is a syntactic keyword | a keyword can't be passed around; wrap it: (lambda (a b) (if a b))",
            ],
        ),
        (
            "(else 1)",
            [
                "1:1 P111 else has no meaning here | else stands in the last clause of cond, case, guard and cond-expand",
            ],
        ),
        (
            "(list => 1)",
            [
                "1:7 P111 expected a variable, found =>, which is a syntactic keyword | => stands in a clause of cond, case and guard, behind the test",
            ],
        ),
        (
            "(list ,x)",
            [
                "1:7 P111 unquote has no meaning here | a comma stands inside of a quasiquoted datum, which a ` begins",
            ],
        ),
        (
            "(cond (else 1) (#t 2))",
            [
                "1:7 P110 expected else in the last clause, found clauses behind it | move the else clause to the end",
            ],
        ),
        (
            "(cond 5)",
            [
                "1:7 P110 expected a clause (test expression ...), found 5 | it is written (cond (test expression ...) ... (else expression ...))",
            ],
        ),
        (
            "(cond (1 =>))",
            [
                "1:7 P110 expected (test => procedure), found (1 =>) | one procedure follows =>",
            ],
        ),
        (
            "(cond (else))",
            [
                "1:7 P110 expected an expression after else, found (else) | leave the clause out if nothing is to be done",
            ],
        ),
        (
            "(case 1 (2 3))",
            [
                "1:10 P110 expected a list of data, found 2 | it is written (case key ((datum ...) expression ...) ... (else expression ...))",
            ],
        ),
        (
            "(case 1 (else 2) ((1) 2))",
            [
                "1:9 P110 expected else in the last clause, found clauses behind it | move the else clause to the end",
            ],
        ),
        (
            "(quote)",
            [
                "1:1 P110 quote: expected (quote datum), found (quote)",
            ],
        ),
        (
            "()",
            [
                "1:1 P110 () is no expression | write '() for the empty list",
            ],
        ),
        (
            "(car . 5)",
            [
                "1:1 P110 a procedure call has no dot, found (car . 5) | write (apply procedure argument ... list) to pass a list's items",
            ],
        ),
        (
            "`,@x",
            [
                "1:2 P110 expected a list around (unquote-splicing x), found none: it stands for several items | write it as an item of a list, like (a ,@b)",
            ],
        ),
        (
            "(guard (e))",
            [
                "1:1 P110 guard: expected (guard (variable (test expression ...) ...) body ...), found (guard (e))",
            ],
        ),
        (
            "(do ((i 0)) 1)",
            [
                "1:1 P110 do: expected (do ((variable init step) ...) (test result ...) command ...), found (do ((i 0)) 1)",
            ],
        ),
        (
            "(parameterize (p) 1)",
            [
                "1:1 P110 parameterize: expected (parameterize ((parameter value) ...) body ...), found (parameterize (p) 1)",
            ],
        ),
        (
            "(define-values 5)",
            [
                "1:1 P110 define-values: expected (define-values (name ...) expression), found (define-values 5)",
            ],
        ),
        (
            "(define-record-type point (make z) point? (x point-x))",
            [
                "1:33 P110 z is no field of the type | the fields are x",
            ],
        ),
        (
            "(define-syntax m 5)",
            [
                "1:18 P114 m: expected (syntax-rules (literal ...) (pattern template) ...) as its transformer, found 5 | a procedure is no macro; define it with (define ...)",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () (_ 1)))",
            [
                "1:35 P114 m: expected a rule (pattern template), found (_ 1)",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ x) 1 2)))",
            [
                "1:35 P114 m: expected a rule (pattern template), found ((_ x) 1 2) | several templates are one (begin template ...)",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ x x) 1)))",
            [
                "1:41 P114 pattern variable x is there twice | give one of them another name",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ x ...) x)))",
            [
                "1:46 P114 x stands for a sequence: it needs 1 more ... | write x ... in the template",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ x) (x ...))))",
            [
                "1:43 P114 nothing in x stands for a sequence, but an ellipsis follows",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ x ... y ...) 1)))",
            [
                "1:45 P114 a list pattern has at most one ellipsis",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ x) 1) ((_ (x y) ...) 2)))\n(m 1 2)",
            [
                "2:1 P113 m: expected one of the macro's patterns, found (m 1 2) | it takes (m x); (m (x y) ...)",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ (x ...) (y ...)) '((x y) ...))))\n(m (1 2) (3))",
            [
                "2:1 P113 m: x, y stand for sequences of different lengths",
            ],
        ),
        (
            "(define-syntax m (syntax-rules () ((_ x) (m x))))\n(m 1)",
            [
                "2:1 P116 m: the macro seems to expand into itself without end | a macro that uses itself needs a rule for the last step, before the others",
            ],
        ),
        (
            '(define-syntax m (syntax-rules () ((_ x) x) ((_ . other) (syntax-error "m takes one thing, got" other))))\n(m 1 2)',
            [
                "2:1 P118 m takes one thing, got (1 2)",
            ],
        ),
        (
            "(cond-expand (5 1))",
            [
                "1:15 P110 expected a feature requirement, found 5 | a name, (library name), (and ...), (or ...), (not ...) or else",
            ],
        ),
        (
            "(include)",
            [
                '1:1 P110 include: expected (include "file" ...), found (include)',
            ],
        ),
        (
            '(include "none.scm")',
            [
                "1:10 P124 include: none.scm: can't be read: no such file or directory",
            ],
        ),
        (
            "(import (scheme bse))",
            [
                "1:9 P120 there is no library (scheme bse) | did you mean (scheme base)?",
            ],
        ),
        (
            "(import (only (scheme base) caar cdddr))",
            [
                "1:34 P121 (scheme base) does not export cdddr | (import (scheme cxr)) or (srfi 1) or (perdure) has cdddr",
            ],
        ),
        (
            "(import (rename (scheme base) car))",
            [
                "1:31 P123 expected (name new-name) in rename, found car | (rename library (car first))",
            ],
        ),
        (
            "(import)",
            [
                "1:1 P123 expected (import library ...), found (import) | write (import (scheme base))",
            ],
        ),
        (
            "(import 5)",
            [
                "1:9 P123 expected an import set, found 5",
            ],
        ),
        (
            "(import (srf 1))",
            [
                "1:9 P120 there is no library (srf 1) | did you mean (srfi 1)?",
            ],
        ),
        (
            "(import (my lib))",
            [
                "1:9 P120 there is no library (my lib) | it would be in my/lib.sld beside the program",
            ],
        ),
        (
            "(define-library)",
            [
                "1:1 P122 expected (define-library (name ...) declaration ...), found no name | a name is a list like (my library)",
            ],
        ),
        (
            "(define-library (scheme own))",
            [
                "1:17 P122 (scheme own): names that begin with scheme are reserved | choose another first word",
            ],
        ),
        (
            "(define-library (own) (define x 1))",
            [
                "1:23 P122 define is no library declaration | export, import, begin, include, cond-expand are; definitions go into (begin ...)",
            ],
        ),
        (
            "(define-library (own) (export x))",
            [
                "1:31 P122 (own) exports x, but does not define it | define it, import it, or write (export (rename its-name x))",
            ],
        ),
        (
            "(define-library (own) (export x) (begin (define x 1)))",
            [
                "1:31 P122 (own) exports x, but does not define it | define itself is not imported; add (import (scheme base))",
            ],
        ),
        (
            "(define-library (own) (import (scheme base)) (export (rename a c) (rename b c)) (begin (define a 1) (define b 2)))",
            [
                "1:67 P122 c is exported twice, as a and as b | give one of them another exported name",
            ],
        ),
        (
            "(define (total xs) 1)\n(totl '())",
            [
                "2:2 P130 unbound variable totl | did you mean total?",
            ],
        ),
        (
            "(define (f alpha) (lambda (beta) (+ alpah bta)))",
            [
                "1:37 P130 unbound variable alpah | did you mean alpha?",
                "1:43 P130 unbound variable bta | did you mean beta?",
            ],
        ),
        (
            "(import (scheme base))\n(char-upcase #\\a)",
            [
                "2:2 P130 unbound variable char-upcase | (import (scheme char)) or (perdure) or (scheme r5rs) has char-upcase",
            ],
        ),
        (
            "(import (scheme base))\n(displai 5)",
            [
                "2:2 P130 unbound variable displai | did you mean display? (import (scheme write)) or (scheme r5rs) has it",
            ],
        ),
        (
            "(define (f a b . c) 1)\n(f 1)",
            [
                "2:1 P131 (f a b c ...) takes at least 2 arguments, 1 given",
            ],
        ),
        (
            "(car 1 2)",
            [
                "1:1 P131 (car pair) takes 1 argument, 2 given",
            ],
        ),
        (
            "((lambda (x) x))",
            [
                "1:1 P131 (lambda x) takes 1 argument, 0 given",
            ],
        ),
        (
            '("text" 1)',
            [
                '1:1 P132 expected a procedure, found the constant "text" | a list of data is written with a quote: \'(1 2)',
            ],
        ),
    ],
)
def test_a_wrong_program_is_told_what_is_wrong(source: str, expected: list[str]) -> None:
    assert [shown(problem) for problem in problems(source)] == expected


MANY = """(import (scheme base) (only (scheme base) nothing))
(define (f)
  (define x (if))
  (let ((y)) (lambda))
  (list else (cond 5 ((quote))))
  (x . y))
(define-syntax m (syntax-rules () ((_ a) (let ((b a)) (if)))))
(define (g)
  (m 1)
(define (h) (begin))
(set! car h)
"""


def test_all_errors_of_a_program_are_found_at_once() -> None:
    places = [(p.span.line, p.span.column) for p in problems(MANY) if p.span]
    assert places == [
        (1, 43), (3, 13), (4, 9), (4, 14), (5, 9), (5, 20), (5, 23), (6, 3), (8, 1), (10, 1), (11, 7),
    ]  # fmt: skip


CHAIN = """(define-syntax either
  (syntax-rules ()
    ((_ a b) (let ((t a)) (choose t t b)))))
(define-syntax choose
  (syntax-rules ()
    ((_ a b c) (if a))))
(define (f) (either 1 2))
"""


def test_an_error_in_an_expansion_leads_from_the_use_to_the_template() -> None:
    (problem,) = problems(CHAIN)
    assert str(problem) == (
        "t.scm:7:13: [P110] if: expected (if test then else) or (if test then), found (if t)\n"
        "    7 | (define (f) (either 1 2))\n"
        "      |             ^^^^^^^^^^^^\n"
        "  in the expansion of either at t.scm:7:13, template at t.scm:3:27\n"
        "  in the expansion of choose at t.scm:3:27, template at t.scm:6:16"
    )


def test_the_middle_of_a_long_chain_is_left_out() -> None:
    rules = "(syntax-rules () ((_) (if)) ((_ x y ...) (count y ...)))"
    (problem,) = problems(f"(define-syntax count {rules})\n(count {'1 ' * 50})")
    lines = [note.message for note in problem.notes]
    assert len(lines) == 9
    assert lines[4] == "and 43 expansions between"
    assert lines[0].startswith("in the expansion of count at t.scm:2:1, template at ")


def test_what_the_user_wrote_inside_of_a_macro_use_is_shown_itself() -> None:
    source = "(define-syntax twice (syntax-rules () ((_ e) (begin e e))))\n(twice (if))"
    (problem,) = problems(source)
    assert shown(problem).startswith("2:8 P110 if:")
    assert not problem.notes


def test_errors_are_bounded_in_number() -> None:
    assert len(problems("(if)\n" * 1000)) == 100


@pytest.mark.parametrize(
    "template",
    [
        "(f x ...)",
        "(f x ... x ...)",
        "(list (f x ...))",
        "(list (f x ...) (f x ...))",
        "(begin (f x ...) (f x ...))",
        "(let-syntax ((g (syntax-rules () ((_ y) (f y))))) (g 1))",
        "(let ((y 1)) (f y x ...))",
    ],
)
def test_an_expansion_without_end_is_one_error(template: str) -> None:
    source = (
        f"(define-syntax f (syntax-rules () ((_ x ...) {template})))\n(f 1 2)\n(define (g) (f 1))"
    )
    found = problems(source)
    assert [p.code for p in found] == ["P116", "P116"]
    assert [p.span.line for p in found if p.span] == [2, 3]
