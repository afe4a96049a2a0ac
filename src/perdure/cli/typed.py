"""The same commands as a typer application: help, completion, and errors about calls.

Layer: cli. Imports grammar, typer.
Invariant: nothing is declared here; everything comes from grammar.COMMANDS.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from perdure.cli.grammar import COMMANDS, GROUPS, Command, Parameter

EPILOG = "Exit codes: 0 done, 1 the run stopped at an error, 2 a wrong call or program, 3 the database, 130 detached."


def application(perform: Callable[[Command, dict[str, Any]], None]) -> typer.Typer:
    """Return the application.

    Args:
      perform: called with the command and its keywords.
    """
    app = typer.Typer(
        name="perdure",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Run Scheme programs that survive crashes, deploys and weeks of waiting.",
        epilog=EPILOG,
    )
    groups = {
        name: typer.Typer(name=name, no_args_is_help=True, rich_markup_mode=None, help=text)
        for name, text in GROUPS.items()
    }
    for group in groups.values():
        app.add_typer(group)
    for name, command in COMMANDS.items():
        group_name, _, own = name.rpartition(" ")
        groups.get(group_name, app).command(
            own, help=command.help, context_settings={"ignore_unknown_options": _has_many(command)}
        )(_function(command, perform))
    return app


def _has_many(command: Command) -> bool:
    """Whether words that begin with a minus sign may be arguments (negative numbers)."""
    return any(p.kind == "many" for p in command.parameters)


def _function(
    command: Command, perform: Callable[[Command, dict[str, Any]], None]
) -> Callable[..., None]:
    """Return a function with the signature from which typer reads the parameters."""

    def call(**given: Any) -> None:
        for parameter in command.parameters:
            if parameter.kind in ("many", "list"):
                given[parameter.name] = tuple(given[parameter.name] or ())
        perform(command, given)

    parameters = [_parameter(p) for p in command.parameters]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _parameter(parameter: Parameter) -> inspect.Parameter:
    kind = parameter.kind
    info: Any
    default: Any = parameter.default
    shape: Any = parameter.type if default is not None else parameter.type | None
    if kind in ("argument", "optional", "many"):
        info = typer.Argument(help=parameter.help, show_default=False)
        default = inspect.Parameter.empty if kind == "argument" else None
        shape = {"argument": str, "many": list[str] | None}.get(kind, str | None)
    else:
        info = typer.Option(*parameter.flags, help=parameter.help, show_default=default is not None)
        if kind == "flag":
            shape, default = bool, False
        elif kind == "list":
            shape, default = list[str] | None, None
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[shape, info],
    )
