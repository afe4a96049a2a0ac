"""What a worker tells its operator: events with fields, through the standard library's logging tree.

Layer: engine. Imports nothing of Perdure.
Invariant: nothing is printed unless the host asks for it: the logger "perdure" has a handler that does nothing. An event
that nobody wants costs one test. The fields are data of the record, so a handler may render them as it likes.

Not structlog here: an application that embeds the engine has its own logging, and the standard tree is what all of
them take. The command line renders the same records with structlog (cli/logs.py).

    event               level     fields (and in all of them worker, its name, and owner, its number)
    worker started      info
    worker drains       info      seconds, runs: it was told to end
    worker ended        info      turns, effects
    run claimed         debug     run, epoch, probation
    run released        debug     run
    run ended           info      run, status
    run parked          warning   run, reason
    run quarantined     error     run, reason
    runs taken over     warning   runs: how many a dead worker had
    turns lost          warning   run: another worker has it
    lease lost          error     the owner was taken for dead
    heartbeat process ended  warning  code; another one is started
    effect retried      warning   run, request, effect, attempt, after_s, error
    effect failed       info      run, request, effect, attempt, error
    effect in doubt     warning   run, request, effect, error
    effect ended late   warning   run, request, effect, outcome: nobody waited for it any more
    store away          error     code, error
    store back          info      after_s
    slow compaction     warning   run, seconds, bytes
    compaction failed   warning   run, error; it is done within a turn
"""

from __future__ import annotations

import logging
from typing import Any, Final

LOGGER: Final = logging.getLogger("perdure")
LOGGER.addHandler(logging.NullHandler())


class Message:
    """An event's text and fields; its `str` is one line for handlers that know nothing of fields."""

    __slots__ = ("event", "fields")

    def __init__(self, event: str, fields: dict[str, Any]) -> None:
        self.event = event
        self.fields = fields

    def __str__(self) -> str:
        return " ".join([self.event, *(f"{name}={value}" for name, value in self.fields.items())])


class Journal:
    """Where one worker's events go.

    Args:
      bound: fields of every event: which worker it is.
    """

    def __init__(self, **bound: Any) -> None:
        self.bound = bound

    def debug(self, event: str, **fields: Any) -> None:
        """Tell what happens all the time."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            LOGGER.debug(Message(event, fields | self.bound))

    def info(self, event: str, **fields: Any) -> None:
        """Tell what is normal."""
        if LOGGER.isEnabledFor(logging.INFO):
            LOGGER.info(Message(event, fields | self.bound))

    def warning(self, event: str, **fields: Any) -> None:
        """Tell what somebody may want to look at."""
        if LOGGER.isEnabledFor(logging.WARNING):
            LOGGER.warning(Message(event, fields | self.bound))

    def error(self, event: str, **fields: Any) -> None:
        """Tell what should not have happened."""
        if LOGGER.isEnabledFor(logging.ERROR):
            LOGGER.error(Message(event, fields | self.bound))
