"""The Scheme front end: text to the core language of `ir`.

reader, lexer     text to syntax objects
syntax, bindings  syntax objects; what names mean
expander, rules   core forms and macros; `syntax-rules`
forms/            the core forms, by theme
toplevel          programs and libraries to units
libraries         define-library, import; exports has the tables of the standard ones
program           the entrance: expand_program, check_program
standard          lib/*.sld, the standard library in Scheme
"""

from perdure.frontends.scheme.exports import EMPTY_INDEX, Arity, StandardIndex
from perdure.frontends.scheme.libraries import Library, Resolver
from perdure.frontends.scheme.program import (
    Program,
    check_program,
    expand_datum,
    expand_program,
    expand_text,
    new_environment,
)
from perdure.frontends.scheme.reader import read_datum, read_source
from perdure.frontends.scheme.standard import load_standard, standard_sources, standard_units

__all__ = [
    "EMPTY_INDEX",
    "Arity",
    "Library",
    "Program",
    "Resolver",
    "StandardIndex",
    "check_program",
    "expand_datum",
    "expand_program",
    "expand_text",
    "load_standard",
    "new_environment",
    "read_datum",
    "read_source",
    "standard_sources",
    "standard_units",
]
