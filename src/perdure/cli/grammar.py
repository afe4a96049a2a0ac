"""The commands and their parameters, as data, and a quick reader for calls that are plainly right.

Layer: cli. Imports nothing but the standard library's `dataclasses`, so that it costs no time.
Invariant: `quick` says nothing about a call that is not plainly right: it returns None, and typer (typed.py), which is
made from the same table, explains it. So there is one declaration, and two readers of it.
The road not taken: typer alone. Importing it takes a third of the time that a hello-world may take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """An argument, an option or a flag.

    Attributes:
      name: of the keyword that the handler gets.
      kind: "argument", "optional", "many" (the rest of the arguments), "option", "list" (an option that may be
        repeated) or "flag".
      help: one line.
      flags: how an option is written.
      type: of an option's value: str, int or float.
    """

    name: str
    kind: str
    help: str
    flags: tuple[str, ...] = ()
    type: type = str
    default: Any = None


@dataclass(frozen=True)
class Command:
    """A command: where its handler is, as "module:function", and its parameters."""

    handler: str
    help: str
    parameters: tuple[Parameter, ...] = ()


DB = Parameter("db", "option", "The database, as a URL; or set PERDURE_DB.", ("--db",))
JSON = Parameter("json", "flag", "Print JSON.", ("--json",))
RUN_ID = Parameter("run_id", "argument", "The run's id.")
FILE = Parameter("file", "argument", "A Scheme file.")
ARGUMENTS = Parameter(
    "arguments", "many", "What main is applied to: JSON; a bare word is a string."
)
ID = Parameter("id", "option", "The run's id; a run of that id goes on.", ("--id",))
ALLOW = Parameter(
    "allow_python",
    "list",
    "A Python module that programs may import besides those beside them.",
    ("--allow-python",),
)
FILES = Parameter(
    "files",
    "option",
    'The files that programs may open: "all", "none", or a directory.',
    ("--files",),
    str,
    "all",
)
NO_ENVIRONMENT = Parameter(
    "no_environment",
    "flag",
    "Let programs read no environment variables.",
    ("--no-environment",),
)
TIMEOUT = Parameter("timeout", "option", "Seconds to wait at most.", ("--timeout",), float)

RUN_IDS = Parameter("run_ids", "many", "The runs' ids.")
OF_PROGRAM = Parameter("program", "option", "All runs of this program.", ("--program",))
IN_STATE = Parameter("status", "option", "All runs in this state.", ("--status",))
DRY_RUN = Parameter("dry_run", "flag", "Say what would be done, and do nothing.", ("--dry-run",))

COMMANDS: dict[str, Command] = {
    "run": Command(
        "running:run",
        "Run a program to its end and print its result; with the id of a run that is there, go on with it.",
        (
            Parameter("file", "optional", "A Scheme file; not needed to go on with --id."),
            ARGUMENTS,
            ID,
            Parameter("stress", "flag", "Save and restore the run at every site.", ("--stress",)),
            ALLOW,
            FILES,
            NO_ENVIRONMENT,
            DB,
            JSON,
        ),
    ),
    "repl": Command(
        "repl:repl",
        "Evaluate forms as they are typed, in a session that survives its terminal.",
        (
            Parameter("id", "option", "The session's id; a session of that id goes on.", ("--id",)),
            ALLOW,
            FILES,
            NO_ENVIRONMENT,
            DB,
        ),
    ),
    "start": Command(
        "runs:start",
        "Record a run, print its id and return.",
        (FILE, ARGUMENTS, ID, ALLOW, DB, JSON),
    ),
    "worker": Command(
        "working:worker",
        "Execute ready runs until told to stop.",
        (
            Parameter(
                "until_idle",
                "flag",
                "Stop when there is nothing to do but to wait.",
                ("--until-idle",),
            ),
            Parameter(
                "drain_timeout",
                "option",
                "Seconds that started effects may take to finish when it is stopped.",
                ("--drain-timeout",),
                float,
                30.0,
            ),
            Parameter(
                "name", "option", "What it is called in the database and in logs.", ("--name",)
            ),
            Parameter("runs", "option", "Runs kept in memory at most.", ("--runs",), int, 1_000),
            Parameter(
                "threads", "option", "Plain effects performed at once.", ("--threads",), int, 16
            ),
            Parameter(
                "effects", "option", "Async effects performed at once.", ("--effects",), int, 1_000
            ),
            Parameter(
                "memory",
                "option",
                "MiB that one run may take before it gets a quota-error.",
                ("--memory",),
                int,
                1024,
            ),
            Parameter(
                "address_space",
                "option",
                "MiB of address space of the whole process, as a last resort.",
                ("--address-space",),
                int,
            ),
            Parameter(
                "lease",
                "option",
                "Seconds after which one that hangs loses its runs; the same for all of a database.",
                ("--lease",),
                float,
                30.0,
            ),
            Parameter(
                "stats",
                "option",
                "Print numbers every so many seconds, and all at the end; 0: only at the end.",
                ("--stats",),
                float,
            ),
            Parameter(
                "log_format",
                "option",
                'How events are logged: "console" or "json".',
                ("--log-format",),
            ),
            Parameter(
                "log_level",
                "option",
                'What is logged: "debug", "info", "warning" or "error".',
                ("--log-level",),
            ),
            ALLOW,
            FILES,
            NO_ENVIRONMENT,
            DB,
            JSON,
        ),
    ),
    "result": Command(
        "runs:result",
        "Print a run's result.",
        (RUN_ID, Parameter("wait", "flag", "Wait for its end.", ("--wait",)), TIMEOUT, DB, JSON),
    ),
    "list": Command(
        "looking:list_runs",
        "List runs, newest first.",
        (
            Parameter("status", "option", "Only runs in this state.", ("--status",)),
            Parameter("program", "option", "Only runs of this program.", ("--program",)),
            Parameter("limit", "option", "How many at most.", ("--limit",), int, 100),
            DB,
            JSON,
        ),
    ),
    "show": Command(
        "looking:show",
        "Show what a run is doing: tasks, stacks, variables, and what each waits for.",
        (RUN_ID, ALLOW, DB, JSON),
    ),
    "log": Command("looking:log", "Show what happened in a run.", (RUN_ID, DB, JSON)),
    "output": Command(
        "looking:output", "Print what a run's program displayed.", (RUN_ID, DB, JSON)
    ),
    "send": Command(
        "runs:send",
        "Send a message to a run, or a line to its console.",
        (
            RUN_ID,
            Parameter(
                "value", "optional", "JSON; a bare word is a string. With --console: the line."
            ),
            Parameter(
                "message_id", "option", "The same id twice is one message.", ("--message-id",)
            ),
            Parameter("console", "flag", "Send a line to the run's console.", ("--console",)),
            Parameter("eof", "flag", "With --console: end the input.", ("--eof",)),
            DB,
            JSON,
        ),
    ),
    "cancel": Command(
        "stopping:cancel",
        "End runs: their tasks unwind, and what cleans up is done.",
        (
            RUN_IDS,
            OF_PROGRAM,
            IN_STATE,
            Parameter(
                "reason",
                "option",
                "For the program, the log and the result.",
                ("--reason",),
                str,
                "",
            ),
            Parameter(
                "deadline", "option", "Seconds that the clean-up may take.", ("--deadline",), float
            ),
            Parameter("force", "flag", "End them where they are, without clean-up.", ("--force",)),
            DRY_RUN,
            DB,
            JSON,
        ),
    ),
    "pause": Command(
        "stopping:pause",
        "Let runs rest: they take what comes, and go on when they are resumed.",
        (RUN_IDS, OF_PROGRAM, IN_STATE, DRY_RUN, DB, JSON),
    ),
    "resume": Command(
        "stopping:resume",
        "Let paused runs go on.",
        (RUN_IDS, OF_PROGRAM, DRY_RUN, DB, JSON),
    ),
    "retry": Command(
        "runs:retry",
        "Let a parked run do the failing operation again; with --request, change a retry that is waiting.",
        (
            RUN_ID,
            Parameter(
                "request",
                "option",
                "An effect that failed and waits for another attempt, as `show` numbers it.",
                ("--request",),
                int,
            ),
            Parameter("now", "flag", "With --request: try it at once.", ("--now",)),
            Parameter(
                "in_s", "option", "With --request: try it in so many seconds.", ("--in",), float
            ),
            Parameter(
                "attempts",
                "option",
                "With --request: how many attempts there are in all.",
                ("--attempts",),
                int,
            ),
            DB,
            JSON,
        ),
    ),
    "restart": Command(
        "restarting:restart",
        "Let parked runs go on: lists the ways, or takes one; with --program, --error or --older-than, for many runs.",
        (
            Parameter(
                "words",
                "many",
                "The run's id (not for many), the restart's name, and values: JSON; a bare word is a string.",
            ),
            Parameter("program", "option", "All parked runs of this program.", ("--program",)),
            Parameter(
                "error",
                "option",
                "All parked at such an error: a kind or code, or the type of an exception of Python.",
                ("--error",),
            ),
            Parameter(
                "older_than",
                "option",
                "All parked for so long: seconds, or with a unit, as in 1h.",
                ("--older-than",),
            ),
            Parameter(
                "frame",
                "option",
                "For return and set: a frame's number, as `show` has it, or its procedure.",
                ("--frame",),
            ),
            Parameter(
                "task", "option", "The task's number, if several are parked.", ("--task",), int
            ),
            DRY_RUN,
            ALLOW,
            DB,
            JSON,
        ),
    ),
    "check": Command(
        "checking:check",
        "Report syntax errors, unbound names and wrong arities, without running.",
        (FILE, Parameter("more", "many", "More Scheme files."), ALLOW, JSON),
    ),
    "test": Command(
        "testing:test",
        "Run tests of programs that are written in Scheme.",
        (
            Parameter(
                "files",
                "many",
                "Files, or folders with files test_*.scm; this one if none is given.",
            ),
            Parameter(
                "verbose", "flag", "Print what files whose tests pass display, too.", ("--verbose",)
            ),
            JSON,
        ),
    ),
    "db prune": Command(
        "database:prune",
        "Remove finished runs and what is remembered of old messages.",
        (
            Parameter(
                "days", "option", "Keep finished runs so many days.", ("--days",), float, 30.0
            ),
            Parameter("vacuum", "flag", "Give freed space back to the file system.", ("--vacuum",)),
            DB,
            JSON,
        ),
    ),
    "db migrate": Command(
        "database:migrate",
        "Bring a database to this release's schema, or make a new one.",
        (DB, JSON),
    ),
    "db check": Command(
        "database:check",
        "Verify every hash, chain and reference, and that every run can be decoded.",
        (ALLOW, DB, JSON),
    ),
    "db info": Command("database:info", "Count the runs in each state.", (DB, JSON)),
    "demo": Command(
        "demo:demo",
        "Watch an order survive being killed.",
        (
            Parameter("kills", "option", "How often to kill it.", ("--kills",), int, 4),
            Parameter("keep", "flag", "Keep the files, and say where they are.", ("--keep",)),
            JSON,
        ),
    ),
    "version": Command("looking:version", "Print the version.", (JSON,)),
}

GROUPS = {"db": "Look after the database."}


def quick(argv: list[str]) -> tuple[Command, dict[str, Any]] | None:
    """Return a command and its keywords, or None if the call is not plainly right or asks for help."""
    words = 2 if argv[:1] == ["db"] else 1
    command = COMMANDS.get(" ".join(argv[:words]))
    if command is None:
        return None
    flags = {flag: p for p in command.parameters for flag in p.flags}
    found: dict[str, Any] = defaults(command)
    free: list[str] = []
    rest = iter(argv[words:])
    for word in rest:
        if word == "--":
            free.extend(rest)
        elif word.startswith("-") and not _is_number(word):
            name, equals, value = word.partition("=")
            parameter = flags.get(name)
            if parameter is None or (equals and parameter.kind == "flag"):
                return None
            if parameter.kind == "flag":
                found[parameter.name] = True
                continue
            given = value if equals else next(rest, None)
            if given is None or not _put(found, parameter, given):
                return None
        else:
            free.append(word)
    return (command, found) if _place(command, free, found) else None


def defaults(command: Command) -> dict[str, Any]:
    """Return the keywords of a call that gives nothing."""
    empty: dict[str, Any] = {"flag": False, "many": (), "list": ()}
    return {p.name: empty.get(p.kind, p.default) for p in command.parameters}


def _put(found: dict[str, Any], parameter: Parameter, given: str) -> bool:
    if parameter.kind == "list":
        found[parameter.name] = (*found[parameter.name], given)
        return True
    try:
        found[parameter.name] = parameter.type(given)
    except ValueError:
        return False
    return True


def _place(command: Command, free: list[str], found: dict[str, Any]) -> bool:
    """Give the free words to the arguments; return whether they fit."""
    for parameter in command.parameters:
        if parameter.kind == "many":
            found[parameter.name] = tuple(free)
            free = []
        elif parameter.kind in ("argument", "optional"):
            if free:
                found[parameter.name] = free.pop(0)
            elif parameter.kind == "argument":
                return False
    return not free


def _is_number(word: str) -> bool:
    """Whether a word that begins with a minus sign is a negative number, and so an argument."""
    return len(word) > 1 and (word[1].isdigit() or word[1:2] == ".")
