r"""Formulas as MathML: `math-core` converts them, and what its dialect of LaTeX lacks is put into words that it has."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from derive.errors import DeriveError, said
from derive.teaching.formats import escape

_DIALECT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), spelled)
    for pattern, spelled in (
        (r"\\\\\s*\[-?[\d.]+(?:pt|em|ex|mm|cm)\]", r"\\\\ "),  # rows of MathML are as far apart as a style sheet says
        (r"\\dots[bc](?![A-Za-z])", r"\\dots "),
        (r"\\(begin|end)\{smallmatrix\}", r"\\\1{matrix}"),
        (r"\\(left|middle|right) ?<", r"\\\1\\langle "),
        (r"\\(left|middle|right) ?>", r"\\\1\\rangle "),
    )
)
"""What KaTeX and amsmath know and math-core does not, and the same for it."""

_MENDED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), spelled)
    for pattern, spelled in (
        # A decimal comma is part of its number.
        (r'<mn>(\d+)</mn><mo rspace="0">,</mo><mn>(\d+)</mn>', r"<mn>\1,\2</mn>"),
        # After punctuation and a space a minus is a sign, not an operation between two operands.
        (r"(<mo>[,;]</mo>(?:<mtext>\u00a0</mtext>|<mspace[^>]*/>)+)<mo>([−+])</mo>", r'\1<mo lspace="0" rspace="0">\2</mo>'),
        (r"<mspace/>", ""),
        (r"(?<= )xmlns=\S+", ""),
    )
)


@lru_cache(maxsize=8192)
def mathml(latex: str, display: bool = False, spoken: str = "") -> str:
    r"""A formula in MathML, in the line or as on a line of its own; `spoken` is how it is read aloud.

    Raises DeriveError for what cannot be converted.

    >>> mathml("x_{i}", spoken="x i")
    '<math aria-label="x i"><msub><mi>x</mi><mi>i</mi></msub></math>'
    """
    code = _substack(latex)
    for pattern, spelled in _DIALECT:
        code = pattern.sub(spelled, code)
    try:
        out: str = _converter().convert_with_local_state(code, displaystyle=display)
    except Exception as error:
        if type(error).__name__ != "LatexError":
            raise
        message = said("The formula {formula} has no form in MathML: {reason}", formula=latex, reason=str(error))
        raise DeriveError(message, hint="Write it with other commands.") from None
    for pattern, spelled in _MENDED:
        out = pattern.sub(spelled, out)
    label = escape.html(spoken)
    named = f' aria-label="{label}"' if spoken else ""
    return out.replace("<math", f"<math{named}", 1).replace(' display="block"', ' displaystyle="true"', 1)


@cache
def _converter() -> Any:
    import math_core

    return math_core.LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)


def _substack(code: str) -> str:
    r"""The lines of every \substack as a matrix of one column, which is set as small where it stands.

    >>> _substack(r"\sum_{\substack{a \\ b_{i}}} c")
    '\\sum_{{\\begin{matrix}a \\\\ b_{i}\\end{matrix}}} c'
    """
    before, found, after = code.partition(r"\substack{")
    if not found:
        return code
    depth = 1
    for end, sign in enumerate(after):
        depth += (sign == "{") - (sign == "}")
        if not depth:
            return rf"{before}{{\begin{{matrix}}{_substack(after[:end])}\end{{matrix}}}}{_substack(after[end + 1 :])}"
    return code
