"""The table of heap classes: the tag of each, and how its fields are written and read.

Layer: snapshot. Imports machine, values, base.
Invariant: one row for each class, a tag is never given to another class, and a field is only ever
added at the end, with a default. So every release reads the snapshots of all earlier ones.

A record is `[tag, field, field, ...]` in the order of the class. What a field is follows from its
annotation: `Any` or a heap class is a value; a tuple or list of Any is an array of values; all
else is plain JSON. A required sequence in the last place is spliced into the record; fields at the
end that have their default are left out.
The encoder and decoder of a class are compiled once from these rules: a loop over the fields at
run time costs three times as much, and a turn's cost is made of little else.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, get_args, get_origin

import msgspec

from perdure.machine import groups, state, undo
from perdure.snapshot.atoms import SMALL, bad, encode_float, encode_integer
from perdure.values import ports
from perdure.values import types as t

FRAME = "f"
TABLE = "h"
PROCEDURE = "u"
UNINTERNED = "'"
VECTOR = "v"
BYTES = "b"
RECORD = "r"
ROOT = "R"
REQUEST = "q"

TAGS: dict[str, type] = {
    "p": t.Pair,
    "x": t.Box,
    "s": t.String,
    VECTOR: t.Vector,
    BYTES: t.Bytevector,
    TABLE: t.HashTable,
    "hu": t.UserTable,
    "rt": t.RecordType,
    RECORD: t.Record,
    "m": t.Values,
    "l": t.Promise,
    "e": t.Condition,
    "o": ports.Port,
    FRAME: state.Frame,
    "d": state.Dynamic,
    "k": state.Continuation,
    "a": state.Parameter,
    "rd": state.Redo,
    "sg": state.Signalled,
    "w": state.Operation,
    REQUEST: state.Request,
    "t": state.Task,
    "c": state.Channel,
    "g": state.Message,
    "n": state.Environment,
    "ev": state.Evaluation,
    ROOT: state.Root,
    "ut": undo.Undo,
    "tx": undo.Transaction,
    "gr": groups.Group,
    "dn": groups.Done,
}
"""The register. A new heap class gets a row here, and a line in
docs/reference/snapshot-format.md."""

DIFFED = frozenset({ROOT, "t"})
"""Classes whose changed objects are saved as the fields that changed: they change in every turn."""

TIME, NEXT_NUMBER = "time", "next_number"
IN_HEADER = frozenset({TIME, NEXT_NUMBER})
"""Fields of the root that change in every turn: they stand in the header of a delta, not among its
changes."""


class Spec(msgspec.Struct, eq=False):
    """How one class is written.

    `encode(object, value)` gives the record, all fields present; `fill(object, record, value)` the
    reverse; `shell(oid)` makes an object whose fields are not filled. `defaults` are the written
    defaults of the last fields; `width` is the length of a record with all fields, 0 if the last
    one is spliced. `held(object)` gives what the fields hold, and `differ(object, held, value, change)`
    adds index and form of each field to `change` that holds something else now.
    """

    tag: str
    shell: Any
    encode: Any
    fill: Any
    defaults: list[Any]
    width: int
    held: Any
    differ: Any


def text(form: Any) -> str:
    """Return a plain string, checked."""
    if type(form) is not str:
        raise bad(f"expected a string, found {form!r:.40}")
    return form


def integer(form: Any) -> int:
    """Return a plain integer, checked."""
    if type(form) is int:
        return form
    if type(form) is str and form[:1] == "i":
        return int(form[1:], 16)
    raise bad(f"expected an integer, found {form!r:.40}")


def number(form: Any) -> float:
    """Return a plain float, checked."""
    if type(form) is float or type(form) is int:
        return float(form)
    if type(form) is str and form[:1] == "f":
        return float(form[1:])
    raise bad(f"expected a number, found {form!r:.40}")


def truth(form: Any) -> bool:
    """Return a plain boolean, checked."""
    if type(form) is not bool:
        raise bad(f"expected a boolean, found {form!r:.40}")
    return form


def octets(form: Any) -> bytearray:
    """Return bytes from their base64 text, checked."""
    return form if type(form) is bytearray else bytearray(b64decode(text(form), validate=True))


def array(form: Any) -> list[Any]:
    """Return an array, checked."""
    if type(form) is not list:
        raise bad(f"expected an array, found {form!r:.40}")
    return form


def instance(found: Any, expected: type) -> Any:
    """Return a value, checked to be of a class."""
    if type(found) is not expected:
        raise bad(f"expected a {expected.__name__}, found a {type(found).__name__}")
    return found


def nullable(form: Any, read: Any) -> Any:
    """Return None or a plain value, checked."""
    return None if form is None else read(form)


_HELPERS: dict[str, Any] = {
    "LIMIT": SMALL,
    "big": encode_integer,
    "odd": encode_float,
    "b64": lambda octets: b64encode(octets).decode("ascii"),
    "text": text,
    "integer": integer,
    "number": number,
    "truth": truth,
    "octets": octets,
    "array": array,
    "instance": instance,
    "nullable": nullable,
}
_PLAIN = {
    str: ("{0}", "text({0})"),
    bool: ("{0}", "truth({0})"),
    int: ("({0} if -LIMIT < {0} < LIMIT else big({0}))", "integer({0})"),
    float: ("({0} if {0} - {0} == 0.0 else odd({0}))", "number({0})"),
    bytes: ("b64({0})", "bytes(octets({0}))"),
    bytearray: ("b64({0})", "octets({0})"),
}


def _forms(kind: Any) -> tuple[str, str]:
    """Return the templates that write and read a field of an annotated type."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (tuple, list):
        write, read = _forms(arguments[0])
        write, read = write.format("x"), read.format("x")
        made = "tuple([{0}])" if origin is tuple else "[{0}]"
        return f"[{write} for x in {{0}}]", made.format(f"{read} for x in array({{0}})")
    if type(None) in arguments and len(arguments) == 2:
        plain = next(one for one in arguments if one is not type(None))
        write, read = _forms(plain)
        return (
            f"(None if {{0}} is None else {write})",
            f"nullable({{0}}, lambda y: {read.format('y')})",
        )
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        _HELPERS[kind.__name__] = kind
        return "value({0})", f"instance(value({{0}}), {kind.__name__})"
    assert kind is Any, f"a heap class has a field of type {kind}, which has no rule"
    return "value({0})", "value({0})"


def _spec(tag: str, cls: type) -> Spec:
    fields = [f for f in msgspec.structs.fields(cls) if f.name != "oid"]
    writes: list[str] = []
    reads: list[str] = []
    differs: list[str] = []
    for index, field in enumerate(fields, 1):
        write, read = _forms(field.type)
        required = field.default is msgspec.NODEFAULT
        spliced = index == len(fields) and required and get_origin(field.type) in (tuple, list)
        place = f"r[{index}:]" if spliced else f"r[{index}]"
        writes.append(("*" if spliced else "") + write.format(f"o.{field.name}"))
        reads.append(f"    o.{field.name} = {read.format(place)}\n")
        if not (tag == ROOT and field.name in IN_HEADER):
            differs.append(
                f"    n, b = o.{field.name}, h[{index - 1}]\n"
                f"    if {_changed(field.type)}:\n"
                f"        change += ({index}, {write.format('n')})\n"
            )
    last = fields[-1]
    open_ended = last.default is msgspec.NODEFAULT and get_origin(last.type) in (tuple, list)
    source = f"def encode(o, value):\n    return [{', '.join([repr(tag), *writes])}]\n"
    source += f"def fill(o, r, value):\n{''.join(reads)}"
    required_count = sum(f.default is msgspec.NODEFAULT for f in fields)
    source += f"def held(o):\n    return ({''.join(f'o.{f.name}, ' for f in fields)})\n"
    source += f"def differ(o, h, value, change):\n{''.join(differs)}"
    source += f"def shell(oid):\n    return made({'None, ' * required_count}oid=oid)\n"
    made: dict[str, Any] = {**_HELPERS, "made": cls}
    exec(source, made)  # noqa: S102 - the text is made of our own field names alone
    return Spec(
        tag=tag,
        shell=made["shell"],
        encode=made["encode"],
        fill=made["fill"],
        defaults=[_plain_default(f.default) for f in fields[required_count:]],
        width=0 if open_ended else len(fields) + 1,
        held=made["held"],
        differ=made["differ"],
    )


def _changed(kind: Any) -> str:
    """Return the test whether a field of a type holds something else, given `n` (now) and `b` (before).

    Heap values are compared by identity, but for integers, which Python copies.
    """
    heap_value = (
        kind is Any
        or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))
        or Any in get_args(kind)
    )
    return "n is not b and not (type(n) is int and n == b)" if heap_value else "n != b"


def _plain_default(default: Any) -> Any:
    if default is t.NIL:
        return []
    assert default is None or type(default) in (int, float, bool, str, tuple), default
    return list(default) if type(default) is tuple else default


def trim(record: list[Any], spec: Spec) -> list[Any]:
    """Return a record without those of its last fields that have their defaults; changes and
    returns its argument.
    """
    for default in reversed(spec.defaults):
        if record[-1] != default or type(record[-1]) is not type(default):
            break
        record.pop()
    return record


def widen(record: list[Any], spec: Spec) -> list[Any]:
    """Return a record with all its fields: the reverse of `trim`; changes and returns its argument.

    Raises:
      SnapshotError: required fields are missing, or there are too many.
    """
    width = spec.width
    if width and len(record) != width:
        missing = width - len(record)
        if not 0 < missing <= len(spec.defaults):
            raise bad(f"a record {spec.tag!r} has {len(record) - 1} fields")
        record.extend(spec.defaults[-missing:])
    return record


SPECS: dict[str, Spec] = {
    tag: _spec(tag, cls) for tag, cls in TAGS.items() if tag not in (FRAME, TABLE)
}
CLASS_SPECS: dict[type, Spec] = {TAGS[tag]: spec for tag, spec in SPECS.items()}


def _place(cls: type, field: str) -> int:
    return 1 + [f.name for f in msgspec.structs.fields(cls)].index(field)


TIME_FIELD, NEXT_NUMBER_FIELD = _place(state.Root, TIME), _place(state.Root, NEXT_NUMBER)
"""Where these two stand in the record of the root."""
SINCE_FIELD = _place(state.Request, "since")
"""Where the time stands in the record of a request."""
