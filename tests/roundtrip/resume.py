"""Resumes snapshots in a process that never saw the program: reads a job (JSON), prints how each case ended (JSON)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "language"))

from runs import Variation, go_on, world

from perdure.snapshot import exchange


def main(path: str) -> None:
    job = json.loads(Path(path).read_text())
    tools, codec = world().toolchain, world().codec
    definitions = {k: v.encode() for k, v in job["definitions"].items()}
    tools.provider.fetch = definitions.get
    program = tools.load(job["program"].encode(), definitions)
    ended = []
    for now, payload in job["cases"]:
        heap = codec.decode([bytes.fromhex(payload)], tools.fresh_namespace(program))
        machine = tools.attach(heap.root, heap.namespace)
        machine.log = heap.log
        machine.export_value = exchange.dump_value
        found = go_on(machine, Variation(), now)
        ended.append([found.status, found.result, found.output])
    print(json.dumps(ended))


main(sys.argv[1])
