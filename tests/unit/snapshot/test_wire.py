"""Bytes: packing, hashes, bounds."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import pytest
import zstandard

from perdure.base import limits
from perdure.base.errors import SnapshotError
from perdure.snapshot import wire


def code(caught: pytest.ExceptionInfo[SnapshotError]) -> str:
    return caught.value.code


@pytest.mark.parametrize(
    "document", [[], [1, "a", None, 0.5], ["x" * 5000], ["x" * 100_000], {"k": [1]}]
)
def test_what_is_packed_is_unpacked(document: object) -> None:
    payload = wire.pack(document)
    assert wire.unpack(payload, wire.payload_hash(payload)) == document
    assert wire.pack(document) == payload


@pytest.mark.parametrize(
    ("length", "first"),
    [
        (10, b"["),
        (limits.COMPRESS_MIN_BYTES, wire.DICTIONARY),
        (limits.DICTIONARY_MAX_BYTES, wire.ZSTD_MAGIC),
    ],
)
def test_a_payload_says_by_its_first_bytes_how_to_read_it(length: int, first: bytes) -> None:
    document = ["x" * length]
    payload = wire.pack(document)
    assert payload.startswith(first)
    assert wire.text_size(payload) == length + 4


def test_the_dictionary_never_changes() -> None:
    """Payloads of every release were compressed with it."""
    stored = Path(wire.__file__).with_name("dictionary-1.txt").read_bytes()
    assert hashlib.sha256(stored).hexdigest() == (
        "f85730c2eedccf7913208fd74ce9dc875decb92ef2767614c698a5998f776103"
    )


def test_a_wrong_hash_is_found_before_anything_is_parsed() -> None:
    with pytest.raises(SnapshotError, match="hash") as caught:
        wire.unpack(b"not even json", wire.payload_hash(b"[]"))
    assert code(caught) == "P501"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[",
        b"[1,]",
        b"\xff",
        b"nul",
        b"[NaN]",
        b"[" * 100_000,
        b"\x28\xb5\x2f\xfd",
        b'"\xed\xa0\x80"',
    ],
)
def test_what_is_no_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(SnapshotError) as caught:
        wire.unpack(payload)
    assert code(caught) == "P502"


def test_a_compressed_payload_that_is_cut_or_flipped_never_escapes() -> None:
    """Without its hash a flipped bit may go unseen by zstd; with it, never."""
    payload = wire.pack(["abc" * 1000, list(range(500))])
    hashed = wire.payload_hash(payload)
    for cut in range(1, len(payload)):
        with pytest.raises(SnapshotError):
            wire.unpack(payload[:cut])
    for position in range(len(payload)):
        flipped = bytearray(payload)
        flipped[position] ^= 0x10
        with pytest.raises(SnapshotError, match="hash"):
            wire.unpack(bytes(flipped), hashed)
        with contextlib.suppress(SnapshotError):
            wire.unpack(bytes(flipped))


def test_a_frame_that_declares_too_much_is_refused_before_it_is_decompressed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(b" " * 10_000_000)
    monkeypatch.setattr(limits, "SNAPSHOT_MAX_BYTES", 1_000_000)
    with pytest.raises(SnapshotError, match="declares 10000000") as caught:
        wire.unpack(bomb)
    assert code(caught) == "P503"


def test_a_frame_without_a_declared_size_is_refused() -> None:
    stream = zstandard.ZstdCompressor().compressobj()
    payload = stream.compress(b"[1]") + stream.flush()
    with pytest.raises(SnapshotError):
        wire.unpack(payload)


def chain(payloads: list[bytes]) -> list[tuple[int, str, bytes | None, bytes, bytes]]:
    entries: list[tuple[int, str, bytes | None, bytes, bytes]] = []
    previous = b""
    for seq, payload in enumerate(payloads, 1):
        hashed = wire.payload_hash(payload)
        previous = wire.entry_hash(previous, "turn", seq, hashed)
        entries.append((seq, "turn", payload, hashed, previous))
    return entries


def test_a_chain_of_hashes_is_verified_also_where_payloads_were_dropped() -> None:
    entries = chain([b"a", b"b", b"c"])
    assert wire.verify_chain(b"", entries) == entries[-1][4]
    assert wire.verify_chain(entries[0][4], entries[1:]) == entries[-1][4]
    seq, kind, _, hashed, expected = entries[1]
    entries[1] = (seq, kind, None, hashed, expected)
    assert wire.verify_chain(b"", entries) == entries[-1][4]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_entry_breaks_the_chain_at_its_place(place: int) -> None:
    entries = chain([b"a", b"b", b"c"])
    seq, kind, _, hashed, expected = entries[place]
    entries[place] = (seq, kind, b"x", hashed, expected)
    with pytest.raises(SnapshotError, match=f"log entry {seq} ") as caught:
        wire.verify_chain(b"", entries)
    assert code(caught) == "P501"


def test_a_missing_entry_breaks_the_chain() -> None:
    entries = chain([b"a", b"b", b"c"])
    with pytest.raises(SnapshotError):
        wire.verify_chain(b"", [entries[0], entries[2]])
