"""What every target owes: the names it keeps for itself, no more and no fewer, and nothing that whoever asks has to know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

import derive
from cli import main
from derive.errors import DeriveError
from derive.kernels.kernel import kernel
from derive.kernels.target import TARGETS
from oracles.kernel_names import mentioned

KERNELS = Path(derive.__file__).parent / "kernels"

WHOLE_RANGE = [
    # definition, batched inputs: together they make a target print all that it can
    *((name, "") for name in ("hinge", "mlp", "conv1d_layer", "batch_norm", "max_pool1d", "gelu", "embedding_sequence")),
    *((name, "") for name in ("linear_svm", "mish", "elu", "huber", "hard_sigmoid")),
    ("focal_loss", "z,t"),
    ("focal_loss", ""),
    ("x: [n]; y = log(1 + x) + erf(x)", ""),
    ("x: [n]; L = prod(x)", ""),
    ("x: [d]; W: [V, d]; z = W@x; L = log(sum(exp(z)))", "x"),
    ("x: [n]; y: [n]; y[i] = max(x[j] for j in n if j <= i)", ""),
    ("A: [m, n]; y[j] = prod(A[i, j] for i in m)", ""),
    ("A: [m, n]; y[j] = max(A[i, j] for i in m)", ""),
]


def faults(reserved: Iterable[str], used: Mapping[str, set[str]]) -> list[str]:
    """What is used and not reserved, by which definition, and what is reserved and never used."""
    kept = set(reserved)
    hidden = [f"{source} uses {name}" for source, names in used.items() for name in sorted(names - kept)]
    return [*hidden, *(f"nothing uses {name}" for name in sorted(kept.difference(*used.values())))]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_reserves_the_names_that_its_functions_mention_and_no_others(target: str) -> None:
    """An argument of such a name would hide what the functions mean by it."""
    used = {f"{source} {batched}": mentioned(kernel(derive.graph(source), target, batched)) for source, batched in WHOLE_RANGE}
    used["float64"] = mentioned(kernel(derive.graph(WHOLE_RANGE[-1][0]), target, dtype="float64"))
    used |= {
        d: used.get(d, set()) | mentioned(kernel(derive.graph("x: [n]; y = 2*x"), target, dtype=d))
        for d in TARGETS[target].dtypes
    }
    reserved = TARGETS[target].reserved
    assert faults(reserved, used) == []
    assert faults(reserved - {"out"}, used)[0] == "hinge  uses out"
    assert faults(reserved | {"places_of_rows"}, used) == ["nothing uses places_of_rows"]


CONVOLUTION = "x: [O + K - 1]; kernel: [K]; y[o] = sum(kernel[k]*x[o + k] for k in K)"


def test_a_name_that_another_target_uses_is_free() -> None:
    made = derive.graph(CONVOLUTION).kernel(dtype="float64")
    x, weights, upstream = np.arange(7.0) ** 2, np.array([1.0, -2.0, 0.5]), np.arange(5.0)
    y, (dx, dweights) = made.forward_and_vjp(x, weights, upstream)
    np.testing.assert_allclose(y, np.correlate(x, weights))
    np.testing.assert_allclose(dx, np.convolve(upstream, weights))
    np.testing.assert_allclose(dweights, np.correlate(x, upstream))


@pytest.mark.parametrize(
    ("text", "target", "name"),
    [
        (CONVOLUTION, "cuda", "kernel"),
        ("threads: [n]; y = 2*threads", "cpu", "threads"),
        ("x: [last]; y = 2*x", "cpu", "last"),
        ("stream: [n]; y = 2*stream", "cuda", "stream"),
        ("row_sum: [n]; y = 2*row_sum", "cuda", "row_sum"),
    ],
)
def test_a_name_that_the_target_uses_is_refused(text: str, target: str, name: str) -> None:
    with pytest.raises(DeriveError, match=f"A kernel has no argument called {name}: its own code uses that name"):
        kernel(derive.graph(text), target)


@pytest.mark.parametrize(
    "module",
    [
        "module.py",
        "kernel.py",
        "runtime.py",
        "text/tree.py",
        "text/legal.py",
        "text/torch.j2",
        "text/given.j2",
        "text/target.py",
        "text/device.py",
        "../../cli.py",
    ],
)
def test_what_serves_every_target_names_none(module: str) -> None:
    assert not re.search(rf"\b({'|'.join(TARGETS)})\b", (KERNELS / module).read_text("utf-8"))


def test_where_no_target_is_named_the_first_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    first, *others = (derive.graph("hinge").kernel(target).source for target in TARGETS)
    assert derive.graph("hinge").kernel().source == first
    assert main(["kernel", "hinge"]) == 0
    assert re.sub("hinge", "L", capsys.readouterr().out) == re.sub("hinge", "L", first)
    assert first not in others


def test_the_command_line_knows_the_targets_of_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "hinge", "--target", "tpu"]) == 1
    assert capsys.readouterr().err == f"derive: There is no target tpu.\nThe targets are {', '.join(TARGETS)}.\n"
