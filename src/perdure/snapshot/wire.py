"""Bytes: canonical JSON, compressed above a threshold, and the hashes that guard it.

Layer: snapshot. Imports base.
Invariant: equal objects pack to equal bytes, and nothing is parsed whose hash was not checked when
one was given. A payload begins with "[" or "{" (JSON), with the magic number of zstd, or with the
number of the dictionary that the frame behind it needs.

Most runs are small: a few objects of the same dozen classes; and most turns do the same few things.
The dictionary, which is what such snapshots and deltas look like, makes them a third and a half of
what they are without, in two microseconds; it is a part of the format, and will never be changed (a
better one would be number 2).

The size that a compressed frame declares is checked before it is decompressed, so that a few
hostile bytes can't ask for all the memory there is.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from perdure.base import limits
from perdure.base.errors import SnapshotError

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_LEVEL, SMALL_LEVEL = 1, 3
ENTRY_HASH_BYTES = 16
"""Half of a SHA-256: an entry for each turn is most of what a store holds, and damage is found as surely."""
ENTRY_HASH_SIZES = (ENTRY_HASH_BYTES, 32)
"""What a stored one may have: the first release kept whole ones."""
DICTIONARY = b"\x01"
"""Stands before a frame that was compressed with dictionary-1.txt."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Contexts(threading.local):
    """zstd contexts: costly to make, and not to be shared by threads."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()
        raw = Path(__file__).with_name("dictionary-1.txt").read_bytes()
        known = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        known.precompute_compress(level=SMALL_LEVEL)
        self.small_compressor = zstandard.ZstdCompressor(level=SMALL_LEVEL, dict_data=known)
        self.small_decompressor = zstandard.ZstdDecompressor(dict_data=known)


_contexts = _Contexts()


def pack(document: Any) -> bytes:
    """Return the stored form of a JSON-able object made of lists, strings, numbers, booleans and
    None.

    Raises:
      SnapshotError: P505, a string in it is not valid Unicode.
    """
    try:
        text = _encode(document)
    except UnicodeEncodeError as error:
        raise SnapshotError(
            "P505", f"can't save a string with a lone surrogate: {error.reason}"
        ) from None
    if len(text) < limits.COMPRESS_MIN_BYTES:
        return text
    if len(text) < limits.DICTIONARY_MAX_BYTES:
        return DICTIONARY + _contexts.small_compressor.compress(text)
    packed: bytes = _contexts.compressor.compress(text)
    return packed


def unpack(payload: bytes, expected_hash: bytes | None = None) -> Any:
    """Return the object that `pack` was given.

    Args:
      payload: what was stored.
      expected_hash: its `payload_hash`, checked before anything is parsed; None if it was checked
        already.

    Raises:
      SnapshotError: P501 wrong hash, P502 not a payload of ours or damaged, P503 larger than the
        limit.
    """
    if expected_hash is not None and payload_hash(payload) != expected_hash:
        raise SnapshotError(
            "P501",
            f"stored data of {len(payload)} bytes does not have its hash "
            f"{expected_hash.hex()[:16]}…: it was changed",
            hint="restore the database from a backup; nothing of this run was loaded",
        )
    text = payload
    if payload[:4] == ZSTD_MAGIC:
        text = _decompress(payload, _contexts.decompressor)
    elif payload[:1] == DICTIONARY:
        text = _decompress(payload[1:], _contexts.small_decompressor)
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SnapshotError("P502", f"stored data is not valid JSON: {error}") from None


def _decompress(payload: bytes, decompressor: Any) -> bytes:
    try:
        size = zstandard.get_frame_parameters(payload).content_size
        if size > limits.SNAPSHOT_MAX_BYTES:
            raise SnapshotError(
                "P503",
                f"compressed data declares {size} bytes, the limit is {limits.SNAPSHOT_MAX_BYTES}",
            )
        text: bytes = decompressor.decompress(payload, max_output_size=max(size, 1))
    except (zstandard.ZstdError, MemoryError) as error:
        raise SnapshotError("P502", f"compressed data is damaged: {error}") from None
    if len(text) != size:
        raise SnapshotError("P502", f"compressed data has {len(text)} bytes but declares {size}")
    return text


def text_size(payload: bytes) -> int:
    """Return how many bytes of JSON a payload stands for: what it costs to make and to read."""
    frame = payload[1:] if payload[:1] == DICTIONARY else payload
    if frame[:4] == ZSTD_MAGIC:
        size: int = zstandard.get_frame_parameters(frame).content_size
        return size
    return len(payload)


def payload_hash(payload: bytes) -> bytes:
    """Return the SHA-256 of a payload as it is stored (32 bytes)."""
    return hashlib.sha256(payload).digest()


def entry_hash(previous: bytes, kind: str, seq: int, payload_hash: bytes) -> bytes:
    """Return the hash of a log entry (16 bytes): of the one before it, its kind, its number and its
    payload's hash.

    Args:
      previous: the previous entry's hash; b"" for the first entry.
      kind, seq: as the store keeps them.
      payload_hash: of the payload alone, so that a payload can be removed later without breaking
        the chain.
    """
    return _whole_entry_hash(previous, kind, seq, payload_hash)[:ENTRY_HASH_BYTES]


def _whole_entry_hash(previous: bytes, kind: str, seq: int, payload_hash: bytes) -> bytes:
    return hashlib.sha256(b"%b\0%b\0%d\0%b" % (previous, kind.encode(), seq, payload_hash)).digest()


def verify_chain(
    previous: bytes, entries: Iterable[tuple[int, str, bytes | None, bytes, bytes]]
) -> bytes:
    """Return the hash of the last of some entries after checking every one.

    Args:
      previous: the hash of the entry before them; b"" at the beginning of a log.
      entries: (seq, kind, payload, payload hash, entry hash) of each; the payload hash is used
        where the payload is None.

    Raises:
      SnapshotError: P501, naming the first entry whose hash is wrong.
    """
    for seq, kind, payload, hashed, expected in entries:
        found = payload_hash(payload) if payload is not None else hashed
        whole = _whole_entry_hash(previous, kind, seq, found)
        if len(expected) not in ENTRY_HASH_SIZES or whole[: len(expected)] != expected:
            raise SnapshotError(
                "P501",
                f"log entry {seq} ({kind}) does not have its hash {expected.hex()[:16]}…: "
                "it, or one before it, was changed",
                hint="restore the database from a backup; nothing of this run was loaded",
            )
        previous = expected
    return previous
