r"""Formulas as code of Typst: their MathML, node by node, as calls of functions with every sign in a string.

`math-core` has read the LaTeX, as for the deck in a browser, so that both show the same.  Nothing is read by Typst as mathematics
of its own: a letter is `sym("x")`, words are `"words"`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from functools import lru_cache

from derive.teaching.formats import escape
from derive.teaching.formats.html.mathml import mathml

NOTHING, EMPTY = "{}", "box()"
"""No code; and an empty group, beside which a sign between two terms keeps its spaces."""
_APPLIED = "\u2061"
"""What stands unseen between a function and its argument."""
_UNSEEN = frozenset((_APPLIED, "\u2062", "\u2063", "\u2064", ""))
_DELIMITERS = frozenset("()[]{}|‖⟨⟩⌊⌋⌈⌉/\\↑↓↕⇑⇓") | _UNSEEN
_LIMITED, _ARROWS = frozenset("∑∏∐⋃⋂⨁⨂⨀⋁⋀"), frozenset("→←")
_ACCENTS = {
    "ˆ": "\u0302", "\u0302": "\u0302", "˜": "\u0303", "~": "\u0303", "¯": "\u0304", "˘": "\u0306", "˙": "\u0307", "¨": "\u0308",
    "˚": "\u030a", "ˇ": "\u030c", "`": "\u0300", "´": "\u0301", "⃗": "→", "→": "→", "←": "←",
}  # fmt: skip
"""What stands over a letter, and what Typst calls it."""
_AROUND = {"\u0332": ("overline", "underline"), "⏞": ("overbrace", "overbrace"), "⏟": ("underbrace", "underbrace")}
"""What is as wide as that over or under which it stands, and the function for either."""
_PRIMES = {"′": 1, "″": 2, "‴": 3, "⁗": 4}
_FACES = {"b": "bold", "i": "italic", "code": "mono"}
_UNDER, _OVER = ("msub", "msubsup", "munder", "munderover"), ("msup", "msubsup", "mover", "munderover")


@lru_cache(maxsize=8192)
def formula(latex: str, display: bool = False) -> str:
    r"""The code of a formula in LaTeX, in the line or as on a line of its own.

    Raises DeriveError for what cannot be converted.

    >>> formula("x_{i}")
    'math.attach(sym("x"), b: sym("i"))'
    """
    tree = ET.fromstring(mathml(latex, display).replace("&ApplyFunction;", _APPLIED))
    code = _row(tree)
    return f"math.display({code})" if display else code


def _row(nodes: Iterable[ET.Element]) -> str:
    """Nodes side by side; one that is applied to what comes after it is the name of a function."""
    found = list(nodes)
    return _joined(_name(node) if _text(found[k + 1 : k + 2]) == _APPLIED else _node(node) for k, node in enumerate(found))


def _joined(codes: Iterable[str]) -> str:
    """Codes side by side: in Typst, a block of statements has what all of them have."""
    found = [code for code in codes if code != NOTHING]
    return found[0] if len(found) == 1 else f"{{{'; '.join(found)}}}"


def _text(nodes: Sequence[ET.Element]) -> str:
    """The sign that a single node is."""
    return (nodes[0].text or "") if len(nodes) == 1 and nodes[0].tag == "mo" else "not a sign"


def _name(node: ET.Element) -> str:
    """The name of a function, with its spaces, and with what it runs over."""
    return _scripts(node, _name(node[0])) if node.tag in (*_UNDER, *_OVER) else f"math.op({_node(node)}, limits: true)"


def _node(node: ET.Element) -> str:
    match node.tag:
        case "mi" | "mo" | "mn":
            return _sign(node)
        case "mtext":
            return _words(node)
        case "mrow" | "mstyle":
            return _sized(node, _fenced(list(node))) if len(node) else EMPTY
        case "mfrac":
            return _sized(node, _fraction(node))
        case "msqrt":
            return f"math.sqrt({_row(node)})"
        case "mroot":
            return f"math.root({_node(node[1])}, {_node(node[0])})"
        case "mspace":
            found = re.search(r"(-?[\d.]+)em", node.get("width") or node.get("style") or "")
            return f"h({float(found[1]):.3f}em)" if found else NOTHING
        case "mphantom":
            return f"hide({_row(node)})"
        case "mpadded":
            return NOTHING if node.get("width") == "0" else _row(node)
        case "middle":
            return f"math.mid({_sign(node)})"
        case "menclose":
            return f"enclosed({_row(node)})"
        case "mtable":
            return _table(node)
    return _scripts(node)


def _sized(node: ET.Element, code: str) -> str:
    """A code in the size that a node asks for."""
    if node.get("scriptlevel", "0") != "0":
        return f"math.script({code})"
    size = {"true": "display", "false": "inline"}.get(node.get("displaystyle", ""))
    return f"math.{size}({code})" if size else code


# ---------------------------------------------------------------- signs and words


def _sign(node: ET.Element) -> str:
    text = re.sub("[\ufe00\ufe01]", "", node.text or "")  # the marks that choose a face of the same letter
    if text in _UNSEEN:
        return NOTHING
    if node.tag == "mn" or len(text) > 1:
        return escape.typst(text)
    code = f"sym({escape.typst(text)})"
    if text in "−+" and node.get("lspace") == node.get("rspace") == "0":
        return f'math.class("normal", {code})'  # the sign of a number
    if node.get("mathvariant") == "normal":
        return f"math.upright({code})"
    return f"math.lr(size: {size}, {code})" if (size := node.get("minsize")) else code


def _words(node: ET.Element) -> str:
    inner = node[0] if len(node) else node
    face = "sans" if "sans" in inner.get("class", "") else _FACES.get(inner.tag, "upright")
    return f"math.{face}({escape.typst(''.join(node.itertext()))})"


# ---------------------------------------------------------------- what is made of parts


def _fenced(nodes: list[ET.Element]) -> str:
    """Nodes side by side; between two delimiters that grow with them, where these stand first and last."""
    ends = [node for node in nodes[:1] + nodes[1:][-1:] if node.tag == "mo" and node.get("stretchy") != "false"]
    if len(ends) < 2 or not all((end.text or "") in _DELIMITERS for end in ends):
        return _row(nodes)
    for node in nodes[1:-1]:
        if node.tag == "mo" and node.get("stretchy") == "true":
            node.tag = "middle"
    opened, closed = (
        f'math.class("{kind}", {_sign(end)})' if (end.text or "") not in _UNSEEN else NOTHING
        for kind, end in zip(("opening", "closing"), ends, strict=True)
    )
    return f"math.lr({_joined([opened, _row(nodes[1:-1]), closed])})"


def _fraction(node: ET.Element) -> str:
    top, bottom = map(_node, node)
    stacked = node.get("linethickness") == "0"
    return f"math.mat(delim: none, row-gap: 0.4em, ({top},), ({bottom},))" if stacked else f"math.frac({top}, {bottom})"


def _table(node: ET.Element) -> str:
    """A matrix; a cell stands at the side that its style says, and as far from its neighbour."""
    rows, lines, bars = list[str](), set[int](), set[int]()
    for k, line in enumerate(node):
        styles = [cell.get("style", "") for cell in line]
        lines |= {k for style in styles if "border-top" in style and k}
        bars |= {j for j, style in enumerate(styles[:-1], 1) if "border-right" in style}
        cells = (_cell(_sized(node, _row(cell)), styles[j], j, len(styles)) for j, cell in enumerate(line))
        rows.append(f"({', '.join(cells)},)")
    rules = f"augment: (stroke: 0.4pt, hline: {_offsets(lines)}, vline: {_offsets(bars)}), " if lines or bars else ""
    gap = 0.6 if any(part.tag == "mfrac" for part in node.iter()) else 0.35
    return f"math.display(math.mat(delim: none, column-gap: 0pt, row-gap: {gap}em, {rules}{', '.join(rows)}))"


def _cell(code: str, style: str, place: int, count: int) -> str:
    """A cell with the space to its neighbours; the mark `tab` stands at the side at which the column is even."""
    edge = "" if "text-align" in style else "h(0.15em)"
    left, right = (f"h({_padding(style, side)}em)" for side in ("left", "right"))
    beside = [EMPTY] if place and not _padding(style, "left") else []
    inside = [code, "tab"] if "text-align: right" in style else ["tab", *beside, code] if "text-align: left" in style else [code]
    return _joined(filter(None, (left if place else edge, *inside, right if place + 1 < count else edge)))


def _padding(style: str, side: str) -> float:
    found = re.search(rf"padding-{side}: *([\d.]+)", style)
    return float(found[1]) if found else 0.4


def _offsets(numbers: Iterable[int]) -> str:
    return f"({''.join(f'{number}, ' for number in sorted(numbers))})"


def _scripts(node: ET.Element, name: str = "") -> str:
    """A base, which may be the `name` of a function, with what stands above and below it."""
    tag, (kernel, *marks) = node.tag, list(node)
    sign, mark = kernel.text or "", _text(marks)
    if tag in ("munder", "mover") and mark in _AROUND:
        return f"math.{_AROUND[mark][tag == 'munder']}({_node(kernel)})"
    if node.get("accent") == "true" and mark in _ACCENTS:
        return f"math.accent({_node(kernel)}, {escape.typst(_ACCENTS[mark])})"
    beside, moves = tag.startswith("ms"), bool(name) or sign in _LIMITED
    code = name or _node(kernel)
    if sign in _ARROWS and not beside:
        code = f"math.stretch({code}, size: 100% + 1em)"
    if beside and moves:
        code = f"math.scripts({code})"
    elif not beside and (not moves or kernel.get("movablelimits") == "false"):
        code = f"math.limits({code})"
    under, over = tag in _UNDER and f", b: {_mark(marks[0])}", tag in _OVER and f", t: {_mark(marks[-1])}"
    return f"math.attach({code}{under or ''}{over or ''})"


def _mark(node: ET.Element) -> str:
    """A script; primes are drawn as such, alone or before others."""
    parts = list(node) if node.tag == "mrow" else [node]
    if not parts or _text(parts[:1]) not in _PRIMES:
        return _node(node)
    return _joined([f"math.primes({_PRIMES[_text(parts[:1])]})", _row(parts[1:])])
