"""A formula that a person typed → a term over a graph: in the language of graphs, or as LaTeX and textbooks have it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from derive.calculus.terms import Adjoint, Deriv, Index, substituted, walk
from derive.checking.additions import MisshapenError, add_definition, size_text
from derive.checking.domains import Wanted, wanted
from derive.checking.entries import Entries
from derive.checking.grammar import Grammar
from derive.checking.names import ANSWER, APPLIED, Names
from derive.checking.ranges import OutsideError
from derive.checking.signs import MAX_FORMULA, fault, place_in
from derive.checking.tree import Term, below, spots
from derive.errors import CONTROLS, DeriveError, said
from derive.graphs.graph import Graph, Node
from derive.graphs.names import fresh
from derive.language import library
from derive.language.words import FUNCTIONS, REDUCTIONS

__all__ = ["Formula", "MisshapenError", "read_formula"]


@dataclass(frozen=True)
class Formula:
    """A formula that was read: the last node of a graph, which holds what is needed for it besides.

    `letters` are the names of its free indices as typed, for those of the node that have one; others belong to whole axes.
    """

    graph: Graph
    letters: tuple[str, ...]
    text: str
    doubtful: str = ""
    """What makes it a convention which axes are meant, if anything does."""
    powers: bool = False
    """Whether a power of a whole vector stands in it."""
    held: Any = None
    """The term with each ∂ on the way as the factor of one path, what lies between held; where that is another than along all."""

    @property
    def turned(self) -> Formula | None:
        """The same with two whole axes exchanged; None where it has not just these."""
        if self.letters or len(self.indices) != 2:
            return None
        node = replace(self.node, indices=self.indices[::-1])
        return replace(self, graph=replace(self.graph, nodes=(*self.graph.nodes[:-1], node)))

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """What has to be positive where it has a value."""
        return wanted(self.node, self.graph)

    @property
    def node(self) -> Node:
        return self.graph.output

    @property
    def term(self) -> Any:
        return self.node.expr

    @property
    def axes(self) -> dict[str, Any]:
        """The axes over which its letters run."""
        return {letter: index.size for letter, index in zip(self.letters, self.indices, strict=False)}

    @property
    def indices(self) -> tuple[Index, ...]:
        return self.node.indices


def read_formula(graph: Graph, text: str, known: Mapping[str, Any] = MappingProxyType({}), first: int | None = None) -> Formula:
    r"""The formula that a text is; `known` are the axes of letters that stand beside it, `first` is what the first entry of an
    axis is called in it, if not what it is called in print.

    Raises DeriveError, with its place in the text, where it cannot be read.

    >>> import derive
    >>> g = derive.graph("z: [C]; t: label[C]; p = softmax(z); L = -log(p[t])")
    >>> read_formula(g, r"p_i - \delta_{it}").term, read_formula(g, "p[i] - where(i == t, 1, 0)").letters
    (-Delta(i, t) + p[i], ('i',))
    """
    if found := CONTROLS.search(text):
        raise fault(text, found.span(), said("The invisible character {code} is not read.", code=f"U+{ord(found[0]):04X}"))
    if not text.strip():
        raise DeriveError("A formula is missing here.", place_in(text or " ", (0, 1)))
    if len(text) <= MAX_FORMULA and _in_the_language(text, graph) and not (_TEN.search(text) and "e" in graph.members):
        return _read_language(graph, text)
    try:
        return _read_typed(graph, text, known, first)
    except OutsideError:
        if first is not None:
            raise
        counted = _counted_from_0(graph, text, known)
        if counted is None:
            raise
        return counted


def _counted_from_0(graph: Graph, text: str, known: Mapping[str, Any]) -> Formula | None:
    """A formula whose ranges begin at 0, read with all entries counted from 0: where nothing else in it counts entries."""
    names = Names(graph, beside=frozenset(known), first=0)
    tree = Grammar(text, names).formula()
    counted = [spot for spot in spots(tree, ends=False) if not spot.letters and not names.is_label(spot.text)]
    starts = {end.text for part in below(tree) if part.kind == "reduce" for b in part.args[2] for end in (b.low,) if end}
    if counted or starts != {"0"} or any(part.kind == "index" for part in below(tree)):
        return None
    return _read_typed(graph, text, known, 0)


_CONVENTION = "Which way the derivative of a vector by a vector lies, and what a dot between vectors means, are conventions."

_TEN = re.compile(r"(?<![\w.])[\d.]+e[+-]?\d")

_LATEX = re.compile(
    r"[\\{}^|'∂∇]|[^\x00-\x7fα-ωΑ-Ω]|(?<![\w.])d[A-Za-z]\w*(\[[^\]]*\])?\s*/\s*d[A-Za-z]|\w_\w|\d\s*[A-Za-z(]|[\])]\s*[\[(\w]|\bx\s*\(|\bx\s+x\b"
)


def _in_the_language(text: str, graph: Graph) -> bool:
    """Whether a text is in the graph language: no sign in it is of another notation, but in the names of tensors."""
    plain = re.sub(r"[^\W\d]\w*", lambda m: "x" if m[0] in graph.members or _is_size(m[0], graph) else m[0], text)
    plain = re.sub(r"\b(?:for|in|if|and)\b", ",", plain)
    if _LATEX.search(plain) or ";" in text:  # which parts arguments in French
        return False
    words = set(re.findall(r"[^\W\d]\w*", plain))
    if any(re.search(rf"\b{word}\s*\(", plain) and not library.known(word) for word in words & set(APPLIED)):
        return False
    if "[" in text or "@" in text or "*" in text:
        return True
    return all(w == "x" or w in FUNCTIONS or w in REDUCTIONS or library.known(w) or _is_size(w, graph) for w in words)


def _is_size(word: str, graph: Graph) -> bool:
    return any(str(s) == word for s in graph.sizes)


_ENTRY = re.compile(r"\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]")


def _read_language(graph: Graph, text: str) -> Formula:
    """A formula in the graph language; letters that stand in brackets and are bound nowhere are free."""
    bound = set(re.findall(r"\bfor\s+(\w+)\s+in\b", text))
    sizes = {str(s) for s in graph.sizes}
    conditions = re.findall(r"where\(([^,()]*(?:==|!=|<=|>=|<|>)[^,()]*),", text)
    words = [w for inside in (*_ENTRY.findall(text), *conditions) for w in re.findall(r"[^\W\d]\w*", inside)]
    free = [w for w in dict.fromkeys(words) if w not in bound and w not in sizes and w not in graph.members and len(w) <= 2]
    name = fresh((), {*graph.taken, *bound, *words}, stem=ANSWER)
    left = f"{name}[{', '.join(free)}] = " if free else f"{name} = "
    flat = re.sub(r"\s*\n\s*", " ", text) if "#" not in text else text
    found = add_definition(graph, text, [(left, (0, 1)), *((c, (k, k + 1)) for k, c in enumerate(flat))], {})
    return Formula(found, tuple(free), text)


def _read_typed(graph: Graph, text: str, known: Mapping[str, Any], first: int | None) -> Formula:
    """A formula in LaTeX, or as a textbook prints it."""
    names = Names(graph, beside=frozenset(known), first=first)
    grammar = Grammar(text, names)
    tree: Term = grammar.formula()
    axes = {names.letters[typed]: axis for typed, axis in known.items() if typed in names.letters}
    writing = Entries(text, names, graph, used=grammar.used, known=axes)
    try:
        shape = writing.shape(tree)
    except MisshapenError as error:
        if not writing.doubtful:
            raise
        raise DeriveError(_CONVENTION, error.place, "Write indices.") from None
    used = {x for spot in spots(tree) for x in spot.letters}
    free = {typed: letter for typed, letter in names.letters.items() if letter in used}
    own = tuple(writing.letter() for _ in shape.axes)
    pieces = writing.entry(tree, own)
    name = writing.name(ANSWER)
    whole = (*free.values(), *own)
    text_ = "".join(p for p, _ in pieces)
    missing = [letter for letter in own if not re.search(rf"\b{letter}\b", text_)]
    whole = tuple(x for x in whole if x not in missing)
    sizes = [writing.axis_of(x, (tree,), axes) for x in free.values()] + [
        a for x, a in zip(own, shape.axes, strict=True) if x in whole
    ]
    left = f"{name}[{', '.join(whole)}] = " if whole else f"{name} = "
    if None not in sizes and whole:
        left = f"{name}: [{', '.join(map(size_text, sizes))}]; {left}"
    found = add_definition(writing.graph, text, [(left, tree.span), *pieces], writing.derived)
    held = _with_paths(found.output.expr, writing.paths) if writing.paths else None
    return Formula(found, tuple(free), text, writing.doubtful, writing.powers, held)


def _with_paths(term: Any, paths: set[tuple[str, str]]) -> Any:
    """A term with some derivatives as those of one definition, all else in it held."""
    return walk(term, lambda t: Deriv(t.output, t.by) if isinstance(t, Adjoint) and t.pair in paths else t)


class Met(NamedTuple):
    """The terms of two formulas over the same indices, and where each has a value as it was typed."""

    first: Any
    second: Any
    indices: tuple[Index, ...]
    wanted: tuple[tuple[Wanted, ...], tuple[Wanted, ...]] = ((), ())


def common(first: Formula, second: Formula, held: bool = False, turned: bool = False) -> Met | None:
    """The terms of two formulas over the same indices: a letter means the same in both, whole axes are met in order.  Where what
    lies between is `held`, derivatives on the way are the factors of one path; `turned`, letters meet whole axes the other way.

    None where they are not of the same axes.
    """
    if held:
        first, second = (f if f.held is None else _holding(f) for f in (first, second))
    one, other = _named(first), _named(second)
    values: dict[Any, Any] = {}
    indices: list[Index] = list(first.indices)
    left, right = dict(one[0]), dict(other[0])
    rest_left, rest_right = list(one[1]), list(other[1])
    for letter, index in right.items():
        mine = left.get(letter)
        if mine is not None:
            if mine.size != index.size:
                return None
            values[index] = mine
    stray_left = [i for x, i in left.items() if x not in right]
    stray_right = [i for x, i in right.items() if x not in left]
    if turned:
        stray_left, stray_right = stray_left[::-1], stray_right[::-1]
    if len(rest_left) == len(rest_right):
        pairs = list(zip(rest_left, rest_right, strict=True))
    elif not rest_right and len(rest_left) == len(stray_right):
        pairs, stray_right = list(zip(rest_left, stray_right, strict=True)), []
    elif not rest_left and len(rest_right) == len(stray_left):
        pairs = list(zip(stray_left, rest_right, strict=True))
    elif not rest_left or not rest_right:
        if rest_right and rest_left:
            return None
        if (rest_right and second.term.has(*rest_right)) or (rest_left and first.term.has(*rest_left)):
            return _broadcast(first, second, values, indices, stray_right, rest_left, rest_right)
        pairs = []
    else:
        return None
    for mine, theirs in pairs:
        if mine.size != theirs.size:
            return None
        values[theirs] = mine
    for index in stray_right:
        own = index.fresh()
        values[index] = own
        indices.append(own)
    return _met(first, second, values, indices)


def _met(first: Formula, second: Formula, values: Mapping[Any, Any], indices: Sequence[Index]) -> Met:
    """Two formulas over the same indices, those of the second called by `values`."""
    put = dict(values)
    needs = tuple(Wanted(substituted(w.term, put), w.zero) for w in second.wanted)
    return Met(first.term, substituted(second.term, put), tuple(indices), (first.wanted, needs))


def _broadcast(
    first: Formula,
    second: Formula,
    values: Mapping[Any, Any],
    indices: list[Index],
    stray: list[Index],
    left: list[Index],
    right: list[Index],
) -> Met | None:
    """A number beside a tensor stands for all its entries; but a number is no tensor."""
    number = first if right else second
    if number.term.is_number:
        own = {i: i.fresh() for i in (*stray, *right)}
        return _met(first, second, {**values, **own}, (*indices, *own.values()))
    return None


def _holding(formula: Formula) -> Formula:
    node = replace(formula.node, expr=formula.held)
    return replace(formula, graph=replace(formula.graph, nodes=(*formula.graph.nodes[:-1], node)))


def _named(formula: Formula) -> tuple[list[tuple[str, Index]], list[Index]]:
    """The indices of a formula that were typed, with their letters; and those of whole axes."""
    count = len(formula.letters)
    return list(zip(formula.letters, formula.indices[:count], strict=True)), list(formula.indices[count:])


def pruned(formula: Formula, base: Graph) -> Graph:
    """The graph of a formula with nothing besides its base but what the formula needs."""
    keep = base.members.keys() | formula.graph.ancestors(formula.node.name)
    by = {adjoint.output.name for node in formula.graph.nodes for adjoint in node.expr.atoms(Adjoint)}
    nodes = tuple(n for n in formula.graph.nodes if n.name in keep or n.name in by)
    return replace(formula.graph, nodes=nodes)
