"""The token by which a Python function hears that nobody waits for it any more."""

from __future__ import annotations

import threading

import pytest

import perdure
from perdure.base.cancellation import Cancellation, Cancelled


def test_a_token_is_cancelled_once_and_the_first_reason_counts() -> None:
    token = Cancellation()
    assert (token.cancelled, token.reason, token.wait(0.0)) == (False, "", False)
    token.raise_if_cancelled()
    token.cancel("sold out")
    token.cancel("again")
    assert (token.cancelled, token.reason, token.wait(0.0)) == (True, "sold out", True)


def test_no_clause_for_exceptions_takes_what_it_raises() -> None:
    token = Cancellation()
    token.cancel("sold out")
    with pytest.raises(Cancelled, match="sold out") as caught:
        token.raise_if_cancelled()
    assert not isinstance(caught.value, Exception)


def test_a_thread_that_waits_is_woken() -> None:
    token = Cancellation()
    thread = threading.Thread(target=token.wait, args=(60.0,))
    thread.start()
    token.cancel()
    thread.join(10.0)
    assert not thread.is_alive()


def test_the_token_and_what_it_raises_are_public() -> None:
    assert perdure.Cancellation is Cancellation
    assert perdure.Cancelled is Cancelled
