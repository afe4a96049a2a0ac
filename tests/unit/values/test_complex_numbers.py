"""Complex numbers: exact ones are pairs of fractions, inexact ones Python's own, and both keep Scheme's rules.

Method: exact arithmetic against the formulas on pairs of `fractions.Fraction`; the elementary functions against cmath;
the laws of a field; what has no order has none.
"""

import cmath
import math
import operator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.values import elementary as el
from perdure.values import operations as op
from perdure.values import powers
from perdure.values.conditions import SchemeError
from perdure.values.equality import eqv
from perdure.values.numbers import (
    NUMBERS,
    ExactComplex,
    Ratnum,
    parts,
    ratio,
    rectangular,
    to_inexact,
)
from perdure.values.tables import key_for
from perdure.values.types import String, intern

INF = math.inf
NAN = math.nan
I = rectangular(0, 1)  # noqa: E741 - its name in mathematics
fractions = st.fractions(max_denominator=30)
pairs = st.tuples(fractions, fractions)
tame = st.floats(-50, 50, allow_subnormal=False)
tame_complex = st.builds(complex, tame, tame)


def of(pair: tuple[Fraction, Fraction]) -> Any:
    return rectangular(*(ratio(f.numerator, f.denominator) for f in pair))


def back(z: Any) -> tuple[Fraction, Fraction]:
    real, imag = parts(z)
    return Fraction(real.numerator, real.denominator), Fraction(imag.numerator, imag.denominator)


def kind_of_error(function: Any, *arguments: Any) -> str:
    with pytest.raises(SchemeError) as caught:
        function(*arguments)
    return str(caught.value.condition.kind)


def is_normal(z: Any) -> bool:
    if type(z) is ExactComplex:
        return z.imag != 0 and is_normal(z.real) and is_normal(z.imag)
    return type(z) is int or (type(z) is Ratnum and z.denominator > 1)


@given(pairs, pairs)
def test_exact_arithmetic_agrees_with_pairs_of_fractions(a: Any, b: Any) -> None:
    x, y = of(a), of(b)
    results = {
        op.add: (a[0] + b[0], a[1] + b[1]),
        op.subtract: (a[0] - b[0], a[1] - b[1]),
        op.multiply: (a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]),
    }
    if any(b):
        norm = b[0] ** 2 + b[1] ** 2
        results[op.divide] = (
            (a[0] * b[0] + a[1] * b[1]) / norm,
            (a[1] * b[0] - a[0] * b[1]) / norm,
        )
    for operation, expected in results.items():
        assert back(operation(x, y)) == expected
        assert is_normal(operation(x, y))
    assert op.num_eq(x, y) == (a == b)
    assert eqv(x, y) == (a == b)
    assert (key_for("eqv", x) == key_for("eqv", y)) == (a == b)
    assert back(op.negate(x)) == (-a[0], -a[1])


@given(pairs, pairs, pairs)
def test_exact_complex_numbers_are_a_field(a: Any, b: Any, c: Any) -> None:
    x, y, z = of(a), of(b), of(c)
    assert eqv(op.add(x, op.add(y, z)), op.add(op.add(x, y), z))
    assert eqv(op.multiply(x, op.multiply(y, z)), op.multiply(op.multiply(x, y), z))
    assert eqv(op.multiply(x, op.add(y, z)), op.add(op.multiply(x, y), op.multiply(x, z)))
    assert eqv(op.multiply(x, y), op.multiply(y, x))
    assert eqv(op.subtract(x, x), 0)
    if x != 0:
        assert eqv(op.divide(x, x), 1)
        assert eqv(op.multiply(op.divide(y, x), x), y)


@given(pairs, st.integers(-6, 6))
def test_an_exact_power_is_a_repeated_product(a: Any, power: int) -> None:
    z, product = of(a), 1
    for _ in range(abs(power)):
        product = op.multiply(product, z)
    if power < 0 and z == 0:
        assert kind_of_error(powers.expt, z, power) == "divide-error"
    else:
        assert eqv(powers.expt(z, power), product if power >= 0 else op.divide(1, product))


@given(pairs)
def test_the_root_of_an_exact_square_is_exact(a: Any) -> None:
    z = of(a)
    root = powers.sqrt(op.multiply(z, z))
    assert root in (z, op.negate(z))
    real, imag = parts(root)
    assert real > 0 or (real == 0 and imag >= 0)


@pytest.mark.parametrize("operation", [op.add, op.subtract, op.multiply, op.divide])
@given(a=st.one_of(pairs, tame_complex, tame), b=st.one_of(pairs, tame_complex, tame))
def test_mixed_arithmetic_agrees_with_python(operation: Any, a: Any, b: Any) -> None:
    x, y = (of(v) if type(v) is tuple else v for v in (a, b))
    p, q = complex(to_inexact(x)), complex(to_inexact(y))
    if operation is op.divide and q == 0:
        return
    native = {op.add: operator.add, op.subtract: operator.sub, op.multiply: operator.mul}
    found = operation(x, y)
    assert complex(to_inexact(found)) == pytest.approx(
        native.get(operation, operator.truediv)(p, q), rel=1e-9, abs=1e-6
    )
    assert type(found) in NUMBERS


@pytest.mark.parametrize(
    ("function", "python"),
    [
        (el.exp, cmath.exp),
        (el.sin, cmath.sin),
        (el.cos, cmath.cos),
        (el.tan, cmath.tan),
        (el.asin, cmath.asin),
        (el.acos, cmath.acos),
        (el.atan1, cmath.atan),
        (el.log, cmath.log),
        (powers.sqrt, cmath.sqrt),
    ],
)
@given(z=tame_complex)
def test_inexact_functions_agree_with_cmath(function: Any, python: Any, z: complex) -> None:
    try:
        expected = python(z)
    except ValueError:
        return
    assert function(z) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(tame_complex, tame_complex)
def test_inexact_powers_are_powers_of_e(z: complex, w: complex) -> None:
    if abs(z) < 1e-3 or abs(w) > 10:
        return
    assert powers.expt(z, w) == pytest.approx(cmath.exp(w * cmath.log(z)), rel=1e-6, abs=1e-6)


@given(pairs.filter(lambda a: a != (0, 0)))
def test_polar_form_is_the_same_number(a: Any) -> None:
    z = of(a)
    again = el.polar(powers.magnitude(z), el.angle(z))
    assert complex(to_inexact(again)) == pytest.approx(complex(to_inexact(z)), rel=1e-9, abs=1e-9)


def test_numbers_beyond_the_floats_have_roots_logarithms_and_angles() -> None:
    huge = rectangular(10**400, 10**400)
    assert powers.sqrt(huge) == pytest.approx(1e200 * cmath.sqrt(1 + 1j))
    assert powers.sqrt(rectangular(10**400, 1)) == pytest.approx(complex(1e200, 0))
    assert el.log(huge) == pytest.approx(complex(400 * math.log(10) + math.log(2) / 2, math.pi / 4))
    assert el.log(op.divide(1, huge)).imag == pytest.approx(-math.pi / 4)
    assert el.angle(huge) == pytest.approx(math.pi / 4)
    assert op.add(10**400, 1j) == complex(INF, 1)
    assert op.multiply(rectangular(1, 1), 1e308) == complex(1e308, 1e308)


def test_infinities_zeros_and_nan_follow_ieee() -> None:
    assert op.divide(1 + 1j, 0.0) == complex(INF, INF)
    assert op.divide(1 + 1j, 0) == complex(INF, INF)
    assert cmath.isnan(op.divide(1, 0j))
    assert kind_of_error(op.divide, I, 0) == "divide-error"
    assert eqv(powers.sqrt(-4.0), 2j)
    assert eqv(powers.sqrt(complex(-4, -0.0)), complex(0, -2))
    assert eqv(el.log(0j), complex(-INF, 0))
    assert eqv(el.exp(complex(1000, 1)), complex(INF, INF))
    assert eqv(el.exp(complex(1000, 3)), complex(-INF, INF))
    assert eqv(el.sin(complex(0, 1000)), complex(0, INF))
    assert eqv(el.cos(complex(1, 1000)), complex(INF, -INF))
    assert eqv(el.cos(complex(1, -1000)), complex(INF, INF))
    assert cmath.isnan(el.sin(complex(INF, 1)))
    assert cmath.isnan(el.cos(rectangular(10**400, 1)))
    assert cmath.isnan(el.exp(complex(INF, INF)))
    assert eqv(el.atan1(complex(0, -1)), complex(0, -INF))
    assert kind_of_error(el.atan1, I) == "divide-error"
    assert cmath.isnan(el.polar(1, INF))
    assert eqv(powers.magnitude(complex(-INF, NAN)), INF)


def test_real_arguments_beyond_a_domain_give_the_complex_result_of_the_definition() -> None:
    """By logarithms: asin z is -i log(iz + sqrt(1 - z^2)), acos z is pi/2 - asin z."""
    for x in (2, -2, 1.5, -1.5, ratio(7, 3)):
        root = powers.sqrt(op.subtract(1, op.multiply(x, x)))
        expected = op.multiply(op.negate(I), el.log(op.add(op.multiply(I, x), root)))
        assert el.asin(x) == pytest.approx(expected)
        assert el.acos(x) == pytest.approx(op.subtract(math.pi / 2, expected))
    assert el.log(-1) == complex(0, math.pi)
    assert powers.expt(-8, ratio(1, 3)) == pytest.approx(1 + math.sqrt(3) * 1j)
    assert eqv(powers.expt(-4, ratio(1, 2)), rectangular(0, 2))
    assert el.log_in_base(8, -2) == pytest.approx(cmath.log(8) / cmath.log(-2))


def test_an_exact_power_beyond_the_limit_is_refused_and_a_unit_has_all() -> None:
    assert kind_of_error(powers.expt, rectangular(1, 1), 10**9) == "quota-error"
    assert eqv(powers.expt(I, 10**30 + 3), op.negate(I))
    assert eqv(powers.expt(op.negate(I), -(10**30)), 1)
    assert powers.expt(1e300 + 1e300j, 3.5) != 0


@pytest.mark.parametrize(
    "z", [I, 1j, rectangular(ratio(1, 2), 3), complex(1, 0)], ids=lambda z: repr(z)
)
def test_what_is_not_real_has_no_order(z: Any) -> None:
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        for other in (0, 1.5, ratio(1, 2), z):
            with pytest.raises(TypeError):
                compare(z, other)
            with pytest.raises(TypeError):
                compare(other, z)
    for function in (op.less, op.greater, op.less_eq, op.greater_eq):
        assert kind_of_error(function, 1, z) == "type-error"
        assert kind_of_error(function, z, z) == "type-error"


@pytest.mark.parametrize("z", [I, 1j])
@pytest.mark.parametrize("wrong", [None, ..., String("1"), intern("a"), (1,), [1], "1"])
def test_operators_take_numbers_alone(z: Any, wrong: Any) -> None:
    for operate in (operator.add, operator.sub, operator.mul):
        with pytest.raises(TypeError):
            operate(z, wrong)
        with pytest.raises(TypeError):
            operate(wrong, z)
    for operate in (operator.mod, operator.floordiv, operator.and_, operator.lshift):
        with pytest.raises(TypeError):
            operate(z, 1)


def test_equality_tells_exactness_and_the_signs_of_zeros() -> None:
    assert op.num_eq(I, 1j)
    assert op.num_eq(1, complex(1, 0))
    assert op.num_eq(ratio(1, 2), complex(0.5, 0))
    assert op.num_eq(complex(0.5, 0), ratio(1, 2))
    assert not op.num_eq(ratio(1, 3), complex(1 / 3, 0))
    assert not op.num_eq(I, 1)
    assert not op.num_eq(complex(NAN, 0), complex(NAN, 0))
    assert not eqv(I, 1j)
    assert not eqv(complex(0.0, 1), complex(-0.0, 1))
    assert eqv(complex(NAN, 1), complex(NAN, 1))
    keys = [
        key_for("eqv", z)
        for z in (I, 1j, complex(-0.0, 1), 1, 1.0, complex(1, 0), rectangular(1, 1))
    ]
    assert len(set(keys)) == len(keys)
    assert key_for("number", complex(1, 0)) == key_for("number", 1)
    assert key_for("number", 1j) == key_for("number", I)
    assert hash(I) == hash(rectangular(0, 1))


def test_exactness_of_complex_numbers() -> None:
    assert eqv(op.exact(1.5 + 2j), rectangular(ratio(3, 2), 2))
    assert eqv(op.exact(complex(2, 0)), 2)
    assert eqv(op.inexact(rectangular(ratio(1, 2), 1)), 0.5 + 1j)
    assert kind_of_error(op.exact, complex(1, INF)) == "range-error"
    assert eqv(rectangular(1.5, 0), 1.5)
    assert eqv(rectangular(1, 2.5), 1 + 2.5j)
