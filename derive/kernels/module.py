"""A kernel as the text of a module that needs numpy and numba alone.

A target's template has put in: `title`, `version`, `dtype`, `wrt`, the `mathematics` with what is `proved` and their
`fingerprint`, the text of the `device` functions and of the public `functions`, the names of all that these call (`calls`), the
library to `wrap` for or "", and what the target itself adds.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import jinja2
from sympy import Symbol, preorder_traversal

from derive import __version__
from derive.calculus.functions import MATRIX_FUNCTIONS
from derive.calculus.terms import Element, height, walk
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError, ProofError, said
from derive.graphs.graph import Graph
from derive.kernels.program.lengths import named_lengths, proofs, resized, swapped
from derive.kernels.program.outputs import has_loss
from derive.kernels.program.program import Program, derivations, program
from derive.kernels.program.reach import told_apart
from derive.kernels.program.second import Second, hessian, only_input, product_with_vector
from derive.kernels.program.simple import simple
from derive.kernels.program.stable import stable
from derive.kernels.text.device import KERNELS, sources
from derive.kernels.text.target import Target
from derive.kernels.text.trial import trial_variables
from derive.kernels.text.wrapped import wrapped_variables
from derive.kernels.text.wrapper import FunctionKind, Public, kinds_of, second_kinds
from derive.marks import mark
from derive.naming import docstring, slug
from derive.notation.context import context_of
from derive.notation.definitions import definition
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.certificate import fingerprint
from derive.proof.proof import confirm


@dataclass(frozen=True)
class Module:
    """The text of a module, and what it computes."""

    source: str = field(repr=False)
    name: str
    wrt: tuple[str, ...]
    dtype: str
    programs: dict[str, Program] = field(repr=False)
    code: dict[str, str] = field(repr=False)
    """Of each function what is its own work: its loops, in the order in which they run, or its lines without one.  What all
    modules share is left out, and what looks at the arguments.
    """


MOST_OPERATIONS = 50_000
"""A definition with more operations under sums is refused: each counts once for every tensor that its line is differentiated by,
and every sum that is nested in it.
"""

MOST_LINES = 40_000
"""The derivations that come after lines of so many operations are only said to be: a thousand take about a tenth of a second."""


def module(
    graph: Graph,
    target: Target,
    wrt: Sequence[str] = (),
    dtype: str = "float32",
    title: str = "",
    wrap: str = "",
    order: int = 1,
    outputs: Sequence[str] = (),
) -> Module:
    """The module of a graph for a target: its `outputs`, by default the last tensor, which is one of them, and the gradients by
    `wrt`, by default by all that have one.

    With wrap="torch" the module has a `torch.autograd.Function` besides, and needs PyTorch; what is declared constant has then no
    gradient unless that is asked for.  With order=2 it has the Hessian by
    one input, and that times a vector.  Raises DeriveError for a name that is none, and for a type or a library to wrap for that
    the target does not have.
    """
    _check_wanted(target, dtype, wrap)
    _check_order(order, wrap)
    _check_names(graph, target.reserved)
    _check_length(graph)
    _check_functions(graph)
    of = tuple(outputs) or (graph.output.name,)
    names = tuple(wrt) or _moved(graph, of, constants=not wrap)
    names = (only_input(graph, wrt),) if order == 2 else names
    derived = derivations(graph, names, of)
    upstreams = [i.name for i in derived[0].graph.inputs if i.name not in graph.members] if derived else []
    kinds = kinds_of(graph, of, names, upstreams)
    programs = {kind.name: _program(graph, names if kind.gradients else (), kind.value, target, of) for kind in kinds}
    functions = [target.public(kind, programs[kind.name], graph, names, dtype) for kind in kinds]
    second = _second(graph, names[0], target) if order == 2 else {}
    for kind, found in second.items():
        programs[kind.name] = found.program
        functions.append(target.public(kind, found.program, found.graph, names, dtype))
    source = f"# {mark()}\n" + _text(
        graph, title or graph.output.name, functions, names, derived, target, dtype, wrap, tuple(second.values())
    )
    if wrap:
        source += _wrapped(graph, of, names, dtype, functions[0], wrap, target, sha256(source.encode()).hexdigest()[:16])
    if target.trial:
        variables = trial_variables(graph, of, names, dtype, functions)
        source += _environment().get_template(target.trial).render(variables)
    code = {f.name: "\n\n".join(f.code) for f in functions}
    return Module(imports_used(source.rstrip("\n") + "\n"), slug(title) or graph.output.name, names, dtype, programs, code)


def _moved(graph: Graph, outputs: Sequence[str], constants: bool) -> tuple[str, ...]:
    """The inputs by which there is a gradient where nothing is said; of constants, if so asked, or where there are no others."""
    used = frozenset().union(*map(graph.ancestors, outputs if has_loss(graph, outputs) else [graph.output.name]))
    found = [i for i in graph.inputs if i.differentiable and i.name in used]
    moved = [i for i in found if constants or not i.constant] or found
    return tuple(i.name for i in moved)


def _second(graph: Graph, wrt: str, target: Target) -> dict[FunctionKind, Second]:
    """The functions of second derivatives, in the form in which loops are made of them."""
    square, along = hessian(graph, wrt), product_with_vector(graph, wrt)
    kinds = second_kinds(graph.output.name, wrt, along.graph.inputs[-1].name)
    found = dict(zip(kinds, (square, along), strict=True))
    for second in found.values():
        _check_names(second.graph, target.reserved)
        _check_functions(second.graph)
        _check_length(second.graph)
    return {kind: replace(s, program=_lowered(s.program, target)) for kind, s in found.items()}


def _program(graph: Graph, wrt: Sequence[str], value: bool, target: Target, outputs: Sequence[str]) -> Program:
    """What a function computes, in the form in which loops are made of it."""
    return _lowered(program(graph, wrt, value, outputs), target)


def _lowered(whole: Program, target: Target) -> Program:
    whole = renamed(whole, target.reserved)
    sizes = named_lengths(whole.graph)
    return resized(simple(told_apart(stable(resized(whole, sizes)))), swapped(sizes))


def _text(
    graph: Graph,
    title: str,
    functions: Sequence[Public],
    wrt: Sequence[str],
    derived: Sequence[Derivation],
    target: Target,
    dtype: str,
    wrap: str,
    second: Sequence[Second] = (),
) -> str:
    """The text of a module behind its first line."""
    more = [d for found in second for d in found.derived]
    calls = frozenset().union(*(f.calls for f in functions))
    mathematics = [*_mathematics(graph, derived), *(line for s in second for line in _beside(graph, s))]
    return template(target).render(  # no name: in the first line of a module it could choose how the rest is read
        title=docstring(title),
        version=__version__,
        dtype=dtype,
        mathematics=textwrap.indent("\n".join(mathematics), "    "),
        proved=proved([*proofs(graph, derived), *more]),
        fingerprint=fingerprint(graph, [*derived, *more]),
        device=sources(target.device, calls & target.functions, dtype, target.imports).strip(),
        functions="".join(f.text for f in functions).lstrip("\n"),
        calls=calls,
        wrt=tuple(wrt),
        wrap=wrap,
        **target.variables(functions, dtype),
    )


def _check_functions(graph: Graph) -> None:
    """Raise for a function of a matrix as a whole: every loop of a kernel goes over entries."""
    for node in graph.nodes:
        for name, kind in MATRIX_FUNCTIONS.items():
            if node.expr.has(kind):
                hint = "They compute entry by entry; a result in matrix notation has NumPy code, too."
                raise DeriveError(said("Kernels have no function {name}.", name=name), hint=hint)


def _wrapped(
    graph: Graph,
    outputs: Sequence[str],
    wrt: Sequence[str],
    dtype: str,
    function: Public,
    wrap: str,
    target: Target,
    digest: str,
) -> str:
    """The text of a function that a library, such as PyTorch, differentiates; `digest` is in the name of what it registers."""
    if not wrt or graph.output.expr.is_integer:
        raise DeriveError("Nothing is differentiated here, so there is nothing to wrap.")
    variables = {**wrapped_variables(graph, outputs, wrt, dtype, function), **target.wraps[wrap], "operation": f"kernel_{digest}"}
    return _environment().get_template(f"text/{wrap}.j2").render(variables)


def template(target: Target) -> jinja2.Template:
    """The file of a target's modules."""
    return _environment().get_template(target.template)


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(KERNELS), undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False
    )


def imports_used(source: str) -> str:
    """The text without the imports at its top that nothing in it mentions."""
    tree, lines = ast.parse(source), source.split("\n")
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    tops = [[*n.body, *(m for h in n.handlers for m in h.body)] if isinstance(n, ast.Try) else [n] for n in tree.body]
    for node in reversed([node for nodes in tops for node in nodes]):
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
            node.names = [n for n in node.names if (n.asname or n.name.partition(".")[0]) in used]
            kept = [" " * node.col_offset + ast.unparse(node)] if node.names else []
            lines[node.lineno - 1 : node.end_lineno] = kept
    return "\n".join(lines)


def loops_of(code: str) -> str:
    """The innermost loops of code, each from its margin: what is done for every element, without what shares the elements out.

    >>> print(loops_of("def f(n):\\n    for k in range(n):\\n        for i in range(k):\\n            g(i)\\n    return n"))
    for i in range(k):
        g(i)
    """
    lines = code.split("\n")
    loops = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.For)]
    inner = [loop for loop in loops if not any(isinstance(node, ast.For) for node in list(ast.walk(loop))[1:])]
    found = [textwrap.dedent("\n".join(lines[loop.lineno - 1 : loop.end_lineno])) for loop in inner]
    return "\n\n".join(found) or code


# ---------------------------------------------------------------- what is refused, and names


def renamed(whole: Program, reserved: frozenset[str]) -> Program:
    """The program with another name for each computed tensor whose own is reserved, and no new name that is."""
    inputs = {i.name for i in whole.inputs}
    whole = replace(whole, reserved=reserved)
    new = {a.name: whole.fresh(f"{a.name}_") for a in whole.assigns if a.name in reserved and a.name not in inputs}

    def rewrite(term: Any) -> Any:
        if not isinstance(term, Element) or term.name not in new:
            return term
        return Element(Symbol(new[term.name], **term.head.assumptions0), *term.indices)

    assigns = tuple(replace(a, entry=rewrite(a.entry), term=walk(a.term, rewrite)) for a in whole.assigns)
    return replace(whole, assigns=assigns, outputs=tuple(new.get(n, n) for n in whole.outputs))


def _check_wanted(target: Target, dtype: str, wrap: str) -> None:
    """Refuse a type, or a library to wrap for, that the target does not have."""
    if dtype not in target.dtypes:
        raise DeriveError(
            said("There are no kernels of {dtype}.", dtype=dtype),
            hint=said("The types are {names}.", names=", ".join(target.dtypes)),
        )
    if wrap and wrap not in target.wraps:
        raise DeriveError(
            said("There is no wrapper for {wrap}.", wrap=wrap),
            hint=said("The wrappers are {names}.", names=", ".join(target.wraps)),
        )


def _check_order(order: int, wrap: str) -> None:
    if order not in (1, 2):
        raise DeriveError(said("Derivatives are of order 1 or 2, not {order}.", order=order))
    if order == 2 and wrap:
        raise DeriveError(said("There is no wrapper of second derivatives for {wrap}.", wrap=wrap))


def _check_names(graph: Graph, reserved: frozenset[str]) -> None:
    """Refuse an argument whose name the module uses itself."""
    for name in (*(i.name for i in graph.inputs), *map(str, graph.sizes)):
        if name in reserved or "__" in name:
            raise DeriveError(
                said("A kernel has no argument called {name}: its own code uses that name.", name=name),
                hint="Give it another name.",
            )


def _check_length(graph: Graph) -> None:
    """Refuse a definition whose derivations alone would take too long."""
    count = sum(_operations(node.expr) * len(graph.parents(node.name)) * height(node.expr) for node in graph.nodes)
    if count > MOST_OPERATIONS:
        raise DeriveError(
            said(
                "This definition is too long for a kernel: it has {count:,} operations to differentiate, {most:,} are the most.",
                count=count,
                most=MOST_OPERATIONS,
            ),
            hint="Give parts of long lines a line and a name of their own, or take the definition apart.",
        )


def _operations(term: Any) -> int:
    return sum(1 for _ in preorder_traversal(term))


# ---------------------------------------------------------------- what stands at the top


def _mathematics(graph: Graph, derived: Sequence[Derivation]) -> list[str]:
    """The definitions, and the gradients as they were derived; tensors are called as the functions call them."""
    context = context_of(replace(graph, shown=()))
    lines = [text(definition(node, context)) for node in graph.nodes]
    if not derived:
        return lines
    whole = derived[0].graph
    context = context_of(replace(whole, shown=()))
    loss = [] if whole.upstream else [n for n in whole.nodes if n.name not in graph.members]  # behind several outputs
    return [
        *lines,
        "",
        *(text(definition(node, context)) for node in loss),
        *(f"{text(layout(d.subject, context))} = {text(layout(d.result, context.beside(d.indices)))}" for d in derived),
    ]


def _beside(graph: Graph, second: Second) -> list[str]:
    """What a second derivative defines besides, and what was derived of it."""
    context = context_of(replace(second.graph, shown=()))
    more = [n for n in second.graph.nodes if n.name not in graph.members and n.name not in second.program.outputs]
    derived = [(d, context_of(replace(d.graph, shown=()))) for d in second.derived]
    return [
        *(text(definition(node, context)) for node in more),
        *(f"{text(layout(d.subject, c))} = {text(layout(d.result, c.beside(d.indices)))}" for d, c in derived),
    ]


def proved(derived: Sequence[Derivation]) -> str:
    """What is said of the proofs: every derivation is proved, but those that are too large are only said to be.

    Raises ProofError where a line does not follow from the one before.
    """
    large, seen = [], 0
    for found in derived:
        seen += sum(_operations(step.line) for step in found.steps)
        if seen > MOST_LINES:
            large.append(found.wrt)
            continue
        try:
            confirm(found)
        except ProofError:
            raise
        except DeriveError:
            large.append(found.wrt)
    return "Every line of the derivation is proved" + (
        f", but for the gradients by {', '.join(large)}, which are too large" if large else ""
    )
