"""The public functions of a module: what they have in common on every target.

Each is Python around compiled code: it checks what it is given before anything is written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from derive.calculus.terms import ArgMax, Element, Index
from derive.graphs.graph import Graph, Input
from derive.kernels.program.memory import Staged
from derive.kernels.program.program import Program, gradient
from derive.kernels.text.scope import MOST, extents, size_code


@dataclass(frozen=True)
class FunctionKind:
    """A public function: its name, whether it gives the output, and whether the gradients."""

    name: str
    value: bool
    gradients: bool
    summary: str


def kinds_of(graph: Graph, outputs: Sequence[str], wrt: Sequence[str], upstreams: Sequence[str]) -> tuple[FunctionKind, ...]:
    """The functions of a definition: of a number and its gradients, or of tensors and the gradients of a loss behind them, whose
    gradients by them are `upstreams`.
    """
    of, by, given = (", ".join(names) for names in (outputs, wrt, upstreams))
    many = len(outputs) > 1
    if not graph.output.axes:
        value = f"The numbers and tensors {of}" if many else f"The number {of}"
        its = f"the gradients of {graph.output.name}" if many else "its gradients"
        gradients = FunctionKind("value_and_grad", True, True, f"{value} and {its} by {by}.")
        return (FunctionKind("value", True, False, f"{value}."), *([gradients] if wrt else []))
    tensors = f"The tensors {of}" if many else f"The tensor {of}"
    pulled = f"the gradients by {by} of a loss whose gradient{'s' * many} by {of} {'are' if many else 'is'} {given}"
    backward = (
        FunctionKind("vjp", False, True, f"The vector-Jacobian product: {pulled}."),
        FunctionKind("forward_and_vjp", True, True, f"{tensors}, and {pulled}."),
    )
    return (FunctionKind("forward", True, False, f"{tensors}."), *(backward if wrt else ()))


def second_kinds(of: str, wrt: str, v: str) -> tuple[FunctionKind, FunctionKind]:
    """The functions of second derivatives of a number: the Hessian, and its product with v."""
    return (
        FunctionKind("hessian", True, False, f"The second derivatives of {of} by {wrt}, each entry by each."),
        FunctionKind("hvp", True, False, f"The second derivatives of {of} by {wrt} times {v}, which has the shape of {wrt}."),
    )


@dataclass(frozen=True)
class Public:
    """A public function: its text with that of what it calls, and the names of all functions that they call."""

    name: str
    text: str
    code: tuple[str, ...]
    """The functions in the text that do its own work, in the order in which they run."""
    calls: frozenset[str]
    sizes: tuple[str, ...]
    """The sizes that it takes behind the arrays."""
    mixed: bool
    """Whether it calls a library of matrix products."""


def calls_of(text: str) -> frozenset[str]:
    """The functions, and the methods, that the text of a public function calls."""
    found = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return frozenset(getattr(f, "id", getattr(f, "attr", "")) for f in found)


def shape_code(axes: Sequence[Any]) -> str:
    """A shape as a tuple."""
    return f"({', '.join(map(size_code, axes))}{',' if len(axes) == 1 else ''})"


def solved_size(axis: Any, unknown: Any, length: str) -> str:
    """The size that the length of an axis made of sizes tells: s (O - 1) + K gives O."""
    slope = axis.expand().coeff(unknown, 1)
    rest = (axis.expand() - slope * unknown).expand()
    left = f"({length} - ({size_code(rest)}))"
    return left if slope == 1 else f"{left}//({size_code(slope)})"


@dataclass(frozen=True)
class Wrapper:
    """A public function being printed: what it has on every target."""

    kind: FunctionKind
    plan: Staged
    graph: Graph
    wrt: tuple[str, ...]
    dtype: str

    @property
    def program(self) -> Program:
        return self.plan.program

    @property
    def array_type(self) -> str:
        """The type of the arrays that are given and made."""
        return self.dtype

    remarks: ClassVar[tuple[str, ...]] = ()
    """What the docstring says of one target only."""

    @cached_property
    def arguments(self) -> tuple[Input, ...]:
        """The inputs of the definition, then the upstream gradients if the gradients are wanted."""
        upstream = [i for i in self.program.inputs if i.name not in self.graph.members]
        return (*self.graph.inputs, *(upstream if self.kind.gradients else []))

    @cached_property
    def arrays(self) -> tuple[Input, ...]:
        return tuple(i for i in self.arguments if i.axes)

    @cached_property
    def gradients(self) -> tuple[str, ...]:
        return tuple(gradient(n) for n in self.wrt) if self.kind.gradients else ()

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The outputs that are not gradients."""
        return self.program.outputs[: len(self.program.outputs) - len(self.gradients)]

    @cached_property
    def written(self) -> tuple[str, ...]:
        """The outputs that are arrays."""
        return tuple(n for n in self.program.outputs if self.program.assigned[n].indices)

    def axes(self, name: str) -> tuple[Any, ...]:
        return tuple(i.size for i in self.program.assigned[name].indices)

    def number_type(self, name: str) -> str:
        return "WHOLE" if name in self.plan.whole else "REAL"

    def signature(self) -> list[str]:
        out = ["out=None"] if self.written else []
        return [*(i.name for i in self.arguments), *self.given_sizes, "*", *out, "workspace=None"]

    def returned(self) -> str:
        """What stands behind the arguments: the type of the result, where the target's functions have types."""
        return ""

    @cached_property
    def _occupied(self) -> list[str]:
        """The sizes of axes that must not be empty: an entry is read at a given place, or where one was found."""
        found = {a.name for a in self.program.assigns if isinstance(a.term, ArgMax)}
        axes = {i.name: i.axes for i in self.program.inputs} | {n: self.axes(n) for n in self.program.assigned}
        places = [
            (place, size)
            for a in self.program.assigns
            for e in a.term.atoms(Element)
            for place, size in zip(e.indices, axes[e.name], strict=True)
        ]
        names = {p: {e.name for e in p.atoms(Element)} for p, _ in places}
        fixed = (size for p, size in places if names[p] & found or not (names[p] or p.atoms(Index)))
        return sorted({size.name for size in fixed if size.is_Symbol})

    # ---- what is given

    def sizes(self) -> Iterator[str]:
        """Every size, from the first array that has it as an axis; what does not fit is refused."""
        known = set(self.given_sizes)
        yield from (f"{n} = _size({n!r}, {n})" for n in self.given_sizes)
        for i in self.arrays:
            fresh = {a.name: k for k, a in enumerate(i.axes) if a.is_Symbol and a.name not in known}
            known |= fresh.keys()
            if len(fresh) == len(i.axes) > 1:
                yield f"{', '.join(fresh)} = {i.name}.shape"
            else:
                yield from (f"{name} = {i.name}.shape[{k}]" for name, k in fresh.items())
        for i in self.arrays:
            for k, axis in enumerate(i.axes):
                if unknown := [s for s in axis.free_symbols if s.name not in known]:
                    known.add(unknown[0].name)
                    yield from self._solved(i, k, axis, unknown[0])
        for i in self.arrays:
            if not self._defines(i):
                yield f"if {i.name}.shape != {shape_code(i.axes)}:"
                yield f"    raise _misshapen({i.name!r}, {i.name}, {shape_code(i.axes)!r}, {shape_code(i.axes)})"
        for size in extents(a.term for a in self.program.assigns):
            yield f"if {size} > {MOST}:"
            yield f"    raise _too_long({size!r}, {size})"
        for name in self._occupied:
            yield f"if {name} < 1:"
            yield f"    raise ValueError('{name} is 0, and an entry of that axis is wanted')"
        for i in self.arguments:
            if i.kind == "label" and not i.axes:
                yield f"if not 0 <= {i.name} < {size_code(i.classes)}:"
                yield f"    raise _bad_label({i.name!r}, {i.name}, {size_code(i.classes)})"

    def _defines(self, i: Input) -> bool:
        """Whether an array is the first with each of its axes, so that its shape cannot be wrong."""
        before = {a for other in self.arrays[: self.arrays.index(i)] for a in other.axes}
        return all(a.is_Symbol and a.name not in self.given_sizes for a in i.axes) and len({*i.axes} - before) == len(i.axes)

    def _solved(self, i: Input, k: int, axis: Any, unknown: Any) -> Iterator[str]:
        """The size that an axis made of sizes tells."""
        yield f"{unknown.name} = {solved_size(axis, unknown, f'{i.name}.shape[{k}]')}"
        yield f"if {unknown.name} < 1:"
        yield f"    raise _misshapen({i.name!r}, {i.name}, {shape_code(i.axes)!r})"

    @cached_property
    def given_sizes(self) -> tuple[str, ...]:
        """The sizes that no array tells: strides, paddings, lengths of outputs.  Of those that one axis is made of, it
        tells that which is an axis of the output.
        """
        axes = [a for i in self.graph.inputs for a in i.axes]
        told = {a.name for a in axes if a.is_Symbol}
        output = {s.name for a in self.graph.output.axes for s in a.free_symbols}
        for axis in axes:
            unknown = sorted((s.name for s in axis.free_symbols if s.name not in told), key=lambda n: (n not in output, n))
            told |= set(unknown[:1])
        return tuple(s.name for s in self.graph.sizes if s.name not in told)

    @cached_property
    def read(self) -> tuple[Input, ...]:
        """The arrays that the compiled code reads."""
        return tuple(i for i in self.arrays if i in self.plan.inputs)

    def form(self) -> tuple[str, dict[str, str]]:
        """The form of `out`, which is that of the result, and where each array stands in it; a number beside gradients has no
        place.
        """
        values = self.values if len(self.values) > 1 else tuple(n for n in self.values if n in self.written)
        parts = [part for part in (values, self.gradients) if part]
        places: dict[str, str] = {}
        for k, part in enumerate(parts):
            at = f"out[{k}]" if len(parts) > 1 else "out"
            places |= {n: at if part is values and len(part) == 1 else f"{at}[{j}]" for j, n in enumerate(part)}
        return self.formed(values, self.gradients), places

    def unpacked(self, form: str) -> Iterator[str]:
        """The lines that take `out` apart."""
        if self.gradients or len(self.values) > 1:
            yield from ("    try:", f"        {form} = out", "    except (TypeError, ValueError):")
            yield f"        raise TypeError({f'out has the form of the result: {form}'!r}) from None"
        else:
            yield f"    {form} = out"

    def result(self) -> str:
        return self.formed(self.values, self.gradients)

    @staticmethod
    def formed(values: Sequence[str], gradients: Sequence[str]) -> str:
        """Code of values and gradients in the form of a result: a value, or several, and a tuple of gradients."""
        several = f"({', '.join(gradients)}{',' if len(gradients) == 1 else ''})"
        value = ", ".join(values)
        if not gradients or not values:
            return value or several
        return f"({value}), {several}" if len(values) > 1 else f"{value}, {several}"

    def text(self, lines: Sequence[str]) -> str:
        """The function with these lines."""
        head = f"\n\ndef {self.kind.name}({', '.join(self.signature())}){self.returned()}:\n"
        return head + "".join(f"    {line}".rstrip() + "\n" for line in lines)

    def docstring(self) -> Iterator[str]:
        """What the function says of itself: its arguments with shapes and types, its result, its errors."""
        yield f'"""{self.kind.summary}'
        yield ""
        for i in self.arguments:
            yield f"{i.name}: {_described(i, self.array_type)}"
        for name in self.given_sizes:
            yield f"{name}: a size that no array tells, a whole number from 1"
        for what, names in (("values", self.values if len(self.values) > 1 else ()), ("gradients", self.gradients)):
            if names:
                shapes = [f"{n} {shape_code(self.axes(n)) if self.axes(n) else '(a number)'}" for n in names]
                yield f"The {what} are a tuple: {', '.join(shapes)}."
        if self.written:
            yield "`out` takes arrays to write to, in the form of the result; a number has None there."
        yield "`workspace` keeps the memory that the function needs for the next call."
        yield from self.remarks
        yield "Raises TypeError or ValueError, naming the argument, before anything is written."
        yield '"""'


def _described(i: Input, dtype: str) -> str:
    if i.kind == "label":
        what = f"labels 0 … {size_code(i.classes)} - 1, int64 of shape" if i.axes else f"a label 0 … {size_code(i.classes)} - 1"
    else:
        of = {
            "onehot": "one-hot along the last axis, ",
            "probability": "probabilities along the last axis, ",
            "positive": "positive, ",
        }
        what = of.get(i.kind, "") + (f"{dtype} of shape" if i.axes else "a number")
    return f"{what} {shape_code(i.axes)}" if i.axes else what
