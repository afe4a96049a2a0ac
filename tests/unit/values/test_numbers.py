"""Arithmetic gives R7RS's results: exact where it must be, normalised always."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.values import arithmetic as ar
from perdure.values import numbers as nu
from perdure.values.conditions import SchemeError
from perdure.values.numbers import Ratnum, ratio
from perdure.values.numerals import integer_text, number_text, parse_number
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
    assert nu.add(x, y) == of(a + b)
    assert nu.subtract(x, y) == of(a - b)
    assert nu.multiply(x, y) == of(a * b)
    assert (x < y, x <= y, x > y, x >= y) == (a < b, a <= b, a > b, a >= b)
    if b:
        assert nu.divide(x, y) == of(a / b)
    for result in (nu.add(x, y), nu.multiply(x, y)):
        assert type(result) is int or (type(result) is Ratnum and result.denominator > 1)


@given(fractions, floats)
def test_rationals_compare_exactly_with_floats(a: Fraction, b: float) -> None:
    x = of(a)
    assert (x < b, x <= b, x > b, x >= b) == (a < b, a <= b, a > b, a >= b)
    assert (b < x, b > x) == (b < a, b > a)
    assert nu.num_eq(x, b) == (a == b)


def test_nan_is_in_no_order_with_a_rational() -> None:
    half, nan = ratio(1, 2), math.nan
    assert not any((half < nan, half > nan, half <= nan, half >= nan, nu.num_eq(half, nan)))


def test_overflow_and_division_by_zero_follow_ieee_for_floats_alone() -> None:
    assert nu.add(10**400, 1.0) == INF
    assert nu.multiply(-(10**400), 1.0) == -INF
    assert nu.divide(1.0, 0.0) == INF
    assert nu.divide(-1, 0.0) == -INF
    assert nu.divide(1, -0.0) == -INF
    assert math.isnan(nu.divide(0.0, 0.0))
    assert kind_of_error(nu.divide, 1, 0) == "divide-error"
    assert kind_of_error(nu.divide, 1.0, 0) == "divide-error"


@pytest.mark.parametrize("wrong", [None, ..., String("1")])
def test_what_is_no_number_is_a_type_error(wrong: Any) -> None:
    for function in (nu.add, nu.subtract, nu.multiply, nu.divide, nu.less, nu.num_eq):
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
    result = ar.expt(base, power)
    assert result == expected
    assert type(result) is type(expected)


def test_powers_beyond_the_limit_and_complex_results_are_refused() -> None:
    assert kind_of_error(ar.expt, 10, 10**9) == "quota-error"
    assert kind_of_error(ar.arithmetic_shift, 1, 10**12) == "quota-error"
    assert kind_of_error(ar.expt, 0, -1) == "divide-error"
    assert kind_of_error(ar.expt, -8, ratio(1, 3)) == "range-error"
    assert kind_of_error(ar.sqrt, -4) == "range-error"
    assert kind_of_error(ar.log, -1) == "range-error"
    assert kind_of_error(ar.asin, 2) == "range-error"


def test_square_roots_are_exact_for_squares_and_near_otherwise() -> None:
    assert ar.sqrt(16) == 4
    assert type(ar.sqrt(16)) is int
    assert ar.sqrt(ratio(9, 4)) == ratio(3, 2)
    assert ar.sqrt(2) == math.sqrt(2)
    assert ar.sqrt(2 * 10**400) == pytest.approx(math.sqrt(2) * 1e200)
    assert ar.sqrt(ratio(1, 2 * 10**400)) == pytest.approx(math.sqrt(0.5) * 1e-200)
    assert ar.exact_integer_sqrt(17) == (4, 1)


def test_elementary_functions_are_exact_at_their_fixed_points() -> None:
    assert [ar.exp(0), ar.log(1), ar.sin(0), ar.cos(0), ar.atan2(0, 1)] == [1, 0, 0, 1, 0]
    assert ar.log(10**1000) == pytest.approx(1000 * math.log(10))
    assert ar.exp(1000) == INF
    assert math.isnan(ar.sin(INF))
    assert ar.rationalize(ratio(3, 10), ratio(1, 10)) == ratio(1, 3)
    assert ar.rationalize(0.3, ratio(1, 10)) == 1 / 3


def test_exactness_conversions() -> None:
    assert nu.exact(0.5) == ratio(1, 2)
    assert nu.exact(2.0) == 2
    assert kind_of_error(nu.exact, math.nan) == "range-error"
    assert nu.inexact(ratio(10**400, 3)) == INF
    assert nu.extreme("max", (1, 2.0, ratio(5, 2)), largest=True) == 2.5
    assert math.isnan(nu.extreme("min", (1, math.nan, 2), largest=False))


# -- text ----------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.one_of(st.integers(), fractions.map(of), floats), st.integers(2, 36))
def test_what_is_written_is_read_back(x: Any, radix: int) -> None:
    back = parse_number(number_text(x, radix), radix)
    assert type(back) is type(x)
    assert back == x
    assert number_text(back) == number_text(x)


@pytest.mark.parametrize("radix", [3, 10, 16, 36])
def test_huge_integers_are_converted_without_the_settings_of_the_host(radix: int) -> None:
    n = -(7**40_000)
    assert parse_number(integer_text(n, radix), radix) == n


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.5e-1", -0.05),
        ("1E2", 100.0),
        ("#e1.25", ratio(5, 4)),
        ("#e1e3", 1000),
        ("#i1/4", 0.25),
        ("#xFF", 255),
        ("#e#xff", 255),
        ("#x#e-ff", -255),
        ("#b101/11", ratio(5, 3)),
        ("+inf.0", INF),
        ("-INF.0", -INF),
        ("6/4", ratio(3, 2)),
    ],
)
def test_literals_are_numbers(text: str, expected: Any) -> None:
    found = parse_number(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        *"+ - ... . 1+ -- 1/0 1/ /2 1.2.3 e5 1e 1_000 0x10 ١٢ #b12 #x#x1 #e+inf.0 1/2.5 abc +i".split(),  # noqa: SIM905
        *("", " 1", "1 ", "1\n", "#", "#e", "1e2e3"),
    ],
)
def test_other_texts_are_no_numbers(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (1.0, "1.0"),
        (1e21, "1e21"),
        (1e-7, "1e-7"),
        (-0.0, "-0.0"),
        (123456.75, "123456.75"),
        (INF, "+inf.0"),
        (math.nan, "+nan.0"),
        (ratio(-1, 3), "-1/3"),
    ],
)
def test_numbers_are_written_as_scheme_does(x: Any, text: str) -> None:
    assert number_text(x) == text


def test_an_exact_literal_beyond_the_limit_is_refused() -> None:
    assert kind_of_error(parse_number, "#e1e999999999") == "quota-error"
    assert kind_of_error(parse_number, "#e1e-9999999999999999999999") == "quota-error"
