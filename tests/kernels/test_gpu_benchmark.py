"""`benchmarks/gpu.py` without a device: its own cases, small, on the simulated one, and what it keeps whatever happens."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import derive
from oracles.cuda_simulator import Simulated
from oracles.extras import torch

pytestmark = pytest.mark.needs("torch")

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
SMALL = {"rows": (3, 40), "norm": (3, 12), "elementwise": (32,), "update": (32,)}


def on_host(source: str, batch: str = "", **options: Any) -> Any:
    """The functions of a definition on the simulated device, for arrays of PyTorch; what `out` says is left out."""
    functions = Simulated(derive.graph(source).kernel("cuda", batch=batch, **options).text)

    def call(name: str, *given: Any, **_: Any) -> Any:
        found = getattr(functions, name)(*(a.numpy() if isinstance(a, torch.Tensor) else a for a in given))
        return tensors(found)

    def tensors(found: Any) -> Any:
        return tuple(map(tensors, found)) if isinstance(found, tuple) else torch.as_tensor(np.asarray(found))

    names = ("forward", "value_and_grad", "forward_and_vjp")
    return SimpleNamespace(Workspace=lambda: None, **{name: partial(call, name) for name in names})


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    spec = spec_from_file_location("gpu", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu", module)
    spec.loader.exec_module(module)
    clock = {"timed": lambda run, sets: run(0) and 1.0 + time.perf_counter() % 1e-3}
    vars(module).update(clock, DEVICE="cpu", ROUNDS=2, ROTATED=1, RESULTS=tmp_path, kernel=on_host)
    return module


def small(gpu: Any) -> list[tuple[str, Any]]:
    """The cases at small sizes, one of a kind."""
    found = {}
    for name, case in gpu.cases():
        sizes = SMALL[case.func.__name__]
        words = [a for a in case.args if isinstance(a, str)]
        found.setdefault((case.func.__name__, *words), (name, partial(case.func, *words, *sizes, **case.keywords)))
    return list(found.values())


def test_every_case_runs_and_agrees_with_its_peers(gpu: Any, tmp_path: Path) -> None:
    keep = partial(gpu.written, device="simulated", keep=True)
    gpu.all_measured(small(gpu), time.monotonic() + 600, True, keep)
    rows = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["rows"]
    assert len(rows) == len(small(gpu)) == 7
    assert [row["failed"] for row in rows] == [[]] * 7
    assert all(row["ratios"] for row in rows)


def test_what_was_measured_is_kept_whatever_happens(gpu: Any, tmp_path: Path) -> None:
    """A peer that differs, one that fails, a case that fails, and an end that comes too soon."""

    def case(name: str, **peers: Any) -> Any:
        runs = {"derive": lambda k: [torch.ones(2)], "torch": lambda k: [torch.ones(2)], **peers}
        return (name, lambda quick: gpu.Case(name, "2", runs, 1, 8))

    def broken(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    def stopped(quick: bool) -> Any:
        raise KeyboardInterrupt

    made = [case("a", off=lambda k: [torch.zeros(2)], broken=broken), ("b", broken), case("c"), ("d", stopped), case("e")]
    with pytest.raises(KeyboardInterrupt):
        gpu.all_measured(made, time.monotonic() + 600, False, partial(gpu.written, device="simulated", keep=True))
    first, second, third = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["rows"]
    assert list(first["ratios"]) == ["torch"]
    assert first["failed"] == ["off: AssertionError: differs by 1.0e+03", "broken: RuntimeError: out of memory"]
    assert second["failed"] == ["RuntimeError: out of memory"]
    assert third["ratios"]
    assert "out of memory" in (tmp_path / "gpu.md").read_text("utf-8")
    gpu.all_measured(made, time.monotonic() - 1, False, broken)
