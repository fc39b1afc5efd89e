r"""Formulas as MathML: `math-core` converts them, and what its dialect of LaTeX lacks is put into words that it has."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from derive.errors import DeriveError, said
from derive.teaching.formats import escape

_RELATIONS = (
    "in ni mid parallel equiv sim simeq approx cong propto le leq ge geq prec succ preceq succeq subset supset subseteq supseteq "
    "exists vdash models to rightarrow leftarrow Rightarrow Leftarrow"
)
_SIZED = r"\\((?:left|middle|right|[bB]igg?[lr]?)(?![A-Za-z])) ?"
_DIALECT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), spelled)
    for pattern, spelled in (
        (r"\\\\\[-?[\d.]+(?:pt|em|ex|mm|cm)\]", r"\\\\ "),  # rows of MathML are as far apart as a style sheet says
        (r"\\dots[bc](?![A-Za-z])", r"\\dots "),
        (r"(\\(?!operatorname\*)[A-Za-z]+)\*", r"\1 *"),  # a star would be taken for a part of the name
        (r"\\(begin|end)\{smallmatrix\}", r"\\\1{matrix}"),
        (rf"{_SIZED}<", r"\\\1\\langle "),
        (rf"{_SIZED}>", r"\\\1\\rangle "),
        (r"\\(?:middle|[bB]igg?[lr]?) ?\.", "{}"),
        (rf"\\not(?![A-Za-z])(?! *(?:[=<>]|\\(?:{_RELATIONS.replace(' ', '|')})(?![A-Za-z])))", "{/}"),
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
    code = _grouped(_grouped(latex, _SUBSTACK, _stacked), _OPERATOR, _named)
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


def raised(code: str) -> str:
    """The same with primes that are raised as they are: browsers raise a superscript, and make it small, a second time."""
    return _PRIME.sub(r'<mrow>\1<mo lspace="0" rspace="0">\2</mo></mrow>', code)


_PRIME = re.compile(r"<msup>(<m[in][^<>]*>[^<>]*</m[in]>)<mo>([′″‴])</mo></msup>")


@cache
def _converter() -> Any:
    import math_core

    return math_core.LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)


_SUBSTACK, _OPERATOR = re.compile(r"\\substack *\{"), re.compile(r"\\operatorname\*? *\{")


def _stacked(command: str, lines: str) -> str:
    r"""The lines of a \substack as a matrix of one column, which is set as small where it stands."""
    return rf"{{\begin{{matrix}}{lines}\end{{matrix}}}}"


def _named(command: str, name: str) -> str:
    """An operator whose name is more than words."""
    return f"{command}{name}}}" if re.fullmatch(r"(?:[\w\s'-]|\\[,:;! ])*", name) else rf"\mathop{{{name}}}"


def _grouped(code: str, opening: re.Pattern[str], rewritten: Callable[[str, str], str]) -> str:
    r"""The formula with every command that takes a group rewritten, what is inside of it first.

    >>> _grouped(r"\sum_{\substack{a \\ \}_{i}}} c", _SUBSTACK, _stacked)
    '\\sum_{{\\begin{matrix}a \\\\ \\}_{i}\\end{matrix}}} c'
    """
    found = opening.search(code)
    if found is None:
        return code
    depth = 1
    for brace in re.finditer(r"\\.|[{}]", code[found.end() :], re.DOTALL):
        depth += (brace[0] == "{") - (brace[0] == "}")
        if not depth:
            inside, after = code[found.end() :][: brace.start()], code[found.end() :][brace.end() :]
            rest = _grouped(after, opening, rewritten)
            return code[: found.start()] + rewritten(found[0], _grouped(inside, opening, rewritten)) + rest
    return code
