"""The public functions of a CPU module: Python around the compiled runs, which checks what it is given before anything is
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derive.graphs import Graph, Input
from derive.kernels.cpu import Compiled, compiled_run, function_text, matrix_product, size_code
from derive.kernels.program import Program, gradient
from derive.kernels.schedule import MatrixProduct
from derive.kernels.stages import Plan, Run, in_place, sizes_in

FEW = 4
"""So many pairs of arrays are compared in compiled code, where it costs nothing; more would take long to compile."""


@dataclass(frozen=True)
class Kind:
    """A public function: its name, whether it gives the output, and whether the gradients."""

    name: str
    value: bool
    gradients: bool
    summary: str


GRADIENTS = "the gradients by {wrt} of a loss whose gradient by {output} is {upstream}"

SCALAR = (
    Kind("value", True, False, "The number {output}."),
    Kind("value_and_grad", True, True, "The number {output} and its gradients by {wrt}."),
)
TENSOR = (
    Kind("forward", True, False, "The tensor {output}."),
    Kind("vjp", False, True, f"The vector-Jacobian product: {GRADIENTS}."),
    Kind("forward_and_vjp", True, True, f"The tensor {{output}}, and {GRADIENTS}."),
)


@dataclass(frozen=True)
class Public:
    """A public function: its text, those of the compiled functions it calls, and the device functions that they use."""

    name: str
    text: str
    compiled: tuple[Compiled, ...]
    used: frozenset[str]
    sizes: tuple[str, ...]
    """The sizes that it takes behind the arrays."""


def public(kind: Kind, plan: Plan, graph: Graph, wrt: Sequence[str], dtype: str) -> Public:
    """The text of a public function and of what it calls."""
    wrapper = _Wrapper(kind, plan, graph, tuple(wrt), dtype)
    lines = [*wrapper.docstring(), *wrapper.inputs(), *wrapper.sizes(), *wrapper.outputs(), *wrapper.apart(), *wrapper.between()]
    compiled: list[Compiled] = []
    alone = wrapper.tests and not (len(plan.parts) == 1 and isinstance(plan.parts[0], Run))
    if alone:
        compiled.append(wrapper.check())
        lines += [f"status = {compiled[0].name}({', '.join(compiled[0].arguments)})", *wrapper.refusal()]
    for part in plan.parts:
        if isinstance(part, MatrixProduct):
            lines.append(matrix_product(part))
            continue
        run = compiled_run(
            f"_{kind.name}{len(compiled)}", part, plan, dtype, () if alone else [test for test, _ in wrapper.tests]
        )
        compiled.append(run)
        lines += [*wrapper.call(run, part), *(() if alone else wrapper.refusal())]
    lines.append(f"return {wrapper.result()}")
    text = f"\n\ndef {kind.name}({', '.join(wrapper.signature())}):\n" + "".join(f"    {line}".rstrip() + "\n" for line in lines)
    return Public(kind.name, text, tuple(compiled), frozenset().union(*(c.used for c in compiled)), wrapper.given_sizes)


def shape_code(axes: Sequence[Any]) -> str:
    """A shape as a tuple."""
    return f"({', '.join(map(size_code, axes))}{',' if len(axes) == 1 else ''})"


@dataclass(frozen=True)
class _Wrapper:
    """A public function being printed."""

    kind: Kind
    plan: Plan
    graph: Graph
    wrt: tuple[str, ...]
    dtype: str

    @property
    def program(self) -> Program:
        return self.plan.schedule.program

    @cached_property
    def arguments(self) -> tuple[Input, ...]:
        """The inputs of the definition, then the upstream gradient if the gradients are wanted."""
        upstream = [i for i in self.program.inputs if i.name == self.program.graph.upstream]
        return (*self.graph.inputs, *(upstream if self.kind.gradients else []))

    @cached_property
    def arrays(self) -> tuple[Input, ...]:
        return tuple(i for i in self.arguments if i.axes)

    @cached_property
    def gradients(self) -> tuple[str, ...]:
        return tuple(gradient(n) for n in self.wrt) if self.kind.gradients else ()

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

    # ---- what is given

    def inputs(self) -> Iterator[str]:
        """Arrays of the right type and number of axes; those that are not contiguous are copied."""
        for i in self.arguments:
            if not i.axes:
                yield f"{i.name} = {'_label' if i.kind == 'label' else '_number'}({i.name!r}, {i.name})"
                continue
            kind = self.number_type(i.name)
            test = f"type({i.name}) is not ndarray or {i.name}.dtype is not {kind} or {i.name}.ndim != {len(i.axes)}"
            yield f"if {test} or not {i.name}.flags.c_contiguous:"
            yield f"    {i.name} = _array({i.name!r}, {i.name}, {kind}, {len(i.axes)})"

    def sizes(self) -> Iterator[str]:
        """Every size, from the first array that has it as an axis; what does not fit is refused."""
        known = set(self.given_sizes)
        yield from (f"{n} = _size({n!r}, {n})" for n in self.given_sizes)
        for i in self.arrays:
            for k, axis in enumerate(i.axes):
                if axis.is_Symbol and axis.name not in known:
                    known.add(axis.name)
                    yield f"{axis.name} = {i.name}.shape[{k}]"
        for i in self.arrays:
            for k, axis in enumerate(i.axes):
                if unknown := [s for s in axis.free_symbols if s.name not in known]:
                    known.add(unknown[0].name)
                    yield from self._solved(i, k, axis, unknown[0])
        for i in self.arrays:
            if not self._defines(i):
                yield f"if {i.name}.shape != {shape_code(i.axes)}:"
                yield f"    raise _misshapen({i.name!r}, {i.name}, {shape_code(i.axes)!r}, {shape_code(i.axes)})"
        for i in self.arguments:
            if i.kind == "label" and not i.axes:
                yield f"if not 0 <= {i.name} < {size_code(i.classes)}:"
                yield f"    raise _bad_label({i.name!r}, {i.name}, {size_code(i.classes)})"

    def _defines(self, i: Input) -> bool:
        """Whether an array is the first with each of its axes, so that its shape cannot be wrong."""
        before = {a for other in self.arrays[: self.arrays.index(i)] for a in other.axes}
        return all(a.is_Symbol and a.name not in self.given_sizes for a in i.axes) and len({*i.axes} - before) == len(i.axes)

    def _solved(self, i: Input, k: int, axis: Any, unknown: Any) -> Iterator[str]:
        """The size that an axis made of sizes tells: s (O - 1) + K gives O."""
        slope = axis.expand().coeff(unknown, 1)
        rest = (axis.expand() - slope * unknown).expand()
        length = f"({i.name}.shape[{k}] - ({size_code(rest)}))"
        yield f"{unknown.name} = {length}" if slope == 1 else f"{unknown.name} = {length}//({size_code(slope)})"
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

    # ---- tests in compiled code

    @cached_property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """(what compiled code tests, what is raised): labels outside their axis, outputs that share memory with another array."""
        read = self._read
        labels = [i for i in read if i.kind == "label"]
        found = [
            (f"outside({i.name}, {size_code(i.classes)})", f"_bad_label({i.name!r}, {i.name}, {size_code(i.classes)})")
            for i in labels
        ]
        return (*found, *(self._apart if len(self._apart) <= FEW else ()))

    @cached_property
    def _apart(self) -> tuple[tuple[str, str], ...]:
        """(test, what is raised) for every output and another array that must not share memory."""
        found = []
        for k, a in enumerate(self.written):
            for b in (*(i.name for i in self._read), *self.written[k + 1 :]):
                test = f"overlap({a}, {b})" + (f" and address({a}) != address({b})" if (a, b) in in_place(self.program) else "")
                found.append((test, f"_shared({a!r}, {b!r})"))
        return tuple(found)

    def apart(self) -> Iterator[str]:
        """The same test for many arrays, in Python, where `out` is given."""
        if len(self._apart) > FEW:
            written, read = (
                f"({', '.join(f'({n!r}, {n})' for n in names)},)" for names in (self.written, [i.name for i in self._read])
            )
            yield "if out is not None:"
            yield f"    _check_apart({written}, {read})"

    @cached_property
    def _read(self) -> tuple[Input, ...]:
        """The arrays that compiled code reads."""
        return tuple(i for i in self.arrays if i in self.plan.inputs)

    def tested(self) -> list[str]:
        """The tests, each with the status that it returns."""
        return [line for k, (test, _) in enumerate(self.tests, start=1) for line in (f"if {test}:", f"    return {k}")]

    def refusal(self) -> Iterator[str]:
        """What is raised for each status."""
        if self.tests:
            yield "if status:"
        for k, (_, error) in enumerate(self.tests, start=1):
            yield from (f"    if status == {k}:", f"        raise {error}")

    def check(self) -> Compiled:
        """The tests as a compiled function of their own."""
        sizes = sorted(sizes_in(*(i.classes for i in self._read if i.kind == "label")))
        given = (*(i.name for i in self._read), *self.written, *sizes)
        name = f"_{self.kind.name}_check"
        return Compiled(name, function_text(name, given, [*self.tested(), "return 0"]), given, frozenset(), 0)

    # ---- what is made

    def outputs(self) -> Iterator[str]:
        """New arrays, or those that `out` gives in the form of the result."""
        if not self.written:
            return
        value = [n for n in self.program.outputs[:1] if self.kind.value and n in self.written]
        form = f"({', '.join(self.gradients)}{',' if len(self.gradients) == 1 else ''})" if self.gradients else ""
        form = ", ".join([*value, *([form] if form else [])])
        places = dict.fromkeys(value, "out" if not self.gradients else "out[0]")
        places |= {g: f"out[1][{k}]" if value else f"out[{k}]" for k, g in enumerate(self.gradients)}
        yield "if out is None:"
        for name in self.written:
            yield f"    {name} = empty({shape_code(self.axes(name))}, {self.number_type(name)})"
        yield "else:"
        if self.gradients:
            yield from ("    try:", f"        {form} = out", "    except (TypeError, ValueError):")
            yield f"        raise TypeError({f'out has the form of the result: {form}'!r}) from None"
        else:
            yield f"    {form} = out"
        for name in self.written:
            shape, kind = shape_code(self.axes(name)), self.number_type(name)
            test = f"type({name}) is not ndarray or {name}.dtype is not {kind} or {name}.shape != {shape}"
            yield f"    if {test} or not {name}.flags.carray:"
            yield f"        raise _bad_out({places[name]!r}, {name}, {shape}, {kind})"

    def between(self) -> Iterator[str]:
        """The arrays that pass from one part to another: of the workspace, or new."""
        for name in self.plan.between:
            shape, kind = shape_code(self.plan.memory[name]), self.number_type(name)
            kept = f"workspace.array({f'{self.kind.name}.{name}'!r}, {shape}, {kind})"
            yield f"{name} = empty({shape}, {kind}) if workspace is None else {kept}"

    def call(self, compiled: Compiled, run: Run) -> Iterator[str]:
        """The call of a run, on one thread or on all."""
        given = ", ".join(a.removesuffix("__given") for a in compiled.arguments)
        made = f"{', '.join(['status', *run.made])}{'' if run.made else ','}"
        if compiled.threaded:
            yield f"if {size_code(compiled.work)} > THREADS_FROM:"
            yield f"    {made} = {compiled.name}_parallel({given}, get_num_threads())"
            yield "else:"
            yield f"    {made} = {compiled.name}_serial({given})"
        else:
            yield f"{made} = {compiled.name}_serial({given})"

    def result(self) -> str:
        gradients = f"({', '.join(self.gradients)}{',' if len(self.gradients) == 1 else ''})"
        if not self.gradients:
            return self.program.outputs[0]
        return f"{self.program.outputs[0]}, {gradients}" if self.kind.value else gradients

    def docstring(self) -> Iterator[str]:
        words = {"output": self.graph.output.name, "wrt": ", ".join(self.wrt), "upstream": self.program.graph.upstream}
        yield f'"""{self.kind.summary.format(**words)}'
        yield ""
        for i in self.arguments:
            yield f"{i.name}: {_described(i, self.dtype)}"
        for name in self.given_sizes:
            yield f"{name}: a size that no array tells, a whole number from 1"
        if self.gradients:
            shapes = [f"{g} {shape_code(self.axes(g)) if self.axes(g) else '(a number)'}" for g in self.gradients]
            yield f"The gradients are a tuple: {', '.join(shapes)}."
        if self.written:
            yield "`workspace` keeps the memory that the function needs for the next call."
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
