"""Certificates: what was shown of a definition's gradients, and how, so that others can cite it.

Every line of every derivation is proved.  At one point the gradients are checked against centred differences, and four
ways to compute each are compared: the formula in 50 digits, which is the reference, the formula in float64, the NumPy code
of its matrix form, and the reverse sweep over the graph with one operation a node.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import flint
import numpy as np
import sympy

from derive import __version__
from derive.calculus.functions import Named
from derive.calculus.terms import Index, canonical
from derive.derivation.choice import gradient_by, used_in, with_used
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph
from derive.proof.forms import difference, floats_at, form_value
from derive.proof.gradcheck import AGREE, Checked, check_work, checked
from derive.proof.kinks import kinks_met
from derive.proof.points import telling_run
from derive.proof.proof import Proved, prove
from derive.values.run import Run, point_of, telling_seed

EXACT_DIGITS = 1e-25
"""Two evaluations in 50 digits differ by no more than this."""


@dataclass(frozen=True)
class Comparison:
    """One way to compute the gradient by an input, against its formula in 50 digits: the largest |a − b| / (1 + |a|).

    `implementation` is "float64", "numpy" or "sweep"; `allowed` is what rounding explains.
    """

    wrt: str
    implementation: str
    difference: float
    allowed: float
    overflow: bool = False
    """Whether float64 holds no number as large as those on the way, so that nothing is known of the formula from it."""

    @property
    def passed(self) -> bool:
        return self.overflow or self.difference <= self.allowed


@dataclass(frozen=True, eq=False)
class Certificate:
    """A definition whose derivations are proved, and what was computed at one point of it.

    `refused` are Jacobians too large to be proved, and `kinks` the results that lie on a kink at the point: there a
    centred difference is no derivative, and no entry of the gradient check fails.
    """

    graph: Graph
    run: Run
    proofs: tuple[Proved, ...]
    refused: tuple[Derivation, ...]
    checks: tuple[Checked, ...]
    comparisons: tuple[Comparison, ...]
    kinks: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything holds; a line that does not was never in a certificate."""
        agrees = bool(self.kinks) or all(c.check.passed for c in self.checks)
        return agrees and all(c.passed for c in self.comparisons)

    @property
    def fingerprint(self) -> str:
        """See `fingerprint`."""
        return fingerprint(self.graph, [p.derivation for p in self.proofs])


def fingerprint(graph: Graph, derivations: Sequence[Derivation]) -> str:
    """The SHA-256 of the definitions and of every line derived from them, as terms.

    It depends on what they say: neither on how it is printed, nor on the letters of indices or the rules' names.
    """
    content = {
        "inputs": [[i.name, i.kind, _sizes(i.indices), _size(i.classes)] for i in graph.inputs],
        "definitions": [[n.name, _canonical(n.indices, [n.expr])] for n in graph.nodes],
        "derivations": [[d.of, d.wrt, _canonical(d.indices, _lines(d))] for d in derivations],
        "functions": _functions([*(n.expr for n in graph.nodes), *(line for d in derivations for line in _lines(d))]),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _lines(found: Derivation) -> list[Any]:
    return [found.subject, *(step.line for step in found.steps)]


def _size(size: Any) -> str:
    return "" if size is None else canonical(size, {})


def _sizes(indices: Sequence[Index]) -> list[str]:
    return [_size(i.size) for i in indices]


def _canonical(indices: Sequence[Index], terms: Sequence[Any]) -> list[str]:
    """The sizes of some indices, then terms in which these are free and called by their places."""
    called = {index: f"@{place}" for place, index in enumerate(indices)}
    return [*_sizes(indices), *(canonical(term, called) for term in terms)]


def _functions(waiting: list[Any]) -> dict[str, str]:
    """The definitions of the named functions in terms, and of those in their definitions."""
    found: dict[str, str] = {}
    while waiting:
        for function in {type(t) for t in waiting.pop().atoms(Named)}:
            if function.__name__ not in found:
                found[function.__name__] = canonical(function.body, {}) + repr([p.name for p in function.parameters])
                waiting.append(function.body)
    return found


def versions() -> dict[str, str]:
    """What a certificate was made with."""
    return {
        "derive": __version__,
        "python": platform.python_version(),
        "sympy": sympy.__version__,
        "numpy": np.__version__,
        "python-flint": flint.__version__,
    }


def certify(graph: Graph, run: Run | None = None) -> Certificate:
    """The certificate of a definition; without a run its numbers are those at a point that is drawn.

    Raises ProofError where a line cannot be shown.
    """
    moving = graph.ancestors(graph.output.name)
    inputs = [i.name for i in graph.inputs if i.differentiable and i.name in moving]
    run = run or telling_run(graph, inputs)
    if graph.output.axes and run.seed is None:  # the sum of the entries may well be a constant
        run = replace(run, seed=telling_seed(np.shape(run.exact[graph.output.name])))
    check_work(run, inputs)
    proofs, refused = _proved(graph)
    checks = tuple(checked(run, name) for name in inputs)
    comparisons = tuple(c for name in inputs for c in _compared(run, name))
    return Certificate(graph, run, proofs, refused, checks, comparisons, kinks_met(graph, run.values))


# ---------------------------------------------------------------- the derivations


def _proved(graph: Graph) -> tuple[tuple[Proved, ...], tuple[Derivation, ...]]:
    """The derivations by every input, the Jacobian of a tensor before the gradient of a loss behind it, and those of the
    results that these name or put in; and the Jacobians that are too large to be proved.
    """
    proofs, refused = list[Proved](), list[Derivation]()
    inputs = [i.name for i in graph.inputs if i.differentiable and i.name in graph.ancestors(graph.output.name)]
    for upstream in (False, True) if graph.output.axes else (False,):
        for found in with_used(graph, inputs, upstream, used_in):
            try:
                made = prove(found)
                _ = made.kinds  # a wrong row of the table stops a certificate
                proofs.append(made)
            except DeriveError as error:
                if isinstance(error, ProofError) or upstream or not graph.output.axes:
                    raise
                refused.append(found)
    return tuple(proofs), tuple(refused)


# ---------------------------------------------------------------- ways to compute a gradient


def _compared(run: Run, wrt: str) -> Iterator[Comparison]:
    """The gradient by an input, computed in every other way, against its formula in 50 digits."""
    found = gradient_by(run.source, wrt)
    exact = point_of(run, found.graph)
    formula = exact.numbers_of(found.result, found.indices)
    floats = floats_at(exact, found)
    yield Comparison(wrt, "sweep", difference(formula, run.gradients[wrt]), EXACT_DIGITS)
    in_floats = floats.array(found.result, found.indices)
    overflow = not np.isfinite(in_floats).all()
    yield Comparison(wrt, "float64", difference(formula, in_floats), AGREE, overflow)
    if found.form is not None:
        yield Comparison(wrt, "numpy", difference(formula, form_value(found, floats)), AGREE, overflow)
