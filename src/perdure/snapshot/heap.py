"""The codec of a process, and the saved heap of one live run: what the engine works with.

Layer: snapshot. Imports machine, values, base; never store or engine.
Invariant: after `encode_full`, `encode_delta` or `decode`, the store's chain and the heap say the
same, if the store takes the payload. If it refuses, the live run is thrown away: there is no way
back.

    codec = Codec(provider, natives, is_global)          one for a process
    heap = codec.create(root, namespace)                 a new run
    heap = codec.decode([snapshot, delta, ...], namespace)
    barrier.use(heap.log)                                before the run is evaluated
    payload = heap.encode_delta()                        after every turn
    payload = heap.encode_full()                         the first time, and when
    `heap.wants_compaction`
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import FunctionType
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.base.errors import SnapshotError
from perdure.machine.code import CodeProvider
from perdure.machine.state import Root
from perdure.snapshot import encode
from perdure.snapshot.classes import CLASS_SPECS
from perdure.snapshot.decode import decode
from perdure.snapshot.encode import Encoder
from perdure.snapshot.wire import pack, text_size, unpack
from perdure.values.barrier import NativeId, WriteLog
from perdure.values.types import Symbol


class Codec:
    """What encoding needs to know of the world outside a heap.

    Args:
      provider: code by name.
      natives: primitives and values of the standard library by name. They are encoded by these
        names, for ever: a name may get a better value in a later release, but is never taken away.
          Heap objects among them are frozen. Definitions
        of compiled procedures among them keep their own namespace (`homes`).
      is_global: whether a key of a run's namespace is a global variable of the run (all else there
        is helpers of the compiler, made again by `provider.link`).
      chain_max: deltas after which a full snapshot replaces the chain, at the least.
    """

    def __init__(
        self,
        provider: CodeProvider,
        natives: dict[str, Any],
        is_global: Callable[[str], bool],
        *,
        chain_max: int = limits.DELTA_CHAIN_MAX,
    ) -> None:
        self.provider = provider
        self.chain_max = chain_max
        self.natives = natives
        self.is_global = is_global
        self.names: dict[int, str] = {}
        self._kept: list[Any] = []
        self.homes: dict[str, dict[str, Any]] = {}
        self.add_natives(natives)

    def add_natives(self, more: dict[str, Any]) -> None:
        """Make more names known; the first name of a value is the one that is written."""
        self.natives.update(more)
        # Names are found by identity, so no value of the table may ever be freed, replaced ones
        # included.
        self._kept += more.values()
        for name, value in more.items():
            self.names.setdefault(id(value), name)
            if type(value) is FunctionType:
                identity = self.provider.identify(value.__code__)
                if identity is not None:
                    self.homes[identity[0]] = value.__globals__
            # Procedures are shared as they are; a heap object must never get an id of one run.
            if isinstance(value, Struct) and hasattr(value, "oid") and type(value.oid) is int:
                value.oid = NativeId(name)

    def create(self, root: Root, namespace: dict[str, Any]) -> Heap:
        """Return the heap of a run that was never saved.

        Args:
          root: the root of its graph.
          namespace: its globals dictionary.
        """
        return Heap(self, root, namespace)

    def decode(self, payloads: list[bytes], namespace: dict[str, Any]) -> Heap:
        """Return the heap of a stored run.

        Args:
          payloads: a full snapshot and the deltas after it, with their hashes checked
            (wire.verify_chain).
          namespace: a fresh globals dictionary; the run's globals are added, and what
            `provider.link` adds. After an error it must be thrown away.

        Raises:
          SnapshotError: a payload is damaged, or refers to code that is not there.
        """
        documents = []
        for number, payload in enumerate(payloads):
            try:
                documents.append(unpack(payload))
            except SnapshotError as error:
                what = f"delta {number}" if number else "snapshot"
                raise SnapshotError(
                    error.code, f"{what}: {error.message}", hint=error.hint
                ) from None
        decoder, root, bindings = decode(
            documents, self.provider, self.natives, self.homes, namespace
        )
        for name in bindings:
            if not self.is_global(name):
                raise SnapshotError("P502", f"snapshot: {name!r:.40} is not a global variable")
        namespace.update(bindings)
        heap = Heap(self, root, namespace)
        heap.next_oid = heap.log.next_oid = decoder.folded.next_id
        heap.uninterned = decoder.uninterned
        heap.last = {oid: CLASS_SPECS[type(o)].held(o) for oid, o in decoder.last.items()}
        heap.encoder = Encoder(heap, decoder.folded.definitions, full=False)
        heap.saved_globals = dict(namespace)
        heap.full_bytes = text_size(payloads[0])
        heap.chain_bytes = sum(map(text_size, payloads)) - heap.full_bytes
        heap.chain_length = len(payloads) - 1
        return heap


class Heap:
    """The saved heap of one live run.

    `root`, `namespace` and `log` are for the machine and the engine; the rest is the codec's own:
    `next_oid`, `last` (what the objects held that are saved by field), `uninterned` symbols with
    ids, `saved_globals`.
    """

    def __init__(
        self,
        codec: Codec,
        root: Root,
        namespace: dict[str, Any],
    ) -> None:
        self.codec = codec
        self.root = root
        self.namespace = namespace
        self.log = WriteLog()
        self.next_oid = 1
        self.last: dict[int, tuple[Any, ...]] = {}
        self.uninterned: dict[Symbol, int] = {}
        self.saved_globals: dict[str, Any] = {}
        self.encoder = Encoder(self, [], full=False)
        self.full_bytes = 0
        self.chain_bytes = 0
        self.chain_length = 0

    @property
    def definitions(self) -> list[str]:
        """The hashes of the definitions that the saved state refers to; the store must have them
        (but `%console`).
        """
        return self.encoder.definitions

    @property
    def wants_compaction(self) -> bool:
        """Whether the deltas since the last full snapshot are many, and outweigh it.

        Weighed uncompressed, as that is what encoding and decoding cost: a vector of a million equal
        slots compresses to nothing, and would be written anew every few turns.
        """
        return self.chain_length >= self.codec.chain_max and self.chain_bytes >= self.full_bytes

    @property
    def stored_bytes(self) -> int:
        """How long the chain is, with the snapshot that it begins with, uncompressed."""
        return self.full_bytes + self.chain_bytes

    def compacted(self, full_bytes: int, folded_bytes: int, folded_entries: int) -> None:
        """Take note that a snapshot of so many bytes stands in place of the first deltas, uncompressed."""
        self.full_bytes = full_bytes
        self.chain_bytes = max(self.chain_bytes - folded_bytes, 0)
        self.chain_length = max(self.chain_length - folded_entries, 0)

    def encode_full(self) -> bytes:
        """Return the payload of a full snapshot: everything reachable. It replaces the chain."""
        payload = _without_collector(lambda: pack(encode.full(self)))
        self.full_bytes = text_size(payload)
        self.chain_bytes = self.chain_length = 0
        return payload

    def encode_delta(self) -> bytes:
        """Return the payload of what changed since the last payload. There must have been a full
        one.
        """
        assert self.full_bytes, "the first payload of a run is a full snapshot"
        payload = _without_collector(lambda: pack(encode.delta(self)))
        self.chain_bytes += text_size(payload)
        self.chain_length += 1
        return payload


def _without_collector(encoding: Callable[[], bytes]) -> bytes:
    """Return what encoding gives. It makes many objects and no cycles, so collecting would only cost time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return encoding()
    finally:
        if was_enabled:
            gc.enable()
