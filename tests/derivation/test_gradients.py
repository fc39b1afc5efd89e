"""Gradients of whole definitions against automatic differentiation, in float64.

Every definition is written a second time by hand, for arrays, and differentiated by PyTorch and by JAX; where PyTorch has
the definition as a function of its own, that is a third oracle.  Ours is computed twice: in exact numbers by a run of the
graph taken apart into single operations, and in float64 from the formulas derived for the definition as it stands.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cases.gradients import LIBRARY, PYTORCH, TEXTS
from derive.derivation.choice import chosen
from derive.language import library
from derive.proof.proof import prove
from oracles.autodiff import ORACLES, WORST, exact_gradients, float_gradients, graph_of, relative_error

# ---------------------------------------------------------------- the oracles


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        pytest.param(name, oracle, marks=[pytest.mark.needs(oracle.split(".")[0]), pytest.mark.xdist_group(name)])
        for name in (*LIBRARY, *TEXTS)
        for oracle in ORACLES
        if oracle != "torch.nn" or name in PYTORCH
    ],
)
def test_gradients_are_those_of_automatic_differentiation(
    name: str, oracle: str, record_property: Callable[[str, object], None]
) -> None:
    theirs = ORACLES[oracle](name)
    expected = {i.name for i in graph_of(name).inputs if i.differentiable}
    assert theirs.keys() == expected or (oracle == "torch.nn" and theirs)
    errors = {
        (kind, tensor): relative_error(ours[tensor], theirs[tensor])
        for kind, ours in (("exact", exact_gradients(name)), ("float", float_gradients(name)))
        for tensor in theirs
    }
    worst = max(errors, key=lambda k: errors[k])
    record_property("relative error", errors[worst])
    assert errors[worst] <= WORST, f"∂/∂{worst[1]} in {worst[0]} numbers is off by {errors[worst]:.1e}"


@pytest.mark.parametrize(
    ("name", "wrt"),
    [("attention", "Q"), ("mlp", "W1"), ("lstm_cell", "c0"), ("focal_loss", "z"), ("linear_svm", "W"), ("rms_norm", "epsilon")],
)
def test_an_expanded_gradient_names_no_other_and_every_line_of_it_is_proved(name: str, wrt: str) -> None:
    graph = library.load(name)
    (found,) = chosen(graph, "", [wrt], upstream=bool(graph.output.axes))
    (written,) = chosen(graph, "", [wrt], upstream=bool(graph.output.axes), expand=True)
    assert found.named
    assert not written.named
    assert written.steps[: len(found.steps)] == found.steps
    assert len(prove(written).kinds) == len(written.steps) > len(found.steps)


def test_those_on_the_way_come_first_from_the_output_back() -> None:
    assert [found.wrt for found in chosen(library.load("mlp"), "", ["W1", "b2"], through=True)] == [
        "p",
        "z",
        "h",
        "a",
        "W1",
        "b2",
    ]


def test_every_definition_of_the_library_has_an_oracle() -> None:
    assert set(LIBRARY) == set(library.names())
    assert set(PYTORCH) <= {*LIBRARY, *TEXTS}


def test_the_oracle_would_notice_a_transposed_or_rescaled_gradient() -> None:
    right = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert relative_error(right.T, right) > WORST
    assert relative_error(right * (1 + 1e-9), right) > WORST
