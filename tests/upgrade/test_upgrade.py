"""A snapshot written by any release is readable by this one, and its run ends as it would have ended then.

Goal: promise 5 of the design. Method: every release keeps the snapshots of world.scm, one for each moment at which it waits
(make.py); here they are decoded and go on, in a process that has no source of theirs.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import Variation, go_on, world

from perdure.compiler import anf
from perdure.machine.turn import Arrived
from perdure.snapshot import exchange
from perdure.values.tables import table_size
from perdure.values.types import intern

STORED = sorted(Path(__file__).parent.glob("*/world.json"))


@pytest.mark.parametrize("path", STORED, ids=[p.parent.name for p in STORED])
def test_stored_snapshots_go_on_to_the_same_end(path: Path) -> None:
    stored = json.loads(path.read_text())
    tools, codec = world().toolchain, world().codec
    definitions = {digest: data.encode() for digest, data in stored["definitions"].items()}
    assert all(anf.hash_of(data) == digest for digest, data in definitions.items())
    program = tools.load(stored["program"].encode(), definitions)
    tools.provider.fetch = definitions.get
    assert len(stored["cases"]) > 3
    for now, payload in stored["cases"]:
        heap = codec.decode([bytes.fromhex(payload)], tools.fresh_namespace(program))
        machine = tools.attach(heap.root, heap.namespace)
        machine.log = heap.log
        machine.export_value = exchange.dump_value
        # The message that it sent itself was on its way when the snapshot was taken.
        coming = [Arrived("m", "r1", intern("go"))] if waits_for_message(machine) else []
        ended = go_on(machine, Variation(), now, coming)
        assert [ended.status, ended.result] == stored["ended"][:2]


def waits_for_message(machine) -> bool:
    requests = [request for _, request in machine.root.requests.entries.values()]
    return any(r.kind == "receive" for r in requests) and not table_size(machine.root.messages)
