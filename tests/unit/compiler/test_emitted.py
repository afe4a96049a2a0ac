"""What Python code definitions become: fused expressions, and where a failure in one is redone from.

Goal: speed by shape, and the tables by which tracebacks are read. Method: look at code objects of small programs.
"""

from __future__ import annotations

import dis

from forms import compiled, toolchain

from perdure.machine.code import CALL, TAIL


def code_of(source, number=1):
    program = compiled(source)
    toolchain().provider.link(program.units[0], toolchain().fresh_namespace(program))
    return toolchain().provider.loaded(program.units[0])


def test_pure_operations_become_one_expression():
    loaded = code_of("(define (f x y) (g (+ (car x) 1) (* y 2)))")
    code = loaded.codes[1]
    stores = [i for i in dis.get_instructions(code) if i.opname == "STORE_FAST"]
    assert stores == [], "nothing is assigned: all is one expression"


def test_a_test_makes_no_scheme_boolean():
    loaded = code_of("(define (f x) (if (and (pair? x) (not (null? (cdr x)))) 1 2))")
    assert ... not in loaded.codes[1].co_consts


def test_a_failure_in_a_fused_expression_is_redone_from_its_oldest_part():
    loaded = code_of("(define (f x) (g (+ (car x) 1)))")
    (made,) = [c for c in loaded.procedures.static if c.number == 1]
    car, plus, tail = [s.site for s in loaded.definition.lambdas[1].body]
    assert made.redo == {plus: car, tail: car}
    assert made.kinds == {tail: TAIL}


def test_calls_have_residuals_for_the_rest_of_their_procedure():
    loaded = code_of("(define (f x) (let ((y (g x))) (+ y x)))")
    call = loaded.definition.lambdas[1].body[0]
    (made,) = [c for c in loaded.procedures.static if c.number == 1]
    assert made.kinds[call.site] == CALL
    site = toolchain().provider.site(loaded.digest, call.site, 1)
    assert site.names == ("x",)
    residual = toolchain().provider.residual(site, {"__builtins__": {}}, careful=False)
    assert residual.co_varnames[: residual.co_argcount] == ("y", "x")


def test_code_is_named_after_its_procedure():
    assert code_of("(define (my-procedure x) x)").codes[1].co_name == "my-procedure"
