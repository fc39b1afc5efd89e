r"""What other readers of Markdown know and a lecture does not: found where it stands, so that it is not set as it was typed.

A comment of HTML is dropped.  A tag, a box to tick or struck-out words are an error, since no author wants to see their signs on
a slide; `\<`, `\[` and `\~` print the signs, and so do backticks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_ELEMENTS = (
    "a abbr address article aside audio b blockquote body br button canvas caption center cite code col colgroup dd del "
    "details dfn div dl dt em embed figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe "
    "img input ins kbd label li link main mark math meta nav object ol option p picture pre q s samp script section "
    "select small source span strike strong style sub summary sup svg table tbody td textarea tfoot th thead title tr tt "
    "u ul var video"
)
_ATTRIBUTES = r"""(?:\s+[\w:.-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*"""
_TAG = re.compile(rf"</?(?:{_ELEMENTS.replace(' ', '|')}){_ATTRIBUTES}\s*/?>", re.IGNORECASE)
_PAIR = r"""[A-Za-z][\w-]*=(?:"[^"]*"|[^\s{}"]+)"""
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

UNREAD: Mapping[str, tuple[str, str, str, str]] = {
    "comment_open": ("<", r"<!--", "This comment is never closed.", "End it with -->, in the same paragraph."),
    "tag": ("<", _TAG.pattern, "HTML is not read in a lecture.", r"Use Markdown; \< prints the sign, and `…` shows code."),
    "inline_note": (
        "^",
        r"\^\[[^\]]{1,300}\]",
        "A footnote cannot be written in the line.",
        r"Write [^1] here, and below on a line of its own: [^1]: the note; \^ prints the sign.",
    ),
    "attributes": (
        "{",
        rf"\{{(?:#[A-Za-z][\w-]*|{_PAIR})(?:\s+(?:[#.][\w-]+|{_PAIR}))*\s*\}}",
        "Attributes between braces are not read here.",
        r"Only a picture takes one: ![alt](file){width=60%}; \{ prints the sign.",
    ),
    "task": ("[", r"(?<![\s\S])\[[ xX]\](?=\s)", "Boxes to tick are not read in a lecture.", r"Write \[ for a bracket."),
    "contents": ("[", r"\[\[?_?TOC_?\]?\]", "The outline is asked for in the front matter.", "Write there: outline: yes"),
    "callout": (
        "[",
        r"\[!(?:note|tip|important|warning|caution)\]",
        "Kinds of remarks are not told apart in a lecture.",
        "Begin the remark with a word like **Note.**",
    ),
    "mark": ("=", r"==(?=[^\s=])[^=]*[^\s=]==", "Words cannot be marked in a lecture.", r"Use **…**; \= prints the sign."),
    "underline": ("=", r"={3,}(?=\s*$)", "A heading is not underlined in a lecture.", "Write '# Title' or '## Title'."),
    "pause": ("\\", r"\\pause\b", "Commands of LaTeX are not read outside of formulas.", "A paragraph . . . is a pause."),
    "strike": ("~", r"~~(?=[^\s~])[^~]*[^\s~]~~", "Words cannot be struck out in a lecture.", r"Write \~ for the sign itself."),
}
"""For each kind of token: its first character, its pattern, what is wrong with it, and what to do."""


def unread_plugin(parser: MarkdownIt) -> None:
    """Make a token of each of these; of a comment that is closed, none."""
    parser.inline.ruler.before("link", "comment", _comment)
    for kind, (first, pattern, _, _) in UNREAD.items():
        parser.inline.ruler.before(
            "link" if first != "\\" else "escape", kind, _rule(kind, first, re.compile(pattern, re.IGNORECASE))
        )
    parser.block.ruler.before("paragraph", "comment", _comment_block, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def _rule(kind: str, first: str, pattern: re.Pattern[str]) -> Callable[[StateInline, bool], bool]:
    def rule(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] != first or (found := pattern.match(state.src, state.pos, state.posMax)) is None:
            return False
        if not silent:
            state.push(kind, "", 0).content = found[0]
        state.pos = found.end()
        return True

    return rule


def _comment(state: StateInline, silent: bool) -> bool:
    """A comment in a line is left out, with one of the spaces around it."""
    if (found := _COMMENT.match(state.src, state.pos, state.posMax)) is None:
        return False
    state.pos = found.end()
    if not silent:
        if state.pos == state.posMax:
            state.pending = state.pending.rstrip(" ")
        while not state.pending[-1:].strip() and state.src[state.pos : state.posMax].startswith(" "):
            state.pos += 1
    return True


def _comment_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A comment that begins a line of a list or a quotation, up to the line that closes it."""
    start = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first) or not state.src.startswith("<!--", start):
        return False
    closed = state.src.find("-->", start + 4, state.eMarks[last - 1])
    line = next((k for k in range(first, last) if closed < state.eMarks[k]), last)
    if closed < 0 or state.src[closed + 3 : state.eMarks[line]].strip():
        return False  # what stands behind it is a paragraph, in which the comment is found
    if not silent:
        state.line = line + 1
    return True
