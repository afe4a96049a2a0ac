"""The normal form of small programs: statements, loops, static procedures, boxes, liveness, hashes.

Goal: the stored form of code. Method: read the definitions that a source text becomes.
"""

from __future__ import annotations

from forms import compiled, definitions, first, shape

from perdure.compiler import anf


def test_an_expression_is_a_list_of_statements_with_one_operation_each():
    form = first("(define (f x) (+ 1 (* x (g x))))").lambdas[1]
    assert shape(form.body) == ["call", "*", "+", "return"]


def test_a_call_in_tail_position_leaves_no_frame():
    form = first("(define (f x) (if x (g x) (h (g x))))").lambdas[1]
    assert shape(form.body) == [("if", ["tail"], []), "call", "tail"]


def test_a_self_tail_call_is_a_loop_that_a_resumed_frame_leaves_through_the_global():
    form = first("(define (f n) (if (= n 0) 'done (f (- n 1))))").lambdas[1]
    (loop,) = form.body
    assert isinstance(loop, anf.Loop)
    assert loop.through == anf.Global("", "f")
    assert not form.poll, "the loop's head has the test for pre-emption"


def test_a_global_that_is_assigned_is_called_anew():
    form = first("(define (f n) (if (= n 0) 1 (f (- n 1)))) (set! f 5)").lambdas[1]
    assert shape(form.body) == ["=", ("if", ["return"], []), "-", "tail"]


def test_a_named_let_is_a_loop_without_a_procedure():
    definition = first("(define (f n) (+ 1 (let loop ((i 0)) (if (= i n) i (loop (+ i 1))))))")
    assert len(definition.lambdas) == 2
    kinds = shape(definition.lambdas[1].body)
    assert [k[0] for k in kinds if isinstance(k, tuple)] == ["loop"]


def test_a_named_let_that_is_used_as_a_value_stays_a_procedure():
    definition = first("(define (f n) (let loop ((i n)) (if (= i 0) loop (loop (- i 1)))))")
    assert len(definition.lambdas) == 3


def test_procedures_without_free_variables_are_static():
    definition = first("(define (f x) (map (lambda (y) (* y y)) x))")
    call, _ = definition.lambdas[1].body
    assert call.args[0] == anf.Static(2)
    assert definition.lambdas[2].free == ()


def test_calls_in_tail_position_are_tail_calls_but_where_a_report_needs_the_frame():
    kinds = {
        "(define (f g x) (g x))": anf.Tail,
        "(define (f x) (hash-table-ref x 1 list))": anf.Tail,
        "(define (f x) (hash-table-ref x 1))": anf.Call,
        "(define (f x) (for-each display x))": anf.Call,
        "(define (f x) (error x))": anf.Call,
    }
    for text, kind in kinds.items():
        assert type(first(text).lambdas[1].body[0]) is kind, text


def test_the_last_call_of_a_top_level_form_keeps_its_frame():
    call, _ = first("(undefined 1)").lambdas[0].body
    assert type(call) is anf.Call


def test_a_closure_lists_its_free_variables():
    definition = first("(define (f x y) (lambda (z) (list z y x)))")
    assert definition.lambdas[2].free == ("x", "y")


def test_an_assigned_variable_lives_in_a_box():
    definition = first("(define (f x) (set! x (+ x 1)) x)")
    assert definition.lambdas[1].boxed == ("x",)
    assert shape(definition.lambdas[1].body) == ["%unbox", "+", "%set-box!", "%unbox", "return"]


def test_a_frame_keeps_what_is_live_and_nothing_else():
    definition = first("(define (f a b c) (let ((x (g a))) (+ (h b) x)))")
    calls = [s for s in definition.lambdas[1].body if isinstance(s, anf.Call)]
    assert definition.live[calls[0].site] == (("a", "b"), ("b",))
    assert definition.live[calls[1].site] == (("b", "x"), ("x",))


def test_a_loops_variables_are_live_at_its_head_when_the_body_reads_them():
    definition = first("(define (f n k) (let loop ((i 0)) (if (= i n) k (loop (+ i 1)))))")
    (loop,) = [s for s in definition.lambdas[1].body if isinstance(s, anf.Loop)]
    assert definition.live[loop.site][0] == ("i", "k", "n")


def test_the_same_source_has_the_same_hashes():
    source = '(define (f x) (let loop ((i x)) (if (= i 0) \'(a "b") (loop (- i 1)))))(f 3)'
    assert compiled(source).units == compiled(source).units


def test_comments_spaces_and_places_are_not_part_of_a_hash():
    plain = "(define (f x) (g x 1)) (define (h) (f 2))"
    spaced = ";; a comment\n\n(define (f x)\n  #| more |# (g x ;; why\n   1))\n\n(define (h) (f 2))"
    assert compiled(plain).units == compiled(spaced).units


def test_a_change_of_one_definition_leaves_the_others_hashes():
    before = compiled("(define (f x) x) (define (g x) (f x))").units
    after = compiled("(define (f x) (list x)) (define (g x) (f x))").units
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_definition_survives_being_stored():
    (definition,) = definitions(
        '(define (f x . r) (if x (lambda () (apply f r)) \'(1 #(2.5) "s")))'
    )
    data = anf.encode(definition)
    assert anf.encode(anf.decode(data)) == data
    assert anf.decode(data) == definition
