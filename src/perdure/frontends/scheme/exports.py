"""What the standard libraries export, by name: R7RS, the SRFIs, (perdure).

Layer: frontends. Imports base.
Invariant: a name that is listed here but exists nowhere (yet) is simply not exported; importing it by name is an
error that says so. (perdure) exports all that is public and not in (scheme base) or (scheme write), so that a
program without imports, which gets these three, lacks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from perdure.frontends.scheme.bindings import CORE, Binding, Global
from perdure.ir.core import PRIMITIVES

Arity = tuple[int, int | None, str]
"""Least and most number of arguments (None: any), and the parameters for messages."""


class StandardIndex(Struct, frozen=True):
    """What the standard library's own files export: name to (library, global name), and the arities."""

    exports: dict[str, tuple[str, str]]
    arities: dict[str, Arity]
    libraries: dict[str, list[str]]


INTRINSIC: dict[str, Arity] = {"apply": (2, None, "proc arg ... args")}
"""Primitives that are no Python functions: the compiler and the machine know them."""

EMPTY_INDEX = StandardIndex({}, {}, {})

_BASE = """
* + - ... / < <= = => > >= _ abs and append apply assoc assq assv begin binary-port? boolean=?
boolean? bytevector bytevector-append bytevector-copy bytevector-copy! bytevector-length
bytevector-u8-ref bytevector-u8-set! bytevector? caar cadr call-with-current-continuation
call-with-port call-with-values call/cc car case cdar cddr cdr ceiling char->integer char-ready?
char<=? char<? char=? char>=? char>? char? close-input-port close-output-port close-port complex?
cond cond-expand cons current-error-port current-input-port current-output-port define
define-record-type define-syntax define-values denominator do dynamic-wind else eof-object
eof-object? eq? equal? eqv? error error-object-irritants error-object-message error-object? even?
exact exact-integer-sqrt exact-integer? exact? expt features file-error? floor floor-quotient
floor-remainder floor/ flush-output-port for-each gcd get-output-bytevector get-output-string
guard if include include-ci inexact inexact? input-port-open? input-port? integer->char integer?
lambda lcm length let let* let*-values let-syntax let-values letrec letrec* letrec-syntax list
list->string list->vector list-copy list-ref list-set! list-tail list? make-bytevector make-list
make-parameter make-string make-vector map max member memq memv min modulo negative? newline not
null? number->string number? numerator odd? open-input-bytevector open-input-string
open-output-bytevector open-output-string or output-port-open? output-port? pair? parameterize
peek-char peek-u8 port? positive? procedure? quasiquote quote quotient raise raise-continuable
rational? rationalize read-bytevector read-bytevector! read-char read-error? read-line read-string
read-u8 real? remainder reverse round set! set-car! set-cdr! square string string->list
string->number string->symbol string->utf8 string->vector string-append string-copy string-copy!
string-fill! string-for-each string-length string-map string-ref string-set! string<=? string<? string=?
string>=? string>? string? substring symbol->string symbol=? symbol? syntax-error syntax-rules
textual-port? truncate truncate-quotient truncate-remainder truncate/ u8-ready? unless unquote
unquote-splicing utf8->string values vector vector->list vector->string vector-append vector-copy
vector-copy! vector-fill! vector-for-each vector-length vector-map vector-ref vector-set! vector?
when with-exception-handler write-bytevector write-char write-string write-u8 zero? import
define-library
"""
_CHAR = """
char-alphabetic? char-ci<=? char-ci<? char-ci=? char-ci>=? char-ci>? char-downcase char-foldcase
char-lower-case? char-numeric? char-upcase char-upper-case? char-whitespace? digit-value
string-ci<=? string-ci<? string-ci=? string-ci>=? string-ci>? string-downcase string-foldcase
string-upcase
"""
_CXR = """
caaar caadr cadar caddr cdaar cdadr cddar cdddr caaaar caaadr caadar caaddr cadaar cadadr caddar
cadddr cdaaar cdaadr cdadar cdaddr cddaar cddadr cdddar cddddr
"""
_SRFI_1 = """
cons list xcons cons* make-list list-tabulate list-copy circular-list iota pair? null?
proper-list? circular-list? dotted-list? not-pair? null-list? list= car cdr caar cadr cdar cddr
caaar caadr cadar caddr cdaar cdadr cddar cdddr caaaar caaadr caadar caaddr cadaar cadadr caddar
cadddr cdaaar cdaadr cdadar cdaddr cddaar cddadr cdddar cddddr list-ref first second third fourth
fifth sixth seventh eighth ninth tenth car+cdr take drop take-right drop-right take! drop-right!
split-at split-at! last last-pair length length+ append concatenate reverse append! concatenate!
reverse! append-reverse append-reverse! zip unzip1 unzip2 unzip3 count map for-each fold unfold
pair-fold reduce fold-right unfold-right pair-fold-right reduce-right append-map append-map! map!
map-in-order pair-for-each filter-map filter partition remove filter! partition! remove! member
memq memv find find-tail any every list-index take-while drop-while take-while! span break span!
break! delete delete-duplicates delete! delete-duplicates! assq assv assoc alist-cons alist-copy
alist-delete alist-delete! lset<= lset= lset-adjoin lset-union lset-union! lset-intersection
lset-intersection! lset-difference lset-difference! lset-xor lset-xor! lset-diff+intersection
lset-diff+intersection! unzip4 unzip5 set-car! set-cdr!
"""
_SRFI_69 = """
make-hash-table hash-table? alist->hash-table hash-table-equivalence-function
hash-table-hash-function hash-table-ref hash-table-ref/default hash-table-set! hash-table-delete!
hash-table-exists? hash-table-update! hash-table-update!/default hash-table-size hash-table-keys
hash-table-values hash-table-walk hash-table-fold hash-table->alist hash-table-copy
hash-table-merge! hash string-hash string-ci-hash hash-by-identity
"""

TABLES: dict[str, list[str]] = {
    name: text.split()
    for name, text in {
        "scheme base": _BASE,
        "scheme case-lambda": "case-lambda",
        "scheme char": _CHAR,
        "scheme complex": "angle imag-part magnitude make-polar make-rectangular real-part",
        "scheme cxr": _CXR,
        "scheme eval": "eval environment",
        "scheme file": """call-with-input-file call-with-output-file delete-file file-exists?
            open-binary-input-file open-binary-output-file open-input-file open-output-file
            with-input-from-file with-output-to-file""",
        "scheme inexact": "acos asin atan cos exp finite? infinite? log nan? sin sqrt tan",
        "scheme lazy": "delay delay-force force make-promise promise?",
        "scheme load": "load",
        "scheme process-context": """command-line emergency-exit exit get-environment-variable
            get-environment-variables""",
        "scheme read": "read",
        "scheme repl": "interaction-environment",
        "scheme time": "current-jiffy current-second jiffies-per-second",
        "scheme write": "display write write-shared write-simple",
        "srfi 1": _SRFI_1,
        "srfi 2": "and-let*",
        "srfi 6": "open-input-string open-output-string get-output-string",
        "srfi 8": "receive",
        "srfi 9": "define-record-type",
        "srfi 16": "case-lambda",
        "srfi 23": "error",
        "srfi 26": "cut cute <> <...>",
        "srfi 34": "with-exception-handler guard raise else =>",
        "srfi 39": "make-parameter parameterize",
        "srfi 69": _SRFI_69,
        "srfi 87": "case =>",
        "srfi 95": "sorted? merge merge! sort sort!",
        "srfi 111": "box box? unbox set-box!",
    }.items()
}
RESERVED = ("scheme", "srfi", "perdure", "python", "%", "!")
"""First words of library names that a program can't define itself."""


class StandardLibraries:
    """Finds the exports of the standard libraries, by library name."""

    def __init__(self, primitives: Mapping[str, Arity], index: StandardIndex) -> None:
        self._names: dict[str, Binding] = {
            name: Global(PRIMITIVES, name) for name in [*INTRINSIC, *primitives]
        }
        self._names |= {n: Global(library, name) for n, (library, name) in index.exports.items()}
        self._names |= CORE
        self._index = index
        self._found: dict[str, dict[str, Binding]] = {}

    def find(self, name: str) -> dict[str, Binding] | None:
        """Return the exports of a standard library like "scheme base", or None if there is none of that name."""
        found = self._found.get(name)
        if found is None:
            listed = self._listed(name)
            if listed is None:
                return None
            names = self._names
            found = self._found[name] = {n: names[n] for n in listed if n in names}
        return found

    def _listed(self, name: str) -> list[str] | None:
        if name in TABLES:
            return TABLES[name]
        if name == "perdure":
            base = {*TABLES["scheme base"], *TABLES["scheme write"]}
            return [n for n in self._names if n not in base and not n.startswith("%")]
        if name == "perdure primitives":
            return list(self._names)
        return self._index.libraries.get(name.replace(" ", "."))

    def libraries(self) -> list[str]:
        """Return the names of all standard libraries."""
        return [*TABLES, "perdure", *(n.replace(".", " ") for n in self._index.libraries)]

    def planned(self, library: str, name: str) -> bool:
        """Return whether a library should export a name that this version does not have."""
        return name in TABLES.get(library, ())
