"""The exporters: to add one, add a row to `EXPORTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from derive.errors import DeriveError, nearest, said
from derive.exams.formats.amc import amc
from derive.exams.formats.bank import Bank, Files, Packed, packed, refusal
from derive.exams.formats.canvas import canvas
from derive.exams.formats.data import data
from derive.exams.formats.gift import gift
from derive.exams.formats.moodle import moodle
from derive.exams.formats.notebooks import nbgrader, otter
from derive.exams.formats.prairielearn import prairielearn
from derive.exams.formats.qti import qti
from derive.exams.item import Choice, Code, Formula, Item, Numbers, Order, Text
from derive.naming import slug

EVERY = (Numbers, Choice, Formula, Order, Text, Code)
"""All answers that there are."""


@dataclass(frozen=True)
class Export:
    """How a bank becomes files: what reads these, the ending of their names, the answers that it has words for, who spells it.

    A format is a single text, said in `pieces` so that it need not be kept whole, a `package` of files, or `files` side by side.
    """

    called: str
    ending: str
    takes: tuple[type, ...]
    pieces: Callable[[Bank], Iterator[str]] | None = None
    package: Callable[[Bank], Packed] | None = None
    files: Callable[[Bank], Files] | None = None


EXPORTS: Mapping[str, Export] = {
    "moodle": Export("Moodle XML", ".xml", EVERY, pieces=moodle),
    "gift": Export("GIFT", ".gift", EVERY, pieces=gift),
    "qti": Export("QTI 2.1", ".qti.zip", EVERY, package=qti),
    "canvas": Export("Canvas", ".canvas.zip", (Numbers, Choice, Formula, Text, Code), package=canvas),
    "prairielearn": Export("PrairieLearn", ".prairielearn.zip", (Numbers, Choice, Order, Text), package=prairielearn),
    "amc": Export("auto-multiple-choice", ".amc.tex", (Numbers, Choice), files=amc),
    "nbgrader": Export("nbgrader", ".nbgrader.zip", (Code,), package=nbgrader),
    "json": Export("JSON", ".json", EVERY, pieces=data),
    "otter": Export("Otter", ".otter.zip", (Code,), package=otter),
}
"""The formats of a bank, by the names that a user gives them."""


def export(bank: Bank, name: str) -> Files:
    """The files of a bank in the format of a name.  Raises DeriveError where there is none, or it cannot ask a question."""
    form = named(name)
    looked_at = _askable(bank, form)
    if form.files:
        return form.files(looked_at)
    if form.package:
        return {file_name(bank, name): packed(form.package(looked_at), bank.source)}
    return {file_name(bank, name): "".join(pieces(bank, name)).encode()}


def pieces(bank: Bank, name: str) -> Iterable[str]:
    """The text of a bank, piece by piece, in a format that is a single text."""
    form = named(name)
    return form.pieces(_askable(bank, form)) if form.pieces else ()


def _askable(bank: Bank, form: Export) -> Bank:
    """The same bank, each question looked at before it is spelled.  Raises DeriveError for one that the format cannot ask."""

    def looked_at(item: Item) -> Item:
        for part in item.parts:
            if not isinstance(part.answer, form.takes):
                raise refusal(item, part, form.called)
            options = part.answer.options if isinstance(part.answer, Choice) else ()
            if len(options) == 1:
                raise refusal(item, part, form.called, said("a choice of one"))
            if len({option.inlines for option in options}) < len(options):
                raise refusal(item, part, form.called, said("a choice of which two read the same"))
        return item

    return replace(bank, items=map(looked_at, bank.items))


def file_name(bank: Bank, name: str) -> str:
    """What the file of a bank is called."""
    return f"{slug(bank.name)}.{bank.lang}{named(name).ending}"


def named(name: str) -> Export:
    """The format of a name.  Raises DeriveError where there is none."""
    if name not in EXPORTS:
        hint = nearest(name, EXPORTS) or said("There are {names}.", names=", ".join(EXPORTS))
        raise DeriveError(said("No platform's format is called {name}.", name=name), hint=hint)
    return EXPORTS[name]
