"""The modules of kernels as files: compiled once, vectorised, imported without derive."""

from __future__ import annotations

import ast
import builtins
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import derive
from cli import main
from derive.kernels import cache
from derive.kernels.kernel import kernel
from derive.kernels.program.elementary import DTYPES
from derive.kernels.target import TARGETS
from oracles.processes import ROOT, run


@pytest.fixture(scope="module")
def hinge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a module that the command line wrote."""
    folder = tmp_path_factory.mktemp("hinge")
    assert main(["kernel", "hinge", "--batch", "s,t", "--dtype", "float64", "-o", str(folder / "hinge.py")]) == 0
    return folder


USE = """
import json, sys
import numpy as np
import hinge
s = np.array([[2.3, 4.1, -2.1], [1.7, 5.4, 2.3], [1.7, 1.4, -1.3]])
value, (grad,) = hinge.value_and_grad(s, np.array([0, 1, 2]))
print(json.dumps([value, (3*grad).tolist(), sorted(m for m in ("derive", "sympy", "jax", "torch") if m in sys.modules)]))
"""


def test_a_written_module_runs_without_derive(hinge: Path) -> None:
    found = run(USE, hinge)
    assert found.returncode == 0, found.stderr
    value, grad, others = json.loads(found.stdout)
    assert value == pytest.approx(3.5)
    assert others == []
    np.testing.assert_allclose(grad, [[-1, 1, 0], [0, 0, 0], [1, 1, -2]], atol=1e-15)


def test_a_module_that_is_run_compares_its_gradients_with_differences(tmp_path: Path) -> None:
    file = tmp_path / "trial.py"
    assert main(["kernel", "x: [n]; w: positive[n]; y = w*x**2/2", "-o", str(file)]) == 0
    found = subprocess.run([sys.executable, "-m", "trial"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert re.findall(r"^gradient by (\w): (\d) of (\d) ", found.stdout, re.M) == [("x", "2", "2"), ("w", "2", "2")]
    assert re.findall(r"^(\w+): \d+\.\d µs at n = 1024$", found.stdout, re.M) == ["forward", "vjp", "forward_and_vjp"]
    planted, places = re.subn(r"(grad_x__out\[i\] = )(\w+)", r"\1\2 + \2", file.read_text("utf-8"))
    assert places == 2
    file.write_text(planted, "utf-8")
    found = subprocess.run([sys.executable, "-m", "trial"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (found.returncode, "gradient by x: 0 of 2" in found.stdout) == (1, True)


CALLER = """
import numpy as np
import hinge, layer

s, t = np.ones((3, 4)), np.arange(3)
value: float = hinge.value(s, t)
work = hinge.Workspace()
value, (gradient,) = hinge.value_and_grad(s, t, out=(s,), workspace=work)
gradient.sum()
h = np.ones(3, np.float16)
y, (dx, dw, dscale) = layer.forward_and_vjp(h, h, 2.0, h, out=(h, (h, h, None)))
total: float = dscale
"""

MISTAKES = {
    "hinge.value(s)": "call-arg",
    "hinge.value(s, 1)": "arg-type",
    "hinge.value(np.float32(s), t)": "arg-type",
    "hinge.value_and_grad(s, t) + 1": "operator",
    "hinge.value_and_grad(s, t, out=s)": "arg-type",
    "layer.forward(h, h, 2.0, workspace=work)": "arg-type",
    "layer.forward(s, h, 2.0)": "arg-type",
}


def test_a_type_checker_knows_what_functions_take_and_give(tmp_path: Path) -> None:
    """mypy --strict, of a caller beside two modules: it takes what is right, and marks each mistake."""
    for name, more in (("hinge", ["--batch", "s,t", "--dtype", "float64"]), ("layer", ["--dtype", "float16"])):
        source = {"hinge": "hinge", "layer": "x: [n]; w: [n]; y = scale*w*x"}[name]
        assert main(["kernel", source, *more, "-o", str(tmp_path / f"{name}.py")]) == 0
    lines = CALLER.strip().split("\n")
    (tmp_path / "caller.py").write_text("\n".join([*lines, *MISTAKES, ""]), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "caller.py"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    marked = re.findall(r"^caller.py:(\d+): error: .*\[([\w-]+)\]$", found.stdout, re.M)
    assert marked == [(str(len(lines) + k), code) for k, code in enumerate(MISTAKES.values(), 1)], found.stdout + found.stderr


def test_a_module_may_import_what_all_share(hinge: Path, capsys: pytest.CaptureFixture[str]) -> None:
    definition = ["kernel", "hinge", "--batch", "s,t", "--dtype", "float64", "--runtime", "import"]
    (hinge / "short").mkdir()
    assert main([*definition, "-o", str(hinge / "short/hinge.py")]) == 0
    alone, short = ((hinge / name).read_text("utf-8") for name in ("hinge.py", "short/hinge.py"))
    assert len(short.split("\n")) < len(alone.split("\n")) / 2
    assert short.partition("def _value_region0")[2] == alone.partition("def _value_region0")[2]
    found = run(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{USE}", hinge / "short")
    assert found.returncode == 0, found.stderr
    value, grad, others = json.loads(found.stdout)
    assert [value, grad] == json.loads(run(USE, hinge).stdout)[:2]
    assert "derive" in others
    (mark,) = re.findall("[0-9a-f]{16}(?='\\))", short)
    (hinge / "short/hinge.py").write_text(short.replace(mark, "0" * 16), "utf-8")
    found = run(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{USE}", hinge / "short")
    assert "ImportError: this module was written by another derive than" in found.stderr


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_module_mentions_it_defines_or_imports(target: str, dtype: str) -> None:
    text = kernel(derive.graph("softmax_cross_entropy_label"), target, "z,t", dtype=dtype, wrap="torch", imports=True).source
    assert free_names(text) == set()
    assert free_names(text.replace("_array = ", "_arrays = ")) == {"_array"}
    assert not re.search(r"^(def (accumulate|exp_nonpositive|_array)|class Workspace)", text, re.MULTILINE)


def free_names(text: str) -> set[str]:
    """The names that a module mentions and nothing in it, nor Python, defines."""
    nodes = list(ast.walk(ast.parse(text)))
    defined = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    defined |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name}
    defined |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    defined |= {
        (a.asname or a.name).partition(".")[0] for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names
    }
    mentioned = {node.id for node in nodes if isinstance(node, ast.Name)}
    return mentioned - defined - set(dir(builtins))


def test_a_written_module_is_overwritten_only_by_its_like(hinge: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = hinge / "mine.py"
    path.write_text("# mine\n")
    assert main(["kernel", "hinge", "-o", str(path)]) == 1
    assert "was not written by derive" in capsys.readouterr().err
    assert path.read_text() == "# mine\n"
    assert main(["kernel", "hinge", "-o", str(hinge / "again.py")]) == 0
    assert main(["kernel", "squared_hinge", "-o", str(hinge / "again.py")]) == 0


@pytest.mark.parametrize("output", [[], ["-o", "-"]])
def test_without_a_file_the_text_is_printed(output: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "x: [n]; y = tanh(x)", *output]) == 0
    assert capsys.readouterr().out == derive.graph("x: [n]; y = tanh(x)").kernel().source


def test_a_bad_name_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "hinge", "--wrt", "q"]) == 1
    assert capsys.readouterr().err.startswith("derive: There is no input q.")


# ---------------------------------------------------------------- compiled once

TIMED = """
import sys, time
sys.path.insert(0, {root!r})
import derive
made = derive.graph("softmax_cross_entropy_label").kernel(batch=("z", "t"))
import numpy as np
z, t = np.zeros((8, 10), "float32"), np.zeros(8, int)
import numba, llvmlite
made.loaded
start = time.perf_counter()
made.value_and_grad(z, t)
print(time.perf_counter() - start)
"""

KEPT = """
stats = [f.stats for f in vars(made.loaded).values() if isinstance(f, numba.core.dispatcher.Dispatcher)]
print(*[sum(sum(s.values()) for s in kind) for kind in ([s.cache_hits for s in stats], [s.cache_misses for s in stats])])
"""


def test_what_is_compiled_is_kept_for_the_next_process(tmp_path: Path) -> None:
    code = TIMED.format(root=str(ROOT)) + KEPT
    first, second = (run(code, tmp_path) for _ in "ab")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    (hits, misses), (again, missed) = (map(int, f.stdout.split()[1:]) for f in (first, second))
    assert hits == missed == 0
    assert misses >= again == 1  # what the function calls is compiled into it, and not kept by itself
    assert list((tmp_path / "cache").rglob("*.nbi"))


def test_nothing_is_said_about_the_cache(tmp_path: Path) -> None:
    code = TIMED.format(root=str(ROOT)).replace("(8, 10)", "(2000, 100)").replace("np.zeros(8", "np.zeros(2000")
    assert run(code, tmp_path).stderr == ""


def test_processes_that_compile_at_once_do_not_break_one_another(tmp_path: Path) -> None:
    code = TIMED.format(root=str(ROOT)) + "print(made.value_and_grad(z, t)[0])"
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: run(code, tmp_path), range(3)))
    assert [f.returncode for f in found] == [0, 0, 0], [f.stderr for f in found]
    assert {f.stdout.splitlines()[1] for f in found} == {found[0].stdout.splitlines()[1]}
    assert not list((tmp_path / "cache").glob("*.part"))


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path / "file"))
    made = derive.graph("a: [n]; b = 3*a").kernel(dtype="float64")
    np.testing.assert_array_equal(made.forward(np.ones(2)), [3, 3])
    assert cache.folder() not in Path(made.loaded.__file__ or "").parents


def test_compiling_takes_no_longer_than_a_breath(tmp_path: Path) -> None:
    """Far above what is measured on a quiet machine (`benchmarks/compile.py`), to catch what doubles."""
    start = time.perf_counter()
    found = run(TIMED.format(root=str(ROOT)), tmp_path)
    assert found.returncode == 0, found.stderr
    assert time.perf_counter() - start < 60


# ---------------------------------------------------------------- vector code

LOOPS = {"cross_entropy": 3, "hinge": 2, "layer_norm": 4, "batch_norm": 3, "tanh": 1, "gelu": 1, "mse": 1}
"""The inner loops of each kernel, all of which LLVM is to vectorise."""


def vectorised(case: str) -> int:
    found = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "oracles" / "vectorised.py"), case],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stderr
    return found.stderr.count("vectorized loop")


@pytest.mark.parametrize("case", LOOPS)
def test_every_inner_loop_is_vector_code(case: str) -> None:
    assert vectorised(case) >= LOOPS[case]


def test_a_loop_that_cannot_be_vector_code_is_seen() -> None:
    assert vectorised("argmax") == 0


# ---------------------------------------------------------------- a whole training


@pytest.mark.needs("torch")
def test_digits_are_learned_as_in_pytorch() -> None:
    found = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "digits.py")], capture_output=True, text=True, timeout=300, cwd=ROOT
    )
    assert found.returncode == 0, found.stdout + found.stderr
    result = json.loads(found.stdout)
    assert result["accuracy"] >= 0.96
    assert result["largest_difference_of_losses"] <= 1e-4
