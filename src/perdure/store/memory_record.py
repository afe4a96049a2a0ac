"""Everything that the store in memory has of one run.

Layer: store. Imports base, store.api.
Invariant: what is kept of it is what the other stores keep, by the same retention.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct, field
from msgspec.structs import replace

from perdure.base import limits
from perdure.store.api import Entry, InboxRow, Loaded, LoggedLine, Output, Retention, Run


class Record(Struct):
    """Everything of one run."""

    run: Run
    arguments: bytes
    ready: bool = True
    deaths: int = 0
    result: bytes | None = None
    cursor: int = 0
    log: list[Entry] = field(default_factory=list)
    snapshots: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    inbox: list[InboxRow] = field(default_factory=list)
    seen: dict[tuple[str, str], float] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    lines: list[LoggedLine] = field(default_factory=list)

    def loaded(self) -> Loaded:
        """Return what is needed to decode the run."""
        seq, snapshot, hashed = self.snapshots[-1] if self.snapshots else (0, None, b"")
        return Loaded(
            self.run,
            self.arguments,
            self.result,
            snapshot,
            hashed,
            seq,
            next((e.entry_hash for e in self.log if e.seq == seq), b""),
            tuple(e for e in self.log if e.seq > seq),
            tuple(self.inbox[: limits.INBOX_BATCH]),
        )

    def replaces(self, seq: int) -> bool:
        """Return whether a snapshot of the state after that entry would be the newest."""
        return bool(self.snapshots) and self.snapshots[-1][0] < seq <= self.run.seq

    def compact(
        self, seq: int, snapshot: bytes, snapshot_hash: bytes, retention: Retention
    ) -> None:
        """Let a snapshot replace the chain up to an entry, and apply the retention."""
        before = self.snapshots[-1][0] if self.snapshots else 0
        self.snapshots.append((seq, snapshot, snapshot_hash))
        self.snapshots = [s for s in self.snapshots if s[0] >= before]
        oldest = min(before, seq - retention.headers)
        self.log = [_redacted(e, before) for e in self.log if e.seq > oldest]
        kept, size = len(self.outputs), 0
        while kept and size < retention.output_bytes:
            kept -= 1
            size += len(self.outputs[kept].text.encode())
        del self.outputs[:kept]
        del self.lines[: -retention.log_lines]


def _redacted(entry: Entry, until: int) -> Entry:
    if entry.seq > until or entry.payload is None:
        return entry
    return replace(entry, payload=None, payload_hash=hashlib.sha256(entry.payload).digest())
