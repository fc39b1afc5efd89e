"""Printed mathematics as a small tree, with a printer for each medium.

Index terms, definitions and matrix forms are each turned into a layout once (`terms`, `definitions`, `matrices`), so that
a decision of notation is taken in one place and LaTeX and plain text can never disagree.

A new medium is one more table of printers beside `latex` and `text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    """A symbol: its LaTeX and its Unicode text, spaces included where it is an operator."""

    latex: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Layouts side by side."""

    items: tuple[Layout, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A base with a subscript, a superscript or both."""

    base: Layout
    sub: Layout | None = None
    sup: Layout | None = None


@dataclass(frozen=True, slots=True)
class Frac:
    """A fraction."""

    top: Layout
    bottom: Layout


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    body: Layout


@dataclass(frozen=True, slots=True)
class Fence:
    """A body between brackets; they grow with a tall body."""

    body: Layout
    left: str = "("
    right: str = ")"


@dataclass(frozen=True, slots=True)
class Big:
    """A large operator with what stands under it (Σ, Π, max)."""

    sign: Sign
    under: Layout


@dataclass(frozen=True, slots=True)
class Accent:
    """A hat or a bar over a base."""

    kind: str
    base: Layout


@dataclass(frozen=True, slots=True)
class Cases:
    """Alternatives, each a value and its condition."""

    rows: tuple[tuple[Layout, Layout], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix with its entries, row by row; on one line of text, what stands between the entries of a row."""

    rows: tuple[tuple[Layout, ...], ...]
    between: str = ", "


Layout = Sign | Row | Script | Frac | Root | Fence | Big | Accent | Cases | Grid


def row(*items: Layout) -> Layout:
    """Layouts side by side, rows within rows made one."""
    flat: list[Layout] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Row) else [item])
    return flat[0] if len(flat) == 1 else Row(tuple(flat))


def joined(items: Sequence[Layout], between: Layout) -> Layout:
    """Layouts with a separator between them."""
    out: list[Layout] = []
    for k, item in enumerate(items):
        out += [between, item] if k else [item]
    return row(*out)


def tall(layout: Layout) -> bool:
    """Whether a layout is higher than a line of text, so that brackets around it must grow."""
    match layout:
        case Frac() | Big() | Cases() | Grid():
            return True
        case Row(items):
            return any(map(tall, items))
        case Script(base, _, sup):
            return tall(base) or (sup is not None and tall(sup))
        case Fence(body) | Root(body) | Accent(_, body):
            return tall(body)
    return False


# ---------------------------------------------------------------- LaTeX

_LEFT, _RIGHT = {"{": r"\{", "‖": r"\lVert "}, {"}": r"\}", "‖": r"\rVert "}


def latex(layout: Layout) -> str:
    r"""The layout in LaTeX mathematics (what KaTeX and amsmath both read).

    >>> import derive
    >>> from derive.notation.terms import layout
    >>> latex(layout(derive.graph("x: [n]; f = sum(exp(x))/2").output.expr))
    '\\frac{1}{2}\\sum_{i}e^{x_{i}}'
    """
    match layout:
        case Sign(code, _):
            return code
        case Row(items):
            return _spaced([latex(item) for item in items])
        case Script(base, sub, sup):
            inner = latex(base)
            out = inner if isinstance(base, (Sign, Fence, Accent)) else f"{{{inner}}}"
            out += f"_{{{latex(sub)}}}" if sub is not None else ""
            return out + (f"^{{{latex(sup)}}}" if sup is not None else "")
        case Frac(top, bottom):
            return rf"\frac{{{latex(top)}}}{{{latex(bottom)}}}"
        case Root(body):
            return rf"\sqrt{{{latex(body)}}}"
        case Fence(body, left, right):
            left, right = _LEFT.get(left, left), _RIGHT.get(right, right)
            grow = (r"\left", r"\right") if tall(body) else ("", "")
            return f"{grow[0]}{left}{latex(body)}{grow[1]}{right}"
        case Big(sign, under):
            return f"{sign.latex}_{{{latex(under)}}}"
        case Accent(kind, base):
            return rf"\{kind}{{{latex(base)}}}"
        case Cases(rows):
            return r"\begin{cases}" + r" \\ ".join(f"{latex(v)} & {latex(c)}" for v, c in rows) + r"\end{cases}"
        case Grid(rows, _):
            end = r" \\[0.6em] " if any(tall(entry) for r in rows for entry in r) else r" \\ "
            return r"\begin{bmatrix}" + end.join(" & ".join(map(latex, r)) for r in rows) + r"\end{bmatrix}"


def _spaced(pieces: list[str]) -> str:
    """Pieces side by side; a space where a command would otherwise swallow the next letter."""
    out = ""
    for piece in pieces:
        command = out.rfind("\\")
        open_command = command >= 0 and out[command + 1 :].isalpha()
        out += (" " if open_command and piece[:1].isalpha() else "") + piece
    return out


# ---------------------------------------------------------------- plain text

_LOW, _HIGH = "₀₁₂₃₄₅₆₇₈₉₊₋₋", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᵀ"
_SUBSCRIPTS = str.maketrans("0123456789+-−", _LOW)
_SUPERSCRIPTS = str.maketrans("0123456789+-−()ᵀ", _HIGH)
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}


def text(layout: Layout) -> str:
    """The layout in Unicode text on one line.

    >>> import derive
    >>> from derive.notation.terms import layout
    >>> text(layout(derive.graph("x: [n]; f = sum(exp(x))/2").output.expr))
    '1/2 Σ_i e^(x_i)'
    """
    match layout:
        case Sign(_, plain):
            return plain
        case Row(items):
            return "".join(_beside(items, k) for k in range(len(items)))
        case Script(base, sub, sup):
            out = _wrapped(base) if isinstance(base, (Row, Frac)) else text(base)
            if sub is not None:
                out += _script(text(sub), "_", _SUBSCRIPTS)
            return out + (_script(text(sup), "^", _SUPERSCRIPTS) if sup is not None else "")
        case Frac(top, bottom):
            space = " " if _spaced_out(layout) else ""
            return f"{_wrapped(top)}{space}/{space}{_wrapped(bottom, below=True)}"
        case Root(body):
            power, first = isinstance(body, Script) and body.sup is not None, body.items[0] if isinstance(body, Row) else body
            return f"√({text(body)})" if power or isinstance(first, Big) else f"√{_wrapped(body, below=True)}"
        case Fence(body, left, right):
            return f"{left}{text(body)}{right}"
        case Big(sign, under):
            return f"{sign.text}{_script(text(under), '_', {})} "
        case Accent(kind, base):
            return text(base) + _ACCENTS[kind]
        case Cases(rows):
            return "{ " + " ; ".join(f"{text(v)}  {text(c)}" for v, c in rows) + " }"
        case Grid(rows, between):
            lines = [between.join(map(text, r)) for r in rows]
            return "[" + ("; ".join(lines) if between == ", " else between.join(f"[{line}]" for line in lines)) + "]"


def _spaced_out(fraction: Frac) -> bool:
    """Whether the slash of a fraction has spaces: where something of several parts, not ∂x, is on one side of it."""
    return any(isinstance(part, Row) and not _is_partial(part.items[0]) for part in (fraction.top, fraction.bottom))


def _beside(items: tuple[Layout, ...], k: int) -> str:
    """An item of a row.  A fraction stands in brackets where what is behind it could be taken to be under the slash, and where
    a Σ before it could be taken to be above it: (a/b) c, Σ_i (1 / (x_i + 1)).

    1/2 x and 1/n Σ_i need none, nor does the derivative ∂y/∂x, which nobody takes apart.
    """
    item = items[k]
    if not isinstance(item, Frac) or _is_partial_row(item.top):
        return text(item)
    spaced = _spaced_out(item)
    behind = items[k + 1 : k + 2] if k + 1 < len(items) and text(items[k + 1]) else items[k + 2 : k + 3]
    follows = bool(behind) and (not isinstance(behind[0], Sign) or text(behind[0]) in (*_JOINING, *([TIMES.text] * spaced)))
    if follows:
        number, over_number = (isinstance(part, Sign) and text(part)[:1].isdigit() for part in (item.top, item.bottom))
        large = any(isinstance(after, Big) for after in items[k + 1 : k + 3])
        follows = spaced or not (number and (over_number or large))
    before = next((t for t in map(text, reversed(items[:k])) if t), EQUALS.text)
    signed = text(item).startswith(NEGATIVE.text) and before not in (EQUALS.text, ABOUT.text)  # + (−a / 2)
    return f"({text(item)})" if follows or signed or (spaced and _under_sum(items[:k])) else text(item)


_JOINING = (" ", "", " ⊙ ", " ⊘ ")
"""Signs between factors, but for the dot: a/b · c is (a/b) c to everyone."""


def _under_sum(before: tuple[Layout, ...]) -> bool:
    """Whether a Σ, or an elementwise product, reaches to the end of these items."""
    for item in reversed(before):
        if isinstance(item, Big) or item in (HADAMARD, DIVIDED):
            return True
        if isinstance(item, Sign) and item.text not in _JOINING and item.text != TIMES.text and item.text.startswith(" "):
            return False
    return False


def _is_partial_row(top: Layout) -> bool:
    return _is_partial(top.items[0] if isinstance(top, Row) else top)


def _script(inner: str, mark: str, table: dict[int, int]) -> str:
    if all(ord(c) in table for c in inner):
        return inner.translate(table)
    plain = all(c.isalpha() or c in "0123456789" for c in inner) and not set(inner) & {*_LOW, *_HIGH}
    return f"{mark}{inner}" if plain else f"{mark}{{{inner}}}" if mark == "_" else f"{mark}({inner})"


def _wrapped(layout: Layout, below: bool = False) -> str:
    """Text that stays one piece beside a slash or a root."""
    plain = text(layout)
    if not isinstance(layout, Row):
        return f"({plain})" if isinstance(layout, Frac) else plain
    first, outer = layout.items[0], [text(item) for item in layout.items if isinstance(item, Sign)]
    loose = PLUS.text in outer or MINUS.text in outer
    call = len(layout.items) == 2 and isinstance(layout.items[1], Fence)
    return f"({plain})" if loose or (below and not (call or isinstance(first, Big) or _is_partial(first))) else plain


def _is_partial(layout: Layout) -> bool:
    """Whether this is ∂ or ∂²."""
    return layout in (PARTIAL, SECOND)


# ---------------------------------------------------------------- signs in common use

PLUS, MINUS, TIMES = Sign(" + ", " + "), Sign(" - ", " − "), Sign(r" \cdot ", " · ")
HADAMARD, DIVIDED = Sign(r" \odot ", " ⊙ "), Sign(r" \oslash ", " ⊘ ")
ENTRYWISE = Sign(r"\odot ", "⊙")
"""Before the exponent of a power that is taken entry by entry."""
EQUALS, ABOUT, NEGATIVE = Sign(" = ", " = "), Sign(r" \approx ", " ≈ "), Sign("-", "−")
COMMA, PRODUCT = Sign(", ", ", "), Sign("", " ")
SUM, PROD = Sign(r"\sum", "Σ"), Sign(r"\prod", "Π")
ONES, IDENTITY = Sign(r"\mathbf{1}", "𝟏"), Sign(r"\mathbf{I}", "𝐈")
PARTIAL = Sign(r"\partial ", "∂")
TWICE = Sign("2", "2")
SECOND = Sign(r"\partial^2 ", "∂²")
