"""Terms over numbers as JavaScript, for a page that computes them again when a reader changes a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy.printing.codeprinter import PrintMethodNotImplementedError
from sympy.printing.jscode import JavascriptCodePrinter

from derive.calculus.functions import Named


def javascript(term: Any, places: Mapping[str, int]) -> str | None:
    """The code of a term whose tensors are numbers, `v[k]` by their places; None where the language has no function for it.

    >>> import derive
    >>> javascript(derive.graph("f = max(0, x*y)").output.expr, {"x": 0, "y": 1})
    'Math.max(0, v[0]*v[1])'
    """
    try:
        return str(_Printer(places).doprint(term))
    except PrintMethodNotImplementedError:
        return None


class _Printer(JavascriptCodePrinter):
    """SymPy's, with the terms of the calculus; what it does not know is an error."""

    def __init__(self, places: Mapping[str, int]) -> None:
        super().__init__({"strict": True})
        self.places = places

    def _print_Element(self, term: Any) -> str:
        if term.indices:
            return str(self._print_not_supported(term))
        return f"v[{self.places[term.name]}]"

    def _print_Positive(self, term: Any) -> str:
        return f"({self._print(term.args[0])} > 0 ? 1 : 0)"

    def _print_Where(self, term: Any) -> str:
        condition, held, other = map(self._print, term.args)
        return f"({condition} ? {held} : {other})"

    def _print_Maximum(self, term: Any) -> str:
        return f"Math.max({', '.join(map(self._print, term.args))})"

    def _print_Function(self, term: Any) -> str:
        return str(self._print(term.unfolded) if isinstance(term, Named) else super()._print_Function(term))
