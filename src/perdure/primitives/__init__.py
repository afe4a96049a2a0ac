"""All primitives: importing this package fills the table.

Layer: primitives.
"""

from perdure.primitives import (
    arithmetic,
    basics,
    chars,
    conditions,
    control,
    hash_tables,
    input,
    number_tests,
    output,
    pairs,
    records,
    strings,
    tasks,
    vectors,
)
from perdure.primitives.registry import TABLE, Primitive

__all__ = [
    "TABLE",
    "Primitive",
    "arithmetic",
    "basics",
    "chars",
    "conditions",
    "control",
    "hash_tables",
    "input",
    "number_tests",
    "output",
    "pairs",
    "records",
    "strings",
    "tasks",
    "vectors",
]
