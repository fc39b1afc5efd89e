"""What the names in a typed formula mean over a graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Any

from derive.calculus.functions import PRIMITIVES
from derive.checking.signs import table
from derive.graphs.graph import Graph, Input, Node
from derive.language import library
from derive.notation.context import context_of
from derive.notation.style import GREEK, LETTERS, SHORT

_FUNCTIONS = table(
    """ln log, Log log, σ sigmoid, sigma sigmoid, logistic sigmoid, Sigmoid sigmoid, Phi normal_cdf, Φ normal_cdf,
    phi normal_pdf, φ normal_pdf, ReLU relu, Softmax softmax, LSE logsumexp, GELU gelu, SiLU silu, swish silu, Tanh tanh, th tanh,
    sgn sign, LogSoftmax log_softmax, Softplus softplus"""
)
"""What functions are called elsewhere."""

SLOPES = {
    "sigmoid": "sigmoid({0})*(1 - sigmoid({0}))",
    "tanh": "(1 - tanh({0})**2)",
    "relu": "where({0} > 0, 1, 0)",
    "softplus": "sigmoid({0})",
    "exp": "exp({0})",
    "log": "(1/({0}))",
    "sinh": "cosh({0})",
    "cosh": "sinh({0})",
    "arctan": "(1/(1 + ({0})**2))",
    "sin": "cos({0})",
    "cos": "(-sin({0}))",
}
"""f'(x) for functions that are written with a prime."""

WRITTEN = {
    "tan": "sin({0})/cos({0})",
}
"""Functions that are no word of the language, in its words."""

AMBIGUOUS = ("sigma", "phi", "Phi", "σ", "φ", "Φ")
"""Names of functions that often are those of numbers, too."""

ANSWER, AUXILIARY = "answer", "aux"
"""What definitions are called that a formula becomes, and that it needs."""

SIGNS = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
"""What runs over an index, and how it is written."""

APPLIED = ("diag", "tr", "Tr", "trace", "dot", "inner", "outer", "norm")
"""Functions of whole tensors that are no word of the language."""


@dataclass(frozen=True)
class Names:
    """The names of a graph, and what else a formula over it may mention."""

    graph: Graph
    letters: dict[str, str] = field(default_factory=dict)
    """What the free letters of a formula are called in the language's text: another letter where that means something else."""
    beside: frozenset[str] = frozenset()
    """The letters that stand beside the formula."""
    first: int | None = None
    """What the first entry of an axis is called, if it is said; else what it is called where the graph is printed."""

    @cached_property
    def base(self) -> int:
        """What the first entry of an axis is called."""
        if self.first is not None:
            return self.first
        own = tuple(node for node in self.graph.nodes if not node.name.startswith(ANSWER))
        return context_of(replace(self.graph, nodes=own)).style.index_base if own else 1

    @property
    def members(self) -> dict[str, Input | Node]:
        return self.graph.members

    def size(self, name: str) -> str:
        """The size that is called this, or nothing."""
        return name if name not in self.members and any(str(s) == name for s in self.graph.sizes) else ""

    def is_label(self, name: str) -> bool:
        member = self.members.get(name)
        return member is not None and not member.differentiable

    def axes(self, name: str) -> tuple[Any, ...]:
        return self.members[name].axes if name in self.members else ()

    def member(self, base: str, *more: str) -> str:
        """The tensor that a letter, with what is written on and around it, is the name of; nothing if there is none."""
        return next((name for name in _spellings(base, more) if name in self.members), "")

    def function(self, name: str) -> str:
        """The function of numbers or of tensors that is called this, or nothing."""
        if name in self.members:
            return ""
        known = _FUNCTIONS.get(name, name)
        return known if known in PRIMITIVES or known in WRITTEN or (len(known) > 2 and library.known(known)) else ""

    def applied(self, name: str, names: list[str]) -> bool:
        """Whether a tensor with names in brackets behind it is what it is anyway, written as a function of these."""
        return bool(names) and name not in names and set(names) <= self.graph.ancestors(name)

    def longest(self, run: str) -> str:
        """The longest beginning of a run of letters and digits that is the name of a tensor, a size or a function."""
        for end in range(len(run), 1, -1):
            word = run[:end]
            if word in self.members or self.size(word) or (end == len(run) and self.function(word)):
                return word
        return ""


def _spellings(base: str, more: tuple[str, ...]) -> Iterator[str]:
    """The ways to write a name in the language: `x_hat` and `xhat` for x with a hat."""
    letters = [base]
    if base in GREEK:
        letters.append(GREEK[base])
        letters += [short for short, name in SHORT.items() if name == base]
    letters += [LETTERS[base]] if base in LETTERS else []
    parts = [part.replace(",", "").replace("{", "").replace("}", "").replace("\\", "").replace("-", "") for part in more if part]
    for letter, gaps in product(letters, product(("_", ""), repeat=len(parts))):
        yield letter + "".join(gap + part for gap, part in zip(gaps, parts, strict=True))


def elementwise(function: str) -> bool:
    """Whether a function is one of numbers: of a tensor, it is taken entry by entry."""
    return function in PRIMITIVES or function in WRITTEN or library.function(function) is not None
