"""What another library, such as PyTorch, differentiates: text behind the functions of a module, from a template of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Dummy, Symbol

from derive.calculus.terms import Binder, Element, Index, Sum, factors, walk
from derive.graphs.graph import Graph, Input, Node
from derive.kernels.program.elementary import computed
from derive.kernels.text.wrapper import Public, shape_code, solved_size


def wrapped_variables(
    graph: Graph, outputs: Sequence[str], wrt: Sequence[str], dtype: str, function: Public
) -> Mapping[str, Any]:
    """What the template of a library has put in, besides what the target says of its arrays."""
    inputs = [i.name for i in graph.inputs]
    axis = rows_axis(graph)
    told = dict(_told(graph, function.sizes))
    made, scalar, number = [n for name in outputs for n in graph.nodes if n.name == name], not graph.output.axes, computed(dtype)
    several = len(outputs) > 1
    axes = [s.name for node in made for a in node.axes for s in a.free_symbols]
    types = [f"torch.{'int64' if n.expr.is_integer else number}" for n in made]
    first = next(k for k, i in enumerate(graph.inputs) if i.axes or k == len(inputs) - 1)
    stored = [f"torch.{dtype}" if n.axes and not n.expr.is_integer else kind for n, kind in zip(made, types, strict=True)]
    empty = [f"arguments[{first}].new_empty({shape_code(n.axes)}, dtype={kind})" for n, kind in zip(made, stored, strict=True)]
    moved = [k for k, n in enumerate(made) if (n is graph.output if scalar else n.differentiable)]
    return {
        "names": (*inputs, *function.sizes),
        "sizes": function.sizes,
        "labels": tuple(i.name for i in graph.inputs if i.kind == "label"),
        "schema": ", ".join([*(f"Tensor {name}" for name in inputs), *(f"SymInt {name}" for name in function.sizes)]),
        "told": [(name, told[name]) for name in dict.fromkeys(axes)],
        "real": tuple(i.name for i in graph.inputs if i.axes and i.kind != "label"),
        "rows": {i.name: len(i.axes) for i in graph.inputs if axis is not None and axis in i.axes},
        "inputs": len(inputs),
        "places": [inputs.index(name) for name in wrt],
        "wrt": tuple(wrt),
        "dtype": dtype,
        "number": number,
        "scalar": scalar,
        "function": function.name,
        # of the outputs: which PyTorch differentiates, and which not; their types, and how an empty one is made
        "outputs": tuple(outputs),
        "pulled": moved,
        "still": [k for k in range(len(made)) if k not in moved],
        "moved": tuple(outputs[k] for k in moved),
        "upstreams": ", ".join(f"Tensor upstream{k if several else ''}" for k in moved),
        "results": f"({', '.join(['Tensor'] * len(made))})" if several else "Tensor",
        "types": f"({', '.join(types)})",
        "empty": f"({', '.join(empty)})" if several else empty[0],
        "rows_of_results": [k for k, n in enumerate(made) if axis is not None and axis in n.axes],
    }


def _told(graph: Graph, given: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each size, and what is known of it before a run: an argument, the length of an axis, or what such a length tells."""
    known = set(given)
    yield from ((name, f"arguments[{len(graph.inputs) + k}]") for k, name in enumerate(given))
    axes = [(a, f"arguments[{k}].shape[{place}]") for k, i in enumerate(graph.inputs) for place, a in enumerate(i.axes)]
    for axis, length in sorted(axes, key=lambda one: not one[0].is_Symbol):
        if unknown := [s for s in axis.free_symbols if s.name not in known]:
            known.add(unknown[0].name)
            yield unknown[0].name, length if axis.is_Symbol else solved_size(axis, unknown[0], length)


# ---------------------------------------------------------------- rows


def rows_axis(graph: Graph) -> Symbol | None:
    """The axis of rows that do not know of one another, such as the examples of a batch: whoever has them in several axes may
    put these in the place of one.  None where there is no such axis.

    It leads wherever it stands; what a row's entries are computed from is in that row or in none; a number is made of all
    rows by a sum alone.
    """
    leading = dict.fromkeys(i.axes[0] for i in graph.inputs if i.axes)
    return next(
        (a for a in leading if a.is_Symbol and _leads(graph, a) and all(_by_rows(n, a, graph) for n in graph.nodes)), None
    )


def _leads(graph: Graph, axis: Symbol) -> bool:
    """Whether an axis stands first wherever it stands, and no other is made of it."""
    behind = {s for m in graph.members.values() for a in m.axes[1:] for s in a.free_symbols}
    first = {s for m in graph.members.values() for a in m.axes[:1] if a != axis for s in a.free_symbols}
    classes = {s for i in graph.inputs if i.classes is not None for s in i.classes.free_symbols}
    return axis not in behind | first | classes


def _by_rows(node: Node, axis: Symbol, graph: Graph) -> bool:
    """Whether a tensor with the axis is computed a row at a time; and whether one without reads none with it, but for an
    output that is a sum over rows, or a multiple of one.
    """
    if node.indices[:1] and node.indices[0].size == axis:
        return _in_row(node.expr, node.indices[0], graph)
    if not any(_has_rows(graph.members[e.name], axis) for e in node.expr.atoms(Element)):
        return True
    sums = [f for f in factors(node.expr) if not f.is_number and f != axis and 1 / f != axis]
    if node != graph.output or len(sums) != 1 or type(sums[0]) is not Sum:
        return False
    bound, body = sums[0].opened()
    rows = [i for i in bound if i.size == axis]
    return len(rows) == 1 and _in_row(body, rows[0], graph)


def _has_rows(member: Input | Node, axis: Symbol) -> bool:
    return bool(member.axes) and member.axes[0] == axis


def _in_row(term: Any, row: Index, graph: Graph) -> bool:
    """Whether a term reads one row alone, and does not ask which it is."""
    elements = [e for e in term.atoms(Element) if _has_rows(graph.members[e.name], row.size)]
    if any(e.indices[0] != row for e in elements) or any(i.size == row.size for i in _bound(term)):
        return False
    return not walk(term, lambda t: Dummy() if isinstance(t, Element) and t.indices[:1] == (row,) else t).has(row)


def _bound(term: Any) -> Iterator[Any]:
    return (i for binder in term.atoms(Binder) for i in binder.indices)
