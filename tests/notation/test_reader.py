"""What is printed is read back: every formula has one reading by docs/notation.md, and that reading is what was proved.

The reader (`oracles.reader`) knows nothing of the printer.  It is itself tested: by formulas that have two readings, which it has
to refuse, and by faults planted in the printer, all of which it has to see.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from sympy import Integer

import derive
from cases import inverses
from derive.calculus.terms import Index
from derive.derivation.derivation import Derivation
from derive.graphs.graph import Graph, Input
from derive.language import library
from derive.notation import context, definitions, layout, matrices, order, pieces, style, terms
from derive.notation.context import Context
from derive.notation.layout import HADAMARD, PROD, SUM, Big, Sign, text
from derive.notation.pieces import Piece
from derive.notation.style import Style
from oracles.readback import Printed, Scene, Wrong, check, check_worked, printed_definitions, printed_derivation, scenes, typed
from oracles.reader import Page, Unread, read, spelled
from oracles.reading_soak import graph_of, read_back

# ---------------------------------------------------------------- the reader by itself

TENSORS = {"x": 1, "y": 1, "W": 2, "A": 2, "B": 2, "a": 0, "b": 0, "t": 0, "x1": 0, "W_h": 2, "W1": 2, "x_hat": 1, "e_2": 0}


def page(lang: str = "en", **more: int) -> Page:
    return Page(
        {spelled(n, r): (n, r) for n, r in {**TENSORS, **more}.items()}, frozenset({"n", "O"}), frozenset({"t"}), lang=lang
    )


def tree(formula: str, latex: bool = False, lang: str = "en", **more: int) -> str:
    return re.sub(r"#\d+", "", str(read(f"a = {formula}", page(lang, **more), latex)[0][-1]))


READ = [
    ("a b/a + 2", r"a\frac{b}{a} + 2", "(add (product (tensor a) (slash (tensor b) (tensor a))) 2)"),
    ("(a/b) a", None, "(product (bracket (slash (tensor a) (tensor b))) (tensor a))"),
    ("1/n Σ_i x_i", None, "(product (slash 1 (size n)) (big Σ i (tensor x (letter i))))"),
    ("Σ_i x_i / Σ_i y_i", None, "(over (big Σ i (tensor x (letter i))) (big Σ i (tensor y (letter i))))"),
    ("Σ_{i≠t} x_i", r"\sum_{i\ne t}x_{i}", "(big Σ i (tensor x (letter i)) (relation ≠ (letter i) (tensor t)))"),
    ("W_{1,12}", r"W_{1, 12}", "(tensor W 1 12)"),
    ("x₁", r"x_{1}", None),
    ("(W_h)₁₂", r"(W_{h})_{12}", "(tensor W_h 1 2)"),
    ("W⁽¹⁾ᵀ y", r"W^{(1)\top}y", "(product (transposed (tensor W1)) (tensor y))"),
    ("x̂", r"\hat{x}", "(tensor x_hat)"),
    ("A ⊙ (B W)", r"A \odot (BW)", "(hadamard (tensor A) (bracket (product (tensor B) (tensor W))))"),
    ("(A⁻¹)₁₂", r"(A^{-1})_{12}", "(entry (power (tensor A) (negative 1)) 1 2)"),
    ("(A⁻ᵀ)₁₂", r"(A^{-\top})_{12}", "(entry (transposed (power (tensor A) (negative 1))) 1 2)"),
    ("det(A) + b", r"\det(A) + b", "(add (call det (tensor A)) (tensor b))"),
    ("√a b", r"\sqrt{a}b", "(product (root (tensor a)) (tensor b))"),
    ("|a · |b||", r"|a \cdot |b||", "(absolute (product (tensor a) (absolute (tensor b))))"),
    ("a^(b + 1)", "a^{b + 1}", "(power (tensor a) (add (tensor b) 1))"),
    ("x^(⊙2)", r"x^{\odot 2}", "(entry power (tensor x) 2)"),
    ("𝟙[a > 0] b", r"\mathbf{1}[a > 0]b", "(product (indicator (relation > (tensor a) 0)) (tensor b))"),
]


@pytest.mark.parametrize(("unicode", "latex", "expected"), READ, ids=[unicode for unicode, _, _ in READ])
def test_a_formula_is_taken_apart_the_same_way_in_both_media(unicode: str, latex: str | None, expected: str | None) -> None:
    if expected is None:
        for formula, is_latex in ((unicode, False), (latex or "", True)):
            with pytest.raises(Unread, match="may be"):
                tree(formula, is_latex)
        return
    assert tree(unicode) == expected
    if latex is not None:
        assert tree(latex, latex=True).replace("over", "slash") == expected


AMBIGUOUS = [
    "a/b a",
    "a/b/a",
    "2 a / b a",
    "√a²",
    "√Σ_i x_i² a",
    "Σ_i x_i Σ_i y_i",
    "Σ x_i",
    "Σ_{0 ≤ i − 1 < n} x_i",
    "Σ_n x_n",
    "x_i",
    "A ⊙ B W",
    "a + − b",
    "{ a  if b ; 1  otherwise }",
    "W_i",
    "W_123",
    "q",
    "max(a; b)",
    "(a, b",
    "a ·",
]


@pytest.mark.parametrize("formula", AMBIGUOUS)
def test_what_could_be_read_in_two_ways_or_in_none_is_refused(formula: str) -> None:
    with pytest.raises(Unread):
        tree(formula)


def test_a_decimal_comma_stands_between_digits_and_a_semicolon_between_arguments() -> None:
    assert tree("max(0,5; a)", lang="fr") == "(call max 1/2 (tensor a))"
    assert tree(r"\max(0{,}5;\ a)", latex=True, lang="fr") == "(call max 1/2 (tensor a))"
    assert tree("[[0,5; 1]; [2; 3]]", lang="fr") == "(grid (row 1/2 1) (row 2 3))"
    with pytest.raises(Unread):
        tree("max(0, a)", lang="fr")


# ---------------------------------------------------------------- what is printed


def lines_of(graph: Graph, wrt: Iterable[str] = ()) -> Iterator[tuple[Graph, Printed]]:
    """The definitions of a graph, and its derivations by these, or by every tensor with a name that it depends on."""
    yield from ((graph, line) for line in printed_definitions(graph))
    reached = graph.ancestors(graph.output.name) - {graph.output.name}
    members = [m for n, m in graph.members.items() if n in reached and m.differentiable and not getattr(m, "inner", False)]
    for member in members:
        if wrt and member.name not in wrt:
            continue
        found = [graph.derive("", member.name, upstream=bool(graph.output.axes))]
        found += [graph.derive("", member.name)] if graph.output.axes and isinstance(member, Input) else []
        for derivation in found:
            yield from ((derivation.graph, line) for line in printed_derivation(derivation))


def wrong(lines: Iterable[tuple[Graph, Printed]], known: dict[int, list[Scene]] | None = None) -> Iterator[Wrong]:
    known = {} if known is None else known
    for graph, line in lines:
        if id(graph) not in known:
            known[id(graph)] = list(scenes(graph, most=1))
        yield from check(line, known[id(graph)])


@pytest.mark.parametrize("name", library.names())
def test_every_formula_of_the_library_is_read_back(name: str) -> None:
    graph = derive.graph(name)
    found = [*wrong(list(lines_of(graph))), *check_worked(graph, typed(next(scenes(graph))))]
    assert not found, "\n".join(map(str, found))


FOUND = {
    "what a function of tensors is given holds letters": (
        "w: [K]; A: [K, m]; h = mean(binary_cross_entropy(-w, A[q, r]).T @ w for q in K for r in m)",
        "h = (1 / (K m)) Σ_{q, r} binary_cross_entropy(−w, A_qr)ᵀ w,   h = (1 / (K m)) Σ_{q, r} Σ_u L_qru w_u",
    ),
    "what a function gives of a matrix and a row stands": (
        "A: [K, O]; u: [O]; B: [O, O]; W: [K, K]; H = mse(A, u @ B.T) @ W",
        "Hᵀ = mse(A, uᵀ Bᵀ)ᵀ W,   H_j = Σ_l L_l W_lj",
    ),
    "what a function gives of a row lies": (
        "A: [K, O]; u: [K]; B: [O, O]; H = softmax(u @ A) @ B",
        "Hᵀ = softmax(uᵀ A) B,   H_i = Σ_k p_k B_ki",
    ),
    "a condition mentions a letter that a later one binds": (
        "x: [n]; f = sum(x[i] for i in n for j in n if x[j] > 0 if i < j)",
        "f = Σ_{i<j, x_j > 0} x_i",
    ),
    "each of two conditions mentions what the other binds": (
        "x: [n]; f = sum(x[i] for i in n for j in n if i < x[j] if j < x[i])",
        "f = Σ_{i, j, i < x_j, j < x_i} x_i",
    ),
    "a digit in the name of a function": ("w: positive[n]; S = mean(log1p(w[i]) for i in n)", "S = 1/n Σ_i log1p(w_i)"),
    "a chain of letters": ("x: [n]; f = sum(x[i] for i in n for j in n for k in n if i < j < k)", "f = Σ_{i<j<k} x_i"),
    "a chain with a tensor in it": (
        "x: [n]; f = sum(x[i] for i in n for j in n for k in n if x[j] < i <= k)",
        "f = Σ_{j, i≤k, x_j < i} x_i",
    ),
    "an arg min below a sum": (
        "V: [2, 2, 2]; M: [2, m]; h[l, j, r] = sum(min(where(o >= r, V[o, k, r], M[k, 0]) for o in 2 if o >= j)*M[j, l] "
        "for k in 2); d = mean(h)",
        "d = (1 / (4 m)) Σ_{l, j, r} h_ljr",
    ),
    "what only decides which terms there are has no slope": (
        "t: label[K]; x: [K]; c = sum(x); f = sum(c for l in K if l < t if x[l] > 0)",
        "f = Σ_{l<t, x_l > 0} c",
    ),
    "a power of a name with a superscript": ("W1: [n, n]; x: [n]; f = x.T @ W1 @ W1 @ x", "f = xᵀ W⁽¹⁾ W⁽¹⁾ x,"),
    "an index over a part of an axis": ("x: [n + 1]; f = sum(x[i] for i in n)", "f = Σ_{i≤n} x_i"),
    "an index over the shorter of two axes": ("x: [n + 1]; w: [n]; f = sum(x[i]*w[i] for i in n)", "f = Σ_i x_i w_i"),
    "an index over the longer of two axes": (
        "z: [n + m]; x: [n]; f = sum(where(i < n, x[i], 1)*z[i] for i in n + m)",
        "f = Σ_{i < m + n} { x_i  if i<n ; 1  otherwise } z_i",
    ),
    "differences": ("x: [n + 1]; f = sum((x[i + 1] - x[i])**2 for i in n)", "f = Σ_{i<n} (x_{i + 1} − x_i)²"),
    "an outer product": (
        "x: [n]; y: [m]; A: [n, n]; Z = 2*x @ y.T - (x.T @ A) @ exp(y).T",
        "Z = 2 x yᵀ − (xᵀ A)ᵀ exp(y)ᵀ,   Z_ij = 2 x_i y_j − (Σ_k x_k A_ki) e^(y_j)",
    ),
    "an outer product of a product": (
        "x: [n]; y: [m]; A: [n, n]; B: [m, k]; Z = A @ x @ (B.T @ y).T",
        "Z = A x (Bᵀ y)ᵀ,   Z_ij = (Σ_p A_ip x_p) Σ_l B_lj y_l",
    ),
}
"""Kinds of lines that were once read as something else, or not at all: the graph, and its last definition as it is printed."""


@pytest.mark.parametrize("kind", FOUND)
def test_what_random_graphs_found_is_read_back(kind: str) -> None:
    source, printed = FOUND[kind]
    graph = derive.graph(source)
    lines = list(lines_of(graph))
    found = list(wrong(lines))
    assert not found, "\n".join(map(str, found))
    definition = next(text(line.layouts["en"]) for _, line in reversed(lines) if line.node == graph.output.name)
    assert definition.startswith(printed)


def test_a_row_of_what_is_mapped_over_has_no_mixed_form() -> None:
    graph = derive.graph("w: [K]; A: [K, m]; h = sum(binary_cross_entropy(-w, A[q, r]).T @ w for q in K for r in m)")
    inner = next(n for n in graph.nodes if n.surface is not None and n.inner and len(n.axes) == 3)
    assert "binary" not in text(definitions.definition(inner, context.context_of(graph)))


def test_semicolons_part_what_stands_below_a_sum_beside_a_decimal_comma() -> None:
    graph = derive.graph("x: [n]; y: [n]; f = sum(y[i] for i in n for j in n if x[i] > 0.1 if x[j] > y[i])")
    style_ = Style(lang="fr", when="si", otherwise="sinon")
    (node,) = graph.nodes
    assert text(definitions.definition(node, context.context_of(graph, style_))) == "f = Σ_{i; j; x_i > 0,1; x_j > y_i} y_i"
    assert text(definitions.definition(node, context.context_of(graph))) == "f = Σ_{i, j, x_i > 0.1, x_j > y_i} y_i"
    assert not list(wrong(lines_of(graph)))
    assert tree("Σ_{i; x_i > 0,1} x_i", lang="fr") == tree("Σ_{i, x_i > 0.1} x_i")
    for formula, lang in (("Σ_{i; j} x_i y_j", "en"), ("Σ_{i, x_i > 0; 1} x_i", "fr")):
        with pytest.raises(Unread):
            tree(formula, lang=lang)


@pytest.mark.parametrize("definition", inverses.DEFINITIONS)
def test_every_formula_of_an_inverse_or_a_determinant_is_read_back(definition: str) -> None:
    graph = derive.graph(definition)
    found = [*wrong(list(lines_of(graph))), *check_worked(graph, typed(next(scenes(graph))))]
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize(("definition", "batched"), inverses.STACKS)
def test_every_formula_of_a_stack_of_matrices_is_read_back(definition: str, batched: str) -> None:
    found = [*wrong(list(lines_of(derive.graph(definition).batched(batched))))]
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("part", range(4))
def test_formulas_of_random_graphs_are_read_back(part: int) -> None:
    """`python tests/oracles/reading_soak.py 20000` reads more."""
    seen = Counter[str]()
    for number in range(10 * part, 10 * part + 10):
        source = graph_of(20, number)
        found = [str(w) for w in read_back(source, random.Random(number), seen)]
        assert not found, "\n".join([source, *found])
    assert seen["line"] > 20


# ---------------------------------------------------------------- planted faults

SOURCES = (
    "x: [3]; f = (cos(x[0]) - 2.5e-3)**3/(x[1] + 2) - sqrt(mean(x**2))*max(x[0], 0.5)",
    "A: [n, n]; B: [n, n]; x: [n]; b: [n]; y = (A*B) @ x + exp(A**2) @ x - 1/b",
    "W1: [m, n]; x_hat: [n]; f = prod(W1 @ x_hat) + min(x_hat[0], 3)",
    "s: [C]; t: label[C]; f = mean(exp(s[j]) for j in C if j != t)/s[0]",
    "X: [3, 2]; f = sum(X)**2 + where(X[0, 1] > 0, X[0, 1], 2)",
    "x: [n]; y[i] = sum(x[j]*x[i] for j in n if i <= j) - x[i]*sum(x[j] for j in n if j < i)",
    "e: [n]; z: [n]; f = sum(exp(e)*abs(z*abs(e)))/n - (e.T @ z)*sum(z[k] for k in n for l in n)",
    "x: [O + K - 1]; w: [K]; y[o] = sum(w[k]*x[o + k] for k in K)",
    "A: [n, n]; b: [n]; y = inv(A) @ b*det(A)",
)
"""Graphs in which each of the faults shows."""


@cache
def planted_on() -> list[tuple[Graph, tuple[Derivation, ...], list[Scene]]]:
    """Graphs with some derivations, and points to read them at."""
    out = []
    for source in SOURCES:
        graph = derive.graph(source.replace("; ", "\n"))
        wrt = [i.name for i in graph.inputs if i.differentiable][:2]
        out.append((graph, tuple(graph.derive("", name) for name in wrt), list(scenes(graph, most=1))))
    return out


def first_wrong() -> Wrong | None:
    """The first line that the reader takes exception to."""
    for graph, found, points in planted_on():
        for lines in (printed_definitions(graph), *map(printed_derivation, found)):
            for line in lines:
                for point in points:
                    point.__dict__.pop("memory", None)  # the definitions it has read
                if (here := next(check(line, points), None)) is not None:
                    return here
    return None


def test_without_a_fault_nothing_is_wrong() -> None:
    assert first_wrong() is None


MODULES = (pieces, style, context, order, terms, definitions, matrices)


def everywhere(patch: pytest.MonkeyPatch, name: str, new: Callable[[Any], Any]) -> None:
    """A function of the printer replaced by what `new` makes of it, in every module that has it."""
    old = next(getattr(m, name) for m in MODULES if hasattr(m, name))
    for module in MODULES:
        if hasattr(module, name):
            patch.setattr(module, name, new(old))


def lost(old: Any) -> Any:
    return lambda piece, *rest: piece


def magnitudes(pieces_: list[Piece]) -> list[Piece]:
    return [replace(p, negative=False) for p in pieces_]


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a fraction upside down": lambda p: everywhere(p, "divided", lambda f: lambda a, b: f(b, a)),
    "no bracket is set": lambda p: everywhere(p, "fenced", lambda f: lambda piece, least: piece.layout),
    "minus becomes plus": lambda p: everywhere(p, "added", lambda f: lambda ps: f(magnitudes(ps))),
    "the last term is lost": lambda p: everywhere(p, "added", lambda f: lambda ps: f(ps[:-1] if len(ps) > 2 else ps)),
    "a leading minus is lost": lambda p: everywhere(p, "negated", lost),
    "the last factor is lost": lambda p: everywhere(p, "multiplied", lambda f: lambda ps, *s: f(ps[:-1] or ps, *s)),
    "an exponent is lost": lambda p: everywhere(p, "powered", lost),
    "an exponent is another": lambda p: everywhere(p, "powered", lambda f: lambda a, b: f(a, Piece(Sign("4", "4")))),
    "indices are lost": lambda p: everywhere(p, "subscripted", lambda f: lambda base, indices: base),
    "the last index is lost": lambda p: everywhere(p, "subscripted", lambda f: lambda base, indices: f(base, indices[:-1])),
    "indices change places": lambda p: everywhere(p, "subscripted", lambda f: lambda base, indices: f(base, indices[::-1])),
    "an argument is lost": lambda p: everywhere(p, "called", lambda f: lambda g, args, s: f(g, args[:1], s)),
    "a function is another": lambda p: everywhere(
        p, "function_name", lambda f: lambda name, *c: f({"cos": "sin", "exp": "log"}.get(name, name), *c)
    ),
    "a condition is lost": lambda p: p.setattr(terms, "_conditions", lambda body, *_: ([], terms_without(body))),
    "< becomes ≤": lambda p: p.setattr(terms, "_RELATIONS", tuple((k, *_wider(a, b)) for k, a, b in terms._RELATIONS)),
    "a relation is turned round by half": lambda p: p.setattr(
        terms, "_RELATIONS", tuple((k, a, a) for k, a, _ in terms._RELATIONS)
    ),
    "a typed relation is turned round by half": lambda p: p.setattr(
        definitions, "_MIRRORED", {sign: sign for sign in definitions._MIRRORED}
    ),
    "a given index is one too large": lambda p: everywhere(
        p, "index_layout", lambda f: lambda i, c: f(i, replace(c, style=replace(c.style, index_base=c.style.index_base + 1)))
    ),
    "a bound letter is one that is free": lambda p: p.setattr(
        Context, "naming", lambda self, indices: {i: Index("ijk"[k], i.size) for k, i in enumerate(indices)}
    ),
    "a bound letter is a size": lambda p: p.setattr(
        Context, "naming", lambda self, indices: {i: Index("nCK"[k], i.size) for k, i in enumerate(indices)}
    ),
    "a letter of the left side is bound": lambda p: p.setattr(Context, "beside", lambda self, indices: self),
    "a sum loses its index": lambda p: p.setattr(
        terms, "Big", lambda sign, under: Big(sign, Sign("", "")) if sign is SUM else Big(sign, under)
    ),
    "Σ becomes Π": lambda p: [p.setattr(m, "Big", lambda s, u: Big(PROD if s is SUM else s, u)) for m in (terms, definitions)],
    "a range is not said": lambda p: [p.setattr(m, "unsaid_ranges", lambda *_: []) for m in (terms, definitions)],
    "⊙ for a product of matrices": lambda p: p.setattr(matrices, "SPACE", HADAMARD),
    "a product of matrices for ⊙": lambda p: [p.setattr(m, "HADAMARD", Sign("", " ")) for m in (matrices, definitions)],
    "⊙ for ⊘": lambda p: [p.setattr(m, "DIVIDED", HADAMARD) for m in (matrices, definitions)],
    "the brackets of ⊙ are lost": lambda p: p.setattr(definitions, "_is_elementwise", lambda tree, context: False),
    "a transpose is lost": lambda p: everywhere(p, "transposed", lost),
    "an inverse is lost": lambda p: everywhere(p, "inverted", lost),
    "an inverse is that of the transpose": lambda p: everywhere(
        p, "inverted", lambda f: lambda piece: pieces.transposed(f(piece))
    ),
    "⊙ over an exponent is lost": lambda p: [p.setattr(m, "ENTRYWISE", Sign("", "")) for m in (matrices, definitions)],
    "what is under a slash goes on": lambda p: p.setattr(layout, "_beside", lambda items, k: text(items[k])),
    "the brackets of a root are lost": lambda p: p.setattr(layout, "_wrapped", lambda part, below=False: text(part)),
    "bars are lost": lambda p: everywhere(p, "barred", lambda f: lambda body, bar: Piece(body)),
    "bars inside bars": lambda p: p.setattr(pieces, "_dotted", lambda body, bar: body),
    "cases change places": lambda p: everywhere(
        p, "alternatives", lambda f: lambda choice, parts, *rest: f(choice, _turned(parts), *rest)
    ),
    "a derivative upside down": lambda p: everywhere(
        p, "derivative", lambda f: lambda a, b, *c: f(Piece(b), a.layout, *c) if isinstance(a, Piece) else f(a, b, *c)
    ),
    "a power of ten is lost": lambda p: p.setattr(style, "power_of_ten", lambda k: Sign("10", "10")),
    "a hat is lost": lambda p: p.setattr(style, "Accent", lambda kind, base: base),
    "min is printed max": lambda p: p.setattr(order, "Minimum", terms.Maximum),
    "e is the number and the tensor": lambda p: p.setattr(Context, "has_e", False),
    "a mean is a sum": lambda p: p.setattr(definitions, "_count", lambda tree: Integer(1)),
    "a comma beside a decimal comma": lambda p: p.setattr(Style, "separator", Sign(", ", ", ")),
    "a given index counts from 0": lambda p: p.setattr(
        definitions, "index_layout", lambda i, c: Sign(str(i), str(i)) if i.is_Integer else terms.index_layout(i, c)
    ),
}


def _turned(parts: Callable[..., Any]) -> Callable[..., Any]:
    """The parts of a choice with what holds and what holds otherwise changed."""

    def turned(choice: Any, below: bool) -> Any:
        found = parts(choice, below)
        return None if found is None else (found[0], found[2], found[1])

    return turned


def terms_without(body: Any) -> Any:
    """A body without its conditions on indices."""
    return terms.Mul(*[f for f in terms.factors(body) if not isinstance(f, (terms.Differ, terms.Below, terms.AtMost))])


def _wider(a: Sign, b: Sign) -> tuple[Sign, Sign]:
    return tuple(Sign(r"\le ", "≤") if s.text == "<" else Sign(r"\ge ", "≥") if s.text == ">" else s for s in (a, b))  # type: ignore[return-value]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_printer_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_on()
    FAULTS[fault](monkeypatch)
    style.name_layout.cache_clear()
    try:
        assert first_wrong() is not None
    finally:
        monkeypatch.undo()
        style.name_layout.cache_clear()
