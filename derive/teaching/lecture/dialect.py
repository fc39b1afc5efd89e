"""The Markdown of a lecture: CommonMark with tables, footnotes, formulas between dollars, citations and containers."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from derive.teaching.lecture.containers import containers_plugin
from derive.teaching.lecture.inserts import insert_plugin
from derive.teaching.lecture.unread import unread_plugin
from derive.teaching.translation import quotes

PAUSE = re.compile(r"\. \. \.")
"""A pause, where it is a whole paragraph."""

FORMULA = re.compile(r"\$(?![\s$])((?:[^$\\\s]|\\[\s\S]|\s(?!\$))+)\$(?!\d)")
"""A formula by pandoc's rule: no space inside the dollars, no digit behind them, so that `$1.99 … $0.99` is text."""

CITATION = re.compile(r"\[([^\[\]@]{0,100}@[^\[\]]{1,300})\]")
MENTION = re.compile(r"@(?P<key>\w(?:[\w:.#$%&+?<>~/-]*\w)?)")


@cache
def parser(lang: str) -> MarkdownIt:
    """CommonMark with what the module says, without HTML; a line of dashes is a break, never an underline."""
    found = MarkdownIt("commonmark", {"html": False, "typographer": True, "quotes": quotes(lang)})
    found.enable(["table", "smartquotes"]).disable(["lheading", "html_block", "html_inline"])
    found.use(dollarmath_plugin, allow_labels=False, double_inline=True)
    found.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=True)
    found.inline.ruler.before("math_inline", "math_pandoc", _formula)
    found.inline.ruler.before("link", "citation", _citation)
    found.inline.ruler.push("mention", _mention)
    return found.use(unread_plugin).use(containers_plugin).use(insert_plugin)


def _formula(state: StateInline, silent: bool) -> bool:
    """A formula between single dollars; a dollar that opens none is a sign."""
    if state.src[state.pos] != "$" or state.src.startswith("$$", state.pos):
        return False
    found = FORMULA.match(state.src, state.pos, state.posMax)
    if not silent:
        if found:
            state.push("math_inline", "math", 0).content = found[1]
        else:
            state.pending += "$"
    state.pos = found.end() if found else state.pos + 1
    return True


def _citation(state: StateInline, silent: bool) -> bool:
    """Sources between square brackets: `[@key]`, `[see @one, p. 3; @two]`, `[-@key]` for the year alone."""
    if state.src[state.pos] != "[" or (found := CITATION.match(state.src, state.pos, state.posMax)) is None:
        return False
    if not all(re.search(rf"(?<![\w]){MENTION.pattern}", part) for part in found[1].split(";")):
        return False
    if state.src.startswith(("(", "["), found.end()):
        return False  # the words of a link
    if not silent:
        state.push("citation", "", 0).content = found[1]
    state.pos = found.end()
    return True


def _mention(state: StateInline, silent: bool) -> bool:
    """A source in the sentence: `@key`, not behind a letter as in an address."""
    before = state.src[state.pos - 1] if state.pos else " "
    if state.src[state.pos] != "@" or before.isalnum() or before == "\\":
        return False
    if (found := MENTION.match(state.src, state.pos, state.posMax)) is None:
        return False
    if not silent:
        state.push("mention", "", 0).content = found["key"]
    state.pos = found.end()
    return True
