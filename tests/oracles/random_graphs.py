"""Random graphs over the whole graph language, each with a point to evaluate it at.

A graph is drawn as formulas that know their text and their value by PyTorch (`formulas`).  Every formula is well formed by
construction: it is asked for by its axes and by the index letters that mean something where it stands, and inputs are
declared as they are needed.  A text that the language refuses is therefore a mistake, here or there.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any

from oracles.extras import torch
from oracles.formulas import (
    NUMBERS,
    TENSORS,
    Affine,
    Choice,
    Compare,
    Definition,
    Elementwise,
    Entry,
    Formula,
    Fraction,
    Guarded,
    Length,
    Letter,
    Library,
    Matmul,
    Negative,
    Number,
    Operator,
    Pi,
    Point,
    Power,
    Reduce,
    Ref,
    Transposed,
    Value,
    parts,
)

Axes = tuple[str, ...]
Scope = dict[str, str]
"""The letters that mean something, with their axes."""

AXES = ("n", "m", "C", "K", "O")
LETTERS = "ijklqro"
SCALARS = ("a", "b", "c", "lam", "alpha", "z0")
VECTORS = ("x", "y", "w", "u", "v", "z", "s1", "x1")
MATRICES = ("A", "B", "W", "X", "Y", "M", "V", "W1")
LABELS = ("t", "c1", "label_t")
NODES = ("h", "g", "f", "e", "d", "H", "p", "mu", "L", "S", "out")
LITERALS = ("2", "3", "0.5", "1", "0.25", "1.50", "4.1", "1e-1", ".7", "10")
EXPONENTS = (Fraction(1, 2), Fraction(-1, 2), Fraction(3, 2), Number("0.5"), Number("1.5"), Fraction(1, 3))
MODEST = ("2", "3", "0.5", "1.25", "1")


@dataclass(frozen=True)
class Tensor:
    """An input or a node that formulas may mention."""

    name: str
    axes: Axes = ()
    kind: str = "real"
    classes: str = ""
    node: bool = False
    declared: bool = True

    @property
    def positive(self) -> bool:
        return self.kind in ("positive", "probability")

    @property
    def declaration(self) -> str:
        axes = ", ".join((*self.axes, self.classes) if self.kind == "label" else self.axes)
        if self.kind == "real":
            return f"{self.name}: [{axes}]" if self.axes else f"{self.name}: real"
        return f"{self.name}: {self.kind}[{axes}]" if axes else f"{self.name}: {self.kind}"


@dataclass(frozen=True)
class Drawn:
    """A graph: its inputs, its definitions, and the length of every axis at the point it is evaluated at."""

    inputs: tuple[Tensor, ...]
    definitions: tuple[Definition, ...]
    lengths: dict[str, int]
    nodes: tuple[Tensor, ...] = ()

    @property
    def text(self) -> str:
        declared = [t.declaration for t in self.inputs if t.declared]
        return "\n".join([*declared, *(d.text for d in self.definitions)])

    @property
    def sizes(self) -> dict[str, int]:
        """The lengths of the axes that have a name."""
        return {axis: length for axis, length in self.lengths.items() if axis.isidentifier()}

    @property
    def features(self) -> Iterator[str]:
        """What of the language is in this graph."""
        for tensor in self.inputs:
            yield f"input: {tensor.kind}" + ("" if tensor.axes or tensor.kind == "label" else " scalar")
            if not tensor.declared:
                yield "input: not declared"
            if any(axis.isdigit() for axis in tensor.axes):
                yield "axis of a fixed size"
            if any(not axis.isalnum() for axis in tensor.axes):
                yield "affine axis"
            if len(tensor.axes) > 2:
                yield "input of three axes"
            if len(set(tensor.axes)) < len(tensor.axes):
                yield "square matrix"
        users: dict[str, int] = {}
        for definition in self.definitions:
            for part in parts(definition.value):
                if isinstance(part, (Ref, Entry)):
                    users[part.name] = users.get(part.name, 0) + 1
                yield from part.features
            yield "definition by entries" if definition.letters else "definition of a whole"
        nodes = [d.name for d in self.definitions]
        if any(users.get(name, 0) > 1 for name in nodes):
            yield "node used several times"
        if any(users.get(t.name, 0) > 1 for t in self.inputs):
            yield "input used several times"
        yield f"{len(nodes)} nodes"

    def point(self, chance: random.Random, positive: bool = False) -> dict[str, Value]:
        """Random values for the inputs, decimals of three digits where their kind allows; for roots, all of them positive."""
        return {t.name: self._entries(t, chance, positive) for t in self.inputs}

    def _entries(self, tensor: Tensor, chance: random.Random, positive: bool) -> Value:
        shape = [self.lengths[axis] for axis in tensor.axes]
        count = int(torch.tensor(shape).prod()) if shape else 1
        if tensor.kind == "label":
            return torch.tensor([chance.randrange(self.lengths[tensor.classes]) for _ in range(count)]).reshape(shape)
        if tensor.kind == "onehot":
            picks = [chance.randrange(shape[-1]) for _ in range(count // shape[-1])]
            return torch.nn.functional.one_hot(torch.tensor(picks), shape[-1]).reshape(shape).double()
        signs = (1,) if positive or tensor.positive else (1, -1)
        values = torch.tensor([chance.randint(150, 1700) * chance.choice(signs) / 1000 for _ in range(count)])
        values = torch.round(values.double(), decimals=3).reshape(shape)
        return values / values.sum(-1, keepdim=True) if tensor.kind == "probability" else values

    def run(self, at: Point) -> dict[str, Value]:
        """The value of every definition; `at.tensors` are those of the inputs."""
        known = dict(at.tensors)
        for definition in self.definitions:
            known[definition.name] = definition.of(Point(at.lengths, known, watch=at.watch, noise=at.noise))
        return known


# ---------------------------------------------------------------- smaller graphs


def smaller(drawn: Drawn) -> Iterator[Drawn]:
    """The graphs with one definition less, or with a formula in one replaced by a part of it: some are well formed."""
    for k in range(len(drawn.definitions)):
        yield _with(drawn, (*drawn.definitions[:k], *drawn.definitions[k + 1 :]))
    for k, definition in enumerate(drawn.definitions):
        for value in _simpler(definition.value):
            yield _with(drawn, (*drawn.definitions[:k], replace(definition, value=value), *drawn.definitions[k + 1 :]))


def _simpler(formula: Any) -> Iterator[Any]:
    if isinstance(formula, Formula):
        inside = [part for part in parts(formula) if part is not formula]
        yield from inside
        for entry in fields(formula):
            for value in _simpler(getattr(formula, entry.name)):
                yield replace(formula, **{entry.name: value})
    elif isinstance(formula, tuple):
        for k, entry in enumerate(formula):
            for value in _simpler(entry):
                yield (*formula[:k], value, *formula[k + 1 :])


def _with(drawn: Drawn, definitions: tuple[Definition, ...]) -> Drawn:
    """The graph with other definitions: inputs that nothing mentions are gone, and nodes that nothing defines are inputs."""
    names = {p.name for d in definitions for p in parts(d.value) if isinstance(p, (Ref, Entry))}
    defined = {d.name for d in definitions}
    lost = [replace(t, node=False) for t in drawn.nodes if t.name not in defined]
    inputs = tuple(t for t in (*drawn.inputs, *lost) if t.name in names)
    return replace(drawn, inputs=inputs, definitions=definitions, nodes=tuple(t for t in drawn.nodes if t.name in defined))


# ---------------------------------------------------------------- drawing

Maker = Callable[[], Formula]


def _square(base: Formula, axes: Axes, exponent: str = "2") -> Formula:
    """A power; of a square matrix the product with itself: A**2 is refused, since it could be A @ A."""
    return Operator("*", base, base) if len(axes) == 2 and axes[0] == axes[1] else Power(base, Number(exponent))


@dataclass
class Drawing:
    """A graph in the making."""

    chance: random.Random
    lengths: dict[str, int] = field(default_factory=dict)
    members: dict[str, Tensor] = field(default_factory=dict)
    axes: tuple[str, ...] = ()
    fresh: set[str] = field(default_factory=set)
    """Nodes that nothing uses yet."""
    room: int = 0
    """How many more parts the definition in the making may have."""
    bound: set[str] = field(default_factory=set)
    """Letters that mean something somewhere around."""
    now: str = ""

    @property
    def reuse(self) -> float:
        """How likely a tensor that is there is taken again: the more inputs there are, the more."""
        return (0.4, 0.6, 0.8, 0.9)[min(3, sum(not t.node for t in self.members.values()))]

    # ---- choices

    def chosen(self, *options: tuple[float, Any]) -> Any:
        """One of several, by their weights."""
        return self.chance.choices([option for _, option in options], [weight for weight, _ in options])[0]

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def one(self, options: Any) -> Any:
        return self.chance.choice(list(options))

    def some_axes(self, count: int) -> Axes:
        """So many axes, most often different ones."""
        if count <= len(self.axes) and self.maybe(0.8):
            return tuple(self.chance.sample(self.axes, count))
        return tuple(self.one(self.axes) for _ in range(count))

    # ---- graphs

    def graph(self) -> Drawn:
        count = self.chosen((4, 1), (5, 2), (1.2, 3), (0.4, 4))
        names = self.chance.sample(AXES, self.chosen((3, 1), (5, 2), (1, 3)))
        for axis, length in zip(names, self.chance.sample((2, 3, 4), len(names)), strict=True):
            self.lengths[axis] = 1 if self.maybe(0.03) else length
        fixed = ("2",) if self.maybe(0.08) else ("3",) if self.maybe(0.08) else ()
        self.axes = (*names, *fixed)
        self.lengths |= {axis: int(axis) for axis in fixed}
        nodes = self.chance.sample(NODES, count)
        definitions = [self.definition(name, last=name == nodes[-1]) for name in nodes]
        inputs = tuple(t for t in self.members.values() if not t.node)
        return Drawn(inputs, tuple(definitions), self.lengths, tuple(t for t in self.members.values() if t.node))

    def definition(self, name: str, last: bool) -> Definition:
        self.room, self.now = self.chosen((5, 2), (4, 3), (1.5, 5), (0.25, 9)), name
        if not last and self.maybe(0.06):
            return self.label_node(name)
        rank = self.chosen((5, 0), (3, 1), (2, 2)) if last else self.chosen((2, 0), (4, 1), (3, 2), (0.3, 3))
        axes = self.some_axes(rank)
        letters: tuple[tuple[str, str], ...] = ()
        if axes and (self.maybe(0.45) or rank == 3):
            letters = tuple(zip(self.chance.sample(LETTERS, rank), axes, strict=True))
            self.bound = {letter for letter, _ in letters}
            value = self.spoken_for(self.formula((), dict(letters), 4), dict(letters))
            self.bound = set()
        else:
            value = self.formula(axes, {}, 4)
        if last:
            value = self.gathered(value, axes, dict(letters))
        self.members[name] = Tensor(name, axes, node=True)
        self.fresh.add(name)
        return Definition(name, value, letters)

    def gathered(self, value: Formula, axes: Axes, scope: Scope) -> Formula:
        """The last definition uses what nothing has used, and some of the rest again."""
        for tensor in [t for t in self.members.values() if t.node]:
            if tensor.kind == "label" or self.maybe(0.1 if tensor.name in self.fresh else 0.7):
                continue
            whole = self.used(tensor)
            if not tensor.axes or (tensor.axes == axes[-len(tensor.axes) :] and not scope and self.maybe(0.6)):
                term: Formula = whole
            else:
                term = Reduce(self.chosen((3, "sum"), (2, "mean"), (1, "max")), whole)
            value = Operator(self.chosen((3, "+"), (2, "*"), (1, "-")), value, term)
        known = {axis for t in self.members.values() if not t.node for axis in re.findall(r"\w+", f"{t.axes} {t.classes}")}
        for axis in self.axes:
            if axis not in known and not axis.isdigit():
                value = Operator(self.one("+*"), value, Reduce("sum", self.used(self.input((axis,), positive=False))))
        return value

    def label_node(self, name: str) -> Definition:
        """`k = argmax(…)`, or one for each entry of an axis."""
        axis, letter = self.one(self.axes), "i"
        letters = ((letter, self.one(self.axes)),) if self.maybe(0.5) else ()
        self.bound = {letter for letter, _ in letters}
        if letters or self.maybe(0.5):
            value = self.over("argmax", {"j": axis}, dict(letters))
            value = Reduce("argmax", self.spoken_for(value.body, dict((*letters, ("j", axis)))), value.letters, value.conditions)
        else:
            value = Reduce("argmax", self.formula((axis,), {}, 2))
        self.bound = set()
        self.members[name] = Tensor(name, tuple(a for _, a in letters), "label", axis, node=True)
        return Definition(name, value, letters)

    def spoken_for(self, body: Formula, scope: Scope, positive: bool = False) -> Formula:
        """A body in which each of these letters is the index of an entry."""
        plain = {i.letter for part in parts(body) if isinstance(part, Entry) for i in part.indices if isinstance(i, Letter)}
        missing = {letter: axis for letter, axis in scope.items() if letter not in plain}
        tight = [part for part in parts(body) if isinstance(part, Affine) and ("", 1) not in part.offset]
        affine = [[letter for letter, _ in part.slopes] for part in tight]
        if len(missing) == 1 and any(missing.keys() <= set(letters) for letters in affine) and self.maybe(0.7):
            return body
        if missing:
            entry = self.entry(missing, positive, plain=True)
            body = Operator(self.one("+*" if positive else "+*-"), *((body, entry) if self.maybe(0.5) else (entry, body)))
        return body

    # ---- formulas

    def formula(self, axes: Axes, scope: Scope, depth: int, positive: bool = False) -> Formula:
        """A formula of these axes, in which these letters may be used; known to be positive if it has to be."""
        self.room -= 1
        if depth <= 0 or self.room <= 0:
            return self.leaf(axes, scope, positive)
        maker = self.chosen(*self.makers(axes, scope, depth - 1, positive))
        return maker()

    def makers(self, axes: Axes, scope: Scope, depth: int, positive: bool) -> Iterator[tuple[float, Maker]]:
        def inner(p: bool = positive) -> Formula:
            return self.formula(axes, scope, depth, p)

        yield 2, lambda: self.leaf(axes, scope, positive)
        yield 3, lambda: self.two("+" if positive else self.one("+-"), axes, scope, depth, positive)
        yield 4, lambda: self.two("*", axes, scope, depth, positive)
        yield 2.5, lambda: Operator("/", inner(), self.smaller(axes, scope, depth, positive=True))
        yield 3.5, lambda: self.elementwise(axes, scope, depth, positive)
        yield 1, lambda: self.elementwise(axes, scope, depth, positive, ("max", "min"))
        yield 1.2, lambda: self.choice(axes, scope, depth, positive)
        yield 2, lambda: self.power(axes, scope, depth, positive)
        if positive:
            yield 2, lambda: Operator("+", _square(inner(False), axes), Number(self.one(MODEST)))
            yield 1, lambda: Operator("+", Elementwise("abs", (inner(False),)), Number(self.one(MODEST)))
        else:
            yield 0.7, lambda: Negative(inner())
            yield 0.4, lambda: Operator("/", inner(), self.smaller(axes, scope, depth, positive=False))
            yield 0.3, lambda: Guarded(self.one(("log", "sqrt")), inner(), inner())
            yield 0.3, lambda: Elementwise(self.one(("log", "sqrt")), (inner(),))
        if not axes:
            yield 6, lambda: self.reduction(scope, depth, positive)
            yield 2, lambda: self.whole_reduction(scope, depth, positive)
        elif not positive:
            yield 5, lambda: self.product(axes, scope, depth)
        if not axes and not positive:
            yield 1.5, lambda: self.product(axes, scope, depth)
        if len(axes) == 2:
            yield 1, lambda: Transposed(self.formula(axes[::-1], scope, depth, positive))
        if tables := [name for name, row in TENSORS.items() if len(row.result) <= len(axes) and row.positive >= positive]:
            yield 3 if axes else 1.5, lambda: self.library(self.one(tables), axes, scope, depth)

    def smaller(self, axes: Axes, scope: Scope, depth: int, positive: bool) -> Formula:
        """An operand that is broadcast: a number, or a tensor of the last axes."""
        if self.maybe(0.2):
            return Number(self.one(LITERALS))
        if self.maybe(0.04) and not positive:
            return self.chosen((1, Pi()), (2, Length(self.one(a for a in self.axes if not a.isdigit()))))
        return self.formula(axes[self.chosen((3, 0), (1, min(1, len(axes))), (1, len(axes))) :], scope, depth, positive)

    def two(self, sign: str, axes: Axes, scope: Scope, depth: int, positive: bool) -> Formula:
        sides = [self.formula(axes, scope, depth, positive), self.smaller(axes, scope, depth, positive)]
        if self.maybe(0.5):
            sides.reverse()
        return Operator(sign, *sides)

    def elementwise(self, axes: Axes, scope: Scope, depth: int, positive: bool, of: Iterable[str] = tuple(NUMBERS)) -> Formula:
        name = self.one(n for n in of if NUMBERS[n].positive >= positive or n in ("max", "min"))
        args: list[Formula] = []
        for kind in NUMBERS[name].takes:
            if kind == "n":
                args.append(Number(self.one(MODEST)))
            elif args:
                args.append(self.smaller(axes, scope, depth, positive or kind == "p"))
            else:
                args.append(self.formula(axes, scope, depth, (positive and name in ("max", "min")) or kind == "p"))
        if len(args) == 2 and NUMBERS[name].takes == "rr" and self.maybe(0.5):
            args.reverse()
        return Elementwise(name, tuple(args))

    def choice(self, axes: Axes, scope: Scope, depth: int, positive: bool) -> Formula:
        yes, no = self.formula(axes, scope, depth, positive), self.smaller(axes, scope, depth, positive)
        if self.maybe(0.5):
            yes, no = no, yes
        if scope and not axes and self.maybe(0.6) and (tests := self.index_conditions(scope)):
            return Choice(self.one(tests), yes, no)
        sides = self.smaller(axes, scope, depth - 1, positive=False), self.smaller(axes, scope, depth - 1, positive=False)
        if not any(isinstance(part, (Ref, Entry)) for part in parts(sides)):
            sides = self.leaf(axes, scope, positive=False, literal=False), sides[1]
        if sides[0] == sides[1]:
            sides = sides[0], Number(self.one(LITERALS))
        return Choice(Compare(self.chosen((3, ">"), (3, "<"), (2, ">="), (2, "<="), (0.3, "=="), (0.3, "!=")), *sides), yes, no)

    def power(self, axes: Axes, scope: Scope, depth: int, positive: bool) -> Formula:
        match self.chosen((5, "square"), (2, "integer"), (1.5, "negative"), (1.5, "fraction"), (3, "variable"), (1.5, "base")):
            case "square" | "integer" as kind:
                base, exponent = self.formula(axes, scope, depth, positive), "2" if kind == "square" else self.one("345")
                return _square(base, axes, exponent)
            case "negative":
                base, exponent = self.formula(axes, scope, depth, positive=True), Number(self.one("12"))
                if len(axes) == 2 and axes[0] == axes[1]:  # A**-1 is refused: it could be the inverse
                    return Operator("/", Number("1"), base)
                return Power(base, Negative(exponent))
            case "fraction":
                return Power(self.formula(axes, scope, depth, positive=True), self.one(EXPONENTS))
            case "variable":
                return Power(self.formula(axes, scope, depth, positive=True), self.leaf((), scope, False, literal=False))
        if axes:
            return self.leaf(axes, scope, positive)
        return Power(Number(self.one(MODEST)), self.leaf((), scope, False, literal=False))

    # ---- products and reductions

    def product(self, axes: Axes, scope: Scope, depth: int) -> Formula:
        """`a @ b`."""
        inner = (self.one(self.axes),)
        rows = self.chance.randint(max(0, len(axes) - 1), min(1, len(axes))) if len(axes) < 3 else 2
        left, right = axes[:rows] + inner, inner + axes[rows:]
        return Matmul(
            self.side(left, scope, depth, left=True), self.side(right, scope, depth, left=False), (len(left), len(right))
        )

    def side(self, axes: Axes, scope: Scope, depth: int, left: bool) -> Formula:
        if len(axes) == 2 and self.maybe(0.35):
            return Transposed(self.formula(axes[::-1], scope, depth))
        side = self.formula(axes, scope, depth)
        return Transposed(side, row=True) if left and len(axes) == 1 and self.maybe(0.3) else side

    def reduction(self, scope: Scope, depth: int, positive: bool) -> Formula:
        free = [letter for letter in LETTERS if letter not in self.bound]
        count = min(self.chosen((5, 1), (2, 2)), len(free))
        if not count:
            return self.leaf((), scope, positive)
        letters = dict(zip(self.chance.sample(free, count), self.some_axes(count), strict=True))
        operators = (5, "sum"), (2.5, "mean"), (1.5, "max"), (1, "min"), (1.5, "prod")
        return self.over(self.chosen(*operators), letters, scope, depth, positive)

    def over(self, operator: str, letters: Scope, scope: Scope, depth: int = 2, positive: bool = False) -> Reduce:
        around = self.bound
        self.bound = around | letters.keys()
        inside = {**scope, **letters}
        body = self.formula((), inside, depth, positive)
        if operator in ("max", "min", "argmax") or self.maybe(0.7):
            body = self.spoken_for(body, letters, positive)
        conditions: list[Compare] = []
        if self.maybe(0.3):
            tests = self.index_conditions(inside, letters, filled=operator not in ("sum", "prod"))
            conditions = self.chance.sample(tests, min(len(tests), self.chosen((4, 1), (1, 2)))) if tests else []
            if operator not in ("sum", "prod"):
                conditions = conditions[:1]
            elif self.maybe(0.1):
                conditions.append(Compare(self.one("><"), self.leaf((), inside, False, literal=False), Number("0")))
        self.bound = around
        return Reduce(operator, body, tuple(letters.items()), tuple(conditions), joined=self.maybe(0.5))

    def index_conditions(self, scope: Scope, letters: Scope | None = None, filled: bool = False) -> list[Compare]:
        """Conditions on indices; with `filled`, such as leave something for every value of the other indices."""
        found: list[Compare] = []
        for letter, axis in (letters or scope).items():
            here, long = Letter(letter), self.lengths[axis] > 1
            others: list[Formula] = [Letter(o) for o, a in scope.items() if a == axis and o != letter]
            others += [f for t in self.labels(axis) for f in self.whole_labels(t, scope)]
            signs = ["<=", ">=", *(["!="] if long else [])] if filled else ["!=", "==", "<", "<=", ">", ">="]
            if filled and letters and any(isinstance(o, Letter) and o.letter in letters for o in others):
                others = [o for o in others if not (isinstance(o, Letter) and o.letter in letters)]
            found += [Compare(sign, here, other) for sign, other in product(signs, others)]
            if long:
                found += [Compare(self.one((">", "!=")), here, Number("0"))]
                if not axis.isdigit():
                    end = Operator("-", Length(axis), Number("1"))
                    found.append(Compare("<", here, Affine(end.text, (), ((axis, 1), ("", -1)))))
        return found

    def whole_reduction(self, scope: Scope, depth: int, positive: bool) -> Formula:
        operator = self.chosen((4, "sum"), (3, "mean"), (1, "max"), (1, "min"), (1, "prod"))
        axes = self.some_axes(self.chosen((4, 1), (2, 2)))
        return Reduce(operator, self.formula(axes, scope, depth, positive))

    # ---- the library

    def library(self, name: str, axes: Axes, scope: Scope, depth: int) -> Formula:
        """A call whose result has these axes; more axes than the definition gives are examples."""
        row = TENSORS[name]
        count = len(axes) - len(row.result)
        batch, sizes = axes[:count], dict(zip(row.result, axes[count:], strict=True))
        if len(set(row.result)) < len(row.result) or len(batch) > 1:
            return self.leaf(axes, scope, row.positive)
        args: list[Formula] = []
        batched = self.chance.randrange(len(row.arguments)) if batch else -1
        for k, (letters, kind) in enumerate(zip(row.arguments, row.takes or "r" * 9, strict=False)):
            for letter in letters:
                if letter not in sizes:
                    sizes[letter] = self.one(self.axes)
            leading = batch if k == batched or (batch and kind != "n" and self.maybe(0.6)) else ()
            own = (*leading, *(sizes[letter] for letter in letters))
            if kind == "l":
                args.append(self.label_argument(leading, sizes[letters]))
            elif kind == "n" and k != batched:
                args.append(Number(self.one(MODEST)))
            else:
                args.append(self.formula(own, scope, min(depth, 1), kind in "pn"))
        return Library(name, tuple(args))

    def label_argument(self, axes: Axes, classes: str) -> Formula:
        known = [t for t in self.members.values() if t.kind == "label" and t.axes == axes and t.classes == classes]
        return self.used(self.one(known) if known else self.new("label", axes, classes))

    # ---- leaves

    def leaf(self, axes: Axes, scope: Scope, positive: bool, literal: bool = True) -> Formula:
        if not positive and self.maybe(0.35) and (node := self.node(axes, scope)):
            return node
        if not axes:
            return self.number(scope, positive, literal)
        known = [t for t in self.members.values() if t.axes == axes and t.kind != "label" and t.positive >= positive]
        if known and self.maybe(self.reuse):
            return self.used(self.preferred(known))
        return self.used(self.input(axes, positive))

    def node(self, axes: Axes, scope: Scope) -> Formula | None:
        """A node, as it is, turned, or one of its entries, if there is one that fits; rather one that nothing uses yet."""
        nodes = [t for t in self.members.values() if t.node and t.kind != "label"]
        if not nodes:
            return None
        tensor = self.preferred(nodes)
        if tensor.axes == axes:
            return self.used(tensor)
        if tensor.axes == axes[::-1]:
            return Transposed(self.used(tensor))
        if axes:
            return None
        fits = [[letter for letter, a in scope.items() if a == axis] for axis in tensor.axes]
        if scope and not any(fits):
            return None
        self.used(tensor)
        return Entry(
            tensor.name,
            tuple(
                Letter(self.one(letters)) if letters and self.maybe(0.85) else self.fixed(axis, scope)
                for letters, axis in zip(fits, tensor.axes, strict=True)
            ),
        )

    def preferred(self, known: list[Tensor]) -> Tensor:
        new = [t for t in known if t.name in self.fresh]
        nodes = [t for t in known if t.node]
        return self.one(self.chosen((4 if new else 0, new), (2 if nodes else 0, nodes), (2, known)))

    def used(self, tensor: Tensor) -> Formula:
        self.fresh.discard(tensor.name)
        return Ref(tensor.name)

    def number(self, scope: Scope, positive: bool, literal: bool) -> Formula:
        """A formula without axes: an entry, a scalar, a literal, an index as a number."""
        if scope and self.maybe(0.85):
            if not positive and literal and self.maybe(0.06):
                return Letter(self.one(scope))
            if not positive and literal and self.maybe(0.02) and (labels := self.label_entries(scope)):
                return self.one(labels)
            letters = self.chance.sample(list(scope), min(len(scope), self.chosen((4, 1), (3, 2), (0.5, 3))))
            return self.entry({letter: scope[letter] for letter in letters}, positive)
        if literal and self.maybe(0.12):
            return Number(self.one(LITERALS))
        if not scope and self.maybe(0.15):
            return self.entry({}, positive)
        scalars = [t for t in self.members.values() if not t.axes and t.kind != "label" and t.positive >= positive]
        return self.used(self.preferred(scalars) if scalars and self.maybe(self.reuse) else self.input((), positive))

    def label_entries(self, scope: Scope) -> list[Formula]:
        labels = [t for t in self.members.values() if t.kind == "label"]
        return [f for t in labels for f in self.whole_labels(t, scope)]

    def labels(self, classes: str) -> list[Tensor]:
        return [t for t in self.members.values() if t.kind == "label" and t.classes == classes]

    def whole_labels(self, tensor: Tensor, scope: Scope) -> list[Formula]:
        """`t`, or `t[b]` for each letter b that fits."""
        if not tensor.axes:
            return [Ref(tensor.name)]
        choices = product(*([letter for letter, a in scope.items() if a == axis] for axis in tensor.axes))
        return [Entry(tensor.name, tuple(map(Letter, letters))) for letters in choices]

    def entry(self, scope: Scope, positive: bool = False, plain: bool = False) -> Formula:
        """An entry in which all these letters occur; with `plain`, as indices by themselves."""
        if scope and len(scope) <= 2 and not plain and self.maybe(0.12):
            return self.affine_entry(scope, positive)
        order = self.chance.sample(list(scope), len(scope))
        axes = tuple(scope[letter] for letter in order)
        indices: list[Formula] = [Letter(letter) for letter in order]
        if not axes or (len(axes) < 3 and self.maybe(0.15)):
            at, axis = self.chance.randint(0, len(axes)), self.one(self.axes)
            axes = (*axes[:at], axis, *axes[at:])
            indices.insert(at, self.fixed(axis, scope))
        if order and self.maybe(0.04) and len(axes) < 3:
            axes, indices = (*axes, axes[0]), [*indices, indices[0]]
        known = [t for t in self.members.values() if t.axes == axes and t.kind != "label" and t.positive >= positive]
        tensor = self.preferred(known) if known and self.maybe(self.reuse) else self.input(axes, positive)
        self.used(tensor)
        return Entry(tensor.name, tuple(indices))

    def fixed(self, axis: str, scope: Scope) -> Formula:
        """An index that is no letter: a label, the first, the last."""
        labels = [f for t in self.labels(axis) for f in self.whole_labels(t, scope)]
        if labels and self.maybe(0.6):
            return self.one(labels)
        if self.maybe(0.5):
            return self.used(self.new("label", (), axis))
        if not axis.isdigit() and self.maybe(0.3):
            return Affine(f"{axis} - 1", (), ((axis, 1), ("", -1)))
        return Number("0")

    def affine_entry(self, scope: Scope, positive: bool) -> Formula:
        """`x[o + k]`, `x[2*o + k]`, `x[n - 1 - i]`, on an input that is as long as it has to be."""
        slopes: list[tuple[str, int | str]] = []
        written, long = "", "1"
        offset: list[tuple[str, int]] = []
        for letter, axis in scope.items():
            slope = self.chosen((6, 1), (2, 2), (2, -1), (0.5, "s"))
            if slope == "s":
                self.lengths["s"] = 2
            slopes.append((letter, slope))
            if slope == -1:
                offset += [(axis, 1), ("", -1)]
                written += f" + {axis} - 1 - {letter}"
                long += f" + {axis} - 1"
            else:
                written += f" + {letter}" if slope == 1 else f" + {slope}*{letter}"
                long += f" + {axis} - 1" if slope == 1 else f" + {slope}*({axis} - 1)"
        if self.maybe(0.25):
            written, offset = f"{written} + 1", [*offset, ("", 1)]
            long += " + 1"
        length = 1 + sum(
            (self.lengths[slope] if isinstance(slope, str) else abs(slope)) * (self.lengths[scope[letter]] - 1)
            for letter, slope in slopes
        )
        length += any(axis == "" and count == 1 for axis, count in offset)
        self.lengths[long] = length
        known = [t for t in self.members.values() if t.axes == (long,) and t.positive >= positive]
        tensor = self.one(known) if known else self.input((long,), positive)
        return Entry(tensor.name, (Affine(written.removeprefix(" + "), tuple(slopes), tuple(offset)),))

    # ---- inputs

    def input(self, axes: Axes, positive: bool) -> Tensor:
        kinds = ((4, "positive"), (1.5, "probability")) if positive else ((9, "real"), (0.5, "onehot"))
        return self.new(self.chosen(*kinds) if axes else kinds[0][1], axes)

    def new(self, kind: str, axes: Axes, classes: str = "") -> Tensor:
        pool = LABELS if kind == "label" else (SCALARS, VECTORS, MATRICES, MATRICES)[len(axes)]
        taken = {*self.members, *self.axes, "s", self.now}
        free = [name for name in pool if name not in taken]
        name = self.one(free) if free else next(n for k in range(99) if (n := f"{pool[0]}{k + 2}") not in taken)
        declared = bool(axes) or kind != "real" or self.maybe(0.3)
        self.members[name] = Tensor(name, axes, kind, classes, declared=declared)
        return self.members[name]


def random_graph(chance: random.Random) -> Drawn:
    """A random graph of one to four definitions."""
    return Drawing(chance).graph()
