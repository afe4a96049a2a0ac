"""Numbers as text: what is written is read back in every radix, what is no number is none, and no text takes long.

Method: random numbers of every kind; tables of literals; long texts under a bound of time that a quadratic parser
misses by a wide margin.
"""

import math
import time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.values.conditions import SchemeError
from perdure.values.equality import eqv
from perdure.values.numbers import ratio, rectangular
from perdure.values.numerals import (
    COMPLEX_RADIX_MAX,
    check_printable,
    integer_text,
    number_text,
    parse_number,
)

INF = math.inf
NAN = math.nan
exact_reals = st.one_of(
    st.integers(), st.fractions().map(lambda f: ratio(f.numerator, f.denominator))
)
floats = st.floats()
complexes = st.one_of(
    st.builds(rectangular, exact_reals, exact_reals), st.builds(complex, floats, floats)
)


def kind_of_error(function: Any, *arguments: Any) -> str:
    with pytest.raises(SchemeError) as caught:
        function(*arguments)
    return str(caught.value.condition.kind)


@settings(max_examples=300)
@given(st.one_of(exact_reals, floats), st.integers(2, 36))
def test_a_real_number_is_read_back(x: Any, radix: int) -> None:
    assert eqv(parse_number(number_text(x, radix), radix), x)


@settings(max_examples=300)
@given(complexes, st.integers(2, COMPLEX_RADIX_MAX))
def test_a_complex_number_is_read_back(z: Any, radix: int) -> None:
    assert eqv(parse_number(number_text(z, radix), radix), z)


@given(st.one_of(exact_reals, complexes), st.sampled_from("bodx"))
def test_a_prefix_says_the_radix_of_what_follows(z: Any, letter: str) -> None:
    radix = {"b": 2, "o": 8, "d": 10, "x": 16}[letter]
    assert eqv(parse_number(f"#{letter}{number_text(z, radix)}", 7), z)
    assert eqv(parse_number(f"#{letter.upper()}{number_text(z, radix).upper()}"), z)


@given(
    st.text(alphabet="0123456789abcdefilnx+-./@#E \u0662\u212a", max_size=12), st.integers(2, 36)
)
def test_a_text_is_a_number_or_none(text: str, radix: int) -> None:
    """Whatever is parsed is a number that is written and read back."""
    try:
        z = parse_number(text, radix)
    except SchemeError as error:
        assert error.condition.kind == "quota-error"
        return
    if z is not None:
        assert eqv(parse_number(number_text(z), 10), z)


@given(floats.filter(math.isfinite))
def test_an_exact_prefix_keeps_every_digit(x: float) -> None:
    written = number_text(x)
    n = parse_number(f"#e{written}")
    assert Fraction(n.numerator, n.denominator) == Fraction(written)
    assert parse_number(f"#e{number_text(x, 2)}", 2) == ratio(*x.as_integer_ratio())


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
        ("1f2", 100.0),
        ("1S-2", 0.01),
        ("#e1.25", ratio(5, 4)),
        ("#e1e3", 1000),
        ("#i1/4", 0.25),
        ("#i-0", -0.0),
        ("#xFF", 255),
        ("#e#xff", 255),
        ("#x#e-ff", -255),
        ("#b101/11", ratio(5, 3)),
        ("#b1.1", 1.5),
        ("#e#b1.1", ratio(3, 2)),
        ("+inf.0", INF),
        ("-INF.0", -INF),
        ("-nan.0", NAN),
        ("6/4", ratio(3, 2)),
        ("0/5", 0),
        ("+i", rectangular(0, 1)),
        ("-I", rectangular(0, -1)),
        ("1+2i", rectangular(1, 2)),
        ("1/2-3/4i", rectangular(ratio(1, 2), ratio(-3, 4))),
        ("1.5+2i", 1.5 + 2j),
        ("-2.5+0i", -2.5),
        ("-2.5+0.0i", complex(-2.5, 0)),
        ("+inf.0i", complex(0, INF)),
        ("+inf.0-nan.0i", complex(INF, NAN)),
        ("1e2-1e2i", 100 - 100j),
        ("#x1e+ai", rectangular(30, 10)),
        ("#i1+2i", 1 + 2j),
        ("#e1.5+2.5i", rectangular(ratio(3, 2), ratio(5, 2))),
        ("1@0", 1),
        ("#i1@0", complex(1, 0)),
        ("0@1", 0),
        ("2.0@0", 2.0),
        ("1@1", complex(math.cos(1), math.sin(1))),
        ("#e1@1", rectangular(ratio(*math.cos(1).as_integer_ratio()), ratio(*math.sin(1).as_integer_ratio()))),
    ],
)  # fmt: skip
def test_literals_are_numbers(text: str, expected: Any) -> None:
    assert eqv(parse_number(text), expected)


@pytest.mark.parametrize(
    "text",
    [
        *"+ - ... . 1+ -- 1/0 1/ /2 1.2.3 e5 1e 1_000 0x10 ١٢ #b12 #x#x1 #e+inf.0 1/2.5 abc i 1i".split(),  # noqa: SIM905
        *"1+2 1+2i3 1@ @1 1@2i 1@2@3 +i+i 1++i 1/0+i 1+1/0i #e1+nan.0i #e+inf.0@1 +inf.0.0 1e+i".split(),  # noqa: SIM905
        *("", " 1", "1 ", "1\n", "#", "#e", "1e2e3", "#\n1", "1\x00", "½", "²", "+1\n"),
    ],
)
def test_other_texts_are_no_numbers(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("z", "text"),
    [
        (1.0, "1.0"),
        (100.0, "100.0"),
        (1e21, "1e21"),
        (1e-7, "1e-7"),
        (-0.0, "-0.0"),
        (123456.75, "123456.75"),
        (INF, "+inf.0"),
        (NAN, "+nan.0"),
        (ratio(-1, 3), "-1/3"),
        (rectangular(0, 1), "+i"),
        (rectangular(1, -1), "1-i"),
        (rectangular(ratio(1, 2), -2), "1/2-2i"),
        (complex(0.0, 1.0), "+1.0i"),
        (complex(-0.0, -1.5), "-0.0-1.5i"),
        (complex(1, -0.0), "1.0-0.0i"),
        (complex(NAN, INF), "+nan.0+inf.0i"),
    ],
)
def test_numbers_are_written_as_scheme_does(z: Any, text: str) -> None:
    assert number_text(z) == text


@pytest.mark.parametrize(
    ("x", "radix", "text"),
    [
        (0.5, 2, "0.1"),
        (-10.75, 16, "-a.c"),
        (64.0, 8, "100.0"),
        (0.1, 3, "#i10022201012011022202011000012/1101210110120222020222222022212110211"),
        (1.5 - 0.25j, 2, "1.1-0.01i"),
        (1.5 - 1j, 7, "#i3/2-1i"),
        (INF, 3, "+inf.0"),
    ],
)
def test_inexact_numbers_have_a_point_where_their_digits_end(x: Any, radix: int, text: str) -> None:
    if radix == 3:
        text = f"#i{number_text(ratio(*x.as_integer_ratio()), 3)}" if math.isfinite(x) else text
    assert number_text(x, radix) == text


def test_an_exact_literal_beyond_the_limit_is_refused() -> None:
    assert kind_of_error(parse_number, "#e1e999999999") == "quota-error"
    assert kind_of_error(parse_number, "#e1e-9999999999999999999999") == "quota-error"
    assert (
        kind_of_error(check_printable, "number->string", rectangular(1, 1 << 2**27))
        == "quota-error"
    )
    assert parse_number("1e999999999999999999999999") == INF
    assert parse_number("#e0e999999999999") == 0


@pytest.mark.parametrize(
    "text",
    [
        "7" * 200_000 + "x",
        "+" * 1_000_000,
        "1e" * 500_000,
        "1." * 500_000,
        "1/" * 500_000,
        "1+" * 500_000 + "i",
        "#e" + "9" * 100_000 + "." + "9" * 100_000 + "e",
        "a" * 1_000_000,
        "1@" * 500_000,
        ("1" * 500_000) + "." + ("3" * 500_000) + "e",
    ],
    ids=lambda text: text[:6],
)
def test_a_long_text_that_is_no_number_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    assert parse_number(text) is None
    assert time.perf_counter() - began < 1


def test_a_float_of_many_digits_is_read_at_once() -> None:
    began = time.perf_counter()
    assert parse_number("1" * 500_000 + "." + "3" * 500_000) == INF
    assert parse_number("0." + "0" * 300 + "3" * 500_000) == pytest.approx(1e-300 / 3)
    assert time.perf_counter() - began < 1
