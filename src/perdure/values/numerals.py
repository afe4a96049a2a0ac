"""Numbers as text: what `number->string` writes and `string->number` and the reader take.

Layer: values. Imports numbers, arithmetic, conditions, limits.
Invariant: parse(format(x, radix), radix) is eqv? to x, in every radix from 2 to 36.

Python refuses to convert integers of more than some thousand digits, by a setting of the whole
process that belongs to our host, not to us. So large integers are converted by halves. Out to
decimal, the halves are joined as `decimal` numbers, whose multiplication is fast where that of
ints is quadratic (a million digits: 0.3 s).
"""

from __future__ import annotations

import decimal
import re
from math import inf, isfinite, nan
from typing import Any

from perdure.values.arithmetic import check_bits
from perdure.values.conditions import fail
from perdure.values.numbers import Ratnum, ratio, to_float

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SMALL_BITS = 1024
"""Integers up to this size are converted by Python itself: no setting of the host can forbid it."""
_SMALL_DIGITS = 512

_DECIMAL = decimal.Context(
    prec=decimal.MAX_PREC,
    Emax=decimal.MAX_EMAX,
    Emin=decimal.MIN_EMIN,
    traps=[decimal.Inexact],
)


# -- out -----------------------------------------------------------------------------------


def number_text(x: Any, radix: int = 10) -> str:
    """Return the external form of a number.

    A float in another radix than 10 is written as an exact number with the prefix `#i`: R7RS has
    no decimal points there.
    """
    if type(x) is int:
        return integer_text(x, radix)
    if type(x) is Ratnum:
        return f"{integer_text(x.numerator, radix)}/{integer_text(x.denominator, radix)}"
    if x != x:  # noqa: PLR0124 - the test for NaN
        return "+nan.0"
    if not isfinite(x):
        return "+inf.0" if x > 0 else "-inf.0"
    if radix == 10:
        return repr(x).replace("e+", "e").replace("e-0", "e-")
    sign = "-" if x == 0 and repr(x)[0] == "-" else ""
    return f"#i{sign}{number_text(ratio(*x.as_integer_ratio()), radix)}"


def integer_text(n: int, radix: int = 10) -> str:
    """Return an exact integer's digits in a radix, of whatever size it is."""
    if radix == 10:
        if n.bit_length() <= _SMALL_BITS:
            return str(n)
        return str(_to_decimal(n, n.bit_length(), {}))
    if radix in (2, 8, 16):
        return format(n, {2: "b", 8: "o", 16: "x"}[radix])
    return f"-{_digits(-n, radix)}" if n < 0 else _digits(n, radix)


def _to_decimal(n: int, bits: int, powers: dict[int, decimal.Decimal]) -> decimal.Decimal:
    if bits <= _SMALL_BITS:
        return decimal.Decimal(n)
    half = bits >> 1
    power = powers.get(half)
    if power is None:
        power = powers[half] = _DECIMAL.power(decimal.Decimal(2), half)
    high = n >> half
    low = _to_decimal(n - (high << half), half, powers)
    return _DECIMAL.add(_DECIMAL.multiply(_to_decimal(high, bits - half, powers), power), low)


def _digits(n: int, radix: int) -> str:
    """Return the digits of n >= 0, most significant first, splitting by squares of the radix."""
    powers = [radix**32]
    while powers[-1] <= n:
        powers.append(powers[-1] * powers[-1])
    parts = [n]
    for power in reversed(powers):
        parts = [half for part in parts for half in divmod(part, power)]
    return "".join(_short_digits(part, radix) for part in parts).lstrip("0") or "0"


def _short_digits(n: int, radix: int) -> str:
    digits = []
    for _ in range(32):
        n, digit = divmod(n, radix)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def check_printable(procedure: str, x: Any) -> None:
    """Raise a quota-error condition if a number is too large to be written."""
    if type(x) is int:
        check_bits(procedure, x.bit_length())
    elif type(x) is not float:
        check_bits(procedure, max(x.numerator.bit_length(), x.denominator.bit_length()))


# -- in ------------------------------------------------------------------------------------


def digits_value(text: str, radix: int = 10) -> int:
    """Return the value of digits without a sign, which must be valid in the radix."""
    if len(text) <= _SMALL_DIGITS or radix in (2, 4, 8, 16, 32):
        return int(text, radix)
    check_bits("string->number", len(text) * (radix - 1).bit_length())
    values = [
        int(text[max(0, end - _SMALL_DIGITS) : end], radix)
        for end in range(len(text), 0, -_SMALL_DIGITS)
    ]
    power = radix**_SMALL_DIGITS
    while len(values) > 1:
        if len(values) % 2:
            values.append(0)
        values = [low + high * power for low, high in zip(values[::2], values[1::2], strict=True)]
        power *= power
    return values[0]


_PREFIX = re.compile(r"#([xbodei])", re.IGNORECASE)
_RADIX = {"x": 16, "b": 2, "o": 8, "d": 10}
_SPECIAL = {"+inf.0": inf, "-inf.0": -inf, "+nan.0": nan, "-nan.0": nan}
_DECIMAL_FORM = re.compile(
    r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:e([+-]?[0-9]+))?", re.ASCII
)


def parse_number(text: str, radix: int = 10) -> Any:
    """Return the number that a text is the external form of, or None if it is none.

    Args:
      text: any R7RS real literal, with or without the prefixes #x #b #o #d #e #i.
      radix: 2 to 36; a prefix in the text overrides it.

    Raises:
      SchemeError: quota-error, for an exact number beyond the limit of size.
    """
    exactness = ""
    seen_radix = False
    text = text.lower()
    while (prefix := _PREFIX.match(text)) is not None:
        letter = prefix[1]
        if letter in "ei":
            if exactness:
                return None
            exactness = letter
        elif seen_radix:
            return None
        else:
            seen_radix, radix = True, _RADIX[letter]
        text = text[2:]
    if text in _SPECIAL:
        return None if exactness == "e" else _SPECIAL[text]
    if radix == 10 and ("." in text or "e" in text):
        return _parse_decimal(text, exactness)
    return _parse_exact(text, radix, exactness)


def _parse_decimal(text: str, exactness: str) -> Any:
    form = _DECIMAL_FORM.fullmatch(text)
    if form is None:
        return None
    if exactness != "e":
        return float(text)
    sign, whole, after, only, power = form.groups()
    fraction = after or only or ""
    significand = digits_value((whole or "") + fraction)
    if len(power or "") > 18:
        raise fail("quota-error", "string->number: the exponent is too large")
    exponent = (int(power) if power else 0) - len(fraction)
    if significand == 0:
        return 0
    check_bits("string->number", abs(exponent) * 4)
    significand = -significand if sign == "-" else significand
    return significand * 10**exponent if exponent >= 0 else ratio(significand, 10**-exponent)


_ALNUM = re.compile(r"[0-9a-z]+", re.ASCII)


def _parse_exact(text: str, radix: int, exactness: str) -> Any:
    sign = text[:1] if text[:1] in ("+", "-") else ""
    above, slash, below = text[len(sign) :].partition("/")
    valid = _DIGITS[:radix]
    for digits in (above, below) if slash else (above,):
        if _ALNUM.fullmatch(digits) is None or digits.strip(valid):
            return None
    n = digits_value(above, radix)
    n = -n if sign == "-" else n
    if slash:
        d = digits_value(below, radix)
        if d == 0:
            return None
        n = ratio(n, d)
    if exactness == "i":
        return -0.0 if n == 0 and sign == "-" else to_float(n)
    return n
