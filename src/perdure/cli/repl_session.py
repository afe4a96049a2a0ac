"""A session of the REPL as its terminal sees it: a run that gets entries and lines, prints, and waits.

Layer: cli. Imports app, engine, store, machine, base.
Invariant: what is known of the run (`standing`) was committed, and its output up to there is printed before anybody acts upon it. A
session has one terminal: a lock says so, which dies with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from perdure.app import Answer, Engine
from perdure.base import ids
from perdure.base.errors import CallError, StoreError
from perdure.cli import console
from perdure.machine.machine import Machine
from perdure.machine.waiting import INTERRUPT
from perdure.store.api import FINAL, Commit
from perdure.values.types import String

PROGRAM = "repl"
"""The name of the program that sessions are runs of."""

NEWLINE = "\x1e"
"""What stands for a newline in an entry, which is one line of the console (lib/perdure/repl.sld)."""

LOOK_S = 0.1
"""How often the database is asked when nothing seems to happen."""


class Standing(Struct, frozen=True):
    """How a session stands.

    `number` is the last entry's; `text` the text of the entry that is being evaluated, "" if none is; `failures` counts
    the entries that failed. `wants_line`: a task waits for a line from the terminal. `pending`: something was sent that the run has not taken
    yet. `ended`: the run is over. `seq`: as of which turn.
    """

    number: int = 0
    text: str = ""
    failures: int = 0
    wants_line: bool = False
    begun: bool = False
    pending: bool = False
    ended: bool = False
    seq: int = -1

    @property
    def idle(self) -> bool:
        """Whether the session waits for its next entry."""
        return self.begun and not self.text and not self.pending


def session_of(machine: Machine) -> list[Any] | None:
    """Return what the program of a session keeps (lib/perdure/repl.sld); None before it has begun."""
    found = machine.namespace.get(":%session")
    items: list[Any] | None = None if found is None else found.items
    return items


def standing_of(machine: Machine) -> Standing:
    """Return how a session stands, by its machine."""
    session = session_of(machine)
    if session is None:
        return Standing()
    number, text, _, failures = session
    root = machine.root
    shown = text.text if type(text) is String else ""
    waits = any(entry[1].kind == "console" for entry in root.requests.entries.values())
    wants = bool(shown) and waits and not root.typed_end
    return Standing(number, shown, failures, wants, begun=True)


class Session:
    """One session, used by one thread; `changed` is called in another one after every turn, once its output is printed.

    Args:
      make_engine: makes the engine for an observer of its commits.
    """

    def __init__(self, make_engine: Callable[[Callable[[Commit], None]], Engine]) -> None:
        self.engine = make_engine(self._committed)
        self.standing = Standing()
        self.changed: Callable[[], None] = _nothing
        self.run_id = ""
        self.mid_line = False
        """Whether what was printed last did not end with a newline."""
        self._news = threading.Condition()
        self._printing = threading.Lock()
        self._printed = 0
        self._watched = -1
        self._left = False
        self._lock: Path | None = None

    # -- beginning and leaving -------------------------------------------------------------------

    def begin(self, run_id: str | None, folder: Path) -> None:
        """Begin a session, with an id or a fresh one, in a folder where its libraries and modules lie. Raises CallError."""
        engine = self.engine
        self.run_id = ids.new_id(engine.store.now()) if run_id is None else run_id
        self._hold_terminal()
        source = Path(__file__).with_name("repl_program") / "repl.scm"
        text = source.read_text(encoding="utf-8")
        engine.start(engine.programs.compile_source(text, PROGRAM, str(folder)), id=self.run_id)
        self._attach()

    def come_back(self, run_id: str) -> None:
        """Go on with a session. Raises CallError: the run is no session, has ended, or has another terminal."""
        run = self.engine.find(run_id)
        if run.program_name != PROGRAM:
            raise CallError(
                "P302",
                f"run {run_id} is a run of {run.program_name}, not a session of the REPL",
                hint=f"`perdure run --id {run_id}` goes on with it",
            )
        if run.status in FINAL:
            raise CallError(
                "P305",
                f"session {run_id} has ended: it is {run.status}",
                hint="`perdure repl` begins a new one",
            )
        self.run_id = run_id
        self._hold_terminal()
        self._attach()

    def _attach(self) -> None:
        self._printed = self.engine.store.cursor(self.run_id)
        threading.Thread(target=self._watch, name="perdure-output", daemon=True).start()
        self.settle(lambda standing: standing.begun)

    def _hold_terminal(self) -> None:
        """Take the lock that the session's terminal holds."""
        place = os.path.abspath(self.engine.db.partition(":")[2])
        name = hashlib.sha256(f"{place}\n{self.run_id}".encode()).hexdigest()[:32]
        folder = state_folder() / "terminals"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        held = False
        while not held:
            terminal = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(terminal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                holder = os.read(terminal, 20).decode("ascii", "replace")
                os.close(terminal)
                raise CallError(
                    "P302",
                    f"session {self.run_id} is open at another terminal, of process {holder}",
                    hint="leave it there with Ctrl-D, or begin another session",
                ) from None
            # Who held it before may have removed the file after it was opened here.
            held = path.exists() and os.path.samestat(os.fstat(terminal), path.stat())
            if not held:
                os.close(terminal)
        os.truncate(terminal, 0)
        os.write(terminal, str(os.getpid()).encode())
        self._lock = path

    def leave(self, drain_s: float) -> None:
        """Give the run back; effects that have started may take so long to finish."""
        self._left = True
        self.engine.close(drain_s)
        if self._lock is not None:
            self._lock.unlink(missing_ok=True)

    # -- what the run is told --------------------------------------------------------------------

    def enter(self, text: str) -> None:
        """Send an entry to be evaluated."""
        self.type(text.replace("\n", NEWLINE))

    def type(self, line: str | None) -> None:
        """Send a line to the console; None is the end of all input."""
        with self._news:
            self.engine.send_line(self.run_id, line)
            self.standing = replace(self.standing, pending=True, wants_line=False)

    def interrupt(self) -> None:
        """Give up the evaluation in progress."""
        self.type(INTERRUPT)

    # -- what the run says -----------------------------------------------------------------------

    def settle(self, wanted: Callable[[Standing], bool]) -> Answer | None:
        """Wait until the session stands as wanted, with its output printed; return how it ended, if it has."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self.standing.ended or wanted(self.standing), LOOK_S)
            standing = self.standing
            answer = self.engine.wait(self.run_id, timeout=0)
            if answer is not None or wanted(standing):
                self.print_output()
                return answer

    def consult(self, question: Callable[[Machine], Any]) -> Any:
        """Return what a question finds in the session's machine."""
        return self.engine.consult(self.run_id, question)

    def print_output(self) -> None:
        """Print what the run displayed and is not printed yet."""
        store = self.engine.store
        with self._printing:
            before = self._printed
            while page := store.outputs(self.run_id, after=self._printed):
                text = "".join(piece.text for piece in page)
                console.output(text)
                self.mid_line = not text.endswith("\n")
                self._printed = page[-1].seq
            if self._printed != before:
                store.set_cursor(self.run_id, self._printed)

    def _committed(self, commit: Commit) -> None:
        """Note how the run stands after a commit; called in the engine's thread."""
        if commit.run_id == self.run_id:
            self._note(commit.seq, ended=commit.status in FINAL)

    def _note(self, seq: int, *, ended: bool) -> None:
        with self._news:
            found = self.consult(standing_of) or Standing()
            pending = bool(self.engine.store.inbox([self.run_id], 1)[self.run_id])
            wants_line = found.wants_line and not pending
            self.standing = replace(
                found, pending=pending, wants_line=wants_line, ended=ended, seq=seq
            )
            self._news.notify_all()

    def _watch(self) -> None:
        """Print output as it comes; look for turns that another process takes. Runs in a thread of its own."""
        with contextlib.suppress(StoreError):  # whoever waits for the run hears of it
            while not (self._left or self.standing.ended):
                with self._news:
                    news = self._news.wait_for(lambda: self.standing.seq != self._watched, LOOK_S)
                if not news:
                    run = self.engine.find(self.run_id)
                    if run.seq != self.standing.seq:
                        self._note(run.seq, ended=run.status in FINAL)
                    continue
                self._watched = self.standing.seq
                self.print_output()
                self.changed()


def _nothing() -> None:
    """Do nothing: nobody wants to hear of changes."""


def state_folder() -> Path:
    """Return the folder of what is remembered for the user: $XDG_STATE_HOME/perdure, or ~/.local/state/perdure."""
    base = os.environ.get("XDG_STATE_HOME")
    return Path(base) / "perdure" if base else Path.home() / ".local" / "state" / "perdure"
