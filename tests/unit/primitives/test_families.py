"""What the primitives return, family by family, and the words of their errors.

Method: arguments are literals, read by the small reader below; results are compared as `write` shows them.
"""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from perdure.primitives import TABLE
from perdure.values import ports
from perdure.values.barrier import ConstantMutation, WriteLog, use
from perdure.values.conditions import SchemeError, condition
from perdure.values.lists import from_items
from perdure.values.printer import report_string, write_string
from perdure.values.tables import make_table, table_set
from perdure.values.types import (
    NIL,
    TRUE,
    Box,
    Bytevector,
    Pair,
    Record,
    RecordType,
    String,
    Vector,
    char,
    intern,
)

P = {name: found.function for name, found in TABLE.items()}


def to(x: Any) -> Any:
    """Return the heap value for Python data: lists are lists, tuples vectors, "'a" a symbol, "#\\a" a character."""
    if isinstance(x, list):
        return from_items([to(y) for y in x])
    if isinstance(x, tuple):
        return Vector([to(y) for y in x])
    if isinstance(x, bytes):
        return Bytevector(bytearray(x))
    if isinstance(x, bool):
        return TRUE if x else None
    if isinstance(x, str):
        if x[:1] == "'":
            return intern(x[1:])
        return char(x[2:]) if x[:2] == "#\\" and len(x) == 3 else String(x)
    return x


def shown(name: str, *arguments: Any) -> str:
    return write_string(P[name](*map(to, arguments)))


def refused(name: str, *arguments: Any) -> str:
    with pytest.raises(SchemeError) as caught:
        P[name](*map(to, arguments))
    return report_string(caught.value.condition)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("+",), "0"), (("+", 1, 2, 3.5), "6.5"), (("-", 5), "-5"), (("-", 0.0), "-0.0"),
        (("/", 2), "1/2"), (("/", 12, 2, 3), "2"), (("*", 2, 3, 4), "24"), (("=", 1, 1.0, 1), "#t"),
        (("<", 1, 2, 2), "#f"), (("<=", 1, 2, 2), "#t"), (("<", 1), "#t"), (("max", 1, 2.0), "2.0"),
        (("quotient", -7, 2), "-3"), (("modulo", -7, 2), "1"), (("remainder", -7, 2), "-1"),
        (("floor/", -7, 2), "#<values -4 1>"), (("gcd", 12, -18), "6"), (("lcm", 4, 6.0), "12.0"),
        (("number->string", 255, 16), '"ff"'), (("string->number", "1e2"), "100.0"),
        (("string->number", "ff", 16), "255"), (("string->number", "x"), "#f"),
        (("exact->inexact", 1), "1.0"), (("round->exact", 2.5), "2"), (("abs", -0.0), "0.0"),
        (("bitwise-and", 12, 10), "8"), (("arithmetic-shift", -5, -1), "-3"), (("1+", 1), "2"),
        (("exact-integer-sqrt", 17), "#<values 4 1>"), (("nan?", 1), "#f"), (("log", 8, 2), "3.0"),
        (("cons", 1, [2]), "(1 2)"), (("caddr", [1, 2, 3]), "3"), (("cons*", 1, 2, [3]), "(1 2 3)"),
        (("append",), "()"), (("append", [1], [], [2, 3], 4), "(1 2 3 . 4)"), (("append", 5), "5"),
        (("reverse", [1, 2, 3]), "(3 2 1)"), (("reverse!", [1, 2, 3]), "(3 2 1)"),
        (("append!", [1], [], [2], [3]), "(1 2 3)"), (("length", [1, 2]), "2"),
        (("list-tail", [1, 2, 3], 2), "(3)"), (("list-ref", [1, 2, 3], 2), "3"),
        (("list-head", [1, 2, 3], 2), "(1 2)"), (("last-pair", [1, 2]), "(2)"), (("list?", [1]), "#t"),
        (("list?", 1), "#f"), (("memv", 2.0, [1, 2, 2.0]), "(2.0)"), (("memq", "'c", ["'a"]), "#f"),
        (("member", "b", ["a", "b", "c"]), '("b" "c")'), (("assv", 2, [[1, 2], [2, 3]]), "(2 3)"),
        (("assoc", (1,), [[(1,), 5]]), "(#(1) 5)"), (("iota", 3, 1), "(1 2 3)"), (("iota", 2), "(0 1)"),
        (("list-copy", [1, 2]), "(1 2)"), (("make-list", 2, 0), "(0 0)"), (("second", [1, 2]), "2"),
        (("delete", 1, [1, 2, 1]), "(2)"), (("boolean=?", True, True, False), "#f"),
        (("symbol<?", "'a", "'b"), "#t"), (("symbol-append", "'a", "'b"), "ab"),
        (("symbol->string", "'a b"), '"a b"'), (("values", 1), "1"), (("values",), "#<values>"),
        (("%values->list", 1), "(1)"), (("char-upcase", "#\\ß"), "#\\ß"), (("digit-value", "#\\٣"), "3"),
        (("char->integer", "#\\A"), "65"), (("char-ci=?", "#\\a", "#\\A"), "#t"),
        (("char->digit", "#\\f", 16), "15"), (("integer->char", 955), "#\\λ"),
        (("string", "#\\a", "#\\b"), '"ab"'), (("string-append", "a", "", "b"), '"ab"'),
        (("substring", "hello", 1, 3), '"el"'), (("string-upcase", "Straße"), '"STRASSE"'),
        (("string-ci=?", "Straße", "STRASSE"), "#t"), (("string<?", "a", "b", "b"), "#f"),
        (("string->list", "abc", 1), "(#\\b #\\c)"), (("list->string", ["#\\a"]), '"a"'),
        (("string-join", ["a", "b"], ", "), '"a, b"'), (("string-split", " a  b "), '("a" "b")'),
        (("string-split", "a,,b", "#\\,"), '("a" "" "b")'), (("string-contains", "hello", "ll"), "2"),
        (("string-search-forward", "x", "hello", 0), "#f"), (("string-pad-left", "7", 3), '"  7"'),
        (("string-pad-left", "12345", 3), '"345"'), (("string-pad-right", "ab", 3, "#\\."), '"ab."'),
        (("string-trim", " a b "), '"a b"'), (("string-prefix?", "he", "hello"), "#t"),
        (("string->vector", "ab"), "#(#\\a #\\b)"), (("vector->string", ("#\\a",)), '"a"'),
        (("vector-ref", (1, 2), 1), "2"), (("vector->list", (1, 2, 3), 1, 2), "(2)"),
        (("vector-append", (1,), (), (2,)), "#(1 2)"), (("vector-copy", (1, 2, 3), 1), "#(2 3)"),
        (("make-vector", 2, 7), "#(7 7)"), (("list->vector", [1, 2]), "#(1 2)"),
        (("bytevector", 1, 2), "#u8(1 2)"), (("bytevector-append", b"a", b"b"), "#u8(97 98)"),
        (("utf8->string", "λ".encode()), '"λ"'), (("string->utf8", "λ"), "#u8(206 187)"),
        (("string-hash", "a", 10), str(P["string-hash"](String("a")) % 10)),
    ],
)  # fmt: skip
def test_a_primitive_returns(call: tuple[Any, ...], expected: str) -> None:
    assert shown(*call) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("car", 5), "car: expected a pair, got 5"),
        (("cadr", [1]), "cadr: expected a longer list, got (1)"),
        (("vector-ref", (1, 2, 3), 5), "vector-ref: index out of range: 5 (length 3)"),
        (("vector-ref", (1,), -1), "vector-ref: index out of range: -1 (length 1)"),
        (("vector-ref", (1,), 1.0), "vector-ref: expected an exact integer as index, got 1.0"),
        (("+", 1, "a"), '+: expected a number, got "a"'),
        (("/", 1, 0), "/: division by zero: 1 0"),
        (("length", 5), "length: expected a list, got 5"),
        (("make-vector", -1), "make-vector: expected a nonnegative exact integer, got -1"),
        (("list-ref", [1, 2], 2), "list-ref: index out of range: 2 (length 2)"),
        (("substring", "abc", 2, 1), "substring: the start 2 is after the end 1"),
        (("integer->char", 0xD800), "integer->char: not the code of a character: 55296"),
        (("vector-copy!", (1, 2), 1, (1, 2)), "vector-copy!: index out of range: 3 (length 2)"),
    ],
)
def test_an_error_says_what_was_expected_and_what_was_found(
    call: tuple[Any, ...], message: str
) -> None:
    assert refused(*call) == message


@pytest.mark.parametrize(
    "call",
    [
        ("make-vector", 10**12), ("make-string", 10**12), ("make-bytevector", 10**30),
        ("make-list", 10**12), ("expt", 7, 10**10), ("string-pad-left", "a", 10**12),
        ("string-repeat", "ab", 10**12), ("arithmetic-shift", 1, 10**10),
    ],
)  # fmt: skip
def test_a_size_beyond_the_limit_is_refused_before_it_is_made(call: tuple[Any, ...]) -> None:
    with pytest.raises(SchemeError) as caught:
        P[call[0]](*map(to, call[1:]))
    assert caught.value.condition.kind == "quota-error"


def test_append_shares_its_last_argument_and_copies_the_others() -> None:
    first, last = to([1, 2]), to([3])
    joined = P["append"](first, last)
    assert joined.cdr.cdr is last
    assert write_string(first) == "(1 2)"


def test_a_circular_list_is_no_list() -> None:
    pair = Pair(1, NIL)
    pair.cdr = pair
    assert P["list?"](pair) is None
    assert P["list-ref"](pair, 1000) == 1
    for name in ("length", "reverse", "list->vector", "list-copy", "last-pair"):
        assert "expected a list" in refused(name, pair)
    assert "expected a list" in refused("memq", intern("x"), pair)
    assert "circular" in refused("list-tail", pair, 10**30)


def test_hash_tables_keep_insertion_order_and_their_kind_of_keys() -> None:
    table = P["make-hash-table"](P["equal?"])
    for key in ("b", "a", "b"):
        P["hash-table-set!"](table, String(key), intern(key))
    assert shown("hash-table->alist", table) == '(("b" . b) ("a" . a))'
    assert P["hash-table-ref/default"](table, String("a"), None) is intern("a")
    P["hash-table-delete!"](table, String("b"))
    assert (shown("hash-table-keys", table), P["hash-table-size"](table)) == ('("a")', 1)
    assert P["make-hash-table"](P["string=?"]).kind == "string"
    assert P["make-hash-table"](P["eq?"]).kind == "eqv"
    assert P["hash-table-equivalence-function"](table) is P["equal?"]
    assert P["make-hash-table"](P["="]).kind == "number"
    own = P["make-hash-table"](P["string-ci=?"])
    assert P["hash-table-equivalence-function"](own) is P["string-ci=?"]
    assert P["hash-table-hash-function"](own) is P["string-ci-hash"]
    assert "equivalence" in refused("make-hash-table", 5)


def test_records_name_the_accessor_and_the_type_in_errors() -> None:
    rtd = P["%make-record-type"](intern("<point>"), to(["'x", "'y"]))
    point = P["%make-record"](rtd, 1, 2)
    name = intern("point-x")
    assert P["%record-ref"](point, rtd, 0, name) == 1
    P["%record-set!"](point, rtd, 0, 5, intern("set-point-x!"))
    assert write_string(point) == "#<point x: 5 y: 2>"
    assert refused("%record-ref", 5, rtd, 0, name) == "point-x: expected a point, got 5"
    other = Record(RecordType("order", ("x", "y")), [1, 2])
    assert P["%record?"](other, rtd) is None
    assert "an order" in refused("%record-ref", point, other.rtd, 0, name)


def test_conditions_give_their_parts() -> None:
    made = P["%make-condition"](intern("error"), String("no stock"), to([1, "'x"]))
    assert shown("error-object-message", made) == '"no stock"'
    assert shown("error-object-irritants", made) == "(1 x)"
    assert shown("condition-kind", made) == "error"
    detail = make_table()
    for key, value in (("type", "ValueError"), ("message", "bad"), ("data", None)):
        table_set(detail, intern(key), None if value is None else String(value))
    failed = condition("effect-error", "charge-card raised", detail=detail)
    assert shown("effect-error-type", failed) == '"ValueError"'
    assert P["outcome-unknown?"](failed) is None
    assert refused("effect-error-type", made).startswith("effect-error-type: expected an effect")


def test_output_goes_to_the_port_that_is_named_or_the_current_one() -> None:
    buffer: list[str] = []
    ports.use_console(buffer)
    port = P["open-output-string"]()
    P["display"](to(["a", "#\\b"]), port)
    P["write"](to(["a", "#\\b"]), port)
    P["newline"]()
    assert P["get-output-string"](port).text == '(a b)("a" #\\b)'
    assert buffer == ["\n"]
    ports.use_current_output(lambda: port)
    P["write-string"](String("hello"), port, 1, 3)
    P["write-char"](char("!"))
    ports.use_current_output(None)
    assert P["get-output-string"](port).text.endswith("el!")
    P["close-port"](port)
    assert "closed" in refused("display", 1, port)


def test_input_ports_are_read_to_their_ends() -> None:
    port = P["open-input-string"](String("ab\ncd"))
    assert [shown("%peek-char", port), shown("%read-char", port)] == ["#\\a", "#\\a"]
    assert [shown("%read-line", port), shown("%read-string", 9, port)] == ['"b"', '"cd"']
    assert [shown("%read-char", port), shown("%read-line", port)] == ["#<eof>", "#<eof>"]
    binary = P["open-input-bytevector"](to(b"abc"))
    into = to(b"....")
    assert [P["%peek-u8"](binary), P["%read-u8"](binary)] == [97, 97]
    assert P["%read-bytevector!"](into, binary, 1) == 2
    assert (into.octets, shown("%read-bytevector", 1, binary)) == (b".bc.", "#<eof>")
    for name in ("%read-char", "%peek-char", "%read-line", "%char-ready?"):
        with pytest.raises(ports.ConsoleRead):
            P[name](ports.CONSOLE_INPUT)


def test_procedures_are_shown_by_their_scheme_names() -> None:
    assert write_string(P["hash-table-ref/default"]) == "#<procedure hash-table-ref/default>"
    assert TABLE["vector-fill!"].formals == "vector fill [start] [end]"
    assert (TABLE["vector-copy!"].least, TABLE["vector-copy!"].most) == (3, 5)
    assert TABLE["append"].most is None


# -- redoing after Python's own RecursionError ---------------------------------------------


def saved(value: Any) -> Any:
    """Return a value as it is after a save: with object ids, so that the write barrier acts."""
    value.oid = id(value)
    for part in (getattr(value, "cdr", None), getattr(value, "state", None)):
        if hasattr(part, "oid"):
            part.oid = id(part)
    return value


REDONE: list[tuple[str, Callable[[], list[Any]]]] = [
    ("set-car!", lambda: [saved(Pair(1, 2)), 9]),
    ("set-cdr!", lambda: [saved(Pair(1, 2)), 9]),
    ("append!", lambda: [saved(Pair(1, NIL)), saved(Pair(2, NIL)), 9]),
    ("reverse!", lambda: [saved(Pair(1, Pair(2, NIL)))]),
    ("list-set!", lambda: [saved(Pair(1, Pair(2, NIL))), 1, 9]),
    ("set-box!", lambda: [saved(Box(1)), 9]),
    ("vector-set!", lambda: [saved(Vector([1, 2])), 1, 9]),
    ("vector-swap!", lambda: [saved(Vector([1, 2])), 0, 1]),
    ("vector-fill!", lambda: [saved(Vector([1, 2])), 9]),
    ("vector-copy!", lambda: [saved(Vector([1, 2])), 0, Vector([8, 9])]),
    ("bytevector-u8-set!", lambda: [saved(Bytevector(bytearray(b"ab"))), 0, 9]),
    ("bytevector-copy!", lambda: [saved(Bytevector(bytearray(b"ab"))), 0, to(b"xy")]),
    ("string-set!", lambda: [saved(String("ab")), 0, char("x")]),
    ("string-fill!", lambda: [saved(String("ab")), char("x")]),
    ("string-copy!", lambda: [saved(String("ab")), 0, String("xy")]),
    ("hash-table-set!", lambda: [saved(make_table()), to([1, (2,)]), 9]),
    (
        "hash-table-clear!",
        lambda: [
            saved(P["%fill-hash-table"](intern("fill"), P["make-hash-table"](), to([[1, 2]])))
        ],
    ),
    ("write-char", lambda: [char("x"), saved(ports.open_output("text"))]),
    ("write-u8", lambda: [1, saved(ports.open_output("bytes"))]),
    ("%read-char", lambda: [saved(ports.open_text_input("abc"))]),
    ("%read-bytevector!", lambda: [saved(to(b"....")), saved(ports.open_bytes_input(b"abc"))]),
]


def visible(values: list[Any]) -> str:
    seen: list[Any] = []
    for value in values:
        if type(value) is ports.Port:
            seen += (value.position, String(value.tail), value.chunks)
        elif type(value).__name__ == "HashTable":
            seen.append(P["hash-table->alist"](value))
        else:
            seen.append(value)
    return write_string(Vector(seen))


def at_depth(depth: int, function: Callable[[], Any]) -> Any:
    return function() if depth == 0 else at_depth(depth - 1, function)


@pytest.mark.parametrize(("name", "make"), REDONE)
def test_a_primitive_that_overflows_python_s_stack_has_changed_nothing(
    name: str, make: Callable[[], list[Any]]
) -> None:
    """Call it with ever more free frames: all or nothing, and what changed is in the log."""
    function = P[name]
    here = len_of_stack()
    limit = sys.getrecursionlimit()
    outcomes = set()
    for free in range(-10, 20):
        log = WriteLog()
        use(log)
        arguments = make()
        before = visible(arguments)
        try:
            sys.setrecursionlimit(here + 60)
            at_depth(60 - free - 3, lambda: function(*arguments))  # noqa: B023 - called at once
            completed = True
        except RecursionError:
            completed = False
        finally:
            sys.setrecursionlimit(limit)
        changed = visible(arguments) != before
        assert changed == completed, (name, free)
        if changed:
            assert log.whole or log.slots or log.keys
        outcomes.add(completed)
    assert outcomes == {True, False}


def len_of_stack() -> int:
    frame: Any = sys._getframe()
    count = 0
    while frame is not None:
        count, frame = count + 1, frame.f_back
    return count


def test_a_literal_constant_is_never_changed() -> None:
    constant = String("abc")
    constant.oid = ports.CONSOLE_INPUT.oid
    with pytest.raises(ConstantMutation):
        P["string-set!"](constant, 0, char("x"))
    assert constant.text == "abc"
