"""Calls: reductions, `where`, functions of numbers, and definitions of the library."""

from __future__ import annotations

import ast
from contextlib import ExitStack
from math import prod
from typing import TYPE_CHECKING

from derive.calculus.functions import PRIMITIVES
from derive.errors import nearest, said
from derive.graphs.tree import Call, Compare, Reduce, Tree
from derive.language import library
from derive.language.blocks import concatenated
from derive.language.draft import Typed
from derive.language.expand import expanded
from derive.language.indices import Scope
from derive.language.matrices import matrix_call
from derive.language.refusals import refusal
from derive.language.words import ELSEWHERE, FUNCTIONS, MATRICES, NOWHERE, REDUCTIONS

if TYPE_CHECKING:
    from derive.calculus.terms import Index
    from derive.language.infer import Inference


MAX_CASES = 20
_AXIS = ("axis", "dim")
"""What the axis of a function is called elsewhere."""


def call(reader: Inference, node: ast.Call, scope: Scope) -> Typed:
    """Any call, typed."""
    name = called(reader, node)
    if name in REDUCTIONS and len(node.args) == 1:
        return _reduction(reader, node, name, scope)
    if name == "where":
        return _where(reader, node, scope)
    if name == "concat":
        return concatenated(reader, node, scope)
    if name in PRIMITIVES:
        return _elementwise(reader, node, name, PRIMITIVES[name].arguments, scope)
    if name in REDUCTIONS:
        hint = said("Write {name}(x), or {name}(x[i, j] for j in n) to reduce one axis.", name=name)
        raise reader.error(said("{name} takes one tensor, or one expression with for.", name=name), node, hint)
    if name in MATRICES:
        return matrix_call(reader, node, name, scope)
    if definition := library.function(name):
        return _elementwise(reader, node, name, len(definition.parameters), scope)
    return expanded(reader, node, [reader.expression(arg, scope) for arg in node.args], scope)


def called(reader: Inference, node: ast.Call) -> str:
    """The name of the function, once the call is known to be one."""
    source, function = reader.source, node.func
    if not isinstance(function, ast.Name):
        if isinstance(function, ast.Attribute):
            raise refusal(source, function)
        raise source.error("This is not a function.", function, "Write a product with *.")
    name = function.id
    if node.keywords:
        hint = "Write the arguments in order."
        if node.keywords[0].arg in _AXIS and node.args:
            written = source.written(node.args[0])
            hint = said("It is over the last axis: {name}({written}); over the first write {name}({written}.T).T.",
                        name=name, written=written)  # fmt: skip
        if name in REDUCTIONS:
            hint = said("Reduce one axis with {name}(x[i, j] for j in n).", name=name)
        raise source.error("Arguments have no keywords.", node.keywords[0], hint)
    if name in reader.members or name in reader.later or name in scope_names(reader):
        raise source.error(
            said("{name} is not a function.", name=name),
            function,
            said("Write {name}[i] for an entry, {name}*(…) for a product.", name=name),
        )
    if name not in (*FUNCTIONS, *REDUCTIONS, *MATRICES) and not library.known(name):
        near = (
            said("Write {form}.", form=ELSEWHERE[name])
            if name in ELSEWHERE
            else NOWHERE.get(name) or nearest(name, [*FUNCTIONS, *REDUCTIONS, *MATRICES, *library.names()])
        )
        product = len(name) == 1 and node.args and not near
        if product:
            near = said("Write {name}*(…) for a product; `derive library` lists the functions.", name=name)
        raise source.error(
            said("The function {name} is not known.", name=name), function, near or "`derive library` lists the functions."
        )
    if name == reader.name:
        raise source.error(said("{name} is defined by itself.", name=name), function)
    return name


def scope_names(reader: Inference) -> set[str]:
    """The letters and axes of the text: names that mean something to an index."""
    return reader.letters | reader.axes


def _arguments(reader: Inference, node: ast.Call, name: str, count: int, scope: Scope) -> list[Typed]:
    if len(node.args) != count:
        hint = said("Write {name}(a, {name}(b, c)).", name=name) if name in ("max", "min") else ""
        one, more = "{name} takes 1 argument, and {given} are given.", "{name} takes {count} arguments, and {given} are given."
        message = said(one if count == 1 else more, name=name, count=count, given=len(node.args))
        raise reader.error(message, node, hint)
    return [reader.expression(arg, scope) for arg in node.args]


def _elementwise(reader: Inference, node: ast.Call, name: str, count: int, scope: Scope) -> Typed:
    return reader.elementwise(node, lambda args: Call(name, args), _arguments(reader, node, name, count, scope))


def _where(reader: Inference, node: ast.Call, scope: Scope) -> Typed:
    """`where(c, a, d, b, otherwise)`: a where c holds, else b where d does; one choice inside another."""
    tests, values = node.args[:-1:2], [*node.args[1:-1:2], *node.args[-1:]]
    if len(tests) + 1 != len(values) or not tests:
        given = said(
            "{name} takes {count} arguments, and {given} are given.", name="where", count="3, 5, 7 …", given=len(node.args)
        )
        hint = "Write where(condition, a, b), or where(condition, a, another, b, otherwise)."
        raise reader.error(given, node, hint)
    conditions = [reader.comparison(test, scope) for test in tests]
    if len(tests) > MAX_CASES or prod(map(len, conditions)) > MAX_CASES:
        raise reader.error(said("This where has more than {most} cases.", most=MAX_CASES), node, "Give names to its parts.")
    branches = list[Typed]()
    with ExitStack() as before:
        for held, value in zip(conditions, values, strict=False):
            with reader.under(held):
                branches.append(reader.expression(value, scope))
            if len(held) == 1:
                before.enter_context(reader.under(held, False))
        otherwise = reader.expression(values[-1], scope)
    flat = [part for held, branch in zip(conditions, branches, strict=True) for part in (*held, branch)]
    return reader.elementwise(node, lambda args: _chosen([len(held) for held in conditions], args), [*flat, otherwise])


def _chosen(counts: list[int], args: tuple[Tree, ...]) -> Tree:
    """Choices inside one another, of arguments that are so many conditions and a value each, and what holds otherwise."""
    if not counts:
        return args[0]
    first, *more = counts
    otherwise, found = _chosen(more, args[first + 1 :]), args[first]
    for condition in reversed(args[:first]):
        found = Call("where", (condition, found, otherwise))
    return found


def _reduction(reader: Inference, node: ast.Call, name: str, scope: Scope) -> Typed:
    argument = node.args[0]
    if isinstance(argument, ast.ListComp):
        raise reader.error(
            "The square brackets are one pair too many.", argument, said("Write {name}(x[i] for i in n).", name=name)
        )
    if isinstance(argument, ast.GeneratorExp):
        return _over_indices(reader, node, argument, name, scope)
    body = reader.expression(argument, scope)
    if not body.axes:
        written = reader.source.written(argument)
        hint = said("Write {name}(x[i] for i in n).", name=name)
        if any(isinstance(n, ast.Name) and n.id in scope for n in ast.walk(argument)):
            hint = said("Its index means one entry here: write {name}(x[j] for j in n), over an index of its own.", name=name)
        elif unknown := reader.undeclared(argument):
            hint = said("Declare its axes: {name}: [{letters}].", name=unknown, letters="n")
        message = said("`{written}` is a number, and {name} needs axes.", written=written, name=name)
        raise reader.error(message, argument, hint)
    if name == "argmax" and len(body.axes) > 1:
        raise reader.error("An argmax is taken over one axis.", node, "Write k[i] = argmax(x[i, j] for j in n).")
    return Typed(Reduce(name, body.surface), Reduce(name, body.plain), classes=body.axes[0] if name == "argmax" else None)


def _over_indices(reader: Inference, node: ast.Call, argument: ast.GeneratorExp, name: str, scope: Scope) -> Typed:
    inner, conditions = dict(scope), list[Typed]()
    indices: list[Index] = []
    for clause in argument.generators:
        if clause.is_async:
            raise reader.error("The word async is not part of the language.", argument)
        size = reader.axis(clause.iter)
        index = reader.bound(clause.target, inner, size)
        inner[index.name] = index
        indices.append(index)
        conditions += [part for test in clause.ifs for part in reader.comparison(test, inner)]
    if name == "argmax" and len(indices) > 1:
        raise reader.error("An argmax is taken over one index.", node)
    with reader.under(conditions):
        body = reader.expression(argument.elt, inner)
    for typed, at in [(body, argument.elt), *((c, argument) for c in conditions)]:
        if typed.axes:
            at, hint = reader.without_indices(at, inner) if at is not argument else (at, "")
            written = reader.source.written(at)
            hint = hint or "Inside a reduction with for, every tensor has its indices."
            raise reader.error(
                said("`{written}` still has the axis of size {size}.", written=written, size=reader.sizes.size(typed.axes[0])),
                at,
                hint,
            )
    forms = []
    for form in ("surface", "plain"):
        tests = tuple(test for c in conditions if isinstance(test := getattr(c, form), Compare))
        forms.append(Reduce(name, getattr(body, form), tuple(indices), tests))
    return Typed(forms[0], forms[1], classes=indices[0].size if name == "argmax" else None)
