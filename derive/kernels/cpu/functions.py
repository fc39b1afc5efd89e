"""The public functions of a CPU module: Python around the compiled runs, which checks what it is given before anything is
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from derive.graphs.graph import Graph, Input
from derive.kernels.cpu.blocked import NOTHING, blocked
from derive.kernels.cpu.compiled import Compiled, compiled, zero
from derive.kernels.cpu.halves import halved, kept_in
from derive.kernels.cpu.orders import ordered
from derive.kernels.cpu.products import matrix_product
from derive.kernels.cpu.schedule import schedule
from derive.kernels.cpu.segments import Plan, Segment, plan
from derive.kernels.program.elementary import STORED, computed
from derive.kernels.program.memory import in_place
from derive.kernels.program.program import Program
from derive.kernels.program.statements import MatrixProduct
from derive.kernels.text.python import python
from derive.kernels.text.scope import size, size_code
from derive.kernels.text.tree import Cast, Expression, Name, Reshaped, Several, Whole, call
from derive.kernels.text.wrapper import FunctionKind, Public, Wrapper, calls_of, shape_code


def public(kind: FunctionKind, program: Program, graph: Graph, wrt: Sequence[str], dtype: str) -> Public:
    """The text of a public function and of what it calls."""
    program = ordered(halved(program, dtype) if dtype in STORED else program)
    made = plan(schedule(program))
    wrapper = _CpuWrapper(kind, made, graph, tuple(wrt), computed(dtype), dtype)
    before = wrapper.tests and isinstance(made.parts[0], MatrixProduct)  # then the tests are a segment of their own
    parts = (NOTHING, *made.parts) if before else made.parts
    done = compiled(f"_{kind.name}", [part for part in parts if isinstance(part, Segment)], made, wrapper.dtype, wrapper.tests)
    by_blocks = blocked(wrapper, made, wrapper.tests, wrapper.call, list(wrapper.refusal()))
    lines = [*wrapper.docstring(), *wrapper.inputs(), *wrapper.sizes(), *wrapper.outputs()]
    lines += ["if workspace is not None:", "    _check_workspace(workspace)"] if made.between else []
    lines += [f"if {by_blocks.large}:", f"    return {by_blocks.call}"] if by_blocks else []
    lines += [*wrapper.between()]
    lines += [f"{n} = {python(zero(n, made))}" for n in done.made if len(done.works) > 1]
    runs = count()
    for part in parts:
        if isinstance(part, MatrixProduct):
            lines.append(matrix_product(part))
            continue
        run = next(runs)
        lines += [*wrapper.call(done, run), *(wrapper.refusal() if run == 0 else ())]
    lines.append(f"return {wrapper.result()}")
    mixed = any(isinstance(part, MatrixProduct) for part in parts)
    text = wrapper.text(lines)
    own = "".join(f"\n\n{function}\n" for function in done.texts)
    calls = done.calls | calls_of(text)
    if by_blocks is not None:
        own += by_blocks.text
        calls = calls.union(calls_of(by_blocks.text), *(d.calls for d in by_blocks.done))
    return Public(kind.name, own + text, done.code, calls, wrapper.given_sizes, mixed)


@dataclass(frozen=True)
class _CpuWrapper(Wrapper):
    """A public function being printed."""

    plan: Plan
    array_type: str = ""

    @cached_property
    def stored(self) -> frozenset[str]:
        """The arrays that are of another type than what is computed with: compiled code knows their bits."""
        return kept_in(self.program) if self.array_type in STORED else frozenset()

    # ---- types, for whoever calls the function

    def signature(self) -> list[str]:
        types = {i.name: self._type(i.name, bool(i.axes)) for i in self.arguments} | dict.fromkeys(self.given_sizes, "int")
        types |= {"out": f"{self._formed(nothing=True)} | None", "workspace": "Workspace | None"}
        names = [argument.partition("=") for argument in super().signature()]
        return [name if name == "*" else f"{name}: {types[name]}{' = ' * bool(value)}{value}" for name, _, value in names]

    def returned(self) -> str:
        return f" -> {self._formed()}"

    def _type(self, name: str, array: bool) -> str:
        """The type of an argument or of a result; of what is whole, an argument may be of any such type."""
        if name in self.plan.whole:
            return ("NDArray[np.integer]" if name in self.graph.members else "NDArray[np.int64]") if array else "int"
        return f"NDArray[{'Any' if self.array_type == 'bfloat16' else f'np.{self.array_type}'}]" if array else "float"

    def _formed(self, nothing: bool = False) -> str:
        """The types in the form of the result; of `out`, where nothing stands in the place of a number."""

        def one(name: str) -> str:
            return self._type(name, name in self.written) if name in self.written or not nothing else "None"

        gradients = f"tuple[{', '.join(map(one, self.gradients))}]" if self.gradients else ""
        values = self.values if self.written or not nothing else ()
        if nothing and len(values) == 1 and values[0] not in self.written:  # a number has no place beside the gradients
            values = ()
        value = f"tuple[{', '.join(map(one, values))}]" if len(values) > 1 else "".join(map(one, values))
        return f"tuple[{value}, {gradients}]" if value and gradients else value or gradients

    def number_type(self, name: str) -> str:
        return "STORED" if name in self.stored else super().number_type(name)

    # ---- what is given

    def inputs(self) -> Iterator[str]:
        """Arrays of the one type that is compiled for; those that are not contiguous are copied."""
        for i in self.arguments:
            if not i.axes:
                yield f"{i.name} = {'_label' if i.kind == 'label' else '_number'}({i.name!r}, {i.name})"
                continue
            kind = self.number_type(i.name)
            test = f"type({i.name}) is not ndarray or {i.name}.dtype is not {kind} or {i.name}.ndim != {len(i.axes)}"
            yield f"if {test} or not {i.name}.flags.carray:"
            yield f"    {i.name} = _array({i.name!r}, {i.name}, {kind}, {len(i.axes)})"

    # ---- tests in compiled code

    @cached_property
    def tests(self) -> tuple[Expression, ...]:
        """For labels outside their axis, and for outputs that share memory with another array: each 0 if all is well."""
        flat = {i.name: Name(i.name) if len(i.axes) == 1 else Reshaped(Name(i.name), (Whole(-1),)) for i in self._labels}
        labels = (
            call("outside", flat[i.name], size(i.classes), Cast("int64", Whole(k))) for k, i in enumerate(self._labels, start=1)
        )
        may = len(self.written) + len(self._same)
        spans = call("spans", Several(tuple(map(Name, self._apart)), comma=True))
        apart = call("clash", spans, Whole(len(self.written)), Whole(may))
        return (*labels, *([apart] if self.written else []))

    @cached_property
    def _labels(self) -> list[Input]:
        return [i for i in self.read if i.kind == "label"]

    @cached_property
    def _same(self) -> list[str]:
        """The inputs that may be the output, which is one then."""
        return sorted({name for _, name in in_place(self.program)} & {i.name for i in self.read})

    @cached_property
    def _apart(self) -> tuple[str, ...]:
        """The outputs, and then the inputs, whose memory must be apart."""
        return (*self.written, *self._same, *(i.name for i in self.read if i.name not in self._same))

    def refusal(self) -> Iterator[str]:
        """What is raised for each status."""
        if self.tests:
            yield "if status:"
        for k, i in enumerate(self._labels, start=1):
            yield from (f"    if status == {k}:", f"        raise _bad_label({i.name!r}, {i.name}, {size_code(i.classes)})")
        if self.written:
            yield f"    raise _shared({self._apart}, status)"

    # ---- what is made

    def outputs(self) -> Iterator[str]:
        """New arrays, or those that `out` gives in the form of the result."""
        if not self.written:
            return
        form, places = self.form()
        yield "if out is None:"
        for name in self.written:
            yield f"    {name} = empty({shape_code(self.axes(name))}, {self.number_type(name)})"
        yield "else:"
        yield from self.unpacked(form)
        for name in self.written:
            shape, kind = shape_code(self.axes(name)), self.number_type(name)
            test = f"type({name}) is not ndarray or {name}.dtype is not {kind} or {name}.shape != {shape}"
            yield f"    if {test} or not {name}.flags.carray:"
            yield f"        _check_out({places[name]!r}, {name}, {shape}, {kind})"

    def between(self) -> Iterator[str]:
        """The arrays that pass from one part to another: of the workspace, or new."""
        for name in self.plan.between:
            shape, kind = shape_code(self.plan.memory[name]), self.number_type(name)
            kept = f"workspace.array({f'{self.kind.name}.{name}'!r}, {shape}, {kind})"
            yield f"{name} = empty({shape}, {kind}) if workspace is None else {kept}"

    def call(self, compiled: Compiled, run: int) -> Iterator[str]:
        """The call of one of the runs, on one thread or on all."""
        arguments = (f"{n}.view(uint16)" if n in self.stored else n for n in compiled.arguments.values())
        given = ", ".join([*([str(run)] if len(compiled.works) > 1 else []), *arguments])
        made = f"{', '.join(['status', *compiled.made])}{'' if compiled.made else ','}"
        serial = f"{made} = {compiled.name}_serial({given})"
        if compiled.works[run] is None:
            yield serial
        else:
            yield f"if {size_code(compiled.works[run])} > THREADS_FROM:"
            twins = f"{compiled.name}_parallel, {compiled.name}_serial"
            yield f"    {made} = _on_all_threads({twins}{', ' * bool(given)}{given})"
            yield from ("else:", f"    {serial}")
