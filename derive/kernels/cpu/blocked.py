"""The function that computes what a public function does by blocks of an axis, where what stands between is large.

Inside a loop over blocks a tensor's name is that of its block, and the name of the axis that of the block's length; the whole is
called NAME__all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sympy import Add, Mul, Symbol

from derive.calculus.terms import Largest
from derive.kernels.cpu.blocks import Blocks, Pass, blocks
from derive.kernels.cpu.compiled import Compiled, compiled, zero
from derive.kernels.cpu.products import matrix_product
from derive.kernels.cpu.schedule import Nest, schedule
from derive.kernels.cpu.segments import Plan, Segment, plan
from derive.kernels.program.memory import sizes_in
from derive.kernels.program.statements import MAP, MatrixProduct, Statement, read_by, statements
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
    axes = sorted({a for n in between for a in made.memory[n][1:] if a.is_Symbol}, key=str)
    found = [b for b in (blocks(made.program, axis) for axis in axes) if b is not None and _saves(b, between)]
    if not found:
        return None
    best = max(found, key=lambda b: len(_saves(b, between)))
    return _Printing(wrapper, best, tests, call, refusal).function([made.memory[n] for n in _saves(best, between)])


def _saves(b: Blocks, between: Sequence[str]) -> list[str]:
    return [n for n in between if n in b.cut]


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
        for k, (step, made) in enumerate(zip(self.blocks.steps, plans, strict=True)):
            tests = () if k else self.tests
            parts = (NOTHING, *made.parts) if tests and not (made.parts and isinstance(made.parts[0], Segment)) else made.parts
            runs = [p for p in parts if isinstance(p, Segment)]
            done.append(compiled(f"{self.name}{k}", runs, made, self.wrapper.dtype, tests))
            body = [*self._numbers(done[-1], made), *self._parts(parts, done[-1], refused=bool(tests))]
            lines += self._passed(step, made, body) if isinstance(step, Pass) else [*self._whole(made, tests), *body]
        lines += [f"{n} = {n}__all" for n in self.wrapper.written if n in self._apart]
        lines.append(f"return {self.wrapper.result()}")
        arguments = ", ".join(self._argument(n) for n in self._arguments(plans))
        text = f"\n\ndef {self.name}({arguments}):\n" + "".join(f"    {line}\n" for line in (*self._docstring(), *lines))
        given = ", ".join(self._arguments(plans))
        large = f"workspace is None and REAL.itemsize*({size_code(Add(*[Mul(*s) for s in saved]))}) > BLOCKS_FROM"
        own = "".join(f"\n\n{code}\n" for d in done for code in d.texts)
        return Blocked(large, f"{self.name}({given})", own + text, tuple(done))

    def _docstring(self) -> Iterator[str]:
        rooms = sorted(n for n in self.blocks.cut if n not in self._given)
        yield f'"""The same by blocks of {self.blocks.size}: of {", ".join(rooms)} there is never more than a block."""'

    # ---- names

    @property
    def _given(self) -> list[str]:
        return [*(i.name for i in self.wrapper.arguments), *self.wrapper.written]

    @property
    def _apart(self) -> dict[str, str]:
        """The arguments that have another name inside the loops, and what they are there."""
        found = {}
        for name in self._given:
            if (at := self.blocks.cut.get(name)) is not None:
                part = f"{name}__all[{':, ' * at}start:stop]"
                found[name] = f"np.ascontiguousarray({part})" if at and name in self._looped else part
        for i in self.wrapper.arguments:
            if i.kind == "label" and i.classes == self.blocks.size:
                found[i.name] = f"{found.get(i.name, f'{i.name}__all')} - start"
        return found

    @property
    def _looped(self) -> frozenset[str]:
        """What loops read, which want it in one piece."""
        found = (s for step in self.blocks.steps for s in statements(step.program))
        return read_by(s for s in found if isinstance(s, Statement)) & {i.name for i in self.wrapper.arguments}

    def _argument(self, name: str) -> str:
        return f"{name}__all" if name in self._apart or name == self.blocks.size.name else name

    def _arguments(self, plans: Sequence[Plan]) -> list[str]:
        sizes = {str(s) for s in self.blocks.program.graph.sizes}
        shapes = [axis for made in plans for axes in made.memory.values() for axis in axes]
        works = [s for made in plans for p in made.parts for s in (p.statements if isinstance(p, Segment) else ())]
        used = sizes_in(*shapes, *(t for s in works for t in (s.term, *(i.size for i in s.loops))), self.blocks.size) & sizes
        return [*self._given, *sorted(used)]

    # ---- parts

    def _head(self, plans: Sequence[Plan]) -> Iterator[str]:
        """The width of a block, and the memory of what is cut."""
        size = self.blocks.size
        rooms: dict[str, tuple[Any, ...]] = {}
        for made in self._passes(plans):
            rooms |= {self._room(n, made): made.memory[n] for n in made.between if n in self.blocks.cut}
        each = size_code(Add(*[Mul(*[a for a in axes if a != size]) for axes in rooms.values()]))
        yield f"width = max({WIDTH}, BLOCK//max(1, REAL.itemsize*({each}))//{WIDTH}*{WIDTH})"
        for name, axes in rooms.items():
            rest = [a for a in axes if a != size]
            yield f"{name}__room = empty({'*'.join(['width', *map(_factor, rest)])}, REAL)"

    def _passes(self, plans: Sequence[Plan]) -> list[Plan]:
        return [made for step, made in zip(self.blocks.steps, plans, strict=True) if isinstance(step, Pass)]

    def _room(self, name: str, made: Plan) -> str:
        """The tensor in whose memory a cut one lies: that of which it is made, entry by entry, where that is read last."""
        nests = [
            nest for part in made.parts if isinstance(part, Segment) for r in part.stages for nest in getattr(r, "nests", ())
        ]
        nest = next((nest for nest in nests if name in (s.name for s in nest.statements)), None)
        for other in (n for n in made.between if n in self.blocks.cut and n != name):
            if nest is not None and made.memory[other] == made.memory[name] and _replaces(name, other, nest, made):
                return self._room(other, made)
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

    def _whole(self, made: Plan, tests: Sequence[Expression]) -> Iterator[str]:
        """What a step that is computed once works on."""
        names = {n for part in made.parts for n in part.reads} | ({*self._given} if tests else set())
        own = [n for n in self._apart if n in names]
        if made.parts or tests:
            own.append(self.blocks.size.name)
            yield f"{', '.join(own)} = {', '.join(f'{n}__all' for n in own)}"
        for name in (n for n in made.memory if n in made.program.assigned and n not in self._given):
            yield f"{name} = empty({shape_code(made.memory[name])}, REAL)"

    def _passed(self, step: Pass, made: Plan, body: Sequence[str]) -> Iterator[str]:
        """The loop over the blocks."""
        size = self.blocks.size.name
        axes = {a.name: tuple(i.size for i in a.indices) for a in step.program.assigns}
        for name, block in step.added.items():
            if not axes[block]:
                yield f"{name} = 0.0"
                continue
            yield f"{name}.fill(0)" if name in self._given else f"{name} = np.zeros({shape_code(axes[block])}, REAL)"
        for name, after in step.updated.items():
            first = "-np.finfo(REAL).max" if step.starts[name] is Largest else "0"
            yield f"{name} = np.full({shape_code(axes[after])}, {first}, REAL)" if axes[after] else f"{name} = float({first})"
        own = [n for n in made.memory if n in axes and n not in self._given]
        for name in (n for n in own if n not in self.blocks.cut):
            yield f"{name} = empty({shape_code(made.memory[name])}, REAL)"
        yield f"for start in range(0, {size}__all, width):"
        yield from (f"    {line}" for line in self._block(step, made, own, axes, body))

    def _block(
        self, step: Pass, made: Plan, own: Sequence[str], axes: Mapping[str, tuple[Any, ...]], body: Sequence[str]
    ) -> Iterator[str]:
        """What is done for one block."""
        size = self.blocks.size.name
        yield f"stop = min(start + width, {size}__all)"
        yield f"{size} = stop - start"
        used = {n for part in made.parts for n in part.reads} | {*axes}
        yield from (f"{n} = {cut}" for n, cut in self._apart.items() if n in used)
        for name in (n for n in own if n in self.blocks.cut):
            room = "*".join(map(_factor, made.memory[name]))
            yield f"{name} = {self._room(name, made)}__room[:{room}].reshape({', '.join(map(size_code, made.memory[name]))})"
        yield from body
        for name, block in step.added.items():
            yield f"np.add({name}, {block}, out={name})" if axes[block] else f"{name} += {block}"
        for name, after in step.updated.items():
            yield f"{name}, {after} = {after}, {name}" if axes[after] else f"{name} = {after}"


def _factor(axis: Any) -> str:
    return f"({size_code(axis)})" if axis.is_Add else size_code(axis)


def _replaces(name: str, other: str, nest: Nest, made: Plan) -> bool:
    """Whether a map may be written over another tensor: only its nest reads that, at the same entry, and nothing after it."""
    at = next(k for k, s in enumerate(nest.statements) if s.name == name)
    s = nest.statements[at]
    readers = [
        t for part in made.parts if other in part.reads for t in (part.statements if isinstance(part, Segment) else [part])
    ]
    before = [t for t in nest.statements[: at + 1] if other in t.reads]
    same = all(e.indices == s.entry.indices for t in before for e in t.entries if e.name == other)
    return s.kind == MAP and bool(before) and same and all(t in before for t in readers if other in t.reads)
