"""The standard library that is written in Scheme, expanded: the core files lib/*.sld, and the bundled libraries beside them.

Layer: frontends. Imports ir, values, base.
Invariant: the core files see one another's exports, all primitives and all syntax, whatever they import, so they may
depend on each other in a circle; what they export are procedures and values, never macros. Bundled libraries are ordinary ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from perdure.base.errors import ProgramError, SyntaxErrors
from perdure.frontends.scheme.bindings import CORE, Environment, Global
from perdure.frontends.scheme.bundled import FOLDER, BundledIndex
from perdure.frontends.scheme.check import known_arities
from perdure.frontends.scheme.exports import INTRINSIC, Arity, StandardIndex
from perdure.frontends.scheme.libraries import LibraryExpander, Resolver
from perdure.frontends.scheme.reader import read_program, read_source
from perdure.frontends.scheme.syntax import Form, Identifier, Syntax, error_at
from perdure.frontends.scheme.toplevel import TopLevel
from perdure.ir.core import PRIMITIVES, Unit
from perdure.values.types import intern

FIRST = ("control", "list")
"""Files that load before the others, which follow by name."""


def standard_sources() -> list[tuple[str, str]]:
    """Return (path, text) of the standard library's files, in the order of loading: what a cache is keyed by."""
    paths = sorted(
        FOLDER.glob("*.sld"),
        key=lambda p: (FIRST.index(p.stem) if p.stem in FIRST else len(FIRST), p.stem),
    )
    return [(f"{path.parent.name}/{path.name}", read_source(path)) for path in paths]


def standard_units(primitives: Mapping[str, Arity]) -> list[tuple[str, list[Unit]]]:
    """Return the standard library: (library name, units), in the order of loading.

    Raises:
      SyntaxErrors: a file of the library is wrong.
    """
    return load_standard(primitives)[0]


def load_standard(
    primitives: Mapping[str, Arity],
) -> tuple[list[tuple[str, list[Unit]]], StandardIndex]:
    """Return the units of the standard library, and the index of its exports that a Resolver needs.

    Both depend on nothing but `standard_sources()` and the primitives, so they can be cached together.
    """
    session = LibraryExpander(Resolver(primitives=primitives))
    files = []
    errors: list[ProgramError] = []
    for path, text in standard_sources():
        session.sources[path] = text
        for form in read_program(text, path):
            name, exports, bodies = _parse(session, form)
            environment = session.new_environment(name)
            environment.names.update((intern(n), form) for n, form in CORE.items())
            for primitive in [*INTRINSIC, *primitives]:
                # %%name is the primitive even where the file defines the name itself.
                environment.names[intern(primitive)] = Global(PRIMITIVES, primitive)
                environment.names[intern(f"%%{primitive}")] = Global(PRIMITIVES, primitive)
            top = TopLevel(session, environment, None)
            top.collect([stx.adding(environment.scopes) for stx in bodies])
            files.append((environment, exports, top))
    index = _link(files, errors)
    libraries = []
    for environment, _, top in files:
        units = top.finish()
        libraries.append((environment.library, units))
        for name, arity in known_arities(units).items():
            index.arities[f"{environment.library}:{name}"] = arity
    errors += session.errors
    if errors:
        raise SyntaxErrors(errors)
    return libraries, index


def expand_bundled(name: str, resolver: Resolver) -> tuple[list[Unit], BundledIndex]:
    """Return the units of a bundled library, and its index.

    Raises:
      SyntaxErrors: the file is wrong.
    """
    session = LibraryExpander(resolver)
    library = session.read_bundled(name)
    if session.errors:
        raise SyntaxErrors(session.errors)
    exports = {
        outer: (binding.library, binding.name)
        for outer, binding in library.exports.items()
        if isinstance(binding, Global)
    }
    syntax = len(exports) < len(library.exports)
    return library.units, BundledIndex(exports, syntax, list(session.bundled))


def _parse(session: LibraryExpander, form: Syntax) -> tuple[str, list[Identifier], list[Syntax]]:
    """Take a file's one form apart: its name, exports and body."""
    assert isinstance(form, Form)
    exports: list[Identifier] = []
    bodies: list[Syntax] = []
    for item in form.items[2:]:
        assert isinstance(item, Form)
        head = item.items[0]
        assert isinstance(head, Identifier)
        if head.name == "export":
            exports += [part for part in item.items[1:] if isinstance(part, Identifier)]
        elif head.name == "begin":
            bodies += item.items[1:]
        else:
            assert head.name == "import", head.name
    return session.library_name(form.items[1]).replace(" ", "."), exports, bodies


def _link(
    files: list[tuple[Environment, list[Identifier], TopLevel]], errors: list[ProgramError]
) -> StandardIndex:
    """Bind every file's exports in the others, where they have no definition of their own."""
    index = StandardIndex({}, {}, {})
    for environment, exports, _ in files:
        index.libraries[environment.library] = []
        for id_ in exports:
            binding = environment.names.get(id_.symbol)
            if not isinstance(binding, Global):
                library = environment.library
                errors.append(error_at(id_, "P122", f"{library} exports {id_.name}, not defined"))
                continue
            index.exports[id_.name] = (binding.library, binding.name)
            index.libraries[environment.library].append(id_.name)
    for environment, _, _ in files:
        for name, (library, own) in index.exports.items():
            if name not in environment.defined:
                environment.names[intern(name)] = Global(library, own)
    return index
