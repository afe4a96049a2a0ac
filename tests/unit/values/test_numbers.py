"""Arithmetic gives R7RS's results: exact where it must be, normalised always."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.values import arithmetic as ar
from perdure.values import elementary as el
from perdure.values import operations as op
from perdure.values import powers
from perdure.values.conditions import SchemeError
from perdure.values.numbers import Ratnum, ratio
from perdure.values.types import String

INF = math.inf
fractions = st.fractions(max_denominator=50)
floats = st.floats(allow_nan=False)


def of(f: Fraction) -> Any:
    return ratio(f.numerator, f.denominator)


def kind_of_error(function: Any, *arguments: Any) -> str:
    with pytest.raises(SchemeError) as caught:
        function(*arguments)
    return str(caught.value.condition.kind)


@given(fractions, fractions)
def test_rationals_agree_with_fractions(a: Fraction, b: Fraction) -> None:
    x, y = of(a), of(b)
    assert op.add(x, y) == of(a + b)
    assert op.subtract(x, y) == of(a - b)
    assert op.multiply(x, y) == of(a * b)
    assert (x < y, x <= y, x > y, x >= y) == (a < b, a <= b, a > b, a >= b)
    if b:
        assert op.divide(x, y) == of(a / b)
    for result in (op.add(x, y), op.multiply(x, y)):
        assert type(result) is int or (type(result) is Ratnum and result.denominator > 1)


@given(fractions, floats)
def test_rationals_compare_exactly_with_floats(a: Fraction, b: float) -> None:
    x = of(a)
    assert (x < b, x <= b, x > b, x >= b) == (a < b, a <= b, a > b, a >= b)
    assert (b < x, b > x) == (b < a, b > a)
    assert op.num_eq(x, b) == (a == b)


def test_nan_is_in_no_order_with_a_rational() -> None:
    half, nan = ratio(1, 2), math.nan
    assert not any((half < nan, half > nan, half <= nan, half >= nan, op.num_eq(half, nan)))


def test_overflow_and_division_by_zero_follow_ieee_for_floats_alone() -> None:
    assert op.add(10**400, 1.0) == INF
    assert op.multiply(-(10**400), 1.0) == -INF
    assert op.divide(1.0, 0.0) == INF
    assert op.divide(-1, 0.0) == -INF
    assert op.divide(1, -0.0) == -INF
    assert math.isnan(op.divide(0.0, 0.0))
    assert kind_of_error(op.divide, 1, 0) == "divide-error"
    assert op.divide(-1.0, 0) == -INF


@pytest.mark.parametrize("wrong", [None, ..., String("1")])
def test_what_is_no_number_is_a_type_error(wrong: Any) -> None:
    for function in (op.add, op.subtract, op.multiply, op.divide, op.less, op.num_eq):
        assert kind_of_error(function, 1, wrong) == "type-error"
        assert kind_of_error(function, wrong, ratio(1, 2)) == "type-error"


@given(st.integers(), st.integers().filter(bool))
def test_division_families_satisfy_their_identities(n: int, d: int) -> None:
    for divide, whole in ((ar.floor_divide, math.floor), (ar.truncate_divide, math.trunc)):
        q, r = divide(n, d)
        assert q == whole(Fraction(n, d))
        assert n == d * q + r


def test_integer_division_takes_integral_floats_and_nothing_else() -> None:
    assert ar.floor_divide(-7.0, 2) == (-4.0, 1.0)
    assert kind_of_error(ar.floor_divide, 7.5, 2) == "type-error"
    assert kind_of_error(ar.truncate_divide, INF, 2) == "type-error"
    assert kind_of_error(ar.truncate_divide, 1.0, 0.0) == "divide-error"


@given(fractions)
def test_rounding_a_rational_agrees_with_fractions(a: Fraction) -> None:
    x = of(a)
    assert ar.rounded("floor", x) == math.floor(a)
    assert ar.rounded("ceiling", x) == math.ceil(a)
    assert ar.rounded("truncate", x) == math.trunc(a)
    assert ar.rounded("round", x) == round(a)


def test_rounding_a_float_keeps_sign_and_infinity() -> None:
    assert math.copysign(1, ar.rounded("round", -0.4)) == -1
    assert ar.rounded("round", 2.5) == 2.0
    assert ar.rounded("floor", INF) == INF


@pytest.mark.parametrize(
    ("base", "power", "expected"),
    [
        (2, 10, 1024),
        (2, -2, ratio(1, 4)),
        (ratio(2, 3), 3, ratio(8, 27)),
        (ratio(-2, 3), -3, ratio(-27, 8)),
        (0, 0, 1),
        (-1, 10**30 + 1, -1),
        (-1, 10**30, 1),
        (4, ratio(1, 2), 2),
        (2.0, 3, 8.0),
        (2.0, 10**400, INF),
        (0.0, -1, INF),
        (10.0, 400, INF),
        (-10.0, 401, -INF),
    ],
)
def test_expt(base: Any, power: Any, expected: Any) -> None:
    result = powers.expt(base, power)
    assert result == expected
    assert type(result) is type(expected)


def test_powers_beyond_the_limit_and_of_zero_are_refused() -> None:
    assert kind_of_error(powers.expt, 10, 10**9) == "quota-error"
    assert kind_of_error(ar.arithmetic_shift, 1, 10**12) == "quota-error"
    assert kind_of_error(powers.expt, 0, -1) == "divide-error"


def test_square_roots_are_exact_for_squares_and_near_otherwise() -> None:
    assert powers.sqrt(16) == 4
    assert type(powers.sqrt(16)) is int
    assert powers.sqrt(ratio(9, 4)) == ratio(3, 2)
    assert powers.sqrt(2) == math.sqrt(2)
    assert powers.sqrt(2 * 10**400) == pytest.approx(math.sqrt(2) * 1e200)
    assert powers.sqrt(ratio(1, 2 * 10**400)) == pytest.approx(math.sqrt(0.5) * 1e-200)
    assert powers.exact_integer_sqrt(17) == (4, 1)


def test_elementary_functions_are_exact_at_their_fixed_points() -> None:
    assert [el.exp(0), el.log(1), el.sin(0), el.cos(0), el.atan2(0, 1)] == [1, 0, 0, 1, 0]
    assert el.log(10**1000) == pytest.approx(1000 * math.log(10))
    assert el.exp(1000) == INF
    assert math.isnan(el.sin(INF))
    assert ar.rationalize(ratio(3, 10), ratio(1, 10)) == ratio(1, 3)
    assert ar.rationalize(0.3, ratio(1, 10)) == 1 / 3


def test_exactness_conversions() -> None:
    assert op.exact(0.5) == ratio(1, 2)
    assert op.exact(2.0) == 2
    assert kind_of_error(op.exact, math.nan) == "range-error"
    assert op.inexact(ratio(10**400, 3)) == INF
    assert op.extreme("max", (1, 2.0, ratio(5, 2)), largest=True) == 2.5
    assert math.isnan(op.extreme("min", (1, math.nan, 2), largest=False))
