"""A-normal form: the form in which a definition is stored, hashed and emitted.

Layer: compiler. Imports values and base only.

A definition is a list of procedures (lambda 0 takes no argument and evaluates the whole top-level form); a procedure is
a list of statements. Every intermediate result has a name; a statement has at most one impure operation, its last; its
operands are atoms. Every statement has a *site*: a number unique in the definition.

Atoms, as JSON: "x" a local variable; 5 a small integer; true, false, null are #t, #f, (); ["g", library, name] a
global, read late; ["k", n] the n-th constant of the definition; ["p", n] its procedure n, which has no free variables.

Invariant: the JSON of a definition is canonical; its hash is the identity of code in every snapshot. So nothing that is only
for people (source spans) is in it, and `VERSION` changes whenever the meaning of any statement does. The emitter accepts
every version that was ever released.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import Struct

VERSION = 1


class Global(Struct, frozen=True, array_like=True, tag="g"):
    """A global variable, read when the statement runs."""

    library: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.library}:{self.name}"


class Constant(Struct, frozen=True, array_like=True, tag="k"):
    """A constant of the definition that JSON can't say as an atom."""

    index: int


class Static(Struct, frozen=True, array_like=True, tag="p"):
    """A procedure of this definition that has no free variables: one for each run, made when code is linked."""

    number: int


Atom = str | int | bool | None | Global | Constant | Static


class Set(Struct, array_like=True, tag="s"):
    """target = op(args): an open-coded primitive; "%move" copies, "%box" makes a box, "%unbox" reads one."""

    site: int
    target: str
    op: str
    args: tuple[Atom, ...]


class Call(Struct, array_like=True, tag="c"):
    """target = function(args); with `spread` the last argument is a list of the remaining ones."""

    site: int
    target: str
    function: Atom
    args: tuple[Atom, ...]
    spread: bool = False


class Tail(Struct, array_like=True, tag="t"):
    """Return function(args), leaving no frame."""

    site: int
    function: Atom
    args: tuple[Atom, ...]
    spread: bool = False


class Return(Struct, array_like=True, tag="r"):
    """Return an atom from the procedure."""

    site: int
    value: Atom


class If(Struct, array_like=True, tag="i"):
    """Branch on an atom that is not #f."""

    site: int
    test: Atom
    then: list[Statement]
    otherwise: list[Statement]


class Loop(Struct, array_like=True, tag="l"):
    """A loop whose variables were set before; its body ends in Continue, Break, Return or Tail on every path.

    `through` is the global that holds the procedure whose self-calls became this loop: a resumed frame that is to go
    round again calls it, so that an endless loop picks up a new definition.
    """

    site: int
    variables: tuple[str, ...]
    body: list[Statement]
    through: Global | None = None


class Continue(Struct, array_like=True, tag="n"):
    """Assign a loop's variables all at once and go to its head."""

    site: int
    loop: int
    args: tuple[Atom, ...]


class Break(Struct, array_like=True, tag="b"):
    """Leave a loop; control goes on after it."""

    site: int
    loop: int


class Closures(Struct, array_like=True, tag="f"):
    """Make procedures that may refer to each other: targets[i] = closure of lambdas[i]."""

    site: int
    targets: tuple[str, ...]
    lambdas: tuple[int, ...]


class SetGlobal(Struct, array_like=True, tag="w"):
    """Assign (`define` false: it must be bound) or define a global."""

    site: int
    library: str
    name: str
    value: Atom
    define: bool


Statement = Set | Call | Tail | Return | If | Loop | Continue | Break | Closures | SetGlobal


class LambdaForm(Struct, array_like=True):
    """A procedure: parameters, those of them that are boxed on entry, free variables in order, and its body.

    `entry` is the site of its beginning, after parameters are boxed: a pre-empted call goes on there.
    """

    name: str
    params: tuple[str, ...]
    rest: str
    boxed: tuple[str, ...]
    free: tuple[str, ...]
    entry: int
    poll: bool
    body: list[Statement]


class Definition(Struct, array_like=True):
    """A top-level form in A-normal form.

    `constants` are data in the form of `ir.datum`; `live[site]` lists the variables live before and after a statement:
    the order in which frames hold values, so it is part of the format.
    """

    version: int
    library: str
    name: str
    lambdas: list[LambdaForm]
    constants: list[Any]
    live: dict[int, tuple[tuple[str, ...], tuple[str, ...]]]


def encode(definition: Definition) -> bytes:
    """Return the canonical JSON of a definition; `live` must be in the order of its sites."""
    return msgspec.json.encode(definition)


def decode(data: bytes) -> Definition:
    """Return the definition that `encode` wrote. Raises msgspec.DecodeError on anything else."""
    return msgspec.json.decode(data, type=Definition)


def hash_of(data: bytes) -> str:
    """Return the identity of an encoded definition: 32 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(data).hexdigest()[:32]
