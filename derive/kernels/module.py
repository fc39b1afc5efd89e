"""A kernel as the text of a module that needs numpy and numba alone."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jinja2
from sympy import Symbol

from derive import __version__
from derive.calculus.terms import Element, walk
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph
from derive.kernels.cpu.compiled import THREADS_BESIDE, THREADS_FROM
from derive.kernels.cuda.threads import COMBINED
from derive.kernels.program.elementary import DTYPES
from derive.kernels.program.program import Program, derivations, program
from derive.kernels.program.simple import simple
from derive.kernels.program.stable import stable
from derive.kernels.program.statements import NEUTRAL
from derive.kernels.target import TARGETS, reserved
from derive.kernels.text.device import sources
from derive.kernels.text.scope import Scope
from derive.kernels.text.wrapper import SCALAR, TENSOR, Public
from derive.notation.context import context_of
from derive.notation.definitions import definition
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.certificate import fingerprint
from derive.proof.proof import prove
from derive.resources import folder


@dataclass(frozen=True)
class Module:
    """The text of a module, and what it computes."""

    source: str = field(repr=False)
    name: str
    graph: Graph = field(repr=False)
    wrt: tuple[str, ...]
    dtype: str
    programs: dict[str, Program] = field(repr=False)


def module(
    graph: Graph, wrt: Sequence[str] = (), dtype: str = "float32", title: str = "", wrap: str = "", target: str = "cpu"
) -> Module:
    """The module of a graph for one of the TARGETS: its output and the gradients by `wrt`, by default by all that have one.

    With wrap="torch" the module has a `torch.autograd.Function` besides, and needs PyTorch.  Raises DeriveError for a name that
    is none, and for a type that kernels do not have.
    """
    if dtype not in DTYPES:
        raise DeriveError(f"there are no kernels of {dtype}", hint=f"The types are {' and '.join(DTYPES)}.")
    on, taken = TARGETS[target], reserved(dtype, target)
    _check_names(graph, taken)
    names = tuple(wrt) or tuple(i.name for i in graph.inputs if i.differentiable and i.name in graph.ancestors(graph.output.name))
    kinds = TENSOR if graph.output.axes else SCALAR
    programs: dict[str, Program] = {}
    functions: list[Public] = []
    for kind in kinds:
        if kind.gradients and not names:
            continue
        whole = program(graph, names if kind.gradients else (), kind.value)
        programs[kind.name] = simple(stable(renamed(whole, taken)))
        functions.append(on.public(kind, programs[kind.name], graph, names, dtype))
    used = frozenset().union(*(f.used for f in functions))
    derived = derivations(graph, names)
    template = _environment().get_template(on.template)
    source = template.render(
        title=title or graph.output.name,
        version=__version__,
        dtype=dtype,
        mathematics=textwrap.indent("\n".join(_mathematics(graph, derived)), "    "),
        proved=proved(derived),
        fingerprint=fingerprint(graph, derived),
        device=sources(used, dtype, on.imports, target).strip(),
        functions="".join(f.text for f in functions).lstrip("\n"),
        wrt=names,
        sums=[(kind, combined, Scope(dtype, str).value(NEUTRAL[kind])) for kind, combined in COMBINED.items()],
        threads_from=THREADS_BESIDE if any(f.mixed for f in functions) else THREADS_FROM,
        wrap=wrap,
    )
    if wrap:
        source += _wrapped(graph, names, dtype, functions[0], target)
    return Module(source.rstrip("\n") + "\n", title or graph.output.name, graph, names, dtype, programs)


WRAPS = ("torch",)


def _wrapped(graph: Graph, wrt: Sequence[str], dtype: str, function: Public, target: str) -> str:
    """The text of a function that PyTorch differentiates."""
    if not wrt or graph.output.expr.is_integer:
        raise DeriveError("nothing is differentiated here, so there is nothing to wrap")
    inputs = [i.name for i in graph.inputs]
    return (
        _environment()
        .get_template("kernels/torch.j2")
        .render(
            arguments=[*inputs, *function.sizes],
            names=(*inputs, *function.sizes),
            inputs=len(inputs),
            output=graph.output.name,
            wrt=wrt,
            dtype=dtype,
            scalar=not graph.output.axes,
            target=target,
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("templates")), undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False
    )


# ---------------------------------------------------------------- names


def renamed(whole: Program, taken: frozenset[str]) -> Program:
    """The program with another name for each computed tensor whose own is taken."""
    inputs = {i.name for i in whole.inputs}
    new = {a.name: whole.fresh(f"{a.name}_") for a in whole.assigns if a.name in taken and a.name not in inputs}

    def rewrite(term: Any) -> Any:
        if not isinstance(term, Element) or term.name not in new:
            return term
        return Element(Symbol(new[term.name], **term.head.assumptions0), *term.indices)

    assigns = tuple(replace(a, entry=rewrite(a.entry), term=walk(a.term, rewrite)) for a in whole.assigns)
    return replace(whole, assigns=assigns, outputs=tuple(new.get(n, n) for n in whole.outputs)) if new else whole


def _check_names(graph: Graph, taken: frozenset[str]) -> None:
    """Refuse an argument whose name the module uses itself."""
    for name in (*(i.name for i in graph.inputs), *map(str, graph.sizes)):
        if name in taken or "__" in name:
            raise DeriveError(
                f"a kernel has no argument called {name}: its own code uses that name", hint="Give it another name."
            )


# ---------------------------------------------------------------- what stands at the top


def _mathematics(graph: Graph, derived: Sequence[Derivation]) -> list[str]:
    """The definitions, and the gradients as they were derived; tensors are called as the functions call them."""
    context = context_of(replace(graph, shown=()))
    lines = [text(definition(node, context)) for node in graph.nodes]
    if not derived:
        return lines
    context = context_of(replace(derived[0].graph, shown=()))
    return [*lines, "", *(f"{text(layout(d.subject, context))} = {text(layout(d.result, context))}" for d in derived)]


def proved(derived: Sequence[Derivation]) -> str:
    """What is said of the proofs: every derivation is proved, but those that are too large are only said to be.

    Raises ProofError where a line does not follow from the one before.
    """
    large = []
    for found in derived:
        try:
            prove(found)
        except ProofError:
            raise
        except DeriveError:
            large.append(found.wrt)
    return "Every line of the derivation is proved" + (
        f", but for the gradients by {', '.join(large)}, which are too large" if large else ""
    )
