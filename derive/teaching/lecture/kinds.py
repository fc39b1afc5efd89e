"""The kinds of block that a lecture may have, and what each becomes.

A kind of block is one row of `KINDS`: its options and the function that writes it.  Graphs are defined by `graph` (shown)
or `define` (not shown) and belong to the lecture from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from derive.derivation.derivation import Derivation
from derive.derivation.second_order import gradient_of
from derive.errors import DeriveError, nearest, raised, said
from derive.language.reader import read
from derive.notation.layout import EQUALS
from derive.notation.terms import layout
from derive.proof.points import drawn_values, telling_run
from derive.teaching.blocks.charts import picture as chart_picture
from derive.teaching.blocks.checks import check_blocks
from derive.teaching.blocks.code import folded
from derive.teaching.blocks.derivative import derivative_blocks
from derive.teaching.blocks.gradient import definition_blocks
from derive.teaching.blocks.iteration import Column, check_times, checked_column, iterated, steps_chart, steps_table
from derive.teaching.blocks.pictures import DIRECTIONS, NODES, Drawn, picture
from derive.teaching.blocks.worked import backward_to, forward_blocks, given_blocks, on_the_way, seed_note
from derive.teaching.document import Block, CodeBlock, Document, Line, Steps
from derive.teaching.lecture.carried import found_by
from derive.teaching.lecture.cells import cells
from derive.teaching.lecture.desk import Desk, known_names, pointing
from derive.teaching.lecture.directive import Directive
from derive.teaching.lecture.lecture import Drawings, Lecture, Slow, attempt, distinct
from derive.teaching.lecture.options import (
    Reader,
    called,
    columns,
    flag,
    formulas,
    loop,
    number,
    numbers,
    one_of,
    order,
    own_name,
    read_option,
    tensor,
    updates,
    values,
    whole,
    word,
    words,
)
from derive.teaching.lecture.plotting import plot
from derive.teaching.lecture.stepping import Stepping
from derive.teaching.page import Page
from derive.teaching.request import DETAILS, Request, View
from derive.values.precision import DomainError
from derive.values.run import Run, telling_seed
from derive.values.run import run as run_graph

Options = Mapping[str, Any]
Writer = Callable[[Directive, Options, Desk], Sequence[Block]]


def build_lecture(lecture: Lecture, lang: str) -> Document:
    """The document of a lecture in one language.  Raises DeriveError with the place of the mistake in the lecture."""
    document, faults = attempt_lecture(lecture, lang)
    raised(distinct([*lecture.faults, *faults]))
    return document


def attempt_lecture(
    lecture: Lecture, lang: str, drawings: Drawings | None = None, slow: Slow = lambda what, line: None
) -> tuple[Document, tuple[DeriveError, ...]]:
    """The document with its mistakes in their places, and the mistakes; see `attempt`."""
    about = lecture.about
    desk = Desk(Page(lang, about.index_base, about.digits))
    return attempt(lecture, lang, lambda directive: expand(directive, desk), list(KINDS), desk.number, drawings, slow)


def expand(directive: Directive, desk: Desk, kinds: Mapping[str, BlockKind] | None = None) -> Sequence[Block]:
    """What a directive becomes; `kinds` are the blocks that there are, where not those of a lecture.

    Raises DeriveError for an unknown kind, name, option or value.
    """
    known = KINDS if kinds is None else kinds
    if directive.kind not in known:
        raise DeriveError(
            said("There is no block 'derive {kind}'.", kind=directive.kind), hint=_nearest(directive.kind, list(known))
        )
    kind = known[directive.kind]
    faults = [_unknown(directive, key, kind.options) for key in directive.options if key not in kind.options]
    options: dict[str, Any] = {}
    for key, reader in kind.options.items():
        try:
            options[key] = read_option(directive, key, reader, desk)
        except DeriveError as error:
            faults.append(error)
    raised(faults)
    written = kind.write(directive, options, desk)
    return (*written, *cells(directive, options, directive.name in desk.graphs))


def _unknown(directive: Directive, key: str, known: Mapping[str, Any]) -> DeriveError:
    """What is said of an option that a block does not have."""
    message = said("'derive {kind}' has no option '{key}'.", kind=directive.kind, key=key)
    hint = _nearest(key, list(known)) if known else "It takes none."
    return DeriveError(message, directive.key(key), hint)


def _nearest(word: str, known: list[str]) -> str:
    return nearest(word, known) or known_names(known)


# ---------------------------------------------------------------- the writers


def _define(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    if not directive.name:
        raise DeriveError("A graph needs a name.", hint="For example: ```derive graph hinge")
    try:
        desk.graphs[directive.name] = read(directive.body)
    except DeriveError as error:
        desk.faulty.add(directive.name)
        if error.place is not None:
            error.place = directive.inside(error.place)
        raise
    return ()


def _graph(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    """A graph that is defined here, or without a line one that is known."""
    if directive.body.strip() or not desk.knows(directive.name):
        _define(directive, options, desk)
    return definition_blocks(desk.graph_of(directive), desk.page)


def _run(directive: Directive, options: Options, desk: Desk, of: str = "", first: int = 1) -> Run:
    """The values that a block is given, as far as a node; the first intermediate result has the number `first`."""
    if options["at"] is None:
        raise DeriveError("Values are needed.", hint="Write a line like  at: u=2, v=3")
    graph = desk.graph_of(directive)
    with pointing(directive, "at"):
        run = run_graph(graph, options["at"], of, first=first)
    if options.get("seed") is not None:
        with pointing(directive, "seed"):
            run = run_graph(graph, options["at"], of, options["seed"], run.first)
    desk.keep(directive, options["name"], found_by(run))
    return run


def _held(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    """A run that shows nothing: it is called by its own name, or by that of its graph."""
    _run(directive, {**options, "name": options["name"] or directive.name}, desk)
    return ()


def _worked(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    of, page, wrt = options["of"] or "", desk.page, options["wrt"] or ()
    grad = bool(wrt) if options["grad"] is None else options["grad"]
    run = _run(directive, options, desk, "" if grad else of, desk.named[directive.slide] + 1)
    operations = options["by"] == "operations" or (options["by"] is None and grad and run.source.is_scalar)
    with pointing(directive, "wrt"):
        wanted = on_the_way(run, wrt, operations) if wrt else list(run.moving) if grad else []
    if operations:
        desk.named[directive.slide] += len(run.graph.nodes) - len(run.source.nodes)
    return (
        *(() if options["given"] is False else given_blocks(run, page, of, [*options["at"]])),
        *forward_blocks(run, page, of, operations),
        *(backward_to(run, page, wanted, operations) if grad else ()),
    )


def _gradient(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    given = {key: value for key, value in options.items() if value is not None}
    name = given.pop("name", None)
    view = View(**{field.name: given.pop(field.name) for field in fields(View) if field.name in given})
    request = Request(desk.graph_of(directive), **given)
    proved, order = request.asked, request.order
    if request.at is not None and order == 1 and (request.upstream or request.of not in ("", request.graph.output.name)):
        raise DeriveError("at: numbers are shown for the graph's own output only.")
    blocks = [block for found in proved for block in derivative_blocks(found, desk.page, view, request.run)]
    if name and request.run is None:
        raise DeriveError("Values are needed.", directive.whole("name"), "Write a line like  at: u=2, v=3")
    if request.run is not None:
        desk.keep(directive, name, found_by(request.run))
    return blocks if order == 1 else _with_gradient(blocks, proved[0].derivation, desk.page)


def _with_gradient(blocks: Sequence[Block], found: Derivation, page: Page) -> Sequence[Block]:
    """A second derivative after the gradient it was taken of."""
    gradient = gradient_of(found)
    context = page.context(gradient.graph).beside(gradient.indices)
    before = (Line(layout(gradient.subject, context)), Line(layout(gradient.result, context), EQUALS))
    lines = [line for block in blocks if isinstance(block, Steps) for line in block.lines]
    return (Steps((*before, *lines)), *(block for block in blocks if not isinstance(block, Steps)))


def _figure(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    if options["nodes"] and options["scalars"]:
        raise DeriveError("'nodes' and 'scalars' both say what a box is.", directive.whole("scalars"), "Leave one of them out.")
    plain = options["values"] is False
    if plain and options["at"] is not None and options["name"] is None:
        raise DeriveError("A figure without values is given none.", directive.whole("values"), "Leave out the line with at:.")
    graph = desk.graph_of(directive)
    run = None if plain and options["at"] is None else _run(directive, options, desk)
    name, nodes = desk.picture_name("figure", directive.name), "numbers" if options["scalars"] else options["nodes"] or ""
    how = Drawn(nodes, options["direction"] or "", options["loop"])
    places = [pointing(directive, key) for key in ("scalars", "nodes", "loop")]
    with places[0], places[1], places[2], pointing(directive, "at", DomainError):
        return (picture(graph, desk.page, name, None if plain else run, how),)


def _check(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    graph, page = desk.graph_of(directive), desk.page
    inputs = [i.name for i in graph.inputs if i.differentiable]
    wrt = options["wrt"] or inputs[0]
    if wrt not in inputs:
        raise DeriveError(said("There is no input '{wrt}' to check.", wrt=wrt), hint=_nearest(wrt, inputs))
    drawn = options["at"] is None
    if drawn:
        options = {**options, "at": drawn_values(telling_run(graph, [wrt]))}
    run = _run(directive, options, desk)
    if run.source.output.axes and run.seed is None:
        run = replace(run, seed=telling_seed(np.shape(run.exact[run.source.output.name])))
    given = given_blocks(run, page) if drawn else ()
    return (*given, *seed_note(run, page), *check_blocks(run, wrt, page, bool(options["mistake"])))


def _iterate(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    if options["step"] is None or options["times"] is None:
        raise DeriveError("A step, and how often it is taken, are needed.", hint="Write step: w = w - 0.1*grad.w and times: 5")
    start = _run(directive, {**options, "name": None, "seed": None}, desk)
    shown = options["show"] or (*map(Column, options["step"]), *_output_column(start))
    curves = options["plot"] or ()
    for key, named in (("step", [Column(name) for name in options["step"]]), ("show", shown), ("plot", curves)):
        with pointing(directive, key):
            _ = [checked_column(column, start) for column in named]
    step = Stepping(directive, options["step"], desk.found, options["seed"] or 1)
    with pointing(directive, "times"):
        check_times(start, options["times"])
    with pointing(directive, "step"):
        states = iterated(start, step, options["times"], options["accept"] == "lower")
    desk.keep(directive, options["name"], replace(found_by(states[-1]), states=states))
    blocks: list[Block] = [] if options["table"] is False else [steps_table(states, shown, desk.page, options["every"] or 0)]
    if curves:
        with pointing(directive, "plot"):
            chart = steps_chart(states, curves, desk.page)
        blocks.append(chart_picture(chart, desk.page, desk.picture_name("iterate", directive.name)))
    return blocks


def _output_column(start: Run) -> tuple[Column, ...]:
    output = start.source.output
    return () if output.axes else (Column(output.name),)


def _kernel(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    # Here, not above: lectures without kernels need none of it.
    from derive.kernels.kernel import kernel
    from derive.kernels.module import loops_of

    given = {"batched": options["batch"], "target": options["target"], "wrt": options["wrt"], "dtype": options["dtype"]}
    made = kernel(desk.graph_of(directive), name=directive.name, **{key: value for key, value in given.items() if value})
    functions = tuple(made.programs)
    function = options["function"] or functions[-1]
    if function not in functions:
        hint = nearest(function, functions) or known_names(list(functions))
        raise DeriveError(said("This kernel has no function {name}.", name=function), directive.whole("function"), hint)
    if options["show"] == "program":
        return (CodeBlock(str(made.programs[function])),)
    code = made.text.code[function]
    return (CodeBlock(folded(loops_of(code) if options["show"] == "loop" else code), "python"),)


def _code(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    """Code in Python that a notebook runs; no other page does."""
    return (CodeBlock(directive.body, "python", runs=True),)


@dataclass(frozen=True)
class BlockKind:
    """A kind of block: the options it takes, each with its reader, and its writer."""

    options: Mapping[str, Reader]
    write: Writer


KINDS: Mapping[str, BlockKind] = {
    "graph": BlockKind({}, _graph),
    "define": BlockKind({}, _define),
    "run": BlockKind({"at": values, "seed": tensor, "name": own_name}, _held),
    "worked": BlockKind(
        {
            "at": values,
            "name": own_name,
            "given": flag,
            "of": word,
            "by": one_of(("operations", "definitions")),
            "grad": flag,
            "wrt": words,
            "seed": tensor,
        },
        _worked,
    ),
    "gradient": BlockKind(
        {
            "of": word,
            "wrt": words,
            "batch": words,
            "order": order,
            "upstream": flag,
            "through": flag,
            "expand": flag,
            "detail": one_of(DETAILS),
            "steps": flag,
            "result": flag,
            "entries": flag,
            "at": values,
            "name": own_name,
        },
        _gradient,
    ),
    "figure": BlockKind(
        {
            "at": values,
            "seed": tensor,
            "name": own_name,
            "nodes": one_of(NODES),
            "scalars": flag,
            "direction": one_of(DIRECTIONS),
            "loop": loop,
            "values": flag,
        },
        _figure,
    ),
    "check": BlockKind({"at": values, "seed": tensor, "name": own_name, "wrt": word, "mistake": flag}, _check),
    "iterate": BlockKind(
        {
            "at": values,
            "step": updates,
            "times": whole,
            "accept": one_of(("all", "lower")),
            "seed": whole,
            "show": columns,
            "every": whole,
            "table": flag,
            "plot": columns,
            "name": own_name,
        },
        _iterate,
    ),
    "kernel": BlockKind(
        {
            "target": word,
            "batch": words,
            "wrt": words,
            "dtype": one_of(("float32", "float64", "bfloat16", "float16")),
            "function": word,
            "show": one_of(("code", "loop", "program")),
        },
        _kernel,
    ),
    "code": BlockKind({}, _code),
    "plot": BlockKind(
        {
            "functions": formulas,
            "derivatives": flag,
            "at": values,
            "of": word,
            "along": columns,
            "from": numbers,
            "to": numbers,
            "marks": numbers,
            "saturated": number,
            "path": called,
        },
        plot,
    ),
}
