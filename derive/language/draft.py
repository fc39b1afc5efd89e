"""What inference hands to elaboration: members with their axes, expressions with their axes, nodes without letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Symbol

from derive.calculus.terms import Element, Index, Label
from derive.errors import Place
from derive.graphs.graph import Input
from derive.graphs.tree import Reduce, Tree


@dataclass(frozen=True)
class Member:
    """A tensor that may be mentioned.  `kind` is an input's kind, or `label` for a node that is an argmax."""

    name: str
    axes: tuple[Any, ...] = ()
    kind: str = "real"
    classes: Any = None
    defined: bool = False
    constant: bool = False

    @property
    def head(self) -> Symbol:
        return Symbol(self.name, integer=True) if self.defined else Input(self.name, kind=self.kind).head

    def label(self, indices: tuple[Any, ...]) -> Label:
        """The label, or one of the labels, as an index."""
        return Label(Element(self.head, *indices), self.classes)


@dataclass(frozen=True)
class Typed:
    """An expression and its axes.

    `surface` is what the author wrote; in `plain` every call of a library definition is replaced by the node it brought
    in.  A reference in `plain` may have its leading indices only; the axes are those that are left.
    """

    surface: Tree
    plain: Tree
    axes: tuple[Any, ...] = ()
    classes: Any = None
    """The axis that an argmax is taken over."""


@dataclass(frozen=True)
class Draft:
    """A node whose tree may still speak of whole tensors, and whose axes have no letters yet.

    Its indices are `written` (the author's, kept) followed by one for each of `axes`; or, for a node of a library
    definition, `formal` (all of them are given letters of this graph).
    """

    name: str
    tree: Tree
    place: Place
    axes: tuple[Any, ...] = ()
    written: tuple[Index, ...] = ()
    formal: tuple[Index, ...] | None = None
    surface: Tree | None = None
    call: str = ""
    inner: bool = False
    classes: Any = None

    @property
    def member(self) -> Member:
        indices = self.written if self.formal is None else self.formal
        axes = (*(i.size for i in indices), *self.axes)
        classes = self.classes
        if isinstance(self.tree, Reduce) and self.tree.operator == "argmax" and self.tree.indices:
            classes = self.tree.indices[0].size
        return Member(self.name, axes, "real" if classes is None else "label", classes, defined=True)
