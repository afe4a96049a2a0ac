"""What is stored of a run, checked before anything of it is parsed.

Layer: engine. Imports snapshot.wire, store.api, base.
Invariant: nothing that fails its hash gets past this file.
"""

from __future__ import annotations

from perdure.base.errors import SnapshotError
from perdure.snapshot import wire
from perdure.store.api import Loaded


def checked_payloads(loaded: Loaded) -> list[bytes]:
    """Return the payloads of a stored run that was committed at least once, with their hashes checked.

    Raises:
      SnapshotError: a hash is wrong; nothing was parsed.
    """
    assert loaded.snapshot is not None
    if wire.payload_hash(loaded.snapshot) != loaded.snapshot_hash:
        raise SnapshotError(
            "P501", f"the snapshot of run {loaded.run.run_id} does not have its hash"
        )
    wire.verify_chain(
        loaded.chain_hash,
        [(e.seq, e.kind, e.payload, e.payload_hash, e.entry_hash) for e in loaded.entries],
    )
    return [loaded.snapshot, *(e.payload for e in loaded.entries if e.payload)]
