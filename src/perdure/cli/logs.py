"""Render the worker's journal on standard error, for people or as JSON.

Layer: cli. Imports engine.journal; structlog only when the first event is to be printed.
Invariant: a command that prints no event never loads structlog, which takes a tenth of a second.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from perdure.base.errors import CallError
from perdure.engine.journal import LOGGER, Message

FORMATS: Final = ("console", "json")
LEVELS: Final = ("debug", "info", "warning", "error")


def install(log_format: str, level: str) -> None:
    """Print events of a level and above on standard error from now on.

    Raises:
      CallError: P303, there is no such format or level.
    """
    for option, given, known in (("format", log_format, FORMATS), ("level", level, LEVELS)):
        if given not in known:
            raise CallError(
                "P303",
                f"--log-{option}: there is no {option} {given!r}",
                hint=f"give one of {', '.join(known)}",
            )
    LOGGER.setLevel(level.upper())
    LOGGER.addHandler(_Printer(log_format))


class _Printer(logging.Handler):
    """A handler whose formatter is made when it is first needed."""

    def __init__(self, log_format: str) -> None:
        super().__init__()
        self._log_format = log_format

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.formatter is None:
                self.formatter = _formatter(self._log_format)
            sys.stderr.write(self.formatter.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)  # whoever read standard error has gone


def _formatter(log_format: str) -> logging.Formatter:
    import structlog

    renderer: Any
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=20)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.stdlib.add_log_level,
            _fields,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        keep_exc_info=False,
    )


def _fields(_logger: Any, _method: str, event: Any) -> Any:
    """Put an event's fields beside its text."""
    message = event["_record"].msg
    if isinstance(message, Message):
        return {**event, "event": message.event, **message.fields}
    return event
