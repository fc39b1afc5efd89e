"""What a graph and its derivations are printed as, read back and compared with what was proved.

A `Printed` is a line of a page with the value that it has to have.  It is printed in Unicode and in LaTeX, in both languages,
read by `reader`, and evaluated by `reading` at random points; the value that was proved comes from `derive`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from sympy import solve

from derive.calculus.terms import ArgMax, Label, free_indices
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.graphs.graph import Graph, Input, gradient_name, gradient_parts
from derive.graphs.tree import Call, subtrees
from derive.language import library
from derive.language.words import FUNCTIONS as WORDS
from derive.notation import definitions, matrices
from derive.notation.context import Context, context_of
from derive.notation.layout import EQUALS, Layout, Sign, latex, row, text
from derive.notation.terms import layout
from derive.proof.points import random_point, sets_with_values
from derive.teaching.blocks.gradient import cases_layout, entry_lines, matrix_side
from derive.teaching.blocks.worked import forward_blocks
from derive.teaching.document import Chains
from derive.teaching.page import Page as Teaching
from derive.values.balls import untraced
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import FLOAT
from oracles.reader import FUNCTIONS as NAMED
from oracles.reader import Page, Tree, Unread, read, spelled
from oracles.reading import Function, Point, Shapes, value

LANGS = ("en", "fr")
AGREE = 1e-7
NOTHING = "comes to nothing"


@dataclass(frozen=True)
class Printed:
    """A line as it is printed, for a context, and what it is: a definition, a line of a derivation …"""

    kind: str
    what: str
    layouts: dict[str, Layout]
    """By language."""

    node: str = ""
    found: Derivation | None = None


def printed_definitions(graph: Graph) -> Iterator[Printed]:
    for node in graph.nodes:
        if gradient_parts(node.name) is None:
            both = {lang: definitions.definition(node, Teaching(lang).context(graph)) for lang in LANGS}
            yield Printed("definition", node.name, both, node.name)


def printed_derivation(found: Derivation) -> Iterator[Printed]:
    pages = {lang: Teaching(lang) for lang in LANGS}
    contexts = {lang: page.context(found.graph) for lang, page in pages.items()}
    name = gradient_name(found.of, found.wrt)

    def line(of: Any) -> dict[str, Layout]:
        return {lang: row(layout(found.subject, c), EQUALS, layout(of, c.beside(found.indices))) for lang, c in contexts.items()}

    seen = set()
    for k, step in enumerate(found.steps, 1):
        if step.line not in seen:
            kind = "result" if k == len(found.steps) else "line"
            yield Printed(kind, f"{name}, line {k}", line(step.line), found=found)
        seen.add(step.line)
    for k, (left, right) in enumerate(dict.fromkeys(use for step in found.steps for use in step.uses), 1):
        both = {lang: row(layout(left, c), EQUALS, layout(right, c.beside(free_indices(left)))) for lang, c in contexts.items()}
        yield Printed("reason", f"{name}, equation {k} of the reasons", both, found=found)
    if 1 <= len(found.indices) <= 2 and all(i.size.is_Integer for i in found.indices):
        proved = cast(Any, SimpleNamespace(derivation=found))
        grids = {lang: entry_lines(proved, page) for lang, page in pages.items()}
        both = {
            lang: row(*(part for line in lines for part in (line.relation or Sign("", ""), line.body)))
            for lang, lines in grids.items()
        }
        yield Printed("entries", f"{name}, entry by entry", both, found=found)
    form = found.form
    if form is not None:
        both = {lang: row(matrix_side(found, c), EQUALS, matrices.layout(form, c)) for lang, c in contexts.items()}
        yield Printed("matrix", f"{name}, matrix form", both, found=found)
    if found.cases is not None:
        cases = {lang: cases_layout(found, page) for lang, page in pages.items()}
        both = {lang: row(layout(found.subject, contexts[lang]), EQUALS, c) for lang, c in cases.items() if c is not None}
        yield Printed("cases", f"{name}, cases", both, found=found)


# ---------------------------------------------------------------- a point


@dataclass
class Scene:
    """A graph at a point, as a reader of its page knows it."""

    graph: Graph
    exact: Evaluator
    base: int
    _totals: dict[tuple[str, str], Any] = field(default_factory=dict)
    _pages: dict[str, Page] = field(default_factory=dict)

    @cached_property
    def floats(self) -> Evaluator:
        arrays = {name: _floats(array) for name, array in self.exact.arrays.items()}
        return Evaluator(self.exact.sizes, arrays, self.graph, FLOAT, self._totals)

    def total(self, of: str, by: str) -> Any:
        """∂of/∂by along every path, by the derived formulas."""
        if (name := gradient_name(of, by)) in self.floats.arrays:
            return self.floats.arrays[name]
        if (of, by) not in self._totals:
            found = derivation(self.graph, of, by)
            for other in found.named:
                self.total(of, other)
            self._totals[of, by] = np.array(self.floats.array(found.result, found.indices))
        return self._totals[of, by]

    def result(self, found: Derivation) -> Any:
        return self.total(found.of, found.wrt)

    def page(self, lang: str) -> Page:
        if lang not in self._pages:
            self._pages[lang] = self._page(lang)
        return self._pages[lang]

    def _page(self, lang: str) -> Page:
        shown = dict(self.graph.shown)
        tensors: dict[str, tuple[str, int]] = {}
        for m in self.graph.members.values():
            if gradient_parts(m.name) is None:
                printed = spelled(shown.get(m.name, m.name), len(m.axes))
                if printed in tensors:
                    raise Unread(f"{m.name} and {tensors[printed][0]} are printed alike")
                tensors[printed] = m.name, len(m.axes)
        for name, (labels, _) in self.onehots.items():
            if name not in tensors:
                tensors[name] = f"one-hot {labels}", 2
        sizes = frozenset(spelled(s.name) for s in self.graph.sizes)
        return Page(tensors, sizes, self.labels, frozenset([*self.functions, *self.numbers]), lang, self.base)

    @cached_property
    def labels(self) -> frozenset[str]:
        return frozenset(
            m.name
            for m in self.graph.members.values()
            if not m.differentiable and (m.kind == "label" if isinstance(m, Input) else isinstance(m.expr, (ArgMax, Label)))
        )

    @cached_property
    def classes(self) -> dict[str, int]:
        out = {}
        for m in self.graph.members.values():
            classes = getattr(m, "classes", None)
            if classes is None and m.name in self.labels:
                sizes = [a.size for a in m.expr.atoms() if hasattr(a, "size")] if not isinstance(m, Input) else []
                kinds = [t for t in [m.expr] if hasattr(t, "size")] if not isinstance(m, Input) else []
                classes = kinds[0].size if kinds else sizes[0] if sizes else None
            if classes is not None:
                out[m.name] = self.exact.size(classes)
        return out

    @cached_property
    def onehots(self) -> dict[str, tuple[str, int]]:
        """What matrices of one-hot rows are called, by the note below the forms that have them."""
        context = context_of(self.graph)
        vectors = [n for n in self.labels if len(self.graph.members[n].axes) == 1 and n in self.classes]
        return {_one_hot(n, context): (n, self.classes[n]) for n in vectors}

    def point(self, output: str, read_definitions: dict[str, tuple[tuple[str, ...], Tree]]) -> Point:
        arrays = dict(self.floats.arrays)
        for labels, classes in self.onehots.values():
            arrays[f"one-hot {labels}"] = np.eye(classes)[np.asarray(arrays[labels])]
        letters: dict[str, set[int]] = {}
        for size, over in self.graph.letters:
            for letter in over if size.free_symbols <= self.exact.sizes.keys() else ():
                letters.setdefault(letter, set()).add(self.exact.size(size))
        return Point(
            {spelled(s.name): int(n) for s, n in self.exact.sizes.items()},
            arrays,
            self.labels,
            self.base,
            self.total,
            read_definitions,
            {letter: n for letter, (n, *rest) in letters.items() if not rest},
            output,
            self.onehots,
            self.classes,
            self.functions,
            self.numbers,
        )

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """Functions of numbers in the definitions, by name, that `reading` has no formula for."""
        names = {t.function for node in self.graph.nodes for t in subtrees(node.body) if isinstance(t, Call)}
        kinds = {name: library.function(name) for name in names if name not in WORDS and _words(name) not in NAMED}
        return {_words(name): _called(kind) for name, kind in kinds.items() if kind is not None}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Definitions of the library that a formula calls as a whole, for those that `reading` has none of."""
        surfaces = (node.surface for node in self.graph.nodes if node.surface is not None)
        names = {t.function for surface in surfaces for t in subtrees(surface) if isinstance(t, Call)}
        kinds = (n for n in names if library.known(n) and not library.function(n) and _words(n) not in NAMED)
        return {_words(name): _whole(library.load(name)) for name in kinds}


def _whole(graph: Graph) -> Function:
    """A definition of the library as a function of arrays."""

    def axes(of: Any) -> tuple[Any, ...]:
        return tuple(int(a) if a.is_Integer else str(a) for a in of.axes)

    def one(*given: Any) -> Any:
        sizes, arrays = {}, {}
        for member, array in zip(graph.inputs, given, strict=True):
            sizes |= {a: n for a, n in zip(member.axes, np.shape(array), strict=True) if a.is_Symbol}
            arrays[member.name] = np.asarray(array, dtype=int if member.kind == "label" else float)
        sizes |= {s: next(_solved(graph, s, sizes, arrays)) for s in graph.sizes if s not in sizes}
        return forward(graph, sizes, arrays, FLOAT).arrays[graph.output.name]

    labels = frozenset(k for k, i in enumerate(graph.inputs) if i.kind == "label")
    return Function(tuple(map(axes, graph.inputs)), axes(graph.output), labels, one)


def _solved(graph: Graph, size: Any, sizes: dict[Any, int], arrays: dict[str, Any]) -> Iterator[int]:
    """A size of which an axis is a formula: O of x: [O + K - 1]."""
    for member in graph.inputs:
        for axis, n in zip(member.axes, np.shape(arrays[member.name]), strict=True):
            yield from (int(v) for v in solve(axis.xreplace(sizes) - n, size) if size in axis.free_symbols)


def _one_hot(label: str, context: Context) -> str:
    """The name of a matrix of one-hot rows, or the label below its 𝐄."""
    bold = text(matrices.one_hot(label, context)).startswith("𝐄")
    return spelled(label) if bold else spelled(matrices.capital(label), 2)


def _called(kind: Any) -> Any:
    return lambda *args: Evaluator(dict(zip(kind.parameters, args, strict=True)), {}, None, FLOAT).evaluate(kind.body, {})


def _words(name: str) -> str:
    return name.replace("_", " ")


def _floats(array: Any) -> Any:
    flat = np.ravel(array)
    if all(isinstance(v, (int, np.integer)) for v in flat):
        return np.asarray(array, dtype=int)
    return np.asarray(np.vectorize(lambda v: float(untraced(v)), otypes=[float])(array))


def scenes(graph: Graph, seed: int = 0, most: int = 2) -> Iterator[Scene]:
    """The graph at a random point for each of some sets of sizes."""
    base = Teaching("en").context(graph).style.index_base
    for which, sizes in enumerate(sets_with_values(graph)[:most]):
        yield Scene(graph, random_point(graph, sizes, seed, which), base)


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class Wrong:
    """A line that was not read, or that says something else."""

    kind: str
    what: str
    formula: str
    why: str

    def __str__(self) -> str:
        return f"[{self.kind}] {self.what}\n    {self.formula}\n    {self.why}"


def forms(line: Printed) -> Iterator[tuple[str, bool, str]]:
    """(language, whether it is LaTeX, the formula), each formula once."""
    for lang, printed in line.layouts.items():
        yield lang, False, text(printed)
        yield lang, True, latex(printed)


def check(line: Printed, scenes_: Iterable[Scene], definitions_: dict[str, str] | None = None) -> Iterator[Wrong]:
    """What is wrong with a line, in any medium and language, at any of these points."""
    for scene in scenes_:
        seen = set()
        for lang, is_latex, formula in forms(line):
            if (is_latex, formula) in seen:
                continue
            seen.add((is_latex, formula))
            if why := _read_wrong(line, scene, lang, is_latex, formula):
                yield Wrong(line.kind, line.what, formula, why)


def _read_wrong(line: Printed, scene: Scene, lang: str, is_latex: bool, formula: str) -> str:
    try:
        page = scene.page(lang)
        expected = np.asarray(
            scene.floats.arrays[line.node] if line.node else scene.result(line.found) if line.found else None, dtype=float
        )
        if line.node in scene.labels:
            expected = expected + scene.base
        for sides in read(formula, page, is_latex):
            left, *right = sides
            output = line.found.of if line.found else ""
            point = scene.point(output, read_definitions(scene, lang, is_latex, page))
            if line.kind == "reason":
                names, shape = ranges(left, point), ()
                expected = value(left, point, names)
            else:
                names, shape = left_letters(left, expected)
            for side in right:
                got = value(side, point, names, shape)
                if why := differs(got, expected):
                    return why
    except Unread as error:
        return f"unread: {error}"
    return ""


def read_definitions(scene: Scene, lang: str, is_latex: bool, page: Page) -> dict[str, tuple[tuple[str, ...], Tree]]:
    """The definitions of the page, as the reader reads them: with indices."""
    key = ("read", lang, is_latex)
    memory = scene.__dict__.setdefault("memory", {})
    if key not in memory:
        out = {}
        for line in printed_definitions(scene.graph):
            formula = latex(line.layouts[lang]) if is_latex else text(line.layouts[lang])
            try:
                left, right = read(formula, page, is_latex)[-1]
            except Unread:
                continue
            out[line.node] = tuple(a.text for a in left.args), right
        memory[key] = out
    return memory[key]


def ranges(left: Tree, point: Point) -> dict[str, int]:
    """The free letters of a left side, with what they range over."""
    shapes = Shapes(point)
    shapes.shape(left)
    letters = dict.fromkeys(t.text for t in subtrees_of(left) if t.op == "letter" and t.text not in bound_in(left))
    return {letter: shapes.length(letter) or 1 for letter in letters}


def subtrees_of(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in tree.args:
        yield from subtrees_of(part)


def bound_in(tree: Tree) -> set[str]:
    return {name for t in subtrees_of(tree) for name in t.names}


def left_letters(left: Tree, expected: Any) -> tuple[dict[str, int], tuple[int, ...]]:
    """The free letters of an equation with their ranges, and the shape of what has none."""
    indices = left.args if left.op == "tensor" else tuple(i for part in left.args for i in part.args)
    if not indices:
        return {}, expected.shape
    if any(i.op != "letter" for i in indices) or len(indices) != expected.ndim:
        raise Unread(f"a left side with {len(indices)} indices for {expected.ndim} axes: {left}")
    return {i.text: n for i, n in zip(indices, expected.shape, strict=True)}, ()


def differs(got: Any, expected: Any) -> str:
    try:
        got, expected = np.broadcast_arrays(got, expected)
    except ValueError:
        return f"of shape {np.shape(got)}, not {np.shape(expected)}"
    if np.isnan(got).all() and got.size:
        return NOTHING
    known = np.isfinite(got) | np.isinf(expected)  # a slope at a root of 0 has no value, nor what float64 does not hold
    with np.errstate(invalid="ignore"):
        gap = np.max(np.abs(np.where(got == expected, 0, got - expected))[known], initial=0.0)
    if not gap <= AGREE * max(1.0, float(np.max(np.abs(expected), initial=0.0))):
        return f"comes to {np.round(got, 5).tolist()}, not {np.round(expected, 5).tolist()}"
    return ""


# ---------------------------------------------------------------- worked numbers

ROUGHLY = 0.05
"""A side behind ≈ may be off by this, relative to the value, or twice as large where rounded numbers cancel: a bracket or an
exponent that is lost makes it something else."""


def check_worked(graph: Graph, values: dict[str, Any]) -> Iterator[Wrong]:
    """What is wrong with a definition worked at these values: a side that is not read, or that is not what it is set equal to."""
    run = graph.at(**values)
    own = run.graph if graph.is_scalar else graph
    base = Teaching("en").context(own).style.index_base
    scene = Scene(own, replace(run.values, graph=own), base)
    for lang in LANGS:
        for block in forward_blocks(run, Teaching(lang), by_operation=graph.is_scalar):
            for lines in _chains(block):
                whole = row(*(part for line in lines for part in (line.relation or Sign("", ""), line.body)))
                for is_latex, formula in ((False, text(whole)), (True, latex(whole))):
                    if why := _unequal(formula, scene, lang, is_latex):
                        yield Wrong("worked", str(values), formula, why)


def typed(scene: Scene) -> dict[str, Any]:
    """Values near those of a point, as they may be typed; and the sizes that are no axes."""
    graph = scene.graph
    values: dict[str, Any] = {
        i.name: scene.floats.arrays[i.name].tolist()
        if i.kind in ("label", "probability")
        else np.round(scene.floats.arrays[i.name], 1).tolist()
        for i in graph.inputs
    }
    axes = {axis for i in graph.inputs for axis in i.axes}
    return values | {s.name: int(scene.exact.sizes[s]) for s in graph.sizes if s not in axes}


def _chains(block: Any) -> Iterator[tuple[Any, ...]]:
    """Lines that are set equal to each other, in the fullest way that they may be written."""
    for part in block.lines:
        if isinstance(part, Chains):
            yield from part.forms[0]


def _unequal(formula: str, scene: Scene, lang: str, is_latex: bool) -> str:
    try:
        page = scene.page(lang)
        ((left, *sides),) = read(formula, page, is_latex)
        point, rounded = scene.point("", {}), False
        expected = value(left, point, {})
        for side in sides:
            rounded = rounded or side.op == "about"
            got = value(side, point, {})
            if not rounded and (why := differs(got, expected)):
                return why
            if rounded and not np.all(np.abs(got - expected) <= np.maximum(ROUGHLY, np.abs(expected))):
                return f"comes to {got}, about {expected}"
    except Unread as error:
        return f"unread: {error}"
    return ""
