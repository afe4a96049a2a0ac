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
    number_tests,
    pairs,
    reading,
    records,
    strings,
    tasks,
    vectors,
    writing,
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
    "number_tests",
    "pairs",
    "reading",
    "records",
    "strings",
    "tasks",
    "vectors",
    "writing",
]
