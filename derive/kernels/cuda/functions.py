"""The public functions of a CUDA module: Python that checks what it is given and launches kernels, one after the other.

Nothing waits for the device, but for labels, which are checked before anything is written unless LABELS_CHECKED says otherwise.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Mul

from derive.calculus.terms import Index
from derive.graphs.graph import Graph
from derive.kernels.cuda.cells import cells_kernels, numbers_kernel, sliced
from derive.kernels.cuda.launches import CellLaunch, Launch, Launches, RowLaunch, ScalarLaunch, launches
from derive.kernels.cuda.rows import lying_along, peels, read_again, registers, rows_kernels
from derive.kernels.cuda.threads import COUNT, OUT, PART, SIZE, Argument, KernelText, ThreadPrinter, broken, many
from derive.kernels.program.memory import in_place
from derive.kernels.program.program import Program
from derive.kernels.program.simple import product_axes
from derive.kernels.program.statements import ARGMAX, MatrixProduct, Statement
from derive.kernels.text.python import python
from derive.kernels.text.scope import Scope, size_code, size_factor, variable_of
from derive.kernels.text.tree import Brackets, Choice, Expression, Operation, called, compared
from derive.kernels.text.wrapper import FunctionKind, Public, Wrapper, calls_of, shape_code


class _HostScope(Scope):
    """Prints numbers that Python computes itself."""

    def inverse(self, x: Expression) -> Expression:
        zero = self.number(0)
        return Brackets(Choice(compared(x, "==", zero), zero, Operation("/", self.number(1), x)))


def public(kind: FunctionKind, program: Program, graph: Graph, wrt: Sequence[str], dtype: str) -> Public:
    """The text of a public function and of the kernels it launches."""
    made = launches(program)
    wrapper = _CudaWrapper(kind, made, graph, tuple(wrt), dtype)
    lines = [
        *wrapper.docstring(),
        "_ready()",
        *wrapper.elsewhere(),
        *wrapper.inputs(),
        *wrapper.sizes(),
        *wrapper.device(),
        *wrapper.outputs(),
    ]
    lines += [*wrapper.labels(), *wrapper.between()]
    printer = ThreadPrinter(made, dtype, wrapper.by_value)
    kernels: list[KernelText] = []
    for k, stage in enumerate(made.stages):
        lines += wrapper.launch(f"_{kind.name}{k}", stage, printer, kernels)
    lines.append(f"return {wrapper.result()}")
    text, own = wrapper.text(lines), "".join(f"\n\n{k.text}\n" for k in kernels)
    calls = calls_of(text).union(*(k.calls for k in kernels))
    mixed = any(isinstance(stage, MatrixProduct) for stage in made.stages)
    return Public(kind.name, own + text, tuple(k.text for k in kernels), calls, wrapper.given_sizes, mixed)


@dataclass(frozen=True)
class _CudaWrapper(Wrapper):
    """A public function being printed."""

    plan: Launches
    remarks = ("`stream` is a stream, or the number of its handle, to do all this on.",)

    def signature(self) -> list[str]:
        return [*super().signature(), "stream=None"]

    # ---- what is given

    def inputs(self) -> Iterator[str]:
        """Arrays of the right type and number of axes on the device."""
        for i in self.arguments:
            if i.axes:
                yield f"{i.name} = _array({i.name!r}, {i.name}, {self.number_type(i.name)}, {len(i.axes)})"
            else:
                yield f"{i.name} = {'_label' if i.kind == 'label' else '_number'}({i.name!r}, {i.name})"

    def elsewhere(self) -> Iterator[str]:
        """The same call with `stream` as the current one."""
        arrays = "".join(f", {i.name}" for i in self.arrays)
        out = "out=out, " if self.written else ""
        given = "".join(f"{n}, " for n in (*(i.name for i in self.arguments), *self.given_sizes))
        yield "if stream is not None:"
        yield f"    with _on(stream{arrays}):"
        yield f"        return globals()[{self.kind.name!r}]({given}{out}workspace=workspace)"

    def device(self) -> Iterator[str]:
        """The library whose arrays are given, and its stream."""
        yield f"device__ = _library({', '.join(f'{i.name}.given' for i in self.arrays)})"
        yield "stream__ = device__.current()"

    def labels(self) -> Iterator[str]:
        found = [i for i in self.read if i.kind == "label"]
        if found:
            yield "if LABELS_CHECKED:"
        for i in found:
            yield f"    {i.name} = _check_labels({i.name!r}, {i.name}, {size_code(i.classes)}, device__, LABELS_CHECKED)"

    # ---- numbers that the host computes

    @cached_property
    def _on_host(self) -> dict[str, str]:
        """The code of numbers that need no array and no elementary function."""
        known = {i.name for i in self.program.inputs if not i.axes}
        found: dict[str, str] = {}
        for stage in self.plan.stages:
            for s in stage.statements if isinstance(stage, ScalarLaunch) else ():
                scope = _HostScope("float64", variable_of)
                value = scope.value(s.term) if s.reads <= known and not s.entry.is_integer else None
                if value is not None and not scope.lines and all(map(_in_python, called(value))):
                    found[s.name] = python(value)
                    known.add(s.name)
        return found

    @property
    def by_value(self) -> frozenset[str]:
        """The numbers that kernels are given by value."""
        return frozenset({*(i.name for i in self.program.inputs if not i.axes), *self._on_host})

    # ---- what is made

    def outputs(self) -> Iterator[str]:
        """New arrays, or those that `out` gives in the form of the result; numbers are arrays without axes, always new."""
        if self._on_host:
            yield 'with np.errstate(all="ignore"):'
        yield from (f"    {n} = {code}" for n, code in self._on_host.items())
        made = [n for n in self.program.outputs if n not in self._on_host]
        if self.written:
            yield "if out is None:"
            for name in self.written:
                yield f"    {name} = _new(device__, {shape_code(self.axes(name))}, {self.number_type(name)})"
            yield from self._given_outputs()
        for name in made:
            if name not in self.written:
                yield f"{name} = _new(device__, (), {self.number_type(name)})"

    def _given_outputs(self) -> Iterator[str]:
        form, places = self.form()
        yield "else:"
        yield from self.unpacked(form)
        for name in self.written:
            yield f"    {name} = _out({places[name]!r}, {name}, {shape_code(self.axes(name))}, {self.number_type(name)})"
        written, read = (
            f"({', '.join(f'({n!r}, {n})' for n in names)},)" for names in (self.written, [i.name for i in self.read])
        )
        allowed = sorted(in_place(self.program))
        yield from broken(f"    _check_apart({written}, {read if self.read else '()'}{f', {allowed!r}' if allowed else ''})")

    def between(self) -> Iterator[str]:
        """The arrays and numbers that pass from one launch to another: of the workspace, or new."""
        for name in self.plan.between:
            yield self._room(name, shape_code(self.plan.memory[name]), self.number_type(name))
        for s in self._passed:
            if s.name not in self.program.outputs:
                yield self._room(s.name, "()", self.number_type(s.name))

    @cached_property
    def _passed(self) -> tuple[Statement, ...]:
        """The numbers computed on the device that another launch reads, or that are wanted."""
        found = []
        for k, stage in enumerate(self.plan.stages):
            others = frozenset().union(*(o.reads for j, o in enumerate(self.plan.stages) if j != k))
            wanted = others | {*self.program.outputs}
            numbers = (*stage.totals, *stage.statements) if isinstance(stage, ScalarLaunch) else getattr(stage, "sums", ())
            found += [s for s in numbers if not s.axes and s.name in wanted and s.name not in self._on_host]
        return tuple(found)

    def _room(self, name: str, shape: str, kind: str) -> str:
        return f"{name} = _room(workspace, device__, {f'{self.kind.name}.{name}'!r}, {shape}, {kind})"

    def result(self) -> str:
        given = {n: n if n in self._on_host else f"{n}.given" for n in self.program.outputs}
        return self.formed([given[n] for n in self.values], [given[g] for g in self.gradients])

    # ---- launches

    def launch(self, name: str, stage: Launch, printer: ThreadPrinter, kernels: list[KernelText]) -> Iterator[str]:
        """The lines that launch a stage; its kernels are put to the others."""
        if isinstance(stage, MatrixProduct):
            yield _product(stage)
        elif isinstance(stage, ScalarLaunch):
            stage = ScalarLaunch(stage.totals, tuple(s for s in stage.statements if s.name not in self._on_host))
            wanted = {s.name for s in self._passed}
            if stage.totals or stage.statements:
                kernels.append(numbers_kernel(printer, name, stage, wanted))
                yield from broken(f"{name}()[1, THREADS, stream__]({self._call(kernels[-1])})")
        elif isinstance(stage, RowLaunch):
            kernels += rows_kernels(printer, name, stage)
            yield from self._rows(name, stage, printer, *kernels[-2:])
        elif stage.statements[0].scatter:
            kernels += cells_kernels(printer, name, stage)
            yield from self._scattered(name, stage, *kernels[-2:])
        else:
            kernels += cells_kernels(printer, name, stage)
            yield from self._cells(name, stage, printer, kernels[-1])

    def _call(self, kernel: KernelText, targets: Mapping[str, str] = {}) -> str:
        """The arguments of a kernel."""
        return ", ".join(self._argument(a, targets) for a in kernel.arguments)

    def _argument(self, a: Argument, targets: Mapping[str, str]) -> str:
        if a.what == COUNT:
            return f"{a.of}{PART}.shape[0]"
        if not a.what and (a.kind == SIZE or a.of in self.by_value):
            return a.of
        array = {OUT: targets.get(a.of, a.of), PART: a.name}.get(a.what, a.of)
        return f"{array}.pointer"

    def _rows(self, name: str, stage: RowLaunch, printer: ThreadPrinter, short: KernelText, long: KernelText) -> Iterator[str]:
        along, rows, length = lying_along(printer, stage), _many(stage.outer), _many(stage.inner)
        arrays = "".join(f", {n}" for n in along)
        yield f"T__, V__, E__, R__ = _row_shape({length}, {registers(printer, stage)}, {peels(printer, stage)}{arrays})"
        parts = bool(stage.totals or stage.columns)
        count = len(read_again(printer, stage))
        again = f"0 if E__ else {f'{count}*' * (count > 1)}{length}*REAL.itemsize" if count else "0"
        yield f"grid__ = _row_grid({rows}, T__*R__, R__, {parts}, {bool(stage.columns)}, {again})"
        for s in stage.totals:
            yield self._room(f"{s.name}{PART}", "(grid__*R__,)", "PARTIAL")
        for s in stage.columns:
            yield self._room(f"{s.name}{PART}", f"(grid__*R__, {length})", "REAL")
        yield "if E__:"
        yield from broken(f"    {name}(T__, V__, E__)[grid__, (T__, R__), stream__]({self._call(short)})")
        yield "else:"
        yield from broken(f"    {name}_long(T__, V__)[grid__, (T__, R__), stream__]({self._call(long)})")
        for s in stage.columns:
            yield f"_add_up_{s.kind}({s.name}{PART}, {s.name}, grid__*R__, {length}, stream__)"

    def _cells(self, name: str, stage: CellLaunch, printer: ThreadPrinter, kernel: KernelText) -> Iterator[str]:
        count = _many(stage.loops)
        if not stage.over:
            arrays = "".join(f", {n}" for n in lying_along(printer, stage))
            yield f"V__ = _wide({_factor(stage.loops[-1].size) if stage.loops else '1'}{arrays})"
            yield f"grid__ = _grid({count}//V__)"
            for s in stage.totals:
                yield self._room(f"{s.name}{PART}", "(grid__,)", "PARTIAL")
            yield from broken(f"{name}(V__)[grid__, THREADS, stream__]({self._call(kernel)})")
            return
        sums = [s for s in stage.sums if s.kind != ARGMAX]
        if not sums:
            yield "slices__ = 1"
            yield from broken(f"{name}()[_grid({count}), THREADS, stream__]({self._call(kernel)})")
            return
        yield f"slices__ = _slices({count}, {_factor(sliced(stage).size)})"
        for s in sums:
            yield f"{s.name}{PART} = {s.name}"
        yield "if slices__ > 1:"
        for s in sums:
            yield f"    {self._room(f'{s.name}{PART}', f'(slices__, {count})', 'REAL')}"
        targets = {s.name: f"{s.name}{PART}" for s in sums}
        yield from broken(f"{name}()[_grid({count}*slices__), THREADS, stream__]({self._call(kernel, targets)})")
        yield "if slices__ > 1:"
        for s in sums:
            yield f"    _add_up_{s.kind}({s.name}{PART}, {s.name}, slices__, {count}, stream__)"

    def _scattered(self, name: str, stage: CellLaunch, atomic: KernelText, ordered: KernelText) -> Iterator[str]:
        (s,) = stage.statements
        yield f"_clear({s.name}, stream__)"
        yield "if DETERMINISTIC:"
        yield from broken(f"    {name}_ordered()[_grid({_many(stage.loops)}), THREADS, stream__]({self._call(ordered)})")
        yield "else:"
        every = _many((*stage.loops, *stage.over))
        yield from broken(f"    {name}_atomic()[_grid({every}), THREADS, stream__]({self._call(atomic)})")


def _product(product: MatrixProduct) -> str:
    """One call of the library's matrix product: for each of the three arrays how far apart examples, rows and columns lie."""
    groups = product_axes(product.entry, product.a, product.b, product.over)
    assert groups is not None
    of_a, of_b, _ = groups
    middle = next(g for g in of_a if set(g) == set(product.over))
    left = next(g for g in of_a if g is not middle)
    right = next(g for g in of_b if set(g) != set(product.over))
    examples = tuple(i for i in product.entry.indices if i in product.a.indices and i in product.b.indices)
    views = [
        f"({name}, ({', '.join(_step(g, axes) for g in (examples, rows, columns))}))"
        for name, axes, rows, columns in (
            (product.a.name, product.a.indices, left, middle),
            (product.b.name, product.b.indices, middle, right),
            (product.name, product.entry.indices, left, right),
        )
    ]
    shape = ", ".join(_many(g) for g in (examples, left, middle, right))
    return f"device__.product({', '.join(views)}, {shape})"


def _in_python(function: str) -> bool:
    """Whether a function is Python's own."""
    return "." in function or hasattr(builtins, function)


def _many(axes: Iterable[Index]) -> str:
    return python(many(axes))


def _factor(size: Any) -> str:
    return python(size_factor(size))


def _step(group: Sequence[Index], axes: Any) -> str:
    """How far the values of a group of indices lie apart in an array with these axes."""
    if not group:
        return "0"
    behind = axes[axes.index(group[-1]) + 1 :]
    return size_code(Mul(*[i.size for i in behind])) if behind else "1"
