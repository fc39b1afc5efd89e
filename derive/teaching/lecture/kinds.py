"""The kinds of block that a lecture may have, and what each becomes.

A kind of block is one row of `KINDS`: its options and the function that writes it.  Graphs are defined by `graph` (shown)
or `define` (not shown) and belong to the lecture from there on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from derive.derivation.derivation import Derivation
from derive.derivation.second_order import gradient_of
from derive.errors import DeriveError, Follows, near, nearest, raised, said
from derive.graphs.graph import Graph
from derive.language import library
from derive.language.at import read_values
from derive.language.numbers import read_number
from derive.language.reader import read
from derive.notation.layout import EQUALS
from derive.notation.terms import layout
from derive.teaching.blocks.checks import check_blocks
from derive.teaching.blocks.derivative import derivative_blocks
from derive.teaching.blocks.gradient import definition_blocks
from derive.teaching.blocks.pictures import NODES, picture
from derive.teaching.blocks.plots import plot
from derive.teaching.blocks.worked import backward_blocks, forward_blocks
from derive.teaching.document import Block, Document, Line, Steps
from derive.teaching.lecture.directive import Directive
from derive.teaching.lecture.lecture import Drawings, Lecture, Slow, attempt, distinct
from derive.teaching.page import Page
from derive.teaching.request import DETAILS, Request, View
from derive.values.number_systems import DomainError
from derive.values.run import Run
from derive.values.run import run as run_graph


@dataclass(frozen=True)
class Desk:
    """What the blocks of one lecture share: its page, the graphs defined so far, and how many pictures of a kind there were."""

    page: Page
    graphs: dict[str, Graph]
    pictures: Counter[str]
    faulty: set[str] = field(default_factory=set)
    """The names of graphs that could not be read."""

    def picture_name(self, *kind: str) -> str:
        """The name of the next picture of a kind: what stands above it may change, other pictures of its kind aside."""
        words = "-".join(word for word in kind if word)
        self.pictures[words] += 1
        return f"{words}-{self.pictures[words]}-{self.page.lang}"


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
    desk = Desk(Page(lang, about.index_base, about.digits), {}, Counter())
    return attempt(lecture, lang, lambda directive: expand(directive, desk), list(KINDS), drawings, slow)


def expand(directive: Directive, desk: Desk) -> Sequence[Block]:
    """What a directive becomes.  Raises DeriveError for an unknown kind, name, option or value."""
    if directive.kind not in KINDS:
        raise DeriveError(
            said("There is no block 'derive {kind}'.", kind=directive.kind), hint=_nearest(directive.kind, list(KINDS))
        )
    kind = KINDS[directive.kind]
    faults = [_unknown(directive, key, kind.options) for key in directive.options if key not in kind.options]
    options: dict[str, Any] = {}
    for key, reader in kind.options.items():
        try:
            options[key] = _read(directive, key, reader)
        except DeriveError as error:
            faults.append(error)
    raised(faults)
    return kind.write(directive, options, desk)


def _unknown(directive: Directive, key: str, known: Mapping[str, Any]) -> DeriveError:
    """What is said of an option that a block does not have."""
    message = said("'derive {kind}' has no option '{key}'.", kind=directive.kind, key=key)
    hint = _nearest(key, list(known)) if known else "It takes none."
    return DeriveError(message, directive.key(key), hint)


def _nearest(word: str, known: list[str]) -> str:
    return nearest(word, known) or f"There are {', '.join(known)}."


# ---------------------------------------------------------------- options


def _read(directive: Directive, key: str, reader: Callable[[Any], Any]) -> Any:
    value = directive.options.get(key)
    try:
        return None if value is None else reader(value)
    except DeriveError as error:
        place = directive.inside(error.place, key) if error.place is not None else directive.whole(key)
        raise DeriveError(said("{key}: {message}", key=key, message=error.message), place, error.hint) from None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise DeriveError("yes or no is expected")
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise DeriveError("a name is expected")
    return value


def _words(value: Any) -> tuple[str, ...]:
    return tuple(w.strip() for w in _word(value).split(",") if w.strip())


def _detail(value: Any) -> str:
    if value not in DETAILS:
        raise DeriveError(said("one of {names} is expected", names=", ".join(DETAILS)))
    return str(value)


def _nodes(value: Any) -> str:
    if value not in NODES:
        raise DeriveError(said("one of {names} is expected", names=", ".join(NODES)))
    return str(value)


def _order(value: Any) -> int:
    if value not in ("1", "2"):
        raise DeriveError("1 or 2 is expected")
    return int(value)


def _number(value: Any) -> float:
    try:
        return float(read_number(str(value)).value)
    except ValueError:
        hint = "A decimal point is written '.'." if "," in str(value) else ""
        raise DeriveError("a number is expected", hint=hint) from None


def _values(value: Any) -> dict[str, Any]:
    return read_values(_word(value))


# ---------------------------------------------------------------- the writers


def _graph_of(directive: Directive, desk: Desk) -> Graph:
    """The graph a block names: one of this lecture, or a definition of the library."""
    if directive.name in desk.graphs:
        return desk.graphs[directive.name]
    if directive.name in library.names():
        return library.load(directive.name)
    if directive.name in desk.faulty:
        raise Follows(said("The graph '{name}' has a mistake above.", name=directive.name))
    if not directive.name:
        raise DeriveError("This block names no graph.", hint="Name a graph defined above, or one of the library.")
    hint = near(directive.name, [*desk.graphs, *library.names()]) or "'derive library' lists those that need no definition."
    raise DeriveError(said("There is no graph '{name}'.", name=directive.name), directive.named, hint)


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
    _define(directive, options, desk)
    return definition_blocks(desk.graphs[directive.name], desk.page)


def _run(directive: Directive, options: Options, desk: Desk, of: str = "") -> Run:
    """The values that a block is given, as far as a node."""
    if options["at"] is None:
        raise DeriveError("Values are needed.", hint="Write a line like  at: u=2, v=3")
    graph = _graph_of(directive, desk)
    with _pointing(directive, "at"):
        return run_graph(graph, options["at"], of)


@contextmanager
def _pointing(directive: Directive, key: str, kind: type[DeriveError] = DeriveError) -> Iterator[None]:
    """An error without a place is one of this option, where it is given."""
    try:
        yield
    except kind as error:
        if error.place is None:
            error.place = directive.whole(key)
        raise


def _worked(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    run = _run(directive, options, desk, "" if options["grad"] else options["of"] or "")
    blocks = forward_blocks(run, desk.page, options["of"] or "", by_operation=bool(options["grad"]) and run.source.is_scalar)
    return (*blocks, *backward_blocks(run, desk.page)) if options["grad"] else blocks


def _gradient(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    given = {key: value for key, value in options.items() if value is not None}
    view = View(**{field.name: given.pop(field.name) for field in fields(View) if field.name in given})
    request = Request(_graph_of(directive, desk), **given)
    proved, order = request.single, request.order
    if request.at is not None and order == 1 and (request.upstream or request.of not in ("", request.graph.output.name)):
        raise DeriveError("at: numbers are shown for the graph's own output only.")
    blocks = derivative_blocks(proved, desk.page, view, request.run)
    return blocks if order == 1 else _with_gradient(blocks, proved.derivation, desk.page)


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
    run, name = _run(directive, options, desk), desk.picture_name("figure", directive.name)
    with _pointing(directive, "scalars"), _pointing(directive, "nodes"), _pointing(directive, "at", DomainError):
        return (picture(run, desk.page, name, "numbers" if options["scalars"] else options["nodes"] or NODES[0]),)


def _check(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    run = _run(directive, options, desk)
    inputs = [i.name for i in run.source.inputs if i.differentiable]
    wrt = options["wrt"] or inputs[0]
    if wrt not in inputs:
        raise DeriveError(said("There is no input '{wrt}' to check.", wrt=wrt), hint=_nearest(wrt, inputs))
    return check_blocks(run, wrt, desk.page, bool(options["mistake"]))


def _plot(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
    name = desk.picture_name("plot")
    low, high = (fallback if options[k] is None else options[k] for k, fallback in (("from", -6.0), ("to", 6.0)))
    return (plot(options["functions"] or [], bool(options["derivatives"]), low, high, desk.page, name),)


@dataclass(frozen=True)
class BlockKind:
    """A kind of block: the options it takes, each with its reader, and its writer."""

    options: Mapping[str, Callable[[Any], Any]]
    write: Writer


KINDS: Mapping[str, BlockKind] = {
    "graph": BlockKind({}, _graph),
    "define": BlockKind({}, _define),
    "worked": BlockKind({"at": _values, "of": _word, "grad": _flag}, _worked),
    "gradient": BlockKind(
        {
            "of": _word,
            "wrt": _words,
            "batch": _words,
            "order": _order,
            "upstream": _flag,
            "detail": _detail,
            "steps": _flag,
            "result": _flag,
            "entries": _flag,
            "at": _values,
        },
        _gradient,
    ),
    "figure": BlockKind({"at": _values, "nodes": _nodes, "scalars": _flag}, _figure),
    "check": BlockKind({"at": _values, "wrt": _word, "mistake": _flag}, _check),
    "plot": BlockKind({"functions": _words, "derivatives": _flag, "from": _number, "to": _number}, _plot),
}
