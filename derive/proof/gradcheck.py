"""The gradient check: an analytic gradient against centred differences of the forward pass, in float64.

    ∂f/∂x ≈ (f(x + h) − f(x − h)) / 2h        error h²/6 · f‴ + rounding/h

(Goodfellow, Bengio and Courville 2016, section 11.5.)  The forward pass is all it uses, so it checks any backward pass.

Where the two differ, the difference is taken again with the digits that it needs, and with smaller steps: what it then agrees
with is no mistake, and the check says what float64, or the step, could not tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from derive.derivation.choice import gradient_by
from derive.errors import DeriveError, said
from derive.graphs.graph import Input
from derive.values.evaluator import forward
from derive.values.number_systems import FLOAT, exact
from derive.values.precision import DIGITS, DomainError, precision
from derive.values.real import Real, entered, real
from derive.values.run import Run, plain, result_at
from derive.values.work import Work

STEP = 1e-5
NOISE = 1e-11
"""Errors below this are rounding, and have no order."""

AGREE = 1e-6
"""A relative error up to this is agreement; a wrong formula is off by far more, rounding by far less."""


STEPS = tuple(10.0**-exponent for exponent in range(1, 5))
"""Other steps, at which the error is looked at."""

MOST = 150_000_000
OVERHEAD = 500
"""So many numbers are computed at most for the checks of a run, each node counting for so many more: some seconds in float64."""


Doubt = Literal["", "overflow", "rounding", "step"]
"""Why a difference in float64 tells nothing: a number on the way is beyond float64, rounding hides it, or the function bends, or
has a kink, nearer than the step."""

FINER = tuple(Fraction(1, 10**exponent) for exponent in (5, 10, 20, 40))
"""The steps of differences in as many digits as they need; the first is that of the check."""


@dataclass(frozen=True)
class EntryCheck:
    """One entry of the gradient: where, the two values, their relative error |a − n| / max(|a|, |n|), and what it cannot tell."""

    entry: tuple[int, ...]
    analytic: float
    numeric: float
    error: float
    doubt: Doubt = ""

    @property
    def agrees(self) -> bool:
        return self.error <= AGREE


@dataclass(frozen=True)
class Check:
    """The entries of one gradient."""

    wrt: str
    rows: tuple[EntryCheck, ...]

    @property
    def passed(self) -> bool:
        return all(r.agrees or r.doubt for r in self.rows)


@dataclass(frozen=True)
class Checked:
    """A gradient check, and for each step h = 10⁻ᵏ (k, the largest error, its order); see `errors_by_step`."""

    check: Check
    orders: tuple[tuple[int, float, float | None], ...]


def check_work(run: Run, names: Sequence[str]) -> None:
    """Raises DeriveError where the checks by these inputs would take too long: each entry is moved up and down for each step."""
    passes = sum(2 * (1 + len(STEPS)) * np.size(run.exact[name]) for name in names)
    each = Work(run.source).cost(run.values).once + OVERHEAD * len(run.source.nodes)
    if passes * each > MOST:
        raise DeriveError(
            said(
                "The gradient check is too long at these values: {passes:,} times all definitions would be computed again.",
                passes=passes,
            ),
            hint="Give fewer or shorter inputs.",
        )


def checked(run: Run, wrt: str) -> Checked:
    """The gradient check by an input with its error by step."""
    return Checked(check(run, wrt), tuple(errors_by_step(run, wrt)))


def check(run: Run, wrt: str, formula: Any = None) -> Check:
    """Check the gradient of the output by `wrt`: the derived one, or `formula`, a term in its place."""
    gradient = run.gradient(wrt)
    if formula is not None:
        gradient = result_at(run, gradient_by(run.source, wrt), formula)
    analytic = np.asarray(plain(gradient, said("the gradient by {name}", name=wrt)))
    run = run if wrt in {i.name for i in run.source.inputs} else _given(run, wrt)
    numeric = centred(run, wrt, STEP)
    rows = []
    for entry in np.ndindex(analytic.shape):
        a, n = float(analytic[entry]), float(numeric[entry])
        row = EntryCheck(entry, a, n, _error(a, n))
        rows.append(row if row.agrees else replace(row, doubt=_doubt(run, wrt, row)))
    return Check(wrt, tuple(rows))


def _given(run: Run, name: str) -> Run:
    """The run in which a result is an input with the value that it has."""
    graph, member = run.source, run.source.members[name]
    given = Input(name, member.indices, "positive" if member.head.is_positive else "real")
    cut = replace(graph, inputs=(*graph.inputs, given), nodes=tuple(n for n in graph.nodes if n.name != name))
    value = np.frompyfunc(Fraction, 1, 1)(np.asarray(run[name], dtype=object))
    return replace(run, source=cut, point=replace(run.point, arrays={**run.point.arrays, name: np.asarray(value, dtype=object)}))


def _doubt(run: Run, wrt: str, row: EntryCheck) -> Doubt:
    """Why a difference that does not agree is no mistake; nothing, if no other does, either."""
    for step in FINER:
        try:
            found = float(exact_difference(run, wrt, row.entry, step))
        except DomainError:
            continue
        if _error(row.analytic, found) <= AGREE:
            if step != FINER[0]:
                return "step"
            return "rounding" if math.isfinite(row.numeric) else "overflow"
    return ""


def exact_difference(run: Run, wrt: str, entry: tuple[int, ...], step: Fraction) -> Real:
    """The centred difference by one entry, weighted by the seed, in as many digits as are asked for."""

    def moved(digits: int, by: Fraction) -> Any:
        array = np.array(run.point.arrays[wrt], dtype=object)
        with precision(digits):
            array[entry] = entered(array[entry], digits) + entered(by)
        point = forward(run.source, run.values.sizes, {**run.point.arrays, wrt: array}, exact(digits), run.source.output.name)
        return point.tensor(run.source.output.name)

    def again(digits: int) -> Any:
        up, down = (moved(digits, by) for by in (step, -step))
        with precision(digits):
            weighted = np.sum(exact(digits).entered(run.upstream) * (up - down))
            return real(weighted, digits) / real(2 * step, digits)

    return Real(again(DIGITS), again)


def _error(a: float, b: float) -> float:
    scale = max(abs(a), abs(b))
    return float(abs(a - b) / scale) if scale > 1e-8 else float(abs(a - b))


def centred(run: Run, wrt: str, step: float) -> Any:
    """The centred difference of the output (weighted by the seed) by every entry of an input, in float64."""
    graph, sizes = run.source, run.values.sizes
    inputs = {
        i.name: np.asarray(run.exact[i.name], int) if i.kind == "label" else np.array(plain(run.exact[i.name], i.name))
        for i in graph.inputs
    }
    seed = np.asarray(run.upstream, dtype=np.float64)
    out = np.empty(np.shape(inputs[wrt]))
    for entry in np.ndindex(out.shape):
        ends = []
        for h in (step, -step):
            moved = inputs[wrt].copy()
            moved[entry] += h
            ends.append(float(np.sum(seed * forward(graph, sizes, {**inputs, wrt: moved}, FLOAT).arrays[graph.output.name])))
        out[entry] = (ends[0] - ends[1]) / (2 * step)
    return out


def errors_by_step(run: Run, wrt: str) -> list[tuple[int, float, float | None]]:
    """For h = 10⁻¹, …, 10⁻⁴: (exponent, largest error, order), the order being log10 of how much the error fell."""
    analytic = np.asarray(run.gradient(wrt), dtype=np.float64)
    out: list[tuple[int, float, float | None]] = []
    for exponent, step in enumerate(STEPS, 1):
        error = float(np.max(np.abs(centred(run, wrt, step) - analytic)))
        before = out[-1][1] if out else 0.0
        out.append((exponent, error, math.log10(before / error) if before > NOISE and error > NOISE else None))
    return out
