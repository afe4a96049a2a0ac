"""What a worker counts and tells of the turns, attempts and compactions that come to their end.

Layer: engine. Imports metrics, journal, turns, effects, compaction, base.
Invariant: nothing here decides anything: without this file everything would happen as it does.
"""

from __future__ import annotations

from typing import Any

from perdure.base import limits
from perdure.engine.compaction import Compacted
from perdure.engine.effects import Again, Failed
from perdure.engine.journal import Journal
from perdure.engine.metrics import Metrics
from perdure.engine.turns import Start, Taken


def turn_settled(metrics: Metrics, taken: Taken) -> None:
    """Count a turn that became durable."""
    commit = taken.commit
    if taken.outcome is None:
        metrics.marks += 1
    else:
        metrics.turns += 1
        metrics.preempted += taken.outcome.preempted
    metrics.delta_bytes += len(commit.payload)
    if commit.snapshot is not None:
        metrics.snapshot_bytes += len(commit.snapshot)
        metrics.compactions += commit.seq > 1


def attempt_failed(
    metrics: Metrics, journal: Journal, run_id: str, start: Start, decided: Again | Failed
) -> None:
    """Count and tell of an attempt of an effect that failed."""
    failed = decided.condition
    tell, event = journal.info, "effect failed"
    fields: dict[str, Any] = {"run": run_id, "request": start.number, "effect": start.name}
    fields |= {"attempt": start.attempt, "error": failed.message}
    if isinstance(decided, Again):
        metrics.effects_retried += 1
        tell, event = journal.warning, "effect retried"
        fields["after_s"] = decided.after_s
    else:
        metrics.effects_failed += 1
        if failed.kind == "outcome-unknown":
            metrics.effects_in_doubt += 1
            tell, event = journal.warning, "effect in doubt"
    tell(event, **fields)


def chain_compacted(metrics: Metrics, journal: Journal, run_id: str, found: Compacted) -> None:
    """Count and tell of a chain that was compacted aside."""
    if found.error:
        journal.warning("compaction failed", run=run_id, error=found.error)
        return
    metrics.compaction_s.add(found.took_s)
    if found.done:
        metrics.compactions += 1
        metrics.snapshot_bytes += found.stored_bytes
    if found.took_s > limits.COMPACTION_SLOW_S:
        journal.warning(
            "slow compaction", run=run_id, seconds=round(found.took_s, 3), bytes=found.full_bytes
        )
