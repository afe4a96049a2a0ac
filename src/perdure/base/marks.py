"""The optional marks of Python functions that a program calls: `effect` and `builtin`.

Layer: base. Imports nothing of Perdure, so that a user's module that marks its functions loads fast.
Invariant: a mark is data hung on the function; the function itself stays what it was, callable as ever.
Not a wrapper: tests of the user's own code call the very function that they wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from msgspec import Struct

ATTRIBUTE = "__perdure_mark__"

_COROUTINE = 0x80 | 0x200
"""Flags of the code of async functions and generators, as `inspect` has them: importing that takes its time."""

F = TypeVar("F", bound=Callable[..., Any])


class Retry(Struct, frozen=True, kw_only=True):
    """How often and when an effect that raised is tried again.

    `attempts` counts the first one. The wait before retry n is `base_s * factor ** (n - 1)`, at most `max_s`, and
    is lengthened by a random share of itself of at most `jitter`. No attempt begins later than `deadline_s` after the first
    one. Only errors of the types `on` are retried.
    """

    attempts: int = 3
    base_s: float = 1.0
    factor: float = 2.0
    max_s: float = 60.0
    jitter: float = 0.1
    on: tuple[type[BaseException], ...] = (Exception,)
    deadline_s: float | None = None


class Mark(Struct, frozen=True, kw_only=True):
    """What a function says about itself; an unmarked public function has the default one."""

    pure: bool = False
    name: str | None = None
    idempotent: bool = False
    retry: Retry | None = None
    timeout_s: float | None = None
    nothing_happened: tuple[type[BaseException], ...] = ()
    transactional: bool = False


@overload
def effect(function: F) -> F: ...
@overload
def effect(
    *,
    idempotent: bool = ...,
    retry: Retry | int | None = ...,
    timeout: float | None = ...,
    name: str | None = ...,
    nothing_happened: tuple[type[BaseException], ...] = ...,
    transactional: bool = ...,
) -> Callable[[F], F]: ...
def effect(
    function: F | None = None,
    *,
    idempotent: bool = False,
    retry: Retry | int | None = None,
    timeout: float | None = None,
    name: str | None = None,
    nothing_happened: tuple[type[BaseException], ...] = (),
    transactional: bool = False,
) -> F | Callable[[F], F]:
    """Mark a function as an effect; `@effect` alone is what an unmarked function is anyway.

    Args:
      function: the function, when the mark is used without parentheses.
      idempotent: doing it twice is the same as doing it once, so it may run again after a crash or an error.
      retry: how an attempt that raised is repeated: a policy, or the number of attempts. It needs permission:
        either `idempotent`, or `nothing_happened`, whose errors alone are then retried.
      timeout: seconds that one attempt may take.
      name: the name in programs, instead of the function's own with dashes.
      nothing_happened: types of errors which say that the attempt had no consequence.
      transactional: the function gets the database of its run as `connection`, and what it writes there is committed with the
        turn that takes its result, or not at all: exactly once. Whatever it raises means that nothing has happened; so
        `idempotent` matters only to groups that are retried together, and `nothing_happened` not at all.

    Raises:
      ValueError: a policy without permission, a number that makes no sense, or marks that exclude each other.
    """
    policy = Retry(attempts=retry) if isinstance(retry, int) else retry
    if policy is None and nothing_happened:
        policy = Retry()
    if transactional and timeout is not None:
        raise ValueError(
            "a transactional effect is performed in the worker's own thread, which can't stop it: leave out "
            "timeout, and bound its statements"
        )
    if policy is not None and not (idempotent or nothing_happened or transactional):
        raise ValueError(
            "a retry needs permission: say idempotent=True, or name the errors after which "
            "nothing has happened with nothing_happened=(...)"
        )
    if policy is not None and policy.attempts < 1:
        raise ValueError(f"retry: at least 1 attempt is needed, got {policy.attempts}")
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout: a positive number of seconds is needed, got {timeout}")
    mark = Mark(
        name=name,
        idempotent=idempotent,
        retry=policy,
        timeout_s=timeout,
        nothing_happened=tuple(nothing_happened),
        transactional=transactional,
    )
    return _hang(mark, function)


@overload
def builtin(function: F) -> F: ...
@overload
def builtin(*, name: str | None = ...) -> Callable[[F], F]: ...
def builtin(function: F | None = None, *, name: str | None = None) -> F | Callable[[F], F]:
    """Mark a function as a pure built-in: called in line, at once, never recorded.

    It must be fast, depend on its arguments alone and change nothing: it may be called again whenever a turn is.
    """
    return _hang(Mark(pure=True, name=name), function)


def _hang(mark: Mark, function: F | None) -> F | Callable[[F], F]:
    def hang(marked: F) -> F:
        if mark.transactional:
            _check_transactional(marked)
        try:
            setattr(marked, ATTRIBUTE, mark)
        except AttributeError:
            raise TypeError(
                f"{marked!r} can't be marked: mark the function itself, a method in its class, or a lambda "
                "that calls it"
            ) from None
        return marked

    return hang if function is None else hang(function)


def _check_transactional(function: Any) -> None:
    code = getattr(function, "__code__", None)
    if code is None:
        return  # what is no plain function shows when it is called
    if code.co_flags & _COROUTINE:
        raise ValueError(
            f"{function.__name__}: a transactional effect is a plain function, not an async one"
        )
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if "connection" not in parameters:
        raise ValueError(
            f"{function.__name__}: a transactional effect has a parameter named connection"
        )


def mark_of(function: Any) -> Mark:
    """Return a function's mark, or the default one: a plain effect."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Mark) else Mark()
