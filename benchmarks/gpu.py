"""CUDA kernels beside PyTorch, torch.compile, JAX and, where it is installed, Triton: `python benchmarks/gpu.py`.

Needs a CUDA device, a PyTorch built for CUDA and the extra `cuda`; JAX and Triton are left out where they are missing, and
`--quick` leaves the compilers out.  All contenders of a case run in one process and take turns.  Each has several sets of
inputs, together larger than the device's cache, and goes through them in turn, so that none finds its input there; what
they give is compared before any time is printed.  Times are those between two events of the device.  *copy* is our share of
the speed of a copy from device to device that moves as many bytes, in the same run.  `--write` keeps the table in
`benchmarks/results/`: gpu.json and gpu.md, with the name of the device.

All is done in `--minutes` (9): every case without the peers that compile, and then, while there is time, again with them.  The
table is written after every case, and what fails, of a case or of a peer, is a line of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
RESULTS = ROOT / "benchmarks" / "results"

import torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import derive  # noqa: E402

DEVICE = "cuda"
ROUNDS = 15
REPEATS = 20
ROTATED = 512 * 2**20
"""The bytes of all sets of inputs together: some times the second cache of an H200 (60 MB)."""

Run = Callable[[int], Any]
"""What runs a contender on the set of inputs with this number."""


@dataclass(frozen=True)
class Case:
    """One task at one size: what runs it, the bytes that must move, the goals (against PyTorch, and as a share of a copy)."""

    name: str
    size: str
    runs: Mapping[str, Run]
    sets: int
    bytes: int
    floor: float | None = None
    share: float | None = None
    tolerance: float = 1e-4


@dataclass(frozen=True)
class Row:
    """What was measured of a case: our time in µs, the ratios to each peer with their middle half, the share of a copy."""

    name: str
    size: str
    microseconds: float
    ratios: Mapping[str, tuple[float, float, float]]
    copy: float | None
    wanted: str
    failed: tuple[str, ...] = ()
    """What failed, and how."""


# ---------------------------------------------------------------- inputs


def sets_of(size: int) -> int:
    return max(1, -(-ROTATED // size))


def normal(sets: int, *shape: int) -> list[Any]:
    torch.manual_seed(0)
    return [torch.randn(*shape, device=DEVICE) for _ in range(sets)]


def labels(sets: int, classes: int, count: int) -> list[Any]:
    return [torch.randint(0, classes, (count,), device=DEVICE) for _ in range(sets)]


def kernel(source: str, batch: str = "", **options: Any) -> Any:
    """The functions of a definition on the device, which trust that labels are those of classes."""
    made = derive.graph(source).kernel("cuda", batch=batch, **options).loaded
    made.LABELS_CHECKED = False
    return made


def backward(function: Callable[..., Any], leaves: list[Any], gradient: Any = None) -> list[Any]:
    value = function(*leaves)
    return [value, *torch.autograd.grad(value, leaves, gradient)]


# ---------------------------------------------------------------- the cases


def rows(name: str, n: int, c: int, quick: bool, **goals: Any) -> Case:
    """A loss of N rows with labels, and its gradient by them."""
    source, function = LOSSES[name]
    sets = sets_of(8 * n * c)
    z, t = normal(sets, n, c), labels(sets, c, n)
    leaves = [x.clone().requires_grad_() for x in z]
    out, made = torch.empty_like(z[0]), kernel(source, ("z,t" if source.startswith("softmax") else "s,t"))
    space = made.Workspace()

    def ours(k: int) -> list[Any]:
        value, (grad,) = made.value_and_grad(z[k], t[k], out=(out,), workspace=space)
        return [value, grad]

    runs: dict[str, Run] = {"derive": ours, "torch": lambda k: backward(lambda x: function(x, t[k]), [leaves[k]])}
    if not quick:
        fast = torch.compile(function)
        runs["torch.compile"] = lambda k: backward(lambda x: fast(x, t[k]), [leaves[k]])
        if name == "softmax cross-entropy" and find_spec("triton"):
            runs["triton"] = lambda k: triton_cross_entropy(z[k], t[k], out)
        if name == "softmax cross-entropy" and find_spec("jax"):
            runs |= cross_entropy_by_jax(z, t)
    return Case(name, f"({n}, {c})", runs, sets, 8 * n * c, **goals)


def hinge_by_torch(s: Any, t: Any) -> Any:
    return (F.relu(s - s.gather(1, t[:, None]) + 1).sum() - s.shape[0]) / s.shape[0]


LOSSES: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "softmax cross-entropy": ("softmax_cross_entropy_label", F.cross_entropy),
    "hinge": ("hinge", hinge_by_torch),
}


def norm(name: str, n: int, c: int, quick: bool, **goals: Any) -> Case:
    """Layer norm and batch norm, forward and backward with a gradient that is known."""
    sets, layer = sets_of(16 * n * c), name == "layer norm"
    x, g = normal(sets, n, c), normal(sets, n, c)
    gamma, beta = torch.ones(c, device=DEVICE), torch.zeros(c, device=DEVICE)
    leaves = [[a.clone().requires_grad_() for a in (each, gamma, beta)] for each in x]
    made = kernel("layer_norm", "x", wrt=("x", "gamma", "beta")) if layer else kernel("batch_norm", wrt=("X", "gamma", "beta"))
    out = (torch.empty_like(x[0]), (torch.empty_like(x[0]), torch.empty_like(gamma), torch.empty_like(beta)))
    space = made.Workspace()

    def ours(k: int) -> list[Any]:
        y, gradients = made.forward_and_vjp(x[k], gamma, beta, 1e-5, g[k], out=out, workspace=space)
        return [y, *gradients]

    def forward(a: Any, b: Any, d: Any) -> Any:
        return F.layer_norm(a, (c,), b, d, 1e-5) if layer else F.batch_norm(a, None, None, b, d, training=True, eps=1e-5)

    runs: dict[str, Run] = {"derive": ours, "torch": lambda k: backward(forward, leaves[k], g[k])}
    if not quick:
        fast = torch.compile(forward)
        runs["torch.compile"] = lambda k: backward(fast, leaves[k], g[k])
    return Case(f"{name}, forward and backward", f"({n}, {c})", runs, sets, 16 * n * c, tolerance=2e-3, **goals)


def elementwise(name: str, n: int, quick: bool, **goals: Any) -> Case:
    sets = sets_of(16 * n)
    x, g = normal(sets, n), normal(sets, n)
    leaves = [each.clone().requires_grad_() for each in x]
    made, out = kernel(f"x: [n]\ny = {name}(x)"), (torch.empty_like(x[0]), (torch.empty_like(x[0]),))
    function = {"gelu": F.gelu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}[name]

    def ours(k: int) -> list[Any]:
        y, (grad,) = made.forward_and_vjp(x[k], g[k], out=out)
        return [y, grad]

    runs: dict[str, Run] = {"derive": ours, "torch": lambda k: backward(function, [leaves[k]], g[k])}
    if not quick:
        fast = torch.compile(function)
        runs["torch.compile"] = lambda k: backward(fast, [leaves[k]], g[k])
    return Case(f"{name}, forward and backward", f"{n:,}", runs, sets, 16 * n, **goals)


def update(n: int, quick: bool, **goals: Any) -> Case:
    sets = sets_of(12 * n)
    w, g = normal(sets, n), normal(sets, n)
    out, made = torch.empty_like(w[0]), kernel("w: [n]; g: [n]; eta: real; v = w - eta*g")
    runs: dict[str, Run] = {
        "derive": lambda k: [made.forward(w[k], g[k], 0.1, out=out)],
        "torch": lambda k: [torch.sub(w[k], g[k], alpha=0.1, out=out)],
    }
    return Case("SGD update", f"{n:,}", runs, sets, 12 * n, **goals)


def cases() -> Iterator[tuple[str, Callable[[bool], Case]]]:
    """The name of each case, and what makes it, with the peers that compile or without."""
    for n, c in (
        (8192, 8192),
        (65536, 1000),
        (65536, 1024),
        (16384, 4096),
        (4096, 16384),
        (2048, 32768),
        (1024, 50257),
        (512, 128256),
    ):
        goals = {"floor": 1.3, "share": 0.85 if c <= 32768 else None}
        yield f"softmax cross-entropy {n} {c}", partial(rows, "softmax cross-entropy", n, c, **goals)
    for n, c in ((16384, 1024), (4096, 4096), (4096, 5120), (2048, 8192)):
        yield f"layer norm {n} {c}", partial(norm, "layer norm", n, c, floor=1.3, share=0.85)
    yield "hinge", partial(rows, "hinge", 65536, 1000, floor=1.3, share=0.85)
    yield "batch norm", partial(norm, "batch norm", 65536, 256)
    for name in ("gelu", "relu"):
        yield name, partial(elementwise, name, 2**26)
    yield "SGD update", partial(update, 2**26)
    yield "softmax cross-entropy 8 10", partial(rows, "softmax cross-entropy", 8, 10)


# ---------------------------------------------------------------- peers


def cross_entropy_by_jax(z: list[Any], t: list[Any]) -> dict[str, Run]:
    """The same by JAX, where it finds the device."""
    import jax
    import jax.numpy as jnp

    if jax.default_backend() != "gpu":
        return {}

    def loss(x: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

    run = jax.jit(jax.value_and_grad(loss))
    given = [tuple(jax.dlpack.from_dlpack(a.contiguous()) for a in pair) for pair in zip(z, t, strict=True)]
    return {"jax": lambda k: (lambda r: [torch.from_dlpack(a) for a in r])(run(*given[k]))}


def triton_cross_entropy(z: Any, t: Any, grad: Any) -> list[Any]:
    """A program a row, the row in one block: what is written by hand in Triton."""
    import triton

    losses = torch.empty(z.shape[0], device=DEVICE)
    block = triton.next_power_of_2(z.shape[1])
    _triton_kernel()[(z.shape[0],)](z, t, grad, losses, z.shape[0], z.shape[1], BLOCK=block, num_warps=8 if block > 2048 else 4)
    return [losses.mean(), grad]


def _triton_kernel() -> Any:
    if "kernel" not in _TRITON:
        import triton
        import triton.language as tl

        globals()["tl"] = tl

        @triton.jit  # type: ignore[untyped-decorator,unused-ignore]
        def kernel(z, t, grad, losses, rows, columns, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
            row = tl.program_id(0).to(tl.int64)
            place = tl.arange(0, BLOCK)
            inside = place < columns
            entries = tl.load(z + row * columns + place, mask=inside, other=-float("inf"))
            largest = tl.max(entries, axis=0)
            e = tl.exp(entries - largest)
            total = tl.sum(e, axis=0)
            label = tl.load(t + row)
            tl.store(losses + row, tl.log(total) + largest - tl.load(z + row * columns + label))
            slope = (e / total - tl.where(place == label, 1.0, 0.0)) / rows
            tl.store(grad + row * columns + place, slope, mask=inside)

        _TRITON["kernel"] = kernel
    return _TRITON["kernel"]


_TRITON: dict[str, Any] = {}


# ---------------------------------------------------------------- times


def timed(run: Run, sets: int) -> float:
    """µs of one call, over several that follow one another on the device."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for k in range(REPEATS):
        run(k % sets)
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) * 1000 / REPEATS


def copied(size: int) -> Run:
    """A copy that moves as many bytes."""
    count = max(1, size // 8)
    pairs = [
        (torch.empty(count, device=DEVICE), torch.empty(count, device=DEVICE)) for _ in range(max(1, ROTATED // (8 * count)))
    ]
    return lambda k: pairs[k % len(pairs)][1].copy_(pairs[k % len(pairs)][0])


def agreeing(case: Case) -> tuple[Case, list[str]]:
    """The case with the contenders that give what ours does, and what is wrong with the others."""
    ours = [x.clone() for x in case.runs["derive"](0)]
    runs, failed = {}, []
    for name, run in case.runs.items():
        try:
            for a, b in zip(ours, run(0), strict=True):
                scale = max(1e-3, float(b.detach().abs().max()))
                off = float((a - b.detach()).abs().max()) / scale
                assert off < case.tolerance, f"differs by {off:.1e}"
            runs[name] = run
        except Exception as error:  # noqa: BLE001 - whatever a peer raises
            failed.append(f"{name}: {_said(error)}")
    return replace(case, runs=runs), failed


def measured(case: Case) -> Row:
    case, failed = agreeing(case)
    runs = {**case.runs, "copy": copied(case.bytes)} if case.bytes > 2**20 else dict(case.runs)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        timed(run, case.sets)
    for turn in range(ROUNDS):
        for name in list(runs)[:: -1 if turn % 2 else 1]:
            times[name].append(timed(runs[name], case.sets))
    ratios = {
        name: tuple(quantiles([b / a for a, b in zip(times["derive"], seconds, strict=True)], n=4))
        for name, seconds in times.items()
        if name != "derive"
    }
    copy = ratios.pop("copy", (0, None, 0))[1]
    wanted = "; ".join([*([f"{case.floor}× torch"] if case.floor else []), *([f"{case.share} of a copy"] if case.share else [])])
    return Row(case.name, case.size, median(times["derive"]), ratios, copy, wanted, tuple(failed))


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".replace("|", "/")


def all_measured(
    made: Iterable[tuple[str, Callable[[bool], Case]]], end: float, quick: bool, keep: Callable[[Row, list[Row]], None]
) -> None:
    """Every case without the peers that compile, and then again with them until `end`; what is there is kept after each."""
    given, rows = list(made), dict[str, Row]()
    for fast in (True,) if quick else (True, False):
        for name, case in given:
            if time.monotonic() > end:
                return
            try:
                row = measured(case(fast))
            except Exception as error:  # noqa: BLE001 - the other cases are measured all the same
                row = Row(name, "", float("nan"), {}, None, "", (_said(error),))
            if row.ratios or name not in rows:
                rows[name] = row
            keep(row, list(rows.values()))
            torch.cuda.empty_cache()


def table(rows: list[Row]) -> str:
    lines = ["| work | size | µs | against each peer (middle half) | share of a copy | wanted |", "|---|---|--:|---|--:|---|"]
    for row in rows:
        against = ", ".join(f"{name} {m:.2f}× ({low:.2f}–{high:.2f})" for name, (low, m, high) in row.ratios.items())
        against = "; ".join([against, *row.failed] if against else row.failed)
        share = "" if row.copy is None else f"{row.copy:.2f}"
        lines.append(f"| {row.name} | {row.size} | {row.microseconds:.1f} | {against} | {share} | {row.wanted} |")
    return "\n".join(lines)


def versions() -> str:
    found = []
    for name in ("torch", "triton", "jax", "numba", "numba-cuda", "numba-cuda-mlir", "numpy"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def written(row: Row, rows: list[Row], device: str, keep: bool) -> None:
    """A row printed, and the table of all kept, whole at every moment."""
    print(table([row]).splitlines()[-1], flush=True)
    if not keep:
        return
    RESULTS.mkdir(exist_ok=True)
    text = f"# Kernels on {device}\n\n{versions()}; float32, device events, medians of {ROUNDS} rounds.\n\n{table(rows)}\n"
    data = {"device": device, "versions": versions(), "rows": [asdict(row) for row in rows]}
    for name, content in (("gpu.md", text), ("gpu.json", json.dumps(data, indent=1) + "\n")):
        new = RESULTS / f"{name}.new"
        new.write_text(content, "utf-8")
        new.replace(RESULTS / name)


def main() -> int:
    end = time.monotonic()
    parser = argparse.ArgumentParser(description="CUDA kernels beside PyTorch, JAX and Triton.")
    parser.add_argument("--quick", action="store_true", help="leave out the peers that compile")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the cases whose name has this in it")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/results")
    parser.add_argument("--minutes", type=float, default=9, help="begin no case after so long (9)")
    parser.add_argument("--compiler", choices=("numba-cuda", "numba-cuda-mlir"), help="what compiles, where both are installed")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print("benchmarks/gpu.py needs a CUDA device, and PyTorch finds none here.", file=sys.stderr)
        return 1
    if given.compiler == "numba-cuda":
        sys.modules["numba_cuda_mlir"] = None  # type: ignore[assignment]
    chosen = [case for case in cases() if given.only in case[0]]
    keep = partial(written, device=torch.cuda.get_device_name(), keep=given.write)
    all_measured(chosen, end + 60 * given.minutes, given.quick, keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
