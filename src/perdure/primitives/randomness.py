"""Random numbers, of the run or of a source of its own (SRFI 27).

Layer: primitives. Imports machine, values.
Invariant: the state of a generator is a number in the heap, and a draw is one primitive: so a run that is restored draws what
it would have drawn, and no two tasks draw from one state.
Not Python's generator: its state is 625 numbers, which every delta would hold.
"""

from __future__ import annotations

import hashlib
from typing import Any

from perdure.machine.registers import REGISTERS
from perdure.primitives.registry import primitive
from perdure.values.barrier import touch
from perdure.values.conditions import wrong_type
from perdure.values.types import UNSPECIFIED, Box, String

_STATE_BYTES = 7


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:_STATE_BYTES], "big")


def _state(source: Any) -> int:
    """Return the state of a source: of a box, or with #f of the run."""
    if source is None:
        return REGISTERS.machine.root.random  # type: ignore[no-any-return]
    if type(source) is not Box or type(source.contents) is not int:
        raise wrong_type("random-source", "the state of a random source", source)
    return source.contents


def _set_state(source: Any, state: int) -> None:
    if source is None:
        REGISTERS.machine.root.random = state
        return
    if source.oid:
        touch(source)
    source.contents = state


def _random_bits(source: Any, count: int) -> int:
    """Return so many random bits, and move the source on."""
    seed = _state(source)
    blocks = -(-count // 256)
    drawn = b"".join(hashlib.sha256(f"{seed}/{block}".encode()).digest() for block in range(blocks))
    bits = int.from_bytes(drawn, "big") >> (blocks * 256 - count)
    _set_state(source, _hashed(f"{seed}/next"))
    return bits


def _integer(source: Any, n: Any) -> int:
    if type(n) is not int or n <= 0:
        raise wrong_type("random-integer", "a positive exact integer", n)
    bits = n.bit_length() + 64
    return _random_bits(source, bits) * n >> bits


def _real(source: Any) -> float:
    # 52 bits and a half: neither 0 nor 1 can come out.
    return (_random_bits(source, 52) + 0.5) / 2**52


@primitive("random-integer")
def random_integer(n: Any) -> Any:
    """Return a random exact integer in [0, n)."""
    return _integer(None, n)


@primitive("random-real")
def random_real() -> Any:
    """Return a random real in (0, 1)."""
    return _real(None)


@primitive("%source-integer")
def source_integer(source: Any, n: Any) -> Any:
    return _integer(source, n)


@primitive("%source-real")
def source_real(source: Any) -> Any:
    return _real(source)


@primitive("%source-state")
def source_state(source: Any) -> Any:
    return _state(source)


@primitive("%source-state-set!")
def source_state_set(source: Any, state: Any) -> Any:
    _state(source)
    if type(state) is not int or state < 0:
        raise wrong_type("random-source-state-set!", "a state of a random source", state)
    _set_state(source, state)
    return UNSPECIFIED


@primitive("%source-seed")
def source_seed(i: Any, j: Any) -> Any:
    """Return the state that two numbers stand for."""
    for each in (i, j):
        if type(each) is not int or each < 0:
            raise wrong_type("random-source-pseudo-randomize!", "a nonnegative exact integer", each)
    return _hashed(f"{i:x}/{j:x}/seed")


@primitive("make-uuid")
def make_uuid() -> Any:
    """Return a random UUID (version 4) as a string."""
    bits = _random_bits(None, 128)
    bits = bits & ~(0xF << 76) | 4 << 76
    bits = bits & ~(0x3 << 62) | 2 << 62
    digits = f"{bits:032x}"
    return String("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
