"""The function that computes what a public function does by blocks of an axis, where what stands between is large.

Inside a loop over blocks NAME__part is the part of a tensor that belongs to the block, SIZE__block the length of the block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sympy import Add, Mul, Symbol

from derive.calculus.terms import Largest
from derive.kernels.cpu.blocks import Blocks, Part, Pass, Step, blocks, end_of, first_of, length_of
from derive.kernels.cpu.compiled import Compiled, compiled, zero
from derive.kernels.cpu.looped import stored
from derive.kernels.cpu.products import in_place, matrix_product
from derive.kernels.cpu.schedule import Region, schedule
from derive.kernels.cpu.segments import Plan, Segment, plan
from derive.kernels.program.memory import sizes_in
from derive.kernels.program.statements import MAP, MatrixProduct, read_by
from derive.kernels.text.python import python
from derive.kernels.text.scope import size_code
from derive.kernels.text.tree import Expression
from derive.kernels.text.wrapper import Wrapper, shape_code

NOTHING = Segment((), (), ())
"""A segment that computes nothing."""

BLOCKS_FROM, BLOCK = 1 << 25, 1 << 22
"""From how many bytes of arrays between two steps on a function works by blocks, and about how many of them it has at once."""

WIDTH = 64
"""A block has a multiple of so many places."""

Call = Callable[[Compiled, int], Iterator[str]]
"""The lines that call a run."""


@dataclass(frozen=True)
class Blocked:
    """A program by blocks as text: `large` says when it is used, `text` is that of the function, `call` how it is called."""

    large: str
    call: str
    text: str
    done: tuple[Compiled, ...]


def blocked(wrapper: Wrapper, made: Plan, tests: Sequence[Expression], call: Call, refusal: Sequence[str]) -> Blocked | None:
    """The program of a wrapper by blocks of the axis that saves most; None where no axis can be cut."""
    between = [n for n in made.between if len(made.memory[n]) > 1]
    axes = sorted({a for n in between for a in made.memory[n] if a.is_Symbol}, key=str)
    twice = [a for a in axes if any(made.memory[n].count(a) > 1 for n in between)]
    found = next(filter(None, ([*_ways(made, some)] for some in (twice, axes))), None)
    if found is None:
        return None
    best = max(found, key=lambda way: way.rank)
    return _Printing(wrapper, best.blocks, tests, call, refusal).function([made.memory[n] for n in best.saved])


def _ways(made: Plan, axes: Sequence[Symbol]) -> Iterator[_Way]:
    """The ways to cut a program along one of these axes that save something."""
    return (way for axis in axes for b in blocks(made.program, axis) if (way := _Way(b, made)).saved)


@dataclass(frozen=True)
class _Way:
    """A way to cut a program, beside others."""

    blocks: Blocks
    plan: Plan

    @property
    def saved(self) -> list[str]:
        """What is never there as a whole."""
        return [n for n in self.plan.between if n in self.blocks.within]

    @property
    def rank(self) -> tuple[bool, bool, int, int, bool]:
        """Best is what saves tensors of another size than all that are wanted; then blocks that are not rows, each of which would
        add to all of a gradient; then what saves most, and the fewest passes.
        """
        memory = self.plan.memory
        wanted = [Counter(memory[n]) for n in self.plan.program.outputs if n in memory]
        larger = any(not any(Counter(memory[n]) <= w for w in wanted) for n in self.saved)
        columns = any(self.blocks.within[n] > 0 for n in self.saved)
        return larger, columns or not self.blocks.adds, len(self.saved), -len(self.blocks.passes), columns


@dataclass(frozen=True)
class _Printing:
    wrapper: Wrapper
    blocks: Blocks
    tests: Sequence[Expression]
    call: Call
    refusal: Sequence[str]

    @property
    def name(self) -> str:
        return f"_{self.wrapper.kind.name}_by_blocks"

    def function(self, saved: Sequence[tuple[Symbol, ...]]) -> Blocked:
        """The function; `saved` are the shapes of what is never there as a whole."""
        plans = [plan(schedule(step.program)) for step in self.blocks.steps]
        done: list[Compiled] = []
        lines = [*self._head(plans)]
        there = {*self._given}
        for k, (step, made) in enumerate(zip(self.blocks.steps, plans, strict=True)):
            tests = () if k else self.tests
            parts = (NOTHING, *made.parts) if tests and not (made.parts and isinstance(made.parts[0], Segment)) else made.parts
            runs = [p for p in parts if isinstance(p, Segment)]
            done.append(compiled(f"{self.name}{k}", runs, made, self.wrapper.dtype, tests))
            body = [*self._numbers(done[-1], made), *self._parts(parts, done[-1], refused=bool(tests))]
            whole = self._whole(step, made)
            lines += [f"{n} = empty({shape_code(axes)}, REAL)" for n, axes in whole.items() if n not in there]
            lines += self._passed(step, made, body) if isinstance(step, Pass) else body
            there |= whole.keys()
        lines.append(f"return {self.wrapper.result()}")
        arguments = ", ".join(self._arguments(plans))
        text = f"\n\ndef {self.name}({arguments}):\n" + "".join(f"    {line}\n" for line in (*self._docstring(), *lines))
        large = f"workspace is None and REAL.itemsize*({size_code(Add(*[Mul(*s) for s in saved]))}) > BLOCKS_FROM"
        own = "".join(f"\n\n{code}\n" for d in done for code in d.texts)
        return Blocked(large, f"{self.name}({arguments})", own + text, tuple(done))

    def _docstring(self) -> Iterator[str]:
        within = ", ".join(sorted(self.blocks.within))
        yield f'"""The same by blocks of {self.blocks.size}: of {within} there is never more than a block."""'

    # ---- names

    @property
    def _given(self) -> list[str]:
        return [*(i.name for i in self.wrapper.arguments), *self.wrapper.written]

    def _arguments(self, plans: Sequence[Plan]) -> list[str]:
        sizes = {str(s) for s in self.blocks.program.graph.sizes}
        shapes = [axis for made in plans for axes in made.memory.values() for axis in axes]
        works = [s for made in plans for p in made.parts for s in (p.statements if isinstance(p, Segment) else ())]
        used = sizes_in(*shapes, *(t for s in works for t in (s.term, *(i.size for i in s.loops))), self.blocks.size) & sizes
        return [*self._given, *sorted(used)]

    # ---- memory

    def _head(self, plans: Sequence[Plan]) -> Iterator[str]:
        """The width of a block, and the memory of what is cut."""
        rooms: dict[str, tuple[Any, ...]] = {}
        bits: set[str] = set()
        for step, made in zip(self.blocks.steps, plans, strict=True):
            if isinstance(step, Pass):
                own = self._rooms(step, made)
                rooms |= {self._room(n, step, made): made.memory[n] for n in own}
                bits |= {n for n in own if self._is_bits(n, step)}
        most = {end_of(self.blocks.size): self.blocks.size, length_of(self.blocks.size): Symbol("width")}
        whole = {name: [most.get(a, a) for a in axes] for name, axes in rooms.items()}
        each = size_code(
            Add(*[Mul(*[a for a in axes if a != Symbol("width")]) for axes in whole.values() if Symbol("width") in axes])
        )
        yield f"width = max({WIDTH}, BLOCK//max(1, REAL.itemsize*({each}))//{WIDTH}*{WIDTH})"
        for name, axes in whole.items():
            yield f"{name}__room = empty({'*'.join(map(_factor, axes))}, {'uint16' if name in bits else 'REAL'})"

    def _rooms(self, step: Pass, made: Plan) -> list[str]:
        """The tensors of a block that have memory of their own: what is within, and parts that are written in pieces."""
        own = [n for n in made.memory if n in made.program.assigned and self._of_block(made.memory[n])]
        return [n for n in own if n not in step.parts or self._copied(n, step, made)]

    def _of_block(self, axes: Sequence[Any]) -> bool:
        """Whether a shape differs from block to block."""
        return length_of(self.blocks.size) in axes or end_of(self.blocks.size) in axes

    def _slices(self, part: Part) -> str:
        """A part of a tensor."""
        whole, axes = part
        of = {length_of(self.blocks.size): "start:stop", end_of(self.blocks.size): ":stop"}
        last = max(k for k, a in enumerate(axes) if a in of)
        array = f"{whole}.view(uint16)" if self._stored(whole) else whole
        return f"{array}[{', '.join(of.get(a, ':') for a in axes[: last + 1])}]"

    def _stored(self, name: str) -> bool:
        """Whether compiled code knows an array by its bits: one of another type than what is computed with."""
        return self.wrapper.number_type(name) == "STORED"

    def _is_bits(self, name: str, step: Pass) -> bool:
        """Whether a tensor of a block is a part of such an array."""
        return name in step.parts and self._stored(step.parts[name][0])

    def _pieces(self, part: Part) -> bool:
        """Whether a part of a tensor does not lie in one piece."""
        return self._of_block(part[1][1:])

    def _copied(self, name: str, step: Pass, made: Plan) -> bool:
        """Whether a part that is written lies in pieces to which nothing but a matrix product can write, and one does not."""
        if name not in made.program.assigned or not self._pieces(step.parts[name]):
            return False
        product = next((p for p in made.parts if isinstance(p, MatrixProduct) and p.name == name), None)
        return product is None or name in _looped(made) or not in_place(product)

    def _whole(self, step: Step, made: Plan) -> dict[str, tuple[Any, ...]]:
        """What a step writes that is there as a whole."""
        if not isinstance(step, Pass):
            return {n: made.memory[n] for n in made.memory if n in made.program.assigned}
        names = [whole for n, (whole, _) in step.parts.items() if n in made.program.assigned]
        axes = {a.name: tuple(i.size for i in a.indices) for a in self.blocks.program.assigns}
        return {n: axes[n] for n in names}

    def _room(self, name: str, step: Pass, made: Plan) -> str:
        """The tensor in whose memory one of a block lies: that of which it is made, entry by entry, where that is read last."""
        replaced: dict[str, str] = {}
        for new in (n for n in made.memory if n in made.program.assigned and not self._is_bits(n, step)):
            for old in made.between:
                alike = made.memory[old] == made.memory[new] and self._of_block(made.memory[new])
                if alike and old != new and old not in replaced.values() and _replaces(new, old, made):
                    replaced[new] = old
                    break
        while name in replaced:
            name = replaced[name]
        return name

    def _numbers(self, done: Compiled, made: Plan) -> Iterator[str]:
        if len(done.works) > 1:
            yield from (f"{n} = {python(zero(n, made))}" for n in done.made)

    def _parts(self, parts: Sequence[Segment | MatrixProduct], done: Compiled, refused: bool) -> Iterator[str]:
        runs = count()
        for part in parts:
            if isinstance(part, MatrixProduct):
                yield matrix_product(part)
                continue
            run = next(runs)
            yield from self.call(done, run)
            yield from self.refusal if refused and run == 0 else ()

    def _passed(self, step: Pass, made: Plan, body: Sequence[str]) -> Iterator[str]:
        """The loop over the blocks."""
        size = self.blocks.size.name
        axes = {a.name: tuple(i.size for i in a.indices) for a in step.program.assigns}
        whole = {a.name: tuple(i.size for i in a.indices) for a in self.blocks.program.assigns}
        for name, block in step.added.items():
            if not axes[block]:
                yield f"{name} = 0.0"
                continue
            shape = shape_code(whole.get(name, axes[block]))
            yield f"{name}.fill(0)" if name in self._given else f"{name} = np.zeros({shape}, REAL)"
        for name, after in step.updated.items():
            first = "-np.finfo(REAL).max" if step.starts[name] is Largest else "0"
            yield f"{name} = np.full({shape_code(axes[after])}, {first}, REAL)" if axes[after] else f"{name} = float({first})"
        for name in (n for n in made.memory if n in axes and not self._of_block(axes[n])):
            yield f"{name} = empty({shape_code(made.memory[name])}, REAL)"
        yield f"for start in range(0, {size}, width):"
        yield from (f"    {line}" for line in self._block(step, made, axes, body))

    def _block(self, step: Pass, made: Plan, axes: Mapping[str, tuple[Any, ...]], body: Sequence[str]) -> Iterator[str]:
        """What is done for one block."""
        size, rooms = self.blocks.size, self._rooms(step, made)
        used = {n for part in made.parts for n in part.reads} | {*axes}
        yield f"stop = min(start + width, {size})"
        yield f"{length_of(size)} = stop - start"
        if any(first_of(size) in a.term.free_symbols for a in step.program.assigns):
            yield f"{first_of(size)} = start + 1"
        if any(end_of(size) in i.axes for i in step.program.inputs):
            yield f"{end_of(size)} = stop"
        places = {n: self._slices(part) for n, part in step.parts.items()}
        for name in (n for n in places if n in used and n not in rooms):
            pieces = self._pieces(step.parts[name]) and name in _looped(made)
            yield f"{name} = np.ascontiguousarray({places[name]})" if pieces else f"{name} = {places[name]}"
        for name in rooms:
            length, shape = "*".join(map(_factor, made.memory[name])), ", ".join(map(size_code, made.memory[name]))
            yield f"{name} = {self._room(name, step, made)}__room[:{length}].reshape({shape})"
        yield from body
        yield from (f"{places[n]} = {n}" for n in rooms if n in places)
        for name, block in step.added.items():
            part = self._slices((name, axes[block])) if self._of_block(axes[block]) else name
            yield f"np.add({part}, {block}, out={part})" if axes[block] else f"{name} += {block}"
        for name, after in step.updated.items():
            yield f"{name}, {after} = {after}, {name}" if axes[after] else f"{name} = {after}"


def _looped(made: Plan) -> frozenset[str]:
    """What loops read, which want it in one piece."""
    return read_by(s for part in made.parts if isinstance(part, Segment) for s in part.statements)


def _factor(axis: Any) -> str:
    return f"({size_code(axis)})" if axis.is_Add else size_code(axis)


def _replaces(name: str, other: str, made: Plan) -> bool:
    """Whether a map may be written over another tensor: only its region reads that, never after the map is written, and at the
    same entry in the nest that writes it.
    """
    regions = [stage for part in made.parts if isinstance(part, Segment) for stage in part.stages if isinstance(stage, Region)]
    region = next((r for r in regions if any(s.name == name for s in r.statements)), None)
    elsewhere = [part for part in made.parts if isinstance(part, MatrixProduct)] + [r for r in regions if r is not region]
    if region is None or region.kind == "blocks" or any(other in part.reads for part in elsewhere):
        return False
    written = {name, *(n for n, row in stored(region, made)[1].items() if row == name)}
    order = [(k, s) for k, nest in enumerate(region.nests) for s in nest.statements]
    first, own = next((at, s) for at, (_, s) in enumerate(order) if s.name in written)
    reads = [(at, k, e) for at, (k, s) in enumerate(order) for e in s.entries if e.name == other]
    same = all(e.indices == own.entry.indices if k == order[first][0] else at < first for at, k, e in reads)
    rows = region.outer is None or all(e.indices[:1] == own.entry.indices[:1] == (region.outer,) for _, _, e in reads)
    return own.kind == MAP and bool(reads) and same and all(at <= first for at, _, _ in reads) and rows
