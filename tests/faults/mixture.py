"""Runs of every kind, under load, and the audit of what became of them.

Goal: whatever is done to workers and servers meanwhile, nothing that was acknowledged is lost and nothing is doubled.
Method: `programs/` are copied beside a ledger to which every effect appends a line. A thread starts runs of each kind
again and again and sends messages, each acknowledged or insisted on with the same id. In the end every run has to be
completed, with the result that it would have without faults, and:

- a request has one value, and each round of each run one request: a turn that took place twice would have two;
- an effect that is not idempotent has one line for its key, and one for every round that is not in doubt;
- a parent has as many children as rounds; messages come once, in their order; output is there once;
- a timer's effect is later than it was due.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from pathlib import Path

from perdure import Engine
from perdure.base.errors import CallError, StoreError
from perdure.store.api import FINAL, RunFilter, Send

PROGRAMS = Path(__file__).parent / "programs"
KINDS = ("sequence", "once", "parallel", "timers", "parent", "ping", "mail", "beat")
INSIST_S = 60.0
TRAFFIC_S = 0.03
PAUSE_S = 0.02


class Line:
    """A line of the ledger."""

    def __init__(self, text):
        at, self.kind, self.key, self.value, *self.rest = text.split()
        self.at = float(at)
        self.run = self.key.rpartition("/")[0]


class Mixture:
    """Starts runs and sends messages, and audits them.

    Args:
      directory: a new one for the programs and the ledger.
      db: the URL of the database, for the client.
      seed: for what is sent twice.
      rounds: how many effects, timers, children or messages one run has.
      kinds: the kinds of runs.
      clock: whether the database's clock is another than this machine's.
    """

    def __init__(self, directory, db, *, seed=1, rounds=12, kinds=KINDS, clock=False):
        self.directory = Path(directory)
        shutil.copytree(PROGRAMS, self.directory, dirs_exist_ok=True)
        self.engine = Engine(db, execute="none")
        self.rounds = rounds
        self.kinds = kinds
        self._chance = random.Random(seed)
        self._clock = clock
        self._programs = {
            kind: self.engine.compile(self.directory / f"{kind}.scm")
            for kind in (*kinds, *(["pong"] if "ping" in kinds else []))
        }
        self._open = {}
        self.started = {}
        self._sent = Counter()
        self.insisted = 0
        self.revived = 0
        self.failed = None

    def close(self):
        self.engine.close()

    # -- the client ------------------------------------------------------------------------------

    def insist(self, action):
        """Do something until it is acknowledged: what may have taken place unheard is asked for again."""
        until = time.monotonic() + INSIST_S
        while True:
            try:
                return action()
            except StoreError:
                if time.monotonic() > until:
                    raise
                self.insisted += 1
                time.sleep(0.02)

    def start(self, kind):
        """Start a run of a kind, and what it talks to."""
        number = sum(known == kind for known in self.started.values()) + 1
        run_id = f"{kind}-{number}"
        given = {"timers": [self.rounds, PAUSE_S], "beat": []}.get(kind, [self.rounds])
        if kind == "ping":
            other = f"pong-{number}"
            self._start("pong", other, [self.rounds])
            given = [self.rounds, other]
        self._start(kind, run_id, given)
        return run_id

    def _start(self, kind, run_id, given):
        program = self._programs[kind]
        self.insist(lambda: self.engine.start(program, *given, id=run_id))
        self.started[run_id] = kind
        self._open[run_id] = kind

    def traffic(self, *, starting=True):
        """Do what a client does in a moment: see who has ended, start others, send what is next."""
        for run_id, kind in list(self._open.items()):
            run = self.insist(lambda run_id=run_id: self.engine.find(run_id))
            if run.quarantined:
                # So many deaths in a row look as if the run were to blame: an operator knows better.
                assert "its worker died" in run.quarantined, run.quarantined
                self.insist(lambda run_id=run_id: self.engine.store.quarantine(run_id, ""))
                self.revived += 1
            elif run.status in FINAL or run.status == "parked":
                del self._open[run_id]
            elif kind == "mail" and self._sent[run_id] < self.rounds:
                self._post(run_id)
        if starting:
            for kind in self.kinds:
                if kind not in self._open.values():
                    self.start(kind)

    def _post(self, run_id):
        number = self._sent[run_id]
        message = lambda: self.engine.send(run_id, number, message_id=f"m{number}")  # noqa: E731
        self.insist(message)
        self._sent[run_id] += 1
        if self._chance.random() < 0.3:
            assert not self.insist(message), f"{run_id} took message {number} twice"

    @contextmanager
    def flowing(self):
        """Have traffic all the time, in a thread."""
        over = threading.Event()

        def flow():
            try:
                while not over.wait(TRAFFIC_S):
                    self.traffic()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self.failed = error

        thread = threading.Thread(target=flow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(INSIST_S + 10)
        if self.failed is not None:
            raise self.failed

    def finish(self, within_s=120.0):
        """Start no more runs, and wait until all have come to their end; return those that have not."""
        for run_id, kind in self._open.items():
            if kind == "beat":
                self.insist(lambda run_id=run_id: self.engine.send(run_id, 0, message_id="end"))
        until = time.monotonic() + within_s
        while self._open and time.monotonic() < until:
            self.traffic(starting=False)
            time.sleep(TRAFFIC_S)
        return list(self._open)

    # -- the audit -------------------------------------------------------------------------------

    def ledger(self):
        file = self.directory / "ledger.txt"
        return [Line(text) for text in file.read_text().splitlines()] if file.exists() else []

    def audit(self):
        """Return what was lost and what was doubled, in words; two empty lists if all is well."""
        lost, doubled = [], []
        lines = self.ledger()
        by_run = defaultdict(list)
        for line in lines:
            by_run[line.run].append(line)
        for run_id, kind in self.started.items():
            try:
                result = self.engine.result(run_id, timeout=0)
            except (CallError, TimeoutError, StoreError) as error:
                lost.append(f"{run_id}: {error}")
                continue
            self._check(kind, run_id, result, by_run[run_id], lost, doubled)
        for run_id, found in by_run.items():
            if run_id not in self.started and not run_id.startswith("parent-"):
                doubled.append(f"{run_id}: {len(found)} effects of an unknown run")
        return lost, doubled

    def _check(self, kind, run_id, result, lines, lost, doubled):
        n = self.rounds
        sums = {"sequence": 1, "parallel": 3, "parent": 1}
        if kind in sums and result != sums[kind] * n * (n - 1) // 2:
            lost.append(f"{run_id}: the result is {result}")
        if kind in ("ping", "mail") and result != list(range(n)):
            (doubled if len(set(result)) < len(result) else lost).append(f"{run_id}: {result}")
        if kind == "timers" and result:
            doubled.append(f"{run_id}: time went wrong in rounds {result}")
        if kind == "sequence":
            output = self.engine.output(run_id)
            if output != "".join(f"{i} " for i in range(n)):
                doubled.append(f"{run_id}: displayed {output!r}")
        if kind == "parent":
            children = self.engine.store.list_runs(RunFilter(parent=run_id))
            if len(children) != n:
                doubled.append(f"{run_id}: {len(children)} children")
        self._check_effects(kind, run_id, result, lines, lost, doubled)

    def _check_effects(self, kind, run_id, result, lines, lost, doubled):
        keys, values = defaultdict(set), defaultdict(set)
        for line in lines:
            keys[line.kind, line.value].add(line.key)
            values[line.key].add(line.value)
            if line.kind == "tick" and not self._clock and line.at < float(line.rest[0]):
                doubled.append(f"{run_id}: round {line.value} came early")
        doubled += [f"{run_id}: {one} had requests {k}" for one, k in keys.items() if len(k) > 1]
        doubled += [f"{run_id}: request {k} did {one}" for k, one in values.items() if len(one) > 1]
        wanted = {"parent": (), "ping": (), "once": ("once",), "timers": ("tick",)}
        rounds = result if kind == "beat" else self.rounds
        done = range(rounds)
        if kind == "once":
            done, doubts = result
            if sorted(done + doubts) != list(range(rounds)):
                lost.append(f"{run_id}: done {done}, in doubt {doubts}")
            times = Counter(line.key for line in lines)
            doubled += [f"{run_id}: {key} was done {t} times" for key, t in times.items() if t > 1]
        for name in wanted.get(kind, ("good", "slow") if kind == "parallel" else ("good",)):
            missing = [i for i in done if (name, str(i)) not in keys]
            if missing:
                lost.append(f"{run_id}: {name} was not done for {missing}")

    def recoveries(self, faults):
        """Return for each run that a fault struck how long it took to its next effect, in seconds."""
        found = []
        last = {}
        faults = sorted(faults)
        for line in sorted(self.ledger(), key=lambda line: line.at):
            before = last.get(line.run)
            last[line.run] = line.at
            if before is None:
                continue
            struck = next((at for at in faults if before < at < line.at), None)
            if struck is not None:
                found.append(line.at - struck)
        return found


def send_as(store, sender, to, message_id, payload):
    """Send as another run would."""
    return store.send(Send(to, "message", message_id, sender, payload))
