"""The code of all definitions that a process knows, made on demand.

Layer: compiler. Imports machine.code, ir.datum and the compiler's anf and functions.
Invariant: a definition is known by its bytes alone; code, sites and constants follow from them. A failure to make a
residual leaves nothing behind. What is made is registered in `machine.code.CODES`, so tracebacks can be read.
"""

from __future__ import annotations

import functools
import marshal
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import msgspec

from perdure.base.errors import SnapshotError
from perdure.base.spans import Span
from perdure.compiler import anf
from perdure.compiler.functions import Builder, Code, Factory, Procedures, Residual
from perdure.ir import datum
from perdure.machine.code import CODES, REDO, CodeInfo, Site


class Loaded:
    """One definition: its bytes, and whatever was made from them so far."""

    def __init__(
        self, digest: str, data: bytes, procedures: Procedures | None, spans: bytes
    ) -> None:
        self.digest = digest
        self.data = data
        self.sites: dict[tuple[int, int], Site] = {}
        self.continued: dict[int, list[int]] = {}
        """The sites whose residuals a residual calls, by the identity of its code."""
        self._procedures = procedures
        self._spans = spans

    @functools.cached_property
    def definition(self) -> anf.Definition:
        try:
            return anf.decode(self.data)
        except msgspec.DecodeError as error:
            raise SnapshotError(
                "P510", f"definition {self.digest} is unreadable: {error}"
            ) from None

    @functools.cached_property
    def builder(self) -> Builder:
        return Builder(self.definition, self.digest)

    @functools.cached_property
    def procedures(self) -> Procedures:
        made = self._procedures or self.builder.procedures()
        for code in made.static:
            self.register(code)
        for factory in made.factories:
            CODES[id(factory.code)] = CodeInfo(factory.code, self.digest, -1, True, {}, {})
            for code in factory.inner:
                self.register(code)
        return made

    @functools.cached_property
    def codes(self) -> dict[int, CodeType]:
        """Every procedure's code by its number."""
        made = self.procedures
        inner = [c for f in made.factories for c in f.inner]
        return {c.number: c.code for c in [*made.static, *inner]}

    @functools.cached_property
    def constants(self) -> tuple[list[Any], list[Any]]:
        """The values of the constants, and all of their parts in order."""
        whole: list[Any] = []
        parts: list[Any] = []
        for nodes in self.definition.constants:
            built = datum.build_datum(nodes)
            datum.mark_constant(built, self.digest, len(parts))
            whole.append(built[0])
            parts += built
        return whole, parts

    @functools.cached_property
    def spans(self) -> dict[int, Span]:
        """Where the sites stand in the source; empty if that was not stored."""
        return msgspec.json.decode(self._spans, type=dict[int, Span]) if self._spans else {}

    def place(self, spans: bytes) -> None:
        """Change where the sites stand in the source."""
        self._spans = spans
        self.__dict__.pop("spans", None)

    def register(self, code: Code, *, careful: bool = False) -> None:
        """Make a code object known to the machine."""
        info = CodeInfo(code.code, self.digest, code.number, False, code.kinds, code.redo, careful)
        CODES[id(code.code)] = info


class Provider:
    """A `machine.code.CodeProvider` over the definitions that were added to it."""

    def __init__(self) -> None:
        self._loaded: dict[str, Loaded] = {}
        self._places: dict[str, bytes] = {}
        self.fetch: Callable[[str], bytes | None] = lambda _: None
        """Finds the bytes of a definition that was not added, by its digest: in a store."""

    def add(
        self, digest: str, data: bytes, *, procedures: Procedures | None = None, spans: bytes = b""
    ) -> None:
        """Make a definition known. The same digest twice is the same definition."""
        if digest not in self._loaded:
            self._loaded[digest] = Loaded(digest, data, procedures, spans)

    def place(self, digest: str, spans: bytes) -> None:
        """Say where the sites of a definition stand in the source; of equal definitions, the last one said counts."""
        self._places[digest] = spans
        if digest in self._loaded:
            self._loaded[digest].place(spans)

    def knows(self, digest: str) -> bool:
        """Whether a definition was added."""
        return digest in self._loaded

    def loaded(self, digest: str) -> Loaded:
        """Return a known definition. Raises SnapshotError if it was never added."""
        found = self._loaded.get(digest)
        if found is None:
            data = self.fetch(digest)
            if data is None:
                raise SnapshotError("P511", f"definition {digest} is not in the database")
            if anf.hash_of(data) != digest:
                raise SnapshotError("P510", f"definition {digest} does not have its hash")
            self.add(digest, data, spans=self._places.get(digest, b""))
            found = self._loaded[digest]
        return found

    def data(self, digest: str) -> bytes:
        """Return the encoded form of a definition, as it is stored."""
        return self.loaded(digest).data

    # -- machine.code.CodeProvider --------------------------------------------------------------

    def site(self, definition: str, number: int, mode: int) -> Site:
        loaded = self.loaded(definition)
        found = loaded.sites.get((number, mode))
        if found is None:
            try:
                names = loaded.builder.live(number, mode)
            except (KeyError, IndexError):
                message = f"definition {definition} has no site {number}"
                raise SnapshotError("P512", message) from None
            found = loaded.sites[number, mode] = Site(definition, number, mode, names)
        return found

    def calls_variable(self, definition: str, site: int) -> bool:
        return self.loaded(definition).builder.calls_variable(site)

    def redo_site(self, definition: str, number: int) -> Site:
        loaded = self.loaded(definition)
        code = loaded.codes[loaded.builder.procedure_of(number)]
        return self.site(definition, CODES[id(code)].redo.get(number, number), REDO)

    def takes_value(self, definition: str, site: int) -> bool:
        return self.loaded(definition).builder.takes_value(site)

    def residual(self, site: Site, namespace: dict[str, Any], *, careful: bool) -> CodeType:
        loaded = self.loaded(site.definition)
        code = self._residual_code(loaded, site, careful=careful)
        self.link(site.definition, namespace)
        pending = [*loaded.continued[id(code)]]
        made: dict[str, CodeType] = {}
        while pending:
            number = pending.pop()
            key = f"{site.definition}@{number}"
            if key not in namespace and key not in made:
                there = self.site(site.definition, number, REDO)
                made[key] = self._residual_code(loaded, there, careful=False)
                pending += loaded.continued[id(made[key])]
        # All at once: what a name in the namespace calls is there, too.
        namespace.update((key, FunctionType(inner, namespace)) for key, inner in made.items())
        return code

    def _residual_code(self, loaded: Loaded, site: Site, *, careful: bool) -> CodeType:
        code = site.careful if careful else site.code
        if code is None:
            made: Residual = loaded.builder.residual(site.number, site.mode, careful=careful)
            if careful:
                # What the fast form computes as one expression is redone as a whole, wherever it was stopped.
                fast = self._residual_code(loaded, site, careful=False)
                made.code.redo = CODES[id(fast)].redo
            loaded.register(made.code, careful=careful)
            code = made.code.code
            loaded.continued[id(code)] = made.continued
            if careful:
                site.careful = code
            else:
                site.code = code
        return code

    def lambda_code(self, definition: str, number: int) -> CodeType:
        try:
            return self.loaded(definition).codes[number]
        except KeyError:
            raise SnapshotError(
                "P512", f"definition {definition} has no procedure {number}"
            ) from None

    def identify(self, code: CodeType) -> tuple[str, int] | None:
        info = CODES.get(id(code))
        return None if info is None or info.number < 0 else (info.definition, info.number)

    def static(self, definition: str, number: int, namespace: dict[str, Any]) -> Any:
        self.link(definition, namespace)
        try:
            key = f"{definition}!{number}"
            found = namespace.get(key)
            return namespace["__builtins__"][key] if found is None else found
        except KeyError:
            raise SnapshotError(
                "P512", f"definition {definition} has no procedure {number}"
            ) from None

    def constant(self, definition: str, part: int) -> Any:
        try:
            return self.loaded(definition).constants[1][part]
        except IndexError:
            raise SnapshotError("P512", f"definition {definition} has no constant {part}") from None

    def link(self, definition: str, namespace: dict[str, Any]) -> None:
        linked = f"{definition}!0"
        if linked in namespace or linked in namespace["__builtins__"]:
            return
        loaded = self.loaded(definition)
        for code in loaded.procedures.static:
            shown = code.code.co_name
            namespace[f"{definition}!{code.number}"] = FunctionType(code.code, namespace, shown)
        for factory in loaded.procedures.factories:
            namespace[f"{definition}#{factory.site}"] = FunctionType(factory.code, namespace)
        for index, value in enumerate(loaded.constants[0]):
            namespace[f"{definition}${index}"] = value

    # -- for people -----------------------------------------------------------------------------

    def span(self, definition: str, site: int) -> Span | None:
        """Return where a site stands in the source, if that is known."""
        return self.loaded(definition).spans.get(site)

    def procedure_name(self, definition: str, site: int) -> str:
        """Return the name of the procedure that a site is in."""
        loaded = self.loaded(definition)
        number = loaded.builder.procedure_of(site)
        return loaded.definition.lambdas[number].name or ("lambda" if number else "top level")


def dump_procedures(made: Procedures) -> bytes:
    """Return compiled procedures for a cache on this machine; only the same Python version can load them."""
    static = [(c.number, c.code, c.kinds, c.redo) for c in made.static]
    factories = [
        (f.site, f.code, [(c.number, c.kinds, c.redo) for c in f.inner]) for f in made.factories
    ]
    return marshal.dumps((static, factories))


def load_procedures(data: bytes) -> Procedures:
    """Return what `dump_procedures` wrote. The caller vouches for the bytes: they are code."""
    static, factories = marshal.loads(data)  # noqa: S302 - our own cache, checked by its hash
    made = Procedures([Code(*fields) for fields in static], [])
    for site, code, inner in factories:
        nested = [c for c in code.co_consts if isinstance(c, CodeType)]
        codes = [Code(n, c, kinds, redo) for (n, kinds, redo), c in zip(inner, nested, strict=True)]
        made.factories.append(Factory(site, code, codes))
    return made
