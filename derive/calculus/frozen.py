"""Data that never changes, and how it is pickled: by its fields alone, every term as it stands.

SymPy pickles a term by what it is made of and puts it together anew, which multiplies out the product that the shortest form
of a sum is.  Here a term is put together without being evaluated.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import fields
from typing import Any, Self

from sympy import Add, Expr, Mul, Pow
from sympy.core.basic import Basic
from sympy.core.function import Application


class Frozen:
    """A dataclass that never changes: a copy of it is itself; what was made of it, and is kept with it, is not pickled."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]


class WithTerms(Frozen):
    """The same of data that holds terms."""

    def __reduce__(self) -> tuple[Any, ...]:
        text = io.BytesIO()
        _Pickler(text, pickle.HIGHEST_PROTOCOL).dump(list(self.__getstate__().values()))
        return _loaded, (type(self), text.getvalue())


def _loaded(kind: Any, text: bytes) -> Any:
    return kind(*pickle.loads(text))


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        return (_term, (type(value), *value.args)) if isinstance(value, Basic) and value.args else NotImplemented


def _term(kind: Any, *args: Any) -> Any:
    """A term of this kind with these arguments, as they are."""
    if issubclass(kind, (Application, Pow)):
        return kind(*args, evaluate=False)
    return kind._from_args(args) if issubclass(kind, (Add, Mul)) else Expr.__new__(kind, *args)
