"""The `plot` block: curves of functions, a number of a graph over one of its inputs, or over two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from derive.errors import DeriveError, listed, nearest, said
from derive.notation.layout import latex
from derive.teaching.blocks import plots
from derive.teaching.blocks.charts import Chart, picture
from derive.teaching.blocks.sampled import Axis, sampled, until
from derive.teaching.document import Block
from derive.teaching.lecture.desk import Desk, pointing
from derive.teaching.lecture.directive import Directive

LOW, HIGH = -6.0, 6.0
"""Where a plot goes from and to."""


def plot(directive: Directive, options: Mapping[str, Any], desk: Desk) -> Sequence[Block]:
    """What a plot block becomes.  Raises DeriveError with the place of the mistake."""
    axes = _axes(directive, options, desk) if directive.name else ((("x", ()),))
    window = _window(options, len(axes))
    with pointing(directive, "from"):
        plots.check_interval(window)
    chart = (
        _over_two(directive, options, desk, axes, window)
        if len(axes) == 2
        else _over_one(directive, options, desk, axes[0], window)
    )
    return (picture(chart, desk.page, desk.picture_name("plot", directive.name)),)


def _window(options: Mapping[str, Any], count: int) -> plots.Window:
    def ends(key: str, fallback: float) -> tuple[float, ...]:
        given = options[key] or (fallback,)
        return tuple(given[min(k, len(given) - 1)] for k in range(count))

    return plots.Window(ends("from", LOW), ends("to", HIGH), options["marks"] or (), options["saturated"])


def _axes(directive: Directive, options: Mapping[str, Any], desk: Desk) -> tuple[Axis, ...]:
    """What moves: what is named, or else the inputs without a value."""
    graph, given = until(desk.graph_of(directive), options["of"] or ""), options["at"] or {}
    if options["along"]:
        axes = tuple((column.name, column.entry or ()) for column in options["along"])
    else:
        axes = tuple((i.name, ()) for i in graph.inputs if i.name not in given)
    if not 1 <= len(axes) <= 2:
        hint = said(
            "The inputs are {listed}: give the others values with at:, or name what moves with along:.",
            listed=listed(i.name for i in graph.inputs),
        )
        raise DeriveError("A plot is over one number, or over two.", directive.whole("along") or directive.whole("at"), hint)
    return axes


def _over_one(directive: Directive, options: Mapping[str, Any], desk: Desk, axis: Axis, window: plots.Window) -> Chart:
    values, page, start = options["at"] or {}, desk.page, Fraction(window.high[0])
    if directive.name:
        with pointing(directive, "at"), pointing(directive, "along"):
            line = plots.graph_line(desk.graph_of(directive), options["of"] or "", axis, values, start, page)
        lines, x = [line], latex(plots.axis_label(line.function.graph, axis, page))
    else:
        if not options["functions"]:
            raise DeriveError("Name the functions to plot.", hint="Write a line like  functions: sigmoid, relu")
        with pointing(directive, "functions"):
            lines = [_function(word, values, start, desk) for word in options["functions"]]
        x = "x"
    of = lines[0].function.graph.output.name
    paths = _paths(directive, options, desk, [axis], of)
    with pointing(directive, "from"):
        return plots.curves_chart(lines, bool(options["derivatives"]), window, x, page, paths)


def _function(word: str, values: Mapping[str, Any], start: Fraction, desk: Desk) -> plots.Line:
    """A function by its name, a formula in x, or a graph of the lecture over the one input without a value."""
    if word not in desk.graphs:
        return plots.formula_line(word, values, desk.page)
    graph = desk.graphs[word]
    free = [i.name for i in graph.inputs if i.name not in values]
    if len(free) != 1:
        hint = said(
            "The inputs are {listed}: give the others values with at:, or name what moves with along:.",
            listed=listed(i.name for i in graph.inputs),
        )
        raise DeriveError(said("{name} is not a function of one number.", name=word), hint=hint)
    return plots.graph_line(graph, "", (free[0], ()), values, start, desk.page)


def _over_two(
    directive: Directive, options: Mapping[str, Any], desk: Desk, axes: tuple[Axis, ...], window: plots.Window
) -> Chart:
    page, graph = desk.page, desk.graph_of(directive)
    with pointing(directive, "at"), pointing(directive, "along"):
        function = sampled(graph, options["of"] or "", axes, options["at"] or {}, Fraction(window.high[0]))
    if options["derivatives"]:
        raise DeriveError("A surface has no derivative beside it.", directive.whole("derivatives"), "Plot over one number.")
    labels = (latex(plots.axis_label(graph, axes[0], page)), latex(plots.axis_label(graph, axes[1], page)))
    return plots.surface_chart(function, window, labels, _paths(directive, options, desk, axes, ""), page)


def _paths(directive: Directive, options: Mapping[str, Any], desk: Desk, axes: Sequence[Axis], of: str) -> dict[str, Any]:
    """The paths of the iterations that are named, by what the page calls them."""
    found = {}
    for name, called in (options["path"] or {}).items():
        known = {block: made.states for block, made in desk.found.items() if made.states}
        with pointing(directive, "path"):
            if name not in known:
                hint = nearest(name, known) or (
                    said("There are {names}.", names=listed(known)) if known else said("Give an iterate block a name.")
                )
                raise DeriveError(said("No iterate block above is named {name}.", name=name), hint=hint)
            found[called] = plots.path_points(known[name], axes, of)
    return found
