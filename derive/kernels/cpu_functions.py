"""The public functions of a CPU module: Python around the compiled runs, which checks what it is given before anything is
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from derive.graphs import Graph
from derive.kernels.code import size_code
from derive.kernels.cpu import Compiled, compiled_run, function_text, matrix_product
from derive.kernels.functions import Kind, Public, Wrapper, shape_code
from derive.kernels.program import Program
from derive.kernels.schedule import MatrixProduct, schedule
from derive.kernels.stages import Plan, Run, in_place, plan, sizes_in

FEW = 4
"""So many pairs of arrays are compared in compiled code, where it costs nothing; more would take long to compile."""


def public(kind: Kind, program: Program, graph: Graph, wrt: Sequence[str], dtype: str) -> Public:
    """The text of a public function and of what it calls."""
    made = plan(schedule(program))
    wrapper = _CpuWrapper(kind, made, graph, tuple(wrt), dtype)
    lines = [*wrapper.docstring(), *wrapper.inputs(), *wrapper.sizes(), *wrapper.outputs(), *wrapper.apart(), *wrapper.between()]
    compiled: list[Compiled] = []
    alone = wrapper.tests and not (len(made.parts) == 1 and isinstance(made.parts[0], Run))
    if alone:
        compiled.append(wrapper.check())
        lines += [f"status = {compiled[0].name}({', '.join(compiled[0].arguments)})", *wrapper.refusal()]
    for part in made.parts:
        if isinstance(part, MatrixProduct):
            lines.append(matrix_product(part))
            continue
        run = compiled_run(
            f"_{kind.name}{len(compiled)}", part, made, dtype, () if alone else [test for test, _ in wrapper.tests]
        )
        compiled.append(run)
        lines += [*wrapper.call(run, part), *(() if alone else wrapper.refusal())]
    lines.append(f"return {wrapper.result()}")
    used = frozenset({"address"}).union(*(c.used for c in compiled))
    mixed = any(isinstance(part, MatrixProduct) for part in made.parts)
    text = "".join(c.text for c in compiled) + wrapper.text(lines)
    return Public(kind.name, text, used, wrapper.given_sizes, mixed)


@dataclass(frozen=True)
class _CpuWrapper(Wrapper):
    """A public function being printed."""

    plan: Plan

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

    # ---- tests in compiled code

    @cached_property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """(what compiled code tests, what is raised): labels outside their axis, outputs that share memory with another array."""
        read = self.read
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
            for b in (*(i.name for i in self.read), *self.written[k + 1 :]):
                test = f"overlap({a}, {b})" + (f" and address({a}) != address({b})" if (a, b) in in_place(self.program) else "")
                found.append((test, f"_shared({a!r}, {b!r})"))
        return tuple(found)

    def apart(self) -> Iterator[str]:
        """The same test for many arrays, in Python, where `out` is given."""
        if len(self._apart) > FEW:
            written, read = (
                f"({', '.join(f'({n!r}, {n})' for n in names)},)" for names in (self.written, [i.name for i in self.read])
            )
            yield "if out is not None:"
            yield f"    _check_apart({written}, {read})"

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
        sizes = sorted(sizes_in(*(i.classes for i in self.read if i.kind == "label")))
        given = (*(i.name for i in self.read), *self.written, *sizes)
        name = f"_{self.kind.name}_check"
        return Compiled(name, function_text(name, given, [*self.tested(), "return 0"]), given, frozenset(), 0)

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
        if self.plan.between:
            yield "if workspace is not None:"
            yield "    _check_workspace(workspace)"
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
