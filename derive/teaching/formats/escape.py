r"""One function for each format that lets any text through as exactly that text.

`latex`, `markdown`, `html` and `terminal` take what a person typed (a title, a name, prose, code) and return it in the
format's own writing; no character of it can act as a command there.  Control characters are dropped everywhere.
`latex_url`, `markdown_url` and `html_url` do the same for the address of a link.
"""

from __future__ import annotations

import html as standard_html
import json
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote

from derive.errors import CONTROLS
from derive.notation.style import LETTERS


def terminal(text: str) -> str:
    """Text without control characters: nothing that moves the cursor, colours, or writes backwards."""
    return CONTROLS.sub("", text)


def html(text: str) -> str:
    """Text inside an element or a quoted attribute of HTML."""
    return standard_html.escape(terminal(text))


def html_url(url: str) -> str:
    """The address of a link, in a quoted attribute of HTML."""
    return html(_quoted(url))


# ---------------------------------------------------------------- LaTeX

_LATEX_SPECIALS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}", "\n": " ", "\r": " ", "\t": " ",
    "\u00a0": "~", "\u202f": r"\,", "\u2009": r"\,", "\u00ad": r"\-", "\u2011": r"\mbox{-}", "\u2212": r"\ensuremath{-}",
    "\u2032": r"\ensuremath{'}", "\u2044": "/",
}  # fmt: skip

# What T1 and TS1 print as typed: the Latin letters of Europe, quotation marks, dashes.
LATIN = frozenset(
    "¡£«»¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿĀāĂăĄąĆćĈĉĊċČčĎďĐđĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪī"
    "ĬĭĮįİıĲĳĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŊŋŌōŎŏŐőŒœŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰű"
    "ŲųŴŵŶŷŸŹźŻżŽžȘșȚț–—‘’‚“”„‰‹›…¢§©ª®°¶º†‡•€™"
)

SYMBOLS = {sign: rf"\{name}" for sign, name in LETTERS.items()} | {
    "ε": r"\varepsilon", "ϕ": r"\phi", "φ": r"\varphi", "µ": r"\mu", "∂": r"\partial", "∇": r"\nabla", "∞": r"\infty",
    "±": r"\pm", "×": r"\times", "÷": r"\div", "·": r"\cdot", "⋅": r"\cdot", "∗": r"\ast", "∘": r"\circ",
    "◦": r"\circ", "⊙": r"\odot", "⊗": r"\otimes", "⊕": r"\oplus", "√": r"\surd", "∑": r"\sum", "∏": r"\prod",
    "∫": r"\int", "≈": r"\approx", "≠": r"\neq",
    "≤": r"\leq", "≥": r"\geq", "≪": r"\ll", "≫": r"\gg", "∼": r"\sim", "≡": r"\equiv", "∝": r"\propto",
    "∈": r"\in", "∉": r"\notin", "⊂": r"\subset", "⊆": r"\subseteq", "∪": r"\cup", "∩": r"\cap", "∅": r"\emptyset",
    "∀": r"\forall", "∃": r"\exists", "¬": r"\neg", "∧": r"\wedge", "∨": r"\vee",
    "→": r"\rightarrow", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow",
    "↔": r"\leftrightarrow", "⇒": r"\Rightarrow", "⇐": r"\Leftarrow", "⇔": r"\Leftrightarrow", "↦": r"\mapsto", "⟨": r"\langle",
    "⟩": r"\rangle", "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "ℓ": r"\ell", "ℝ": r"\mathbb{R}",
    "ℕ": r"\mathbb{N}", "ℤ": r"\mathbb{Z}", "□": r"\square", "■": r"\blacksquare", "⊤": r"\top", "⊥": r"\bot", "∥": r"\parallel",
    "ᵀ": r"{}^{\top}", "✓": r"\checkmark", "★": r"\bigstar",
}  # fmt: skip

_ACCENTS = dict(
    zip(  # the combining marks, and the letter of LaTeX's command for each
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328\u0331",
        "`'^~=u.\"rHvdckb",
        strict=True,
    )
)

# What is not a plain letter, digit or harmless mark: a run that T1 would draw as one sign, or a character with its accents.
_NOT_PLAIN = re.compile(
    r"[\u0300-\u036f]+|.[\u0300-\u036f]+|^\*|[-–—]{2,}|,,+|['’]{2,}|‘‘+|[^A-Za-z0-9 .,;:!?()/+=@*'\-]",
    re.DOTALL,
)


def latex(text: str) -> str:
    """Text inside a paragraph of LaTeX (pdfLaTeX, utf8, T1).

    A character that no European font holds is printed as its number, [U+4E2D], so that a page always compiles.
    """
    return _NOT_PLAIN.sub(lambda found: _latex_cluster(found[0]), unicodedata.normalize("NFC", terminal(text)))


def latex_code(line: str) -> str:
    """One line of code, every space of it kept; for a typewriter face."""
    parts = re.split(r"(['Ĳĳ™]|\s)", unicodedata.normalize("NFC", terminal(line.expandtabs(4))))
    return "".join(r"\ " if part.isspace() else _IN_CODE.get(part) or latex(part) for part in parts)


_IN_CODE = {"'": r"\textquotesingle{}", "Ĳ": "IJ", "ĳ": "ij", "™": r"\textsuperscript{TM}"}
"""What a typewriter face has not, or draws otherwise."""


def latex_math(code: str) -> str:
    r"""A formula that was read, as pdfLaTeX takes it: letters that are not ASCII stand in `\text{…}` alone, as in prose."""
    return re.sub(r"[^\x00-\x7f]+", lambda found: latex(found[0]), unicodedata.normalize("NFC", terminal(code)))


@lru_cache(maxsize=4096)
def _latex_cluster(cluster: str) -> str:
    if cluster == "*" or (len(cluster) > 1 and set(cluster) <= set("-–—,'’‘")):
        return "{}".join(cluster) if cluster != "*" else "{*}"
    marks = cluster.lstrip(cluster[0]) if unicodedata.combining(cluster[0]) == 0 else cluster
    out = _latex_character(cluster[0]) if marks != cluster else ""
    for mark in marks:
        out = rf"\{_ACCENTS[mark]}{{{out}}}" if mark in _ACCENTS else out + _number(mark)
    return out


def _latex_character(sign: str) -> str:
    if sign in _LATEX_SPECIALS:
        return _LATEX_SPECIALS[sign]
    if sign.isascii() or sign in LATIN:
        return sign
    if sign in SYMBOLS:
        return rf"\ensuremath{{{SYMBOLS[sign]}}}"
    category = unicodedata.category(sign)
    if category in ("Cf", "Zl", "Zp", "Zs"):
        return "" if category == "Cf" else " "
    kind, _, plain = unicodedata.decomposition(sign).rpartition("> ")
    if not plain or len(plain) > 20:
        return _number(sign)
    inside = latex("".join(chr(int(code, 16)) for code in plain.split())) if kind else _accented(sign)
    return {"<super": rf"\textsuperscript{{{inside}}}", "<sub": rf"\textsubscript{{{inside}}}"}.get(kind, inside)


def _accented(sign: str) -> str:
    """A letter that Unicode takes apart into a base and its marks."""
    apart = unicodedata.normalize("NFD", sign)
    return _latex_cluster(apart) if apart != sign and all(mark in _ACCENTS for mark in apart[1:]) else _number(sign)


def _number(sign: str) -> str:
    return f"{{[}}U+{ord(sign):04X}{{]}}"


def latex_url(url: str) -> str:
    r"""The address of a link, for `\href`."""
    return re.sub(r"([%#&])", r"\\\1", _quoted(url))


def _quoted(url: str) -> str:
    """An address of ASCII letters, digits and marks that mean nothing to LaTeX or Markdown."""
    return quote(terminal(url), safe="/:?#@!$&*+,;=%-.")


# ---------------------------------------------------------------- Typst


def typst(text: str) -> str:
    r"""Text as a string of Typst's code, in quotes: only a backslash and a quote mean something there.

    >>> typst('#read("a") \\x')
    '"#read(\\"a\\") \\\\x"'
    """
    quoted = re.sub(r'["\\]', r"\\\g<0>", terminal(text))
    return '"' + re.sub(r"[\n\r\t\x85\u2028\u2029]", lambda found: f"\\u{{{ord(found[0]):x}}}", quoted) + '"'


def typst_url(url: str) -> str:
    """The address of a link, as a string of Typst's code."""
    return typst(_quoted(url))


# ---------------------------------------------------------------- Markdown

_MARKDOWN_ANYWHERE = re.compile(r"""[\\`*_\[\]<>$~^|#@{}"']|&(?=#|\w)|-(?=-)|(?<=-)-|\.(?=\.)|(?<=\.)\.|:(?=[\w+-]+:)""")
_MARKDOWN_FIRST = re.compile(r" *(?:(?=[-+:=%])|\(?\w{1,9}(?=\)(\s|$))|(?:[0-9a-z]{1,9}|[A-Z]{2,9})(?=\.(\s|$))|[A-Z](?=\.$))")


def markdown(text: str, start: bool = True) -> str:
    """Text inside a paragraph of Markdown, as CommonMark, GitHub and pandoc read it; `start` where it begins a line.

    Quotation marks and runs of dots and dashes are escaped because pandoc would make others of them.
    """
    flat = re.sub(r"[ \t\n\r\x85\u2028\u2029]+", " ", terminal(text))
    out = _MARKDOWN_ANYWHERE.sub(r"\\\g<0>", flat)
    if start and (found := _MARKDOWN_FIRST.match(out)):
        out = f"{out[: found.end()]}\\{out[found.end() :]}"
    return out


def yaml_text(text: str) -> str:
    r"""Text as a value of YAML, in quotes; what would open a tag or a link to a reader that knows no front matter is `\u003c`."""
    return re.sub("[<[]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def yaml_remark(text: str) -> str:
    """Text as a remark of YAML, on one line, without a tag or a link to a reader that knows no front matter."""
    return re.sub(r"[<\[`\\]", r"\\\g<0>", " ".join(terminal(text).split()))


def markdown_url(url: str) -> str:
    """The address of a link, between its round brackets."""
    return _quoted(url).replace("*", "%2A").replace("$", "%24")


def markdown_code(code: str) -> str:
    """A span of code between fences longer than any run of backticks in it; as HTML with a bar, which would end a field."""
    flat = re.sub(r"\s", " ", terminal(code))
    if "|" in flat:
        return f"<code>{html(flat).replace('|', '&#124;')}</code>"
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if "`" in (flat[:1], flat[-1:]) else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}" if flat.strip() else ""


def markdown_formula(code: str) -> str:
    """A teacher's formula on one line, with spaces where a reader that knows no formulas would see a tag or a link."""

    def one(found: re.Match[str]) -> str:
        words = _words(found["command"], found["words"])
        apart = words != found[0] and re.match(r"\s*['_^]", found.string[found.end() :])
        return f"{{{words}}}" if apart else words  # the scripts are those of all words

    flat = _WORDS.sub(one, " ".join(terminal(code).split()))
    return signed(re.sub(r"<(?=[A-Za-z/!?])|](?=[(\[:])", r"\g<0> ", flat))


def signed(code: str) -> str:
    """A formula for KaTeX and MathJax; to MathJax a minus behind a space stands between two terms, whatever is before that."""
    return re.sub(r"([;,](?:\\[ ,;:]|\\q?quad(?![A-Za-z]))\s*)-", r"\1{-}", code)


def markdown_math(text: str) -> str:
    r"""Words as part of a formula in Markdown: `\text{…}`, with what KaTeX or MathJax knows only as mathematics between.

    The spaces that do not break, too: inside the words MathJax would show their signs, and KaTeX warns of the characters.
    """
    spelled = latex(terminal(text).translate(_KATEX_MARKS))
    for command, mark in ((r"\textquotedbl{}", '"'), (r"\textasciigrave{}", "`"), (r"\mbox{-}", "-")):
        spelled = spelled.replace(command, mark)
    spelled = re.sub(r"\\text(super|sub)script\{([^{}]*)\}", r"\2", spelled)
    return _words(r"\text", spelled)


def _words(command: str, words: str) -> str:
    """Words of a formula, closed before each sign that is none of theirs and opened again behind it."""
    apart = _ENSURED.sub(lambda found: f"}}{found[1]}{command}{{", words)
    apart = _SIGNS.sub(lambda found: f"}}{_SIGN.get(found[0], found[0])}{command}{{", apart)
    return f"{command}{{{apart}}}".replace(command + "{}", "")


_WORDS = re.compile(r"(?P<command>\\text(?:rm|bf|it|sf|tt)?)\{(?P<words>(?:[^{}\\]|\\.|\{\})*)\}")
_SIGN = {
    "~": r"\ ",
    "{}": "",
    "{[}": r"\lbrack ",
    "{]}": r"\rbrack ",
    r"\textless{}": "{<}",
    r"\textgreater{}": "{>}",
    r"\textbar{}": r"{\vert}",
    r"\textbackslash{}": r"{\backslash}",
    r"\textasciitilde{}": r"{\sim}",
    r"\textasciicircum{}": r"{\wedge}",
}
"""Signs of LaTeX's words as mathematics; MathJax knows none of its commands in words but those before $ and braces."""

_SIGNS = re.compile("|".join([*sorted(map(re.escape, _SIGN), key=len, reverse=True), r"\\[#%&_, ]"]))
_KATEX_MARKS = {ord("«"): "“", ord("»"): "”", ord("‹"): "‘", ord("›"): "’", ord("„"): "“", ord("‚"): "‘"}
_ENSURED = re.compile(r"\\ensuremath\{((?:[^{}]|\{[^{}]*\})*)\}")
