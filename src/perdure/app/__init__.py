"""The public Python API."""

from perdure.app.aio import AsyncEngine
from perdure.app.answers import Answer, stopped, value_of
from perdure.app.engine import Engine, Execute

__all__ = ["Answer", "AsyncEngine", "Engine", "Execute", "stopped", "value_of"]
