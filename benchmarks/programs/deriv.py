"""Symbolic derivatives of polynomials: lists and symbols."""

from benchmarks.programs.data import Pair, nested, reverse

EXPRESSION = nested(
    ["+", ["*", 3, "x", "x"], ["*", "a", "x", "x"], ["/", "b", ["-", "x", 1]], ["*", "b", "x"], 5]
)


def map_pairs(function, pairs):
    made = None
    while pairs is not None:
        made = Pair(function(pairs.car), made)
        pairs = pairs.cdr
    return reverse(made)


def triple(a, b, c):
    return Pair(a, Pair(b, Pair(c, None)))


def derivative(e):
    if type(e) is not Pair:
        return 1 if e == "x" else 0
    operator = e.car
    if operator == "+":
        return Pair("+", map_pairs(derivative, e.cdr))
    if operator == "-":
        return Pair("-", map_pairs(derivative, e.cdr))
    if operator == "*":
        terms = map_pairs(lambda factor: triple("/", derivative(factor), factor), e.cdr)
        return triple("*", e, Pair("+", terms))
    if operator == "/":
        above, below = e.cdr.car, e.cdr.cdr.car
        square = Pair("*", triple(below, below, derivative(below)))
        return triple("-", triple("/", derivative(above), below), triple("/", above, square))
    raise ValueError(operator)


def size(e):
    return size(e.car) + size(e.cdr) + 1 if type(e) is Pair else 0


def deriv(times):
    found = None
    while times != 0:
        found = derivative(EXPRESSION)
        times -= 1
    return size(found)
