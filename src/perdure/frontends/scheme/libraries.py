"""Libraries and imports: R7RS 5.2 and 5.6.

Layer: frontends. Imports ir, values, base.
Invariant: a library is expanded once in a session, before whatever imports it; `loaded` is in dependency order.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perdure.base.errors import CallError, ProgramError, SyntaxErrors
from perdure.frontends.scheme import forms as _forms  # noqa: F401 - registers the core forms
from perdure.frontends.scheme.bindings import Binding, Constant, Environment, Global
from perdure.frontends.scheme.bundled import (
    BundledIndex,
    bundled_names,
    bundled_path,
    bundled_source,
    is_bundled,
    other_name,
)
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.exports import (
    EMPTY_INDEX,
    RESERVED,
    Arity,
    StandardIndex,
    StandardLibraries,
)
from perdure.frontends.scheme.forms.basic import cond_expand, included
from perdure.frontends.scheme.reader import read_forms, read_program, read_source
from perdure.frontends.scheme.suggestions import hint_for, nearest
from perdure.frontends.scheme.syntax import (
    Atom,
    Form,
    Identifier,
    Scopes,
    Syntax,
    error_at,
    show,
    with_scopes,
)
from perdure.frontends.scheme.toplevel import TopLevel
from perdure.ir.core import Unit
from perdure.values.types import intern

Imports = dict[str, Binding]

_RANKS = {"scheme": 0, "perdure": 0, "srfi": 1}
_OWN = 2
"""Which of two libraries that export different things by one name is meant: the higher; of equal standard ones the later."""
SEPARATORS = frozenset("/\\\0")
PATHS = ("", ".", "..")
"""What no part of a library's name contains, or is: each is the name of a file or folder."""


def _no_library(_name: tuple[str, ...]) -> tuple[str, str] | None:
    return None


def _no_bundled(name: str) -> BundledIndex:
    raise CallError("P120", f"the bundled library ({name}) is not available here")


def _no_python(module: str) -> Mapping[str, Any]:
    raise CallError("P310", f"the Python module {module} is not available here")


@dataclass(frozen=True)
class Resolver:
    """What the toolchain gives the front end.

    Attributes:
      primitives: the arity of every primitive, by name.
      standard: what the standard library's files export (standard.standard_index).
      bundled: the index of a bundled library that `is_bundled` knows.
      find_library: (source text, path) of a user library like ("my", "lib"), or None.
      python_exports: names and values of a Python module; a refused module raises CallError.
      read_file: the text of a file to include; ProgramError if it can't be read.
    """

    primitives: Mapping[str, Arity] = field(default_factory=dict)
    standard: StandardIndex = EMPTY_INDEX
    bundled: Callable[[str], BundledIndex] = _no_bundled
    find_library: Callable[[tuple[str, ...]], tuple[str, str] | None] = _no_library
    python_exports: Callable[[str], Mapping[str, Any]] = _no_python
    read_file: Callable[[str], str] = read_source


@dataclass
class Library:
    """An expanded library. `name` is as in global references ("my.lib"); `exports` are outer names."""

    name: str
    path: str
    environment: Environment
    units: list[Unit]
    exports: Imports


class LibraryExpander(Expander):
    """An expander that knows libraries: one session."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__()
        self.resolver = resolver
        self.standard = StandardLibraries(resolver.primitives, resolver.standard)
        self.loaded: dict[str, Library] = {}
        self.bundled: dict[str, Imports] = {}
        self.python_modules: list[str] = []
        self._loading: list[str] = []
        self.read_include = self._read_include

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """Bind what is defined, and leave the definitions themselves out: for text that was compiled before."""
        before, self.names_only = self.names_only, True
        try:
            yield
        finally:
            self.names_only = before

    # -- text ------------------------------------------------------------------------------

    def _read_include(self, name: str, stx: Syntax, scopes: Scopes, fold: bool) -> list[Syntax]:
        base = Path(stx.span.file).parent if stx.span is not None else Path()
        path = str(base / name)
        try:
            text = self.resolver.read_file(path)
        except ProgramError as error:
            raise error_at(stx, "P124", f"include: {error.message}", hint=error.hint) from None
        self.sources[path] = text
        return read_program("#!fold-case " + text if fold else text, path, scopes)

    # -- import sets -----------------------------------------------------------------------

    def import_form(self, form: Form, environment: Environment) -> None:
        """Bind what an `import` form imports."""
        if form.tail is not None or len(form.items) < 2:
            message = f"expected (import library ...), found {show(form)}"
            raise error_at(form, "P123", message, hint="write (import (scheme base))")
        for item in form.items[1:]:
            try:
                name, imports = self.import_set(item)
                self.bind_imports(name, imports, environment, item)
            except ProgramError as error:
                self.failed(error)

    def import_default(self, name: str, environment: Environment) -> None:
        """Import a standard library that no text asks for."""
        found = self.standard.find(name)
        assert found is not None
        self.bind_imports(name, found, environment, None)

    def bind_imports(
        self, name: str, imports: Imports, environment: Environment, stx: Syntax | None
    ) -> None:
        """Bind imported names: a program's own definitions and libraries go before SRFIs, and these before R7RS and (perdure)."""
        rank = _RANKS.get(name.split(" ", maxsplit=1)[0], _OWN)
        for text, binding in imports.items():
            symbol = intern(text)
            old = environment.names.get(symbol)
            if old is not None and not _same(old, binding):
                source = environment.imported.get(symbol)
                if source is None or rank < source[1]:
                    continue
                if rank == source[1] == _OWN:
                    message = f"both ({source[0]}) and ({name}) export {text}"
                    hint = f"rename one: (import (rename ({name}) ({text} other-{text})))"
                    raise error_at(stx, "P122", message, hint=hint)
            environment.names[symbol] = binding
            environment.imported[symbol] = (name, rank)

    def import_set(self, stx: Syntax) -> tuple[str, Imports]:
        """Return the library's name and the names of an import set, with all its modifiers applied."""
        modifiers = []
        while True:
            items = stx.items if isinstance(stx, Form) and stx.tail is None else []
            if not items:
                raise error_at(stx, "P123", f"expected an import set, found {show(stx)}")
            head = items[0].name if isinstance(items[0], Identifier) else ""
            if head not in ("only", "except", "prefix", "rename") or len(items) < 2:
                break
            if not isinstance(items[1], Form):
                break
            modifiers.append((head, items[2:], stx))
            stx = items[1]
        name = self.library_name(stx)
        imports = dict(self.exports_of(name, stx))
        for head, arguments, where in reversed(modifiers):
            imports = self._modified(head, arguments, imports, name, where)
        return name, imports

    def _modified(
        self, head: str, arguments: list[Syntax], imports: Imports, name: str, where: Syntax
    ) -> Imports:
        if head == "prefix":
            if len(arguments) != 1 or not isinstance(arguments[0], Identifier):
                message = f"expected (prefix library name-prefix), found {show(where)}"
                raise error_at(where, "P123", message)
            return {arguments[0].name + n: binding for n, binding in imports.items()}
        if head == "rename":
            result = dict(imports)
            added = {}
            for pair in arguments:
                parts = pair.items if isinstance(pair, Form) else []
                if len(parts) != 2 or not all(isinstance(p, Identifier) for p in parts):
                    message = f"expected (name new-name) in rename, found {show(pair)}"
                    raise error_at(pair, "P123", message, hint="(rename library (car first))")
                self._exported(parts[0], imports, name)
                result.pop(parts[0].name, None)  # type: ignore[attr-defined]
                added[parts[1].name] = imports[parts[0].name]  # type: ignore[attr-defined]
            return result | added
        chosen = [self._exported(argument, imports, name) for argument in arguments]
        if head == "only":
            return {n: imports[n] for n in chosen}
        return {n: binding for n, binding in imports.items() if n not in chosen}

    def _exported(self, stx: Syntax, imports: Imports, library: str) -> str:
        if not isinstance(stx, Identifier):
            raise error_at(stx, "P123", f"expected a name, found {show(stx)}")
        if stx.name not in imports:
            hint = hint_for(stx.name, imports, self.standard)
            message = f"({library}) does not export {stx.name}"
            if self.standard.planned(library, stx.name):
                message += ": this version of Perdure does not have it"
                hint = ""
            raise error_at(stx, "P121", message, hint=hint)
        return stx.name

    # -- libraries -------------------------------------------------------------------------

    def library_name(self, stx: Syntax) -> str:
        """Return a library's name as text, like "scheme base"."""
        parts = []
        for item in stx.items if isinstance(stx, Form) and stx.tail is None else []:
            if isinstance(item, Identifier):
                parts.append(item.name)
            elif isinstance(item, Atom) and type(item.value) is int and item.value >= 0:
                parts.append(str(item.value))
            else:
                parts.clear()
                break
        if not parts:
            message = f"expected a library's name, found {show(stx)}"
            raise error_at(stx, "P123", message, hint="a name is a list like (scheme base)")
        return other_name(" ".join(parts))

    def library_exists(self, stx: Syntax) -> bool:
        """Return whether a library can be imported: `(library name)` of cond-expand."""
        name = self.library_name(stx)
        if self.standard.find(name) is not None or name in self.loaded or is_bundled(name):
            return True
        words = tuple(name.split(" "))
        return self._find(words) is not None

    def _find(self, words: tuple[str, ...]) -> tuple[str, str] | None:
        """Return the text and path of a user library. A name that would lead out of the folder is none."""
        if words[0] in RESERVED or any(word in PATHS or set(word) & SEPARATORS for word in words):
            return None
        return self.resolver.find_library(words)

    def exports_of(self, name: str, stx: Syntax) -> Imports:
        """Return the exports of a library, which is expanded first if it is a user's."""
        found = self.standard.find(name)
        if found is not None:
            return found
        words = tuple(name.split(" "))
        if words[0] == "python" and len(words) > 1:
            return self._python(".".join(words[1:]), stx)
        library = self.loaded.get(name)
        if library is not None:
            return library.exports
        source = self._find(words)
        if source is None and is_bundled(name):
            return self._bundled(name)
        return self._load(name, source, stx).exports

    def _bundled(self, name: str) -> Imports:
        found = self.bundled.get(name)
        if found is None:
            index = self.resolver.bundled(name)
            found = {n: Global(library, own) for n, (library, own) in index.exports.items()}
            if index.syntax:
                # The text knows the keywords; its definitions are compiled already, so they are only named.
                with self.naming():
                    found = self.read_bundled(name).exports
            self.bundled[name] = found
        return found

    def read_bundled(self, name: str) -> Library:
        """Return a bundled library, expanded."""
        text, path = bundled_source(name), bundled_path(name)
        self.sources[path] = text
        (form,) = read_program(text, path)
        assert isinstance(form, Form), path
        return self._define(form, path, name)

    def _python(self, module: str, stx: Syntax) -> Imports:
        try:
            exports = self.resolver.python_exports(module)
        except CallError as error:
            raise error_at(stx, error.code, error.message, hint=error.hint) from None
        if module not in self.python_modules:
            self.python_modules.append(module)
        return {name: Constant(value) for name, value in exports.items()}

    def _load(self, name: str, source: tuple[str, str] | None, stx: Syntax) -> Library:
        if name in self._loading:
            chain = " imports ".join(f"({n})" for n in [*self._loading, name])
            message = f"libraries import one another in a circle: {chain}"
            hint = "move what both need into a third library"
            raise error_at(stx, "P122", message, hint=hint)
        if source is None:
            raise error_at(stx, "P120", f"there is no library ({name})", hint=self._near(name))
        text, path = source
        self.sources[path] = text
        forms, errors = read_forms(text, path)
        if errors:
            raise SyntaxErrors(errors)
        for form in forms:
            head = form.items[0] if isinstance(form, Form) and form.items else None
            if isinstance(head, Identifier) and head.name == "define-library":
                assert isinstance(form, Form)
                self.define_library(form, path)
        if name not in self.loaded:
            raise error_at(stx, "P120", f"{path} does not define the library ({name})")
        return self.loaded[name]

    def _near(self, name: str) -> str:
        """Return a hint at the library that may have been meant."""
        known = [*self.standard.libraries(), *bundled_names()]
        first, *words = name.split(" ")
        if first == "srfi":
            numbers = sorted(
                {int(n.split(" ")[1]) for n in known if re.fullmatch("srfi [0-9]+", n)}
            )
            return f"the SRFIs that are there: {', '.join(map(str, numbers))}"
        near = nearest(name, known)
        if near:
            return f"did you mean ({near})?"
        if first in RESERVED:
            return ""
        return f"it would be in {'/'.join([first, *words])}.sld beside the program"

    def define_library(self, form: Form, path: str) -> None:
        """Expand a `define-library` form and remember the library."""
        if len(form.items) < 2:
            message = "expected (define-library (name ...) declaration ...), found no name"
            raise error_at(form, "P122", message, hint="a name is a list like (my library)")
        name = self.library_name(form.items[1])
        words = name.split(" ")
        if words[0] in RESERVED:
            message = f"({name}): names that begin with {words[0]} are reserved"
            raise error_at(form.items[1], "P122", message, hint="choose another first word")
        self.loaded[name] = self._define(form, path, name)

    def _define(self, form: Form, path: str, name: str) -> Library:
        environment = self.new_environment(name.replace(" ", "."))
        for keyword in ("import", "define-library"):
            environment.names.pop(intern(keyword), None)
        self._loading.append(name)
        errors = len(self.errors)
        try:
            exports, bodies = self._declarations(form.items[2:], environment)
            top = TopLevel(self, environment, None)
            top.collect([with_scopes(stx, environment.scopes) for stx in bodies])
            units = top.finish()
        finally:
            self._loading.pop()
        library = Library(environment.library, path, environment, units, {})
        lacks_define = bool(bodies) and intern("define") not in environment.names
        for outer, id_ in exports.items():
            binding = environment.names.get(id_.symbol)
            if binding is None:
                binding = Global(environment.library, id_.name)
                if len(self.errors) == errors:  # else the definition may be what is wrong
                    self._not_defined(id_, name, lacks_define=lacks_define)
            library.exports[outer] = binding
        return library

    def _declarations(
        self, items: list[Syntax], environment: Environment
    ) -> tuple[dict[str, Identifier], list[Syntax]]:
        exports: dict[str, Identifier] = {}
        bodies: list[Syntax] = []
        queue = list(reversed(items))
        while queue:
            try:
                queue += self._declare(queue.pop(), environment, exports, bodies)
            except ProgramError as error:
                self.failed(error)
        return exports, bodies

    def _declare(
        self,
        item: Syntax,
        environment: Environment,
        exports: dict[str, Identifier],
        bodies: list[Syntax],
    ) -> list[Syntax]:
        """Take one declaration; return the declarations that stand for it, the last first."""
        head = item.items[0] if isinstance(item, Form) and item.items else None
        hint = "export, import, begin, include, cond-expand are; definitions go into (begin ...)"
        if not isinstance(item, Form) or not isinstance(head, Identifier):
            message = f"expected a library declaration, found {show(item)}"
            raise error_at(item, "P122", message, hint=hint)
        if head.name == "export":
            for spec in item.items[1:]:
                self._export_spec(spec, exports)
        elif head.name == "import":
            self.import_form(item, environment)
        elif head.name == "begin":
            bodies += item.items[1:]
        elif head.name in ("include", "include-ci"):
            bodies += included(self, item, fold=head.name == "include-ci")
        elif head.name == "include-library-declarations":
            return included(self, item, fold=False)[::-1]
        elif head.name == "cond-expand":
            chosen: list[Syntax] = cond_expand(self, item, environment.context)
            return chosen[::-1]
        else:
            raise error_at(item, "P122", f"{head.name} is no library declaration", hint=hint)
        return []

    def _export_spec(self, spec: Syntax, exports: dict[str, Identifier]) -> None:
        parts: list[Syntax] = [spec, spec] if isinstance(spec, Identifier) else []
        if isinstance(spec, Form) and len(spec.items) == 3:
            head, *parts = spec.items
            if not isinstance(head, Identifier) or head.name != "rename":
                parts = []
        ids = [part for part in parts if isinstance(part, Identifier)]
        if len(ids) != 2:
            message = (
                f"expected a name or (rename name exported-name) to export, found {show(spec)}"
            )
            raise error_at(spec, "P122", message, hint="(export car (rename my-cdr cdr))")
        inner, outer = ids
        known = exports.setdefault(outer.name, inner)
        if known.symbol is not inner.symbol:
            message = f"{outer.name} is exported twice, as {known.name} and as {inner.name}"
            raise error_at(spec, "P122", message, hint="give one of them another exported name")

    def _not_defined(self, id_: Identifier, name: str, *, lacks_define: bool) -> None:
        message = f"({name}) exports {id_.name}, but does not define it"
        hint = f"define it, import it, or write (export (rename its-name {id_.name}))"
        if lacks_define:
            hint = "define itself is not imported; add (import (scheme base))"
        self.failed(error_at(id_, "P122", message, hint=hint))


def _same(a: Binding, b: Binding) -> bool:
    if isinstance(a, Global):
        return a == b
    if isinstance(a, Constant) and isinstance(b, Constant):
        return a.value is b.value
    return a is b
