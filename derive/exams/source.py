"""An exam is read as a lecture is: Markdown, each heading a question, with `derive question` blocks among the others.

A first reading finds what each question asks (its `Setting`, the same in every language); a state of a question is then written
by expanding its section again, with the numbers of that state in the places of `{{ … }}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.errors import DeriveError, nearest, raised, said
from derive.exams.asks import ASKS, check_ask
from derive.exams.item import Item, Part
from derive.exams.mistakes import NAMED
from derive.exams.secret import Draw
from derive.exams.solved import Ask
from derive.exams.space import Space, read_ranges
from derive.exams.states import Setting, State
from derive.graphs.graph import Graph
from derive.language.sources import read_file
from derive.notation.layout import Sign
from derive.teaching.blocks.gradient import definition_blocks
from derive.teaching.blocks.worked import given_blocks
from derive.teaching.document import Block, Document, Slide
from derive.teaching.lecture.carried import found_by
from derive.teaching.lecture.desk import Desk, pointing
from derive.teaching.lecture.directive import Directive
from derive.teaching.lecture.inserts import Insert
from derive.teaching.lecture.kinds import KINDS, BlockKind, Options, Writer, expand
from derive.teaching.lecture.lecture import Lecture, attempt, distinct, opened, selected
from derive.teaching.lecture.options import Reader, flag, formulas, own_name, values, word, words
from derive.teaching.page import Page
from derive.values.precision import DomainError, Undecided
from derive.values.run import Run

FIRST = 400
"""So many states are tried for one that a question can be read with."""


@dataclass(frozen=True)
class Section:
    """A question in every language: its number among the headings, what it asks, and the lines of each language's text."""

    slide: int
    setting: Setting
    lines: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Exam:
    """An exam as read: its lecture, the questions in their order, and what stands before the first of them."""

    name: str
    lecture: Lecture
    sections: tuple[Section, ...]
    graphs: Mapping[str, Graph]
    texts: Mapping[str, tuple[str, ...]]
    """The lines of each language."""
    intro: Mapping[str, tuple[Slide, ...]] = field(default_factory=dict)
    """In each language, the pages that ask nothing."""

    @property
    def langs(self) -> tuple[str, ...]:
        return self.lecture.about.langs

    @property
    def marks(self) -> Fraction:
        """The marks of the whole exam."""
        return sum((ask.marks for section in self.sections for ask in section.setting.asks), Fraction(0))

    def page(self, lang: str) -> Page:
        """The conventions of a page in a language."""
        return Page(lang, self.lecture.about.index_base, self.lecture.about.digits)


def open_exam(path: Path) -> Exam:
    """The exam in a file.  Raises DeriveError with all its mistakes."""
    return read_exam(read_file(path), path.name, path.parent)


def read_exam(text: str, source: str = "", folder: Path | None = None) -> Exam:
    """An exam from its text.  Raises DeriveError with all that is wrong in any of its languages."""
    lecture = opened(text, source, folder)
    readings = {lang: _read(lecture, lang) for lang in lecture.about.langs}
    raised(distinct([*lecture.faults, *(fault for reading in readings.values() for fault in reading.faults)]))
    first = next(iter(readings.values()))
    for lang, reading in readings.items():
        if reading.asked != first.asked:
            raise DeriveError(
                said("The questions in '{lang}' are not those in '{other}'.", lang=lang, other=lecture.about.langs[0])
            )
    if not first.asked:
        raise DeriveError("The exam asks nothing.", hint="Write a block: ```derive question NAME")
    sections = tuple(
        Section(slide, setting, {lang: reading.spans[slide] for lang, reading in readings.items()})
        for slide, setting in first.asked.items()
    )
    intro = {
        lang: tuple(slide for k, slide in enumerate(reading.document.slides) if k not in first.asked)
        for lang, reading in readings.items()
    }
    texts = {lang: reading.lines for lang, reading in readings.items()}
    return Exam(Path(source).stem or "exam", lecture, sections, first.graphs, texts, intro)


# ---------------------------------------------------------------- the first reading


@dataclass(frozen=True)
class _Reading:
    """What one language's text says."""

    document: Document
    asked: Mapping[int, Setting]
    graphs: Mapping[str, Graph]
    lines: tuple[str, ...]
    spans: Mapping[int, tuple[int, int]]
    faults: tuple[DeriveError, ...]


def _read(lecture: Lecture, lang: str) -> _Reading:
    """Read twice: first what is asked, with numbers in the prose left out, then all, each question in some state."""
    page = Page(lang, lecture.about.index_base, lecture.about.digits)
    desk, asked, runs = Desk(page), dict[int, Setting](), dict[str, Run]()

    def ask(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
        before = asked.get(directive.slide - 1)
        if before is None:
            setting = _setting(directive, options, desk)
            if any(other.name == setting.name for other in asked.values()):
                raise DeriveError(said("A question above is named {name} already.", name=setting.name), directive.named)
            runs[setting.name] = _any_run(setting, directive)
        else:
            setting = replace(before, asks=_asks(directive, options, next(iter(before.graphs.values())), before.asks))
        asked[directive.slide - 1] = setting
        return ()

    def again(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
        return ()

    _, faults = _attempt(lecture, lang, desk, ask, lambda formula, related: Sign("0", "0"))
    whole = Desk(page, {name: run.source for name, run in runs.items()}, {name: found_by(run) for name, run in runs.items()})
    if not asked or len(runs) < len(asked):  # what stands in the prose cannot be known
        document: Document | None = None
    else:
        document, others = _attempt(lecture, lang, whole, again, whole.number)
        faults = (*faults, *others)
    lines = tuple(selected(lecture, lang, lambda fault: None).split("\n"))
    return _Reading(document or Document("", ()), asked, desk.graphs, lines, dict(enumerate(_spans(lines))), faults)


def _attempt(lecture: Lecture, lang: str, desk: Desk, ask: Writer, insert: Insert) -> tuple[Document, tuple[DeriveError, ...]]:
    kinds = {**KINDS, "question": BlockKind(OPTIONS, ask)}
    return attempt(lecture, lang, lambda d: expand(d, desk, kinds), list(kinds), insert)


def _spans(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The lines of each slide: from a heading to the next."""
    fence, starts = "", []
    for number, line in enumerate(lines):
        marks = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence:
            fence = "" if marks and line.strip().startswith(fence) and not line.strip().strip(fence[0]) else fence
        elif marks:
            fence = marks[1]
        elif re.match(r" {0,3}#{1,2}(\s|$)", line):
            starts.append(number)
    return list(zip(starts, [*starts[1:], len(lines)], strict=True))


def _any_run(setting: Setting, directive: Directive) -> Any:
    """The run of a state, to read the question with.  Raises DeriveError where no state has a value and is as required."""
    count, problem = setting.space.count, None
    step, first = Draw(b"", setting.name).order(count)
    for n in range(min(count, FIRST)):
        k = (step * n + first) % count
        try:
            run = setting.run(k)
            if setting.holds(k):
                return run
        except (DomainError, Undecided) as error:
            problem = error
        except DeriveError as error:
            error.place = directive.whole("vary") or directive.whole("at") or directive.place
            raise
    raise DeriveError(
        problem.message if problem else said("What is required holds in no state of {name}.", name=setting.name),
        directive.whole("require") or directive.place,
    )


# ---------------------------------------------------------------- the options


def _ranges(value: Any, desk: Desk) -> Any:
    return read_ranges(word(value, desk))


def _marks(value: Any, desk: Desk) -> tuple[Fraction, ...]:
    """Marks with commas between them."""
    found = []
    for part in str(value).split(","):
        if not re.fullmatch(r"\s*[0-9]{1,3}(\.[0-9]{1,2})?\s*", part) or not Fraction(part.strip()):
            raise DeriveError("marks are numbers such as 2 or 0.5, with commas between them")
        found.append(Fraction(part.strip()))
    return tuple(found)


def _mistakes(value: Any, desk: Desk) -> tuple[str, ...]:
    """Names of mistakes with commas between them."""
    found = words(value, desk)
    for name in found:
        if name not in NAMED:
            raise DeriveError(
                said("There is no mistake named {name}.", name=name),
                hint=nearest(name, NAMED) or said("There are {names}.", names=", ".join(NAMED)),
            )
    return found


OPTIONS: Mapping[str, Reader] = {
    "name": own_name,
    "vary": _ranges,
    "at": values,
    "graphs": words,
    "require": formulas,
    "ask": formulas,
    "marks": _marks,
    "choices": flag,
    "mistakes": _mistakes,
    "difficulty": word,
    "given": flag,
    "definition": flag,
    "zero": flag,
}
"""What a question block takes."""


def _setting(directive: Directive, options: Options, desk: Desk) -> Setting:
    graphs = {name: _graph(name, directive, desk) for name in options["graphs"] or (directive.name,)}
    ranges = options["vary"] or ()
    for entry in ranges:
        if options["at"] and entry.name in options["at"]:
            raise DeriveError(said("{name} varies, and is given, too.", name=entry.name), directive.whole("at"))
    asks = _asks(directive, options, next(iter(graphs.values())))
    for graph in graphs.values():
        with pointing(directive, "ask"):
            for ask in asks:
                check_ask(ask, graph)
    return Setting(
        options["name"] or directive.name,
        Space(tuple(graphs), ranges, options["at"]),
        graphs,
        asks,
        options["require"] or (),
        desk.page.digits,
        bool(options["zero"]),
        options["difficulty"] or "",
        options["mistakes"] or (),
    )


def _graph(name: str, directive: Directive, desk: Desk) -> Graph:
    return desk.graph_of(replace(directive, name=name))


def _asks(directive: Directive, options: Options, graph: Graph, before: Sequence[Ask] = ()) -> tuple[Ask, ...]:
    """What a block asks, behind what those before it ask of the same state."""
    if not options["ask"]:
        raise DeriveError("A question asks something.", hint="Write a line like  ask: gradient w")
    marks = options["marks"] or (Fraction(1),)
    if len(marks) not in (1, len(options["ask"])):
        raise DeriveError("There are as many marks as things asked, or one for all.", directive.whole("marks"))
    found = list(before)
    for n, text in enumerate(options["ask"]):
        kind, _, name = text.partition(" ")
        with pointing(directive, "ask"):
            ask = Ask(kind, name.strip() or graph.output.name, marks[n if len(marks) > 1 else 0], bool(options["choices"]))
            check_ask(ask, graph)
            if any((other.kind, other.name) == (ask.kind, ask.name) for other in found):
                raise DeriveError(said("{asked} is asked twice.", asked=f"{ask.kind} {ask.name}"))
        found.append(ask)
    return tuple(found)


# ---------------------------------------------------------------- a state, written


def item(exam: Exam, section: Section, state: State, lang: str, solutions: bool = True) -> Item:
    """A question in one state and one language."""
    page = exam.page(lang)
    setting, run = section.setting, state.run
    desk = Desk(page, {**exam.graphs, setting.name: run.source}, {setting.name: found_by(run)})
    shown = False

    def known(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
        """A graph that was read before: what was derived from it is kept with it."""
        return definition_blocks(desk.graph_of(directive), page) if directive.kind == "graph" else ()

    def ask(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:
        nonlocal shown
        shown, again = True, shown
        if again:
            return ()
        return (
            *(() if options["definition"] is False else definition_blocks(run.source, page)),
            *(() if options["given"] is False else given_blocks(run, page)),
        )

    kinds = {**KINDS, "graph": BlockKind({}, known), "define": BlockKind({}, known), "question": BlockKind(OPTIONS, ask)}
    start, end = section.lines[lang]
    lines = [line if start <= k < end else "" for k, line in enumerate(exam.texts[lang])]
    about = replace(exam.lecture.about, bibliography="", logo="")
    part = Lecture(about, tuple(lines), exam.lecture.first, exam.lecture.source, exam.lecture.folder)
    document, faults = attempt(part, lang, lambda d: expand(d, desk, kinds), list(kinds), desk.number)
    raised(distinct(faults))
    (slide,) = document.slides
    parts = tuple(_part(setting, n, ask_one, state, page, solutions) for n, ask_one in enumerate(setting.asks))
    return Item(setting.name, state.number, lang, slide.title, slide.blocks, parts, setting.difficulty)


def _part(setting: Setting, n: int, ask: Ask, state: State, page: Page, solutions: bool) -> Part:
    kind = ASKS[ask.kind]
    written = kind.write(ask, state.solved[n], state.run, page)
    solution = tuple(kind.solution(ask, state.run, page)) if solutions else ()
    return Part(f"{setting.name}.{n + 1}", ask.kind, written.prompt, ask.marks, written.answer, written.shown, solution)
