"""JSON text for values that crossed the boundary: Python data to JSON and back, without loss.

Layer: engine. Imports boundary, base.
Invariant: parse(text(x)) == x for every x that `boundary.to_python` gives. What JSON has no form for becomes an
object with one key that starts with `$` (docs/reference/boundary.md); an object that only looks like one is escaped.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from fractions import Fraction
from typing import Any

from perdure.base import limits
from perdure.base.errors import CallError
from perdure.engine.boundary import DECODERS, ESCAPED, TAG, tagged_in
from perdure.values.numerals import number_text, parse_number

_INTEGER_BITS = 13_000
"""Python refuses to write or read integers of more than 4,300 digits in decimal, for reasons of time."""

_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def to_jsonable(value: Any) -> Any:
    """Return the data with everything that JSON can't say replaced by tagged objects."""
    holder: list[Any] = []
    work: list[tuple[Any, Any, Any]] = [(value, holder, None)]
    while work:
        source, target, key = work.pop()
        made = _shell(source)
        if isinstance(made, dict) and isinstance(source, dict):
            single = len(source) == 1
            for name, item in source.items():
                shown = f"${name}" if single and TAG.fullmatch(name) else name
                made[shown] = None
                work.append((item, made, shown))
        elif isinstance(made, list):
            made.extend([None] * len(source))
            work.extend((item, made, index) for index, item in enumerate(source))
        if key is None:
            target.append(made)
        else:
            target[key] = made
    return holder[0]


def _shell(value: Any) -> Any:
    """Return a scalar's JSON form, or an empty container of the right kind."""
    if type(value) is int and value.bit_length() > _INTEGER_BITS:
        return {"$integer": hex(value)}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, dict):
        return {}
    if isinstance(value, list | tuple):
        return []
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, Fraction):
        return {"$rational": f"{value.numerator}/{value.denominator}"}
    if isinstance(value, complex):
        return {"$complex": number_text(value)}
    tagged = tagged_in(value)
    assert tagged is not None, type(value)
    return {tagged[0]: tagged[1]}


def from_jsonable(value: Any) -> Any:
    """Return the data with tagged objects replaced by what they stand for.

    Raises:
      ValueError: a tagged object's text is not valid.
    """
    holder: list[Any] = []
    work: list[tuple[Any, Any, Any]] = [(value, holder, None)]
    while work:
        source, target, key = work.pop()
        made: Any = source
        if isinstance(source, dict):
            made = _untagged(source)
            if made is source:
                made = {}
                single = len(source) == 1
                for name, item in source.items():
                    shown = name[1:] if single and ESCAPED.fullmatch(name) else name
                    made[shown] = None
                    work.append((item, made, shown))
        elif isinstance(source, list):
            made = [None] * len(source)
            work.extend((item, made, index) for index, item in enumerate(source))
        if key is None:
            target.append(made)
        else:
            target[key] = made
    return holder[0]


def _untagged(source: dict[str, Any]) -> Any:
    if len(source) != 1:
        return source
    ((tag, text),) = source.items()
    if not TAG.fullmatch(tag) or ESCAPED.fullmatch(tag):
        return source
    if not isinstance(text, str):
        raise ValueError(  # noqa: TRY004 - of the data, as its siblings are
            f"{tag}: a string is expected, got {text!r:.40}"
        )
    try:
        if tag == "$bytes":
            return base64.b64decode(text, validate=True)
        if tag == "$integer":
            return int(text, 16)
        if tag == "$rational":
            return Fraction(text)
        if tag == "$float":
            return _FLOATS[text]
        if tag == "$complex":
            return _complex(text)
        return DECODERS[tag](text)
    except (ValueError, ArithmeticError, KeyError, binascii.Error) as error:
        raise ValueError(f"{tag}: {text!r:.40} is not valid") from error


def _complex(text: str) -> complex:
    z = parse_number(text) if "#" not in text else None
    if type(z) is not complex:
        raise ValueError(text)
    return z


def text_of(value: Any, *, indent: int | None = None) -> str:
    """Return Python data as JSON text; nested data is limited by the boundary, so this can't overflow."""
    return json.dumps(to_jsonable(value), ensure_ascii=False, allow_nan=False, indent=indent)


def parse(text: str, what: str) -> Any:
    """Return the data that a JSON text stands for.

    Args:
      text: what the user gave.
      what: what it is, for the message: "argument 2".

    Raises:
      CallError: it is not JSON, too deep, or a tagged object is not valid.
    """
    if len(text) > limits.PAYLOAD_MAX_BYTES:
        raise CallError("P303", f"{what} is larger than {limits.PAYLOAD_MAX_BYTES} bytes")
    try:
        return from_jsonable(json.loads(text))
    except RecursionError:
        raise CallError("P303", f"{what}: the JSON is nested too deep") from None
    except ValueError as error:
        raise CallError(
            "P303", f"{what} is not valid JSON: {error}", hint="put strings in quotes: '\"text\"'"
        ) from None
