"""Terms as Python over NumPy arrays, entry by entry: what a person writes who turns the indices of a formula into loops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy.printing.codeprinter import PrintMethodNotImplementedError
from sympy.printing.numpy import NumPyPrinter

from derive.calculus.functions import Named
from derive.calculus.terms import Index, opened


def python_code(term: Any, letters: Mapping[Index, str]) -> str | None:
    """The code of a term, its free indices called as `letters` say; None where Python has no word for something in it.

    >>> import derive
    >>> g = derive.graph("W: [m, n]; x: [n]; a = W @ x; L = sum(a**2)")
    >>> python_code(g.members["a"].expr, {g.members["a"].indices[0]: "i"})
    'sum(x[k]*W[i, k] for k in range(n))'
    """
    try:
        return str(_Printer(dict(letters)).doprint(term))
    except PrintMethodNotImplementedError:
        return None


SPARE = "klpqruvabcdefgh"
"""The letters of bound indices that have none of their own here."""


class _Printer(NumPyPrinter):
    """SymPy's, with the terms of the calculus; what it does not know is an error."""

    def __init__(self, letters: dict[Index, str]) -> None:
        super().__init__({"strict": True, "fully_qualified_modules": False})
        self.letters = letters
        self._module = "np"

    def _module_format(self, name: str, register: bool = True) -> str:
        return name.replace("numpy.", "np.")

    def _print_Index(self, term: Index) -> str:
        return self.letters[term]

    def _print_Label(self, term: Any) -> str:
        return str(self._print(term.element))

    def _print_Element(self, term: Any) -> str:
        places = ", ".join(map(self._print, term.indices))
        return f"{term.name}[{places}]" if places else str(term.name)

    def _bound(self, term: Any, word: str) -> str:
        indices, body = opened(term)
        names = [a for a in SPARE if a not in self.letters.values() and a not in {str(s) for s in term.free_symbols}]
        self.letters = {**self.letters, **dict(zip(indices, names, strict=False))}
        loops = " ".join(f"for {self.letters[i]} in range({self._print(i.size)})" for i in indices)
        return f"{word}({self._print(body)} {loops})"

    def _print_Sum(self, term: Any) -> str:
        return self._bound(term, "sum")

    def _print_Largest(self, term: Any) -> str:
        return self._bound(term, "max")

    def _print_Delta(self, term: Any) -> str:
        return f"int({self._print(term.args[0])} == {self._print(term.args[1])})"

    def _print_Differ(self, term: Any) -> str:
        return f"int({self._print(term.args[0])} != {self._print(term.args[1])})"

    def _print_Below(self, term: Any) -> str:
        return f"int({self._print(term.args[0])} < {self._print(term.args[1])})"

    def _print_AtMost(self, term: Any) -> str:
        return f"int({self._print(term.args[0])} <= {self._print(term.args[1])})"

    def _print_Positive(self, term: Any) -> str:
        return f"int({self._print(term.args[0])} > 0)"

    def _print_Where(self, term: Any) -> str:
        condition, held, other = map(self._print, term.args)
        return f"({held} if {condition} else {other})"

    def _print_Maximum(self, term: Any) -> str:
        return f"max({', '.join(map(self._print, term.args))})"

    def _print_ArgMax(self, term: Any) -> str:
        return str(self._print_not_supported(term))

    _print_Product = _print_Inside = _print_Deriv = _print_Adjoint = _print_ArgMax

    def _print_Function(self, term: Any) -> str:
        return str(self._print(term.unfolded) if isinstance(term, Named) else super()._print_Function(term))
