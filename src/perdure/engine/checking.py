"""Check a whole database: every reference, every hash, every chain, and that every run can be decoded.

Layer: engine. Imports store.api, snapshot, base and its neighbours.
Invariant: nothing is changed, and nothing that is damaged ends the check: it is what is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.base import limits
from perdure.base.errors import PerdureError, StoreError
from perdure.engine import records
from perdure.engine.loading import Programs
from perdure.snapshot import exchange, wire
from perdure.store.api import Entry, Flaw, Loaded, Run, RunFilter, Store


def check(store: Store, programs: Programs) -> Iterator[Flaw]:
    """Yield what is wrong in a database; workers may go on meanwhile.

    Raises:
      StoreError: the database can't be read.
    """
    yield from store.check()
    for run in every_run(store):
        try:
            loaded = store.load([run.run_id])
        except StoreError as error:
            if error.code != "P405":
                raise
            yield Flaw(run.run_id, error.message)
            continue
        # A run may be pruned while the others are checked.
        for one in loaded:
            yield from _of_run(store, programs, one)


def every_run(store: Store) -> Iterator[Run]:
    """Yield all runs, newest first, in pages."""
    older_than = ""
    while page := store.list_runs(RunFilter(limit=limits.PAGE_RUNS, older_than=older_than)):
        yield from page
        # The last one of a page may be pruned before the next page is asked for.
        older_than = next(
            (run.run_id for run in reversed(page) if store.get_run(run.run_id) is not None), ""
        )
        if not older_than:
            return


def _of_run(store: Store, programs: Programs, loaded: Loaded) -> Iterator[Flaw]:
    run_id = loaded.run.run_id
    for look in (_chain, _state, _payloads):
        try:
            look(store, programs, loaded)
        except PerdureError as error:
            yield Flaw(run_id, f"[{error.code}] {error.message}")
        except Exception as error:  # noqa: BLE001 - what damaged data lead to is a finding
            yield Flaw(run_id, f"it can't be decoded ({type(error).__name__}: {error!s:.200})")


def _chain(store: Store, programs: Programs, loaded: Loaded) -> None:
    """Check the hashes of all entries that are kept, also of those before the snapshot."""
    del programs
    after, previous = 0, b""
    while page := store.entries(loaded.run.run_id, after=after, limit=limits.PAGE_RUNS):
        if after == 0 and page[0].seq > 1:
            # What it was chained to is pruned: it is trusted, and the others hang on it.
            previous, page = page[0].entry_hash, page[1:]
        previous = wire.verify_chain(previous, map(_link, page))
        after = page[-1].seq if page else loaded.run.seq


def _link(entry: Entry) -> tuple[int, str, bytes | None, bytes, bytes]:
    return entry.seq, entry.kind, entry.payload, entry.payload_hash, entry.entry_hash


def _state(store: Store, programs: Programs, loaded: Loaded) -> None:
    """Decode the run, or what it is to be started with."""
    program = programs.program(store, loaded.run.program_hash)
    if loaded.snapshot is None:
        records.load_arguments(loaded.arguments)
    else:
        programs.restored(programs.checked(loaded), program)


def _payloads(store: Store, programs: Programs, loaded: Loaded) -> None:
    """Decode its result and the messages that wait for it."""
    del store, programs
    if loaded.result:
        records.load_result(loaded.result)
    for row in loaded.inbox:
        if row.kind == "message":
            exchange.load_value(row.payload)
