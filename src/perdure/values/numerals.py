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
from cmath import isfinite
from functools import cache
from math import copysign, inf, nan
from typing import Any

from perdure.values.arithmetic import check_bits
from perdure.values.conditions import fail
from perdure.values.elementary import polar
from perdure.values.numbers import (
    EXACT,
    REALS,
    ExactComplex,
    Ratnum,
    parts,
    ratio,
    rectangular,
    to_float,
    to_inexact,
)
from perdure.values.operations import exact

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SMALL_BITS = 1024
"""Integers up to this size are converted by Python itself: no setting of the host can forbid it."""
_SMALL_DIGITS = 512
_SHIFTS = {2: 1, 4: 2, 8: 3, 16: 4, 32: 5}
"""The bits of a digit in the radices that are powers of two."""
COMPLEX_RADIX_MAX = 18
"""Beyond it `i` is a digit."""

_DECIMAL = decimal.Context(
    prec=decimal.MAX_PREC,
    Emax=decimal.MAX_EMAX,
    Emin=decimal.MIN_EMIN,
    traps=[decimal.Inexact],
)


# -- out -----------------------------------------------------------------------------------


def number_text(z: Any, radix: int = 10) -> str:
    """Return the external form of a number; a complex one in a radix up to `COMPLEX_RADIX_MAX`.

    An inexact number is written with a point in the radix 10 and in powers of two. In any other
    radix, where it may have no end of digits, it is an exact number with the prefix `#i`.
    """
    pointed = radix == 10 or radix in _SHIFTS
    if type(z) in REALS:
        prefix = "" if pointed or type(z) is not float or not isfinite(z) else "#i"
        return prefix + _real_text(z, radix)
    # The real part is left out when it is what the reader takes for one that is left out.
    left_out = z.real == 0 and copysign(1, z.real) > 0 if type(z) is complex else z.real == 0
    real = "" if left_out else _real_text(z.real, radix)
    imag = _real_text(z.imag, radix)
    if imag in ("1", "-1") and type(z) is ExactComplex:
        imag = imag[:-1]
    sign = "" if imag[:1] in ("+", "-") else "+"
    return f"{'' if pointed or type(z) is ExactComplex else '#i'}{real}{sign}{imag}i"


def _real_text(x: Any, radix: int) -> str:
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
    sign = "-" if copysign(1, x) < 0 else ""
    n, d = abs(x).as_integer_ratio()
    if radix not in _SHIFTS:
        return sign + _real_text(ratio(n, d), radix)
    # The denominator is a power of two, so the digits end.
    shift = _SHIFTS[radix]
    places = max(1, -(-(d.bit_length() - 1) // shift))
    digits = integer_text((n << shift * places) // d, radix).zfill(places + 1)
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


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


def check_printable(procedure: str, z: Any) -> None:
    """Raise a quota-error condition if a number is too large to be written."""
    if type(z) in EXACT:
        for part in parts(z):
            check_bits(procedure, max(part.numerator.bit_length(), part.denominator.bit_length()))


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


_PREFIX = re.compile(r"#([xbodei])")
_RADIX = {"x": 16, "b": 2, "o": 8, "d": 10}
_SPECIAL = {"+inf.0": inf, "-inf.0": -inf, "+nan.0": nan, "-nan.0": nan}
_MARKER = re.compile(r"[esfdl]")
"""Exponent markers: R7RS has `e` alone, the reports before it the others, which mean the same."""


@cache
def _form(radix: int) -> re.Pattern[str]:
    """Return the pattern of all numbers without prefix, in lower case.

    Its groups are the real part or magnitude, the angle, and the imaginary part. The possessive
    repeats keep the time in proportion to the length, whatever the text.
    """
    digit = f"[{_DIGITS[:radix]}]"
    exponent = "(?:[esfdl][+-]?[0-9]++)?" if radix == 10 else ""
    unsigned = rf"{digit}++/{digit}++|(?:{digit}++(?:\.{digit}*+)?|\.{digit}++){exponent}"
    special = r"(?:inf|nan)\.0"
    real = rf"[+-]{special}|[+-]?(?:{unsigned})"
    if radix > COMPLEX_RADIX_MAX:
        return re.compile(rf"({real})()()")
    return re.compile(rf"({real})?(?:@({real})|([+-](?:{special}|{unsigned})?)i)?")


def parse_number(text: str, radix: int = 10) -> Any:
    """Return the number that a text is the external form of, or None if it is none.

    Args:
      text: any R7RS number, with or without the prefixes #x #b #o #d #e #i; a point is taken in
        every radix, an exponent in the radix 10.
      radix: 2 to 36; a prefix in the text overrides it.

    Raises:
      SchemeError: quota-error, for an exact number beyond the limit of size.
    """
    if not text.isascii():
        return None
    if radix == 10 and text.isdigit():
        return digits_value(text)
    exactness, seen_radix = "", False
    text = text.lower()
    while (prefix := _PREFIX.match(text)) is not None:
        letter = prefix[1]
        if exactness if letter in "ei" else seen_radix:
            return None
        if letter in "ei":
            exactness = letter
        else:
            seen_radix, radix = True, _RADIX[letter]
        text = text[2:]
    found = _form(radix).fullmatch(text)
    if found is None:
        return None
    real, angle, imag = found.groups()
    if angle:
        return None if real is None else _parse_polar(real, angle, radix, exactness)
    if real is None and imag is None:
        return None
    x = _parse_real(real or "0", radix, exactness)
    if not imag or x is None:
        return x
    y = _parse_real(f"{imag}1" if imag in ("+", "-") else imag, radix, exactness)
    return None if y is None else rectangular(x, y)


def _parse_polar(size: str, angle: str, radix: int, exactness: str) -> Any:
    given = "i" if exactness == "i" else ""
    x, y = _parse_real(size, radix, given), _parse_real(angle, radix, given)
    if x is None or y is None:
        return None
    z = polar(x, y)
    if exactness != "e":
        return z
    return exact(z) if isfinite(to_inexact(z)) else None


def _parse_real(text: str, radix: int, exactness: str) -> Any:
    """Return the value of a real number in a valid form, None if it has none: 1/0, #e+inf.0."""
    if text in _SPECIAL:
        return None if exactness == "e" else _SPECIAL[text]
    if "/" not in text:
        if radix == 10:
            text = _MARKER.sub("e", text)
        pointed = "." in text or (radix == 10 and "e" in text)
        if pointed and radix == 10 and exactness != "e":
            return float(text)
        x = _parse_pointed(text, radix) if pointed else _signed(text, radix)
    else:
        above, _, below = text.partition("/")
        d = digits_value(below, radix)
        if d == 0:
            return None
        x, pointed = ratio(_signed(above, radix), d), False
    if exactness == "i" or (pointed and exactness != "e"):
        return -0.0 if x == 0 and text[0] == "-" else to_float(x)
    return x


def _signed(text: str, radix: int) -> int:
    n = digits_value(text.lstrip("+-"), radix)
    return -n if text[0] == "-" else n


def _parse_pointed(text: str, radix: int) -> Any:
    """Return the exact value of digits with a point or an exponent."""
    if radix == 10:
        text, _, power = text.partition("e")
    else:
        power = ""
    if len(power) > 18:
        raise fail("quota-error", "string->number: the exponent is too large")
    whole, _, fraction = text.partition(".")
    significand = _signed(whole + fraction, radix)
    exponent = (int(power) if power else 0) - len(fraction)
    if significand == 0:
        return 0
    check_bits("string->number", abs(exponent) * (radix - 1).bit_length())
    if exponent >= 0:
        return significand * radix**exponent
    return ratio(significand, radix**-exponent)
