"""How formulas are written in books and in other languages, and what to write here: hints for what cannot be read."""

from __future__ import annotations

import re
import unicodedata

from derive.errors import said
from derive.language.numbers import LITERAL
from derive.language.words import ELSEWHERE, FUNCTIONS, MATRICES

ARITHMETIC = "Operators are + - * / ** @."
_PRODUCT = "Write a product as a*b."
_ENTRIES = "Write a product of entries as a*b."
_MINUS = "Write the minus sign as -."
_INNER = "Write the inner product as x @ y."
_NORM = "Write the norm as norm(x), and the absolute value of a number as abs(x)."
_WHERE = "Write where(x > 0, a, b)."
_TRANSPOSE = "Write the transpose as A.T."
_INVERSE = "Write the inverse of a matrix as inv(A), and one over a number as 1/x."
_QUOTES = "Only names, numbers and operators are read; there is no text in quotes."
_BRACES = "Use ( ) for grouping and [ ] for indices."
_SUM = "Write a sum as sum(x[i] for i in n)."
_DERIVED = "Write the definition alone: its derivatives are derived."
_AXES = "Declare the axes: x: [n]."

SIGNS = {
    "^": "Write a power as x**2.",
    "−": _MINUS,
    "–": _MINUS,
    "—": _MINUS,
    "×": _PRODUCT,
    "·": _PRODUCT,
    "⋅": _PRODUCT,
    "∗": _PRODUCT,
    "÷": "Write a quotient as a/b.",
    "⊙": _ENTRIES,
    "∘": _ENTRIES,
    "⊗": "Write the outer product of two vectors as x @ y.T.",
    "⊘": "Write a quotient as a/b.",
    "≤": "Write <=.",
    "≥": "Write >=.",
    "≠": "Write !=.",
    "∑": _SUM,
    "∏": "Write a product over an index as prod(x[i] for i in n).",
    "√": "Write sqrt(x).",
    "{": _BRACES,
    "}": _BRACES,
    "%": ARITHMETIC,
    "&": ARITHMETIC,
    "|": "Write abs(x) for an absolute value.",
    "‖": _NORM,
    "∥": _NORM,
    "⟨": _INNER,
    "⟩": _INNER,
    "?": _WHERE,
    "𝟙": "Write 𝟙[x > 0] as where(x > 0, 1, 0).",
    "𝟏": "A number is added to every entry and multiplies each: write 1.",
    "𝐈": "Write the identity as eye(n).",
    "ᵀ": _TRANSPOSE,
    "⊤": _TRANSPOSE,
    "⁻": _INVERSE,
    "∞": "To leave entries out, as a mask does, write a condition: sum(x[j] for j in n if j <= i).",
    "∂": _DERIVED,
    "∇": _DERIVED,
    "∈": _AXES,
    "ℝ": _AXES,
    "~": "A definition has no random numbers: declare them as an input.",
    "←": "Write a definition as name = expression.",
    "\\": "Put a long definition in parentheses to continue it on the next line.",
    "'": _QUOTES,
    '"': _QUOTES,
}
"""What to write instead of a sign."""

_PLACES: tuple[tuple[str, str, str, str], ...] = (
    ("^", r"\b[RℝN]\s*", "", _AXES),
    ("×", r"^\s*\w+\s*:.*", "", "Write the axes of a tensor as a list: W: [m, n]."),
    ("^", r"", r"\s*\{?(\\?top|\\?intercal|T|t|')(?![A-Za-z])", _TRANSPOSE),
    ("^", r"[\w)\]]", r"\s*[({]?\s*-\s*1(?![\d.])", _INVERSE),
    ("^", r"\b(e|exp)\s*", "", "Write a power of the number e as exp(x)."),
    ("^", r"(sin|cos|tan|log|ln|tanh|sinh|cosh)", "", "Write the square of a value as sin(x)**2."),
    ("^", r"\.", "", "Operators work entry by entry without a dot: x*y, x/y, x**2."),
    ("|", r"\|", "", _NORM),
    ("|", "", r"\|", _NORM),
    ("'", r"[\w)\]]", r"(\s*[-+*/@=,;)\]]|\s*$|\s*\w|\()", "Write the transpose as A.T; a name has no prime: call it z_new."),
    ("{", "_", "", "Write an entry as x[i], and a name with a subscript as x_i."),
    ("{", r"\b1", "", _WHERE),
    ("\\", "", r"[A-Za-z]", "LaTeX is not read here: write a*b, a/b, x**2, sqrt(x), sum(x[i] for i in n)."),
)
"""A sign, what stands before it and behind it, and what to write then: the first row that fits is taken."""

_SPELLED: tuple[tuple[str, str], ...] = (
    (r"\bin\s+[\w.]+\s*(:|\.\.)\s*\w", "Write the axis itself: for i in n."),
    (r"\bfor\s+\w+\s*(=)", "Write the axis itself: for i in n."),
    (r"^\s*\w+\s*:[^=]*\]\s*(,)\s*\w+\s*:", "Declarations are separated by ; or a new line: x: [n]; y: [n]."),
    (r"\([^()]*(;)", "Arguments are separated by commas: max(0, x)."),
    (r"[=(,*/+-]\s*(<)", _INNER),
    (r"(\.)\s*[*/]", "Operators work entry by entry without a dot: x*y, x/y, x**2."),
    (r"(!)(?!=)", "Write the factorial of n as exp(lgamma(n + 1))."),
    (r"(:=)", "Write a definition as name = expression."),
    (r"[)\]](_)", "Write the positive part as max(0, x), and an entry as x[i]."),
)
"""Spellings that stand in texts which cannot be read, and what to write."""

_WORD = re.compile(rf"\s*(?:(?P<name>[^\W\d]\w*)|(?P<number>{LITERAL})|(?P<sign>\S))")
_BETWEEN = frozenset(("for", "in", "if", "and", "or", "not", "else", "is"))
_OVER = re.compile(r"(sum|prod|mean|max|min|argmax|Σ|Π)(_.*)?")
_APPLIED = frozenset((*FUNCTIONS, *MATRICES, *ELSEWHERE))


def instead_of(line: str, column: int) -> str:
    """What to write instead of the sign of a line that is no sign of the language; empty where nothing is known."""
    sign, before, behind = line[column], line[:column], line[column + 1 :]
    for own, left, right, hint in _PLACES:
        if own == sign and re.search(f"({left})$", before) and re.match(right, behind):
            return hint
    if sign in SIGNS:
        return SIGNS[sign]
    digits, name = unicodedata.normalize("NFKC", sign), unicodedata.name(sign, "")
    if "FRACTION" in name and "⁄" in digits:
        return said("Write {form}.", form=digits.replace("⁄", "/"))
    if digits != sign and digits.isascii() and "SUPERSCRIPT" in name:
        return said("Write a power as x**{digit}.", digit=digits)
    if digits != sign and "SUBSCRIPT" in name:
        return "Write an entry as x[i], and a name with a subscript as x_i."
    return ""


def missing_sign(piece: str) -> tuple[str, int, int, str] | None:
    """What is wrong with a text that cannot be read, from where to where, and what to write; None where that is not known."""
    for pattern, hint in _SPELLED:
        if found := re.search(pattern, piece):
            return said("This cannot be read as a definition."), *found.span(1), hint
    before: re.Match[str] | None = None
    for word in _WORD.finditer(piece):
        operand = bool(word["number"] or (word["name"] and word["name"] not in _BETWEEN))
        if before is not None and operand:
            left, right = (piece[found.start(found.lastgroup) : found.end()] for found in (before, word))  # type: ignore[arg-type]
            turned = re.search(r"([^\W\d]\w*)\.T\s*$", piece[: word.start(word.lastgroup)])  # type: ignore[arg-type]
            left = f"{turned[1]}.T" if turned else left
            message = said("A sign is missing between `{left}` and `{right}`.", left=left, right=right)
            return message, word.start(word.lastgroup), word.end(), _joined(left, right)  # type: ignore[arg-type]
        before = word if operand or word["sign"] in (")", "]") else None
    return None


def _joined(left: str, right: str) -> str:
    """What to write instead of two operands side by side."""
    if _OVER.fullmatch(left):
        return _SUM if left[0] in "sΣ" else said("Write {name}(x[i] for i in n).", name=left.split("_")[0])
    if left in _APPLIED:
        return said("Write {form}.", form=f"{left}({right})")
    if left[0].isdigit():
        return "Write a product with *: 2*x."
    if left.endswith(".T"):
        return said("Write {form}.", form=f"{left} @ {right}")
    if left in (")", "]") or right in _APPLIED:
        return "Write a product as a*b, and that of matrices as A @ B."
    return said("Write a product as {left}*{right}, and that of matrices as {left} @ {right}.", left=left, right=right)
