"""From a snapshot and the deltas after it to one snapshot, without making any object.

Layer: snapshot. Imports fold, classes, wire, base.
Invariant: what the result decodes to is what the chain decodes to, with the same object ids and the same numbers of
definitions: so deltas that were written for the end of the chain can stand behind the result.

The encoder of a live heap does better in two ways: it numbers definitions anew, and knows what is a reference. Here every array
of one integer counts as one, an array field with a plain integer too: so now and then garbage is kept, never the reverse.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from perdure.snapshot.classes import BYTES, SPECS, TABLE, trim
from perdure.snapshot.fold import VERSION, Folded, OpenTable, fold
from perdure.snapshot.wire import pack, unpack


def compact(payloads: list[bytes]) -> bytes:
    """Return the payload of a full snapshot that may stand in place of a chain.

    Args:
      payloads: a full snapshot and the deltas after it, with their hashes checked.

    Raises:
      SnapshotError: one of them is damaged.
    """
    folded = fold([unpack(payload) for payload in payloads])
    kept = sorted(_reached(folded))
    return pack(
        [
            VERSION,
            "full",
            folded.next_id,
            folded.root_id,
            folded.definitions,
            sorted(folded.bindings.items()),
            [[oid, *_closed(folded.records[oid])] for oid in kept],
        ]
    )


def _reached(folded: Folded) -> set[int]:
    """Return the ids of the objects that root and globals lead to."""
    records = folded.records
    reached = {folded.root_id}
    objects = [folded.root_id]
    forms: list[Any] = list(folded.bindings.values())
    while True:
        while forms:
            form = forms.pop()
            if type(form) is OpenTable:
                for entry in form.entries.values():
                    forms += entry
            elif type(form) is list and form:
                oid = form[0]
                if len(form) == 1 and type(oid) is int:
                    if oid in records and oid not in reached:
                        reached.add(oid)
                        objects.append(oid)
                else:
                    forms += [one for one in form if type(one) is list]
        if not objects:
            return reached
        forms += [
            one for one in records[objects.pop()] if type(one) is list or type(one) is OpenTable
        ]


def _closed(record: list[Any]) -> list[Any]:
    """Return a record as it stands in a document: the reverse of what folding opened."""
    tag = record[0]
    if tag == TABLE:
        if type(record[-1]) is OpenTable:
            opened: OpenTable = record[-1]
            return [*record[:-1], *[form for entry in opened.entries.values() for form in entry]]
        return record
    if tag == BYTES:
        octets = record[1]
        return [tag, b64encode(octets).decode("ascii")] if type(octets) is bytearray else record
    spec = SPECS.get(tag)
    if spec is not None and len(record) == spec.width:
        return trim(record, spec)
    return record
