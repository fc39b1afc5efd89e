"""Plots of functions of one number and of their derived slopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sympy import Symbol

from derive.calculus.functions import PRIMITIVES
from derive.calculus.rules import N_, differentiated
from derive.calculus.terms import Element, Index
from derive.errors import DeriveError, said
from derive.language import library
from derive.notation.layout import latex
from derive.notation.terms import function_name
from derive.teaching.blocks.charts import Chart, Curve, Panel, picture
from derive.teaching.document import Picture
from derive.teaching.page import Page
from derive.values.evaluator import Evaluator
from derive.values.number_systems import FLOAT

POINTS = 601


def plot(functions: Sequence[str], derivatives: bool, low: float, high: float, page: Page, name: str) -> Picture:
    """The curves of functions on [low, high], and beside them those of their slopes.

    Raises DeriveError for a name that is not a function of one number, or an empty interval.
    """
    if not functions:
        raise DeriveError("Name the functions to plot.", hint="Write a line like  functions: sigmoid, relu")
    if not -1e6 < low < high < 1e6:
        raise DeriveError("from must be less than to, and both within a million.")
    found = [_curve(f, low, high) for f in functions]
    signs = [latex(function_name(name)).replace(r"\operatorname", r"\mathrm") for name in functions]
    panels = [Panel(tuple(Curve(x, y, f"{sign}(x)", k) for k, (sign, (x, y, _)) in enumerate(zip(signs, found, strict=True))))]
    if derivatives:
        slopes = (Curve(x, s, rf"{sign}\,'(x)", k) for k, (sign, (x, _, s)) in enumerate(zip(signs, found, strict=True)))
        panels.append(Panel(tuple(slopes)))
    return picture(Chart(tuple(panels), page.say(N_("Curves of")) + " " + ", ".join(functions)), page, name)


def _curve(name: str, low: float, high: float) -> tuple[Any, Any, Any]:
    """(x, f(x), f'(x)) in float64; the slope is derived from the definition."""
    primitive = PRIMITIVES.get(name)
    function = primitive.function if primitive and primitive.arguments == 1 else library.function(name)
    if function is None or (hasattr(function, "parameters") and len(function.parameters) != 1):
        raise DeriveError(said("{name} is not a function of one number.", name=name))
    x = Element(Symbol("x", real=True), Index("i", Symbol("n", integer=True, positive=True)))
    at = np.linspace(low, high, POINTS)
    values = Evaluator({Symbol("n", integer=True, positive=True): POINTS}, {"x": at}, None, FLOAT)
    term = function(x)
    by = Element(x.head, Index("j", x.indices[0].size))
    slope = differentiated(term, by).replace(lambda t: type(t).__name__ == "Delta", lambda *_: 1)
    return at, values.array(term, x.indices), values.array(slope, x.indices)
