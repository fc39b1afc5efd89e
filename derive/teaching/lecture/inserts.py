r"""Numbers in prose: `{{ run.L }}` stands for what a block has found, `{{= run.L }}` for the same behind its = or ≈.

In a formula it is one where it names a block's number (`run.L`); other double braces are those of TeX.  `\{` prints the sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from derive.errors import DeriveError, Place
from derive.notation.layout import Layout, latex

INSERT = re.compile(r"\{\{(?P<related>\s*=)?(?P<formula>[^{}\n]{0,300})\}\}")
_IN_TEX = re.compile(r"\{\{(?P<related>\s*=)?(?P<formula>[^{}\n]*?[^\W\d]\w*\.[^\W\d][^{}\n]*)\}\}")

Insert = Callable[[str, bool], Layout]
"""From a formula over numbers found, and whether its relation is printed, to what is printed; mistakes have places in it."""


def insert_plugin(parser: MarkdownIt) -> None:
    """Make a token of each insert in prose."""
    parser.inline.ruler.before("link", "insert", _insert)


def _insert(state: StateInline, silent: bool) -> bool:
    if (found := INSERT.match(state.src, state.pos, state.posMax)) is None:
        return False
    if not silent:
        state.push("insert", "", 0).content = found[0]
    state.pos = found.end()
    return True


def inserted(typed: str, insert: Insert, place: Callable[[int, int], Place]) -> Layout:
    """What an insert as typed stands for; `place` says where its characters stand in the lecture."""
    found = INSERT.fullmatch(typed)
    assert found is not None
    return _put(found, insert, place)


def _put(found: re.Match[str], insert: Insert, place: Callable[[int, int], Place]) -> Layout:
    try:
        return insert(found["formula"], found["related"] is not None)
    except DeriveError as error:
        start = found.start("formula")
        span = (error.place.start, error.place.end) if error.place else (0, max(1, len(found["formula"])))
        error.place = place(start + span[0], start + span[1])
        raise


def without(code: str) -> str:
    """A formula of TeX with a number as long as each insert in its place."""
    return _IN_TEX.sub(lambda found: _filler(code, found), code)


def filled(checked: str, code: str, insert: Insert, place: Callable[[int, int], Place]) -> str:
    """The formula that was checked `without` its inserts, with what they stand for."""
    done = ""
    for found in _IN_TEX.finditer(code):
        before, _, checked = checked.partition(_filler(code, found))
        number = latex(_put(found, insert, place))
        done += before + (number if found["related"] else f"{{{number}}}")
    return done + checked


def _filler(code: str, found: re.Match[str]) -> str:
    """A number in braces of the length of an insert, which the formula has nowhere else."""
    inside = len(found[0]) - 2
    digit = next(d for d in "0123456789x" if f"{{{d * inside}}}" not in code)
    return f"{{{digit * inside}}}"
