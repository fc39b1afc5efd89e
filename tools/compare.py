"""Whether two commits produce the same, byte for byte: what a change that only moves code is held to.

`python tools/compare.py REV1 REV2` checks both out, lets each write its kernels, lectures, explanations and certificates,
and prints what differs; it ends with 1 if anything does.  `--only kernel` compares what that command writes.  `python
tools/compare.py --write DIR` writes what the checkout that it stands in produces, for `diff -r`.  Only the command line is
used, which stays where modules move.  Fingerprints are left out: they say how a definition is stored.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from difflib import unified_diff
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
from cases.kernels import BATCHED as EXAMPLES
from cases.kernels import TEXTS as KERNELS

FINGERPRINT = re.compile(rb"sha256:[0-9a-f]{64}")
PAGES = ("docs/identities.md", "docs/library.md")
"""Written from the code, and held to it by tests."""

TARGETS, DTYPES, LANGS = ("cpu", "cuda"), ("float32", "float64"), ("en", "fr")
FORMATS = ("text", "markdown", "latex", "json")
BATCHED = {"affine": "h", "attention": "Q,K,V", "hinge": "s,t", "layer_norm": "x", "lstm_cell": "x,h0,c0", "mlp": "x,t"}
CHECKED = {"hinge": "s=[2.3, 4.1, -2.1], t=0", "softmax": "z=[1, 2, 3]", "mlp": "", "layer_norm": "", "conv1d": ""}
TWICE = (("logsumexp",), ("softmax_cross_entropy", "--wrt=z"), ("quadratic", "--wrt=x"), ("mse", "--wrt=yhat"))
TYPED = {
    "f = (u + v)*w": "u=2, v=3, w=4",
    "W: [C, n]; x: [n]; t: label[C]; p = softmax(W @ x); L = -log(p[t])": "W=[[1, 2], [3, 4]], x=[1, 1], t=0",
    "x: [n]; b: [n]; y = where(x > b, max(x, b), -x)": "x=[1, -2], b=[0, 0]",
}
"""Definitions that are not of the library, with values."""


def jobs(names: list[str]) -> Iterator[tuple[str, ...]]:
    """The commands, without what they write to."""
    yield ("course",)
    for text, target, dtype in product((*names, *KERNELS), TARGETS, DTYPES):
        yield "kernel", text, f"--target={target}", f"--dtype={dtype}"
    for (name, inputs), target in product(EXAMPLES.items(), TARGETS):
        for options in (
            ("--wrap=torch",),
            ("--reduction=none",),
            ("--wrap=torch", "--dtype=float64", f"--wrt={inputs.split(',')[0]}"),
        ):
            yield "kernel", name, f"--target={target}", f"--batch={inputs}", *options
    for (name, at), form in product(CHECKED.items(), ("text", "json")):
        yield "check", name, f"--at={at}", f"--format={form}"
    for lang, form in product(LANGS, FORMATS):
        options = (f"--lang={lang}", f"--format={form}")
        yield from (("explain", name, *options) for name in names)
        yield from (("explain", name, f"--batch={inputs}", *options) for name, inputs in BATCHED.items())
        yield from (("explain", name, *wrt, "--order=2", *options) for name, *wrt in TWICE)
        yield from (("explain", text, f"--at={at}", "--detail=full", *options) for text, at in TYPED.items())


def write(folder: Path, checkout: Path, only: str) -> None:
    """All that a checkout produces, each command in a folder of its own; nothing of it may have been imported before."""
    sys.path.insert(0, str(checkout))
    os.chdir(checkout)
    command_line = import_module("derive.cli" if find_spec("derive.cli") else "cli")
    assert Path(command_line.__file__ or "").is_relative_to(checkout), f"{command_line.__file__} is of another checkout"
    every = jobs(sorted(path.stem for path in Path("derive/library").glob("*.derive")))
    for job in (job for job in every if only in ("", job[0])):
        place = folder / re.sub(r"[^\w.,=-]+", "_", " ".join(job))
        place.mkdir(parents=True)
        with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
            status = command_line.main([*job, "-o", str(place if job == ("course",) else place / "result")])
        if status != 0:
            (place / "status").write_text(f"{status}\n{said.getvalue()}", encoding="utf-8")
    for page in map(Path, PAGES):
        (folder / page.name).write_bytes(page.read_bytes())
    for path in (path for path in folder.rglob("*") if path.is_file()):
        path.write_bytes(FINGERPRINT.sub(b"sha256:", path.read_bytes()))


def differences(one: Path, other: Path) -> Iterator[str]:
    """Each file that is not the same in both folders, with its first changed lines."""
    for file in sorted({path.relative_to(root) for root in (one, other) for path in root.rglob("*") if path.is_file()}):
        before, after = ((root / file).read_bytes() if (root / file).exists() else b"" for root in (one, other))
        if before != after:
            lines = (content.decode(errors="replace").splitlines() for content in (before, after))
            yield "\n    ".join([f"{file} differs", *list(unified_diff(*lines, lineterm="", n=0))[2:8]])


def compare(revisions: list[str], only: str) -> int:
    """The exit status for two commits, each built by a process of its own."""
    with tempfile.TemporaryDirectory(prefix="compare-") as name:
        trees = [Path(name).resolve() / side / "tree" for side in ("one", "other")]
        results = [tree.with_name("results") for tree in trees]
        try:
            for tree, revision in zip(trees, revisions, strict=True):
                subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, revision], check=True)
            worker = [sys.executable, __file__, "--only", only, "--write"]
            workers = [subprocess.Popen([*worker, r, "--of", t]) for r, t in zip(results, trees, strict=True)]
            failed = [process.wait() for process in workers]
            found = list(differences(*results))
            print(*found, f"{len(found)} files of {sum(p.is_file() for p in results[0].rglob('*'))} differ", sep="\n")
            return 1 if found or any(failed) else 0
        finally:
            for tree in filter(Path.exists, trees):
                subprocess.run(["git", "worktree", "remove", "--force", tree], check=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Whether two commits produce the same.")
    parser.add_argument("revisions", nargs="*", metavar="REV", help="two commits")
    parser.add_argument("--only", default="", metavar="COMMAND", help="what this command writes alone: kernel, explain, check")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write what a checkout produces into this new folder")
    parser.add_argument("--of", type=Path, default=Path(__file__).parent.parent, metavar="DIR", help="the checkout (this one)")
    options = parser.parse_args()
    if not options.write and len(options.revisions) != 2:
        parser.error("give two commits, or --write DIR")
    sys.exit(
        write(options.write.resolve(), options.of.resolve(), options.only)
        if options.write
        else compare(options.revisions, options.only)
    )
