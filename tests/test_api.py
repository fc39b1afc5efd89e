"""What a user holds: the methods of graphs, runs and derivations, and what a notebook shows of each."""

from __future__ import annotations

import copy
import json
import pickle
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from operator import methodcaller
from pathlib import Path, PurePosixPath
from threading import Barrier
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from mpmath.ctx_mp_python import PythonMPContext

import derive
from derive import api
from derive.derivation.choice import derivations
from derive.errors import DeriveError
from derive.graphs.graph import remembered
from derive.language import library
from derive.proof.certificate import certify
from derive.proof.points import random_point
from derive.proof.sizes import size_sets
from derive.teaching.data.explanation import as_json
from derive.teaching.formats.terminal import render_text
from derive.teaching.page import Page
from derive.teaching.pages.explain import explain
from derive.teaching.request import Request
from oracles.random_graphs import random_graph
from oracles.rendering import compile_latex

SCALARS = "f = (u + v)*w"
CROSS_ENTROPY = "z: [C]; y: onehot[C]; p = softmax(z); L = -sum(y*log(p))"


def test_all_that_comes_of_a_graph_is_held_by_the_user() -> None:
    graph = derive.graph(CROSS_ENTROPY)
    second = graph.derive(wrt="z", order=2)
    assert [type(held) for held in (graph, graph.batched("z", "y"), graph.derive(wrt="z"), second, second.gradient)] == [
        api.Graph,
        api.Graph,
        api.Derivation,
        api.SecondDerivation,
        api.Derivation,
    ]
    assert isinstance(graph.at(z=[1, 2], y=[1, 0]), api.Run)
    assert (second.matrix, second.gradient.matrix) == (r"\operatorname{diag}(p) - pp^{\top}", "p - y")
    assert replace(graph, shown=()).derive(wrt="z").numpy == "(p - y)"


def test_one_text_gives_one_graph_and_the_house_gives_data() -> None:
    assert derive.graph(SCALARS) is derive.graph(SCALARS)
    assert not isinstance(library.load("softmax"), api.Graph)
    assert isinstance(derive.graph("softmax"), api.Graph)


def test_a_notebook_shows_a_graph_a_run_and_a_derivation() -> None:
    graph = derive.graph(SCALARS)
    run, found = graph.at(u=2, v=3, w=4), graph.derive("f", "w")
    assert graph._repr_svg_().startswith("<?xml")
    assert graph._repr_latex_() == r"$\begin{gathered}f = (u + v)w\end{gathered}$"
    assert run._repr_svg_() != graph._repr_svg_()
    assert "20" in run._repr_markdown_()
    assert "a constant factor comes out" in found._repr_markdown_()
    assert found._repr_latex_().startswith("$\\displaystyle \\begin{aligned}")


def test_a_notebook_says_of_a_hessian_what_a_page_says() -> None:
    shown = derive.graph(CROSS_ENTROPY).derive(wrt="z", order=2)._repr_markdown_()
    assert "The Hessian is symmetric." in shown


@pytest.mark.parametrize("text", ["W: [m, n]; h: [n]; b: [m]; a = W @ h + b", "softmax", "mlp"])
def test_a_notebook_shows_tensors(text: str) -> None:
    graph = derive.graph(text)
    assert graph._repr_svg_()
    assert graph._repr_latex_()
    for given in (i.name for i in graph.inputs if i.differentiable):
        assert graph.derive("", given, upstream=bool(graph.output.axes))._repr_markdown_()


# ---------------------------------------------------------------- what is printed


@pytest.mark.parametrize("text", [SCALARS, CROSS_ENTROPY, "W: [m, n]; h: [n]; a = W @ h"])
def test_what_is_printed_is_what_explain_says(text: str) -> None:
    graph = derive.graph(text)
    values = {i.name: ([1, 0] if len(i.axes) == 1 else [[1, 2], [3, 4]]) if i.axes else 2 for i in graph.inputs}
    page = render_text(explain(Request(graph, at=values), Page()))
    found = derivations(graph)
    assert len(found) > 1
    for shown in (graph, graph.at(**values), *(graph.derive("", d.wrt, bool(d.graph.upstream)) for d in found)):
        assert f"\n{shown}\n" in page
        assert repr(shown).startswith(f"<{type(shown).__name__} ")
        assert len(repr(shown)) < 100


def test_a_second_derivation_is_printed_as_explain_says_it() -> None:
    graph = derive.graph(CROSS_ENTROPY)
    page = render_text(explain(Request(graph, wrt=("z",), order=2), Page()))
    assert f"\n{graph.derive(wrt='z', order=2)}\n" in page


def test_what_cannot_be_shown_says_why_and_raises_nothing() -> None:
    found = derive.graph(SCALARS).derive(wrt="w")
    wrong = replace(found, steps=(*found.steps[:-1], replace(found.steps[-1], line=2 * found.result)))
    assert str(wrong).startswith("<Derivation ∂f/∂w: ")
    assert "does not follow from the line before it" in str(wrong)
    assert wrong._repr_markdown_() is None
    assert wrong._repr_latex_() is None
    with pytest.raises(derive.ProofError):
        wrong.prove()


@pytest.mark.parametrize("name", library.names())
def test_nothing_raises_where_it_is_shown(name: str) -> None:
    """Pictures are looked at with the pictures."""
    graph = derive.graph(name)
    wrt = next(i.name for i in graph.inputs if i.differentiable)
    found = graph.derive(wrt=wrt, upstream=bool(graph.output.axes))
    for shown in (graph, a_run(graph), found, found.prove(), *second(graph, wrt)):
        forms = {f: getattr(shown, f) for f in dir(shown) if f.startswith("_repr_") and f != "_repr_svg_"}
        assert all(isinstance(form(), str) for form in forms.values())
        assert str(shown)
        assert repr(shown)


def a_run(graph: api.Graph) -> api.Run:
    """A definition at random numbers."""
    point = random_point(graph, size_sets(graph)[0])
    values = {i.name: np.asarray(point.arrays[i.name], dtype=int if i.kind == "label" else float) for i in graph.inputs}
    return graph.at(**{str(s): n for s, n in point.sizes.items()}, **values)


def second(graph: api.Graph, wrt: str) -> list[api.Derivation]:
    """The second derivative by an input, where there is one and it is short."""
    small = not graph.output.axes and len(graph.members[wrt].axes) < 2 and len(graph.nodes) < 5
    return [graph.derive(wrt=wrt, order=2)] if small else []


# ---------------------------------------------------------------- what is given


class Lazily:
    """An array of another library."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.array is None:
            raise RuntimeError("it is on the device")
        return np.asarray(self.array, dtype=dtype)


def test_a_path_is_the_path_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "square of x.derive"
    file.write_text("f = x**2")
    assert derive.graph(file) == derive.graph("f = x**2")
    for missing in (tmp_path, tmp_path / "none.derive", PurePosixPath("/nowhere\0")):
        with pytest.raises(derive.DeriveError, match=r"cannot be read|not the path"):
            derive.graph(missing)


@pytest.mark.parametrize("source", [None, 3, b"f = x", ["f = x"], object(), "", "\0"])
def test_what_is_no_definition_is_said_to_be_none(source: Any) -> None:
    with pytest.raises(derive.DeriveError, match=r"A definition is a text|The library has no definition|Nothing is defined here"):
        derive.graph(source)


TAKEN: list[Any] = [
    *(np.array([1, 2], dtype=t) for t in ("i1", "u8", "f2", "f4", "f8", "g", "O", "U3")),
    np.ma.array([1, 2], mask=[False, False]),
    Lazily([1, 2]),
    [np.array(1), np.float16(2)],
    [Fraction(1), Decimal("2.0")],
    (mpmath.mpf(1), sympy.Integer(2)),
    [sympy.Float(1), "2"],
    range(1, 3),
    derive.graph("x: [2]; y = sqrt(x)").at(x=[1, 4]).exact["y"],
]

REFUSED: list[tuple[Any, str]] = [
    (np.array([True, False]), "True is not a number"),
    (np.array([1, 2], dtype=complex), "is not a number"),
    (np.array([1, 2], dtype="m8[s]"), "is not a number"),
    (np.array([1, 2], dtype="S1"), "is not a number"),
    (np.ma.array([1, 2], mask=[False, True]), "masked"),
    (np.array([1, np.nan]), "nan is not a number"),
    (np.longdouble("1e4000"), "is not a number|too large"),
    (np.zeros((0, 3)), "is empty"),
    (np.zeros((1, 1)), "lists 2 deep"),
    (np.zeros((1,) * 20), "too deep"),
    (Lazily(None), "it is on the device"),
    (b"12", "is not a number"),
    (bytearray(b"12"), "is not a number"),
    (memoryview(b"12"), "is not a number"),
    ([1, [2]], "mix numbers and lists"),
    ([sympy.pi, sympy.oo], "is not a number"),
    ([mpmath.inf], "is not a decimal number"),
    ([10**400], "too large or too small"),
    ([None], "is not a number"),
    ({1: 2}, "is not a number"),
    (iter([1]), "is not a number"),
]


@pytest.mark.parametrize("given", TAKEN, ids=lambda v: type(v).__name__)
def test_every_kind_of_number_is_taken_as_it_is(given: Any) -> None:
    assert derive.graph("x: [n]; f = sum(x**2)").at(x=given).exact["f"][()] == 5


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=lambda v: type(v).__name__)
def test_what_is_no_number_is_said_to_be_none(given: Any, message: str) -> None:
    with pytest.raises(derive.DeriveError, match=message):
        derive.graph("x: [n]; f = sum(x**2)").at(x=given)


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(derive.DeriveError, match="too deep"):
        derive.graph("x: [n]; f = sum(x)").at(x=endless)


@pytest.mark.needs("torch")
def test_parameters_of_torch_are_taken() -> None:
    import torch

    graph = derive.graph("x: [n]; f = sum(x**2)")
    assert graph.at(x=torch.tensor([1.0, 2.0], requires_grad=True))["f"] == 5
    with pytest.raises(derive.DeriveError, match="cannot be read as an array"):
        graph.at(x=torch.tensor([1.0], dtype=torch.bfloat16))


# ---------------------------------------------------------------- random calls

CALLS = 400

HOSTILE: list[Any] = [
    *(None, "", "L", "x", "f", "a b", "∂f/∂x", "\0", "x" * 300, 0, 1, 2, -1, 3.5, True, float("nan"), b"x", 10**400),
    *((), ("x",), ["x", "x"], ("x", "y", "z"), {}, {"x"}, range(3), [[1], [1, 2]], iter("x")),
    *(object(), Fraction(1, 3), np.float64(2), np.array([1, 2]), np.array("x"), sympy.Symbol("x"), len, int),
]

DEFINITIONS = (
    SCALARS,
    CROSS_ENTROPY,
    "x: [n]; t: label[n]; L = logsumexp(x) - x[t]",
    "W: [m, n]; h: [n]; a = W @ h",
    "f = 1",
    "x: [n]; f = max(x) + n",
    *(random_graph(random.Random(f"interface {k}")).text for k in range(8)),
)


def call_anything(chance: random.Random) -> Any:
    """One call of the interface, with some arguments that are right and some that nothing is."""
    graph = derive.graph(chance.choice(DEFINITIONS))
    own = [*graph.members]

    def name() -> Any:
        return chance.choice(own if chance.random() < 0.7 else HOSTILE)

    def second() -> Any:
        return graph.derive(wrt=chance.choice([name(), (name(), name()), [name()]]), order=chance.choice([2, *HOSTILE]))

    def computed() -> Any:
        run = derive.graph("u: [2]; f = sum(u*v)").at(u=[1, 2], v=chance.choice([0, 1e308, -1, "1e-308", *HOSTILE]))
        return str(run), run[chance.choice(["f", "u", name()])], run.grad[chance.choice(["f", "u", name()])]

    def derived() -> Any:
        found = graph.derive(name(), name(), *chance.sample(HOSTILE, chance.randrange(3)))
        return found.matrix, found.numpy, found.latex(), found.cases, repr(found)

    options = ("target", "batch", "wrt", "dtype", "reduction", "wrap")
    calls: tuple[Callable[[], Any], ...] = (
        lambda: derive.graph(chance.choice(HOSTILE)),
        lambda: graph.batched(*(name() for _ in range(chance.randrange(3)))),
        lambda: graph.at(**{chance.choice([*own, "n", "N", "zz"]): chance.choice(HOSTILE) for _ in range(3)}),
        lambda: graph.kernel(**{option: chance.choice(HOSTILE) for option in chance.sample(options, 2)}),
        second,
        computed,
        derived,
    )
    return chance.choice(calls)()


def test_whatever_is_asked_for_is_given_or_refused() -> None:
    """Any exception of another family is a fault."""
    met: Counter[str] = Counter()
    for seed in range(CALLS):
        try:
            call_anything(random.Random(seed))
            met["given"] += 1
        except derive.DeriveError:
            met["refused"] += 1
    assert min(met["given"], met["refused"]) > CALLS // 40


# ---------------------------------------------------------------- values beyond a float


@pytest.mark.parametrize(("text", "x", "size"), [("f = x**2", 1e200, "1.0e[+]400"), ("f = exp(x)", 10**5, "2.80666e[+]43429")])
def test_a_value_beyond_a_float_says_where_it_is(text: str, x: float, size: str) -> None:
    run = derive.graph(text).at(x=x)
    with pytest.raises(
        derive.DeriveError, match=rf"f is about {size}, and a float holds no more than 1.8e[+]308.\n.*run.exact\['f'\]"
    ):
        _ = run["f"]
    assert run.exact["f"][()] > 1e308
    with pytest.raises(derive.DeriveError, match="is about"):
        certify(run.source, run)
    data = json.loads(json.dumps(as_json(Request(run.source, at={"x": x}), Page()), allow_nan=False))
    assert re.fullmatch(size, data["values"]["f"])
    assert data["at"]["x"] == x


def test_a_value_that_is_not_there_is_a_key_that_is_not_there() -> None:
    run = derive.graph(SCALARS).at(u=1, v=2, w=3)
    for values in (run, run.grad):
        with pytest.raises(derive.DeriveError, match="There is no value of 'z' here") as error:
            _ = values["z"]
        assert isinstance(error.value, KeyError)
    assert "z" not in run.grad


# ---------------------------------------------------------------- pickles and copies

HELD = {
    "a function of the library": lambda: derive.graph("u: [n]; f = sum(sigmoid(u)*exp(u))"),
    "a product that SymPy multiplies out": lambda: derive.graph("squared_hinge").derive(wrt="s"),
    "a Jacobian": lambda: derive.graph("softmax").derive(wrt="z"),
    "a gradient behind a tensor": lambda: derive.graph("mlp").derive(wrt="x", upstream=True),
    "a Hessian": lambda: derive.graph(CROSS_ENTROPY).derive(wrt="z", order=2),
    "a run": lambda: derive.graph("z: [C]; t: label[C]; L = logsumexp(z) - z[t]").at(z=[1, "0.5"], t=1),
    "a run at numbers of 50 digits": lambda: derive.graph("gelu").at(x=1),
    "a proof": lambda: derive.graph("gelu").derive().prove(),
    "a graph for N examples": lambda: derive.graph(CROSS_ENTROPY).batched("z", "y"),
}


def test_latex_has_the_reasons_in_the_language_that_was_set() -> None:
    found = derive.graph("f = (u + v)*w").derive(wrt="w")
    assert r"&= u + v && \quad \text{a variable by itself has derivative 1}" in found.latex()
    assert r"\text" not in found.latex(reasons=False)
    try:
        derive.set_language("fr")
        assert r"\text{la dérivée d’une variable par elle-même vaut 1}" in found.latex()
        assert "Définition" in str(found.graph)
        assert "un facteur constant sort de la dérivée" in found._repr_markdown_()
        assert "définition de" in str(found)
        assert "0,5" in derive.graph("f = u*v").at(u="0.5", v=1)._repr_markdown_().replace("{,}", ",")
    finally:
        derive.set_language("en")
    with pytest.raises(DeriveError, match="There is no language 'xx'"):
        derive.set_language("xx")


@pytest.mark.needs("pdflatex")
def test_latex_with_its_reasons_is_set_by_latex(tmp_path: Path) -> None:
    found = derive.graph("softmax_cross_entropy").derive(wrt="z")
    page = r"\documentclass{article}\usepackage{amsmath,amssymb}\begin{document}\[" + found.latex() + r"\]\end{document}"
    assert compile_latex(page, tmp_path).pages == 1


def everything_of(held: Any) -> list[str]:
    """What is seen of an object, and of what is made of it."""
    if isinstance(held, api.Graph):
        wrt = next(i.name for i in held.inputs if i.differentiable)
        return [str(held), held.source, held._repr_latex_() or "", *everything_of(held.derive(wrt=wrt))]
    if isinstance(held, api.Run):
        return [str(held), *(f"{name}: {array.tolist()}" for name, array in held.gradients.items())]
    found = held.derivation if isinstance(held, api.Proved) else held
    return [str(held), found.latex(), *map(str, found.prove().errors), str(found.matrix), str(found.cases)]


def unpickled(held: Any) -> Iterator[Any]:
    yield from (pickle.loads(pickle.dumps(held, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1))


@pytest.mark.parametrize("what", HELD)
def test_what_is_unpickled_is_what_was_pickled(what: str) -> None:
    held = HELD[what]()
    seen = everything_of(held)  # also: what is remembered with an object does no harm
    for other in unpickled(held):
        assert (type(other), other, hash(other)) == (type(held), held, hash(held))
        assert everything_of(other) == seen


@pytest.mark.parametrize("what", HELD)
def test_a_copy_of_what_never_changes_is_itself(what: str) -> None:
    held = HELD[what]()
    assert copy.copy(held) is held
    assert copy.deepcopy([held])[0] is held


def test_a_copy_of_another_is_another() -> None:
    graph = derive.graph(SCALARS)
    one, other = graph.at(u=2, v=3, w=4), graph.at(u=2, v=3, w=5)
    assert pickle.loads(pickle.dumps(one)) != other
    assert replace(one, seed=2) != one
    assert graph != derive.graph("f = (u + v)*x")


def test_what_is_pickled_together_stays_together_and_is_small() -> None:
    graph = derive.graph("lstm_cell")
    found = [graph.derive(wrt=wrt, upstream=True) for wrt in ("x", "h0")]
    length = len(pickle.dumps(found))
    for each in found:
        each.prove()
    one, other = pickle.loads(text := pickle.dumps(found))
    assert len(text) == length < 100_000
    assert one.graph is other.graph


def test_what_is_held_travels_to_another_process_and_back() -> None:
    """A process that is started anew has nothing of this one but the pickle."""
    held = [make() for make in HELD.values()]
    with get_context("spawn").Pool(1) as pool:
        assert pool.map(str, held) == [str(one) for one in held]
        proved = pool.map(methodcaller("prove"), [one for one in held if isinstance(one, api.Derivation)])
    assert proved == [one.prove() for one in held if isinstance(one, api.Derivation)]


# ---------------------------------------------------------------- memory


def kept() -> dict[str, tuple[int | None, int]]:
    """Of every function in the house that keeps results: how many it may keep, and how many it does."""
    modules = [m for name, m in sorted(sys.modules.items()) if name.startswith("derive.")]
    found = [(m.__name__, name, f) for m in modules for name, f in vars(m).items() if hasattr(f, "cache_info")]
    return {f"{m}.{name}": (f.cache_info().maxsize, f.cache_info().currsize) for m, name, f in found if f.__module__ == m}


def test_a_process_that_derives_for_ever_does_not_grow() -> None:
    """Of every cache there is a most, but of those that the library and the language fill once."""
    proved_text(200)
    proved_text(201)
    proved_text(202)
    before = kept()
    for k in range(203, 209):
        proved_text(k)
    unbounded = {name: count for name, (most, count) in kept().items() if most is None}
    assert unbounded == {name: before[name][1] for name in unbounded}
    assert len(before) > 25
    assert max(most or 0 for most, _ in before.values()) <= 1 << 13


# ---------------------------------------------------------------- threads

LOSSES = (
    "x{k}: [n]; L = sum((x{k} - mean(x{k}))**2)/(1 + {k}*sum(x{k}**2))",
    "z{k}: [C]; t{k}: label[C]; L = {k}*logsumexp(z{k}) - z{k}[t{k}]",
    "f = erf(u{k})*sigmoid({k}*v{k}) + log(1 + exp(u{k}*v{k}))",
)


def proved_text(k: int) -> str:
    """A definition of its own for each number, derived, proved and computed: all that is seen of it."""
    graph = derive.graph(LOSSES[k % len(LOSSES)].format(k=k))
    lines = [f"{step.line} {kind}" for i in graph.inputs if i.differentiable for step, kind in _lines_of(graph, i.name)]
    values = {i.name: 1 if i.kind == "label" else ["0.3", 1, "-2.1"] if i.axes else "0.3" for i in graph.inputs}
    return "\n".join([*lines, *(str(array) for array in graph.at(**values).gradients.values())])


def _lines_of(graph: api.Graph, wrt: str) -> Iterator[tuple[object, str]]:
    proved = graph.derive(wrt=wrt).prove()
    yield from zip(proved.derivation.steps, proved.kinds, strict=True)


def test_the_precision_of_the_process_is_never_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other threads compute in it: it is theirs."""
    for name in ("prec", "dps"):
        old = getattr(PythonMPContext, name)

        def fails(context: object, digits: int, put: object = old.fset) -> None:
            assert context is not mpmath.mp
            put(context, digits)  # type: ignore[operator]

        monkeypatch.setattr(PythonMPContext, name, property(old.fget, fails))
    for k in range(100, 100 + len(LOSSES)):
        assert proved_text(k)


def test_numbers_do_not_depend_on_the_precision_of_the_process() -> None:
    text = "x: [2]; f = erf(x[0])*sin(x[1]) + pi*sqrt(x[0]){}"
    with mpmath.workdps(7):
        coarse = derive.graph(text.format("")).at(x=["0.3", 2])
        assert coarse.exact["f"][()] - coarse.exact["f"][()] / 3 != 0
    fine = derive.graph(text.format(" + 0")).at(x=["0.3", 2])
    assert coarse.exact["f"][()] == fine.exact["f"][()]
    assert coarse.gradients["x"].tolist() == fine.gradients["x"].tolist()
    assert len(str(fine.exact["f"][()] * 3)) > 45


def test_threads_at_once_derive_prove_and_compute_what_one_alone_does() -> None:
    numbers, before = range(12), mpmath.mp.prec
    alone = [proved_text(k) for k in numbers]
    derive.language.reader.read.cache_clear()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(proved_text, numbers))
            shared = list(pool.map(proved_text, [0] * 6))
    finally:
        sys.setswitchinterval(interval)
    assert together == alone
    assert shared == alone[:1] * 6
    assert mpmath.mp.prec == before


def test_what_is_remembered_of_a_graph_is_one_thing_for_all_threads() -> None:
    graph, both = derive.graph("f = 41*u + v"), Barrier(2)

    def made() -> object:
        both.wait(10)
        return object()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: remembered(graph, "made by two", made), range(2))
    assert one is other


def test_several_derivations_are_shown_one_after_the_other() -> None:
    found = derive.graph("z = w*x + b; L = exp(z) + z**2").derive(wrt=("b", "w"), through=True, expand=True)
    assert [d.wrt for d in found] == ["z", "b", "w"]
    assert not any(d.named for d in found[1:])
    said = str(found)
    assert said.index("Gradient ∂L/∂z") < said.index("Gradient ∂L/∂b") < said.index("Gradient ∂L/∂w")
    assert found._repr_markdown_().count("\\begin{aligned}") == 3
    assert derive.graph("z = w*x + b; L = exp(z) + z**2").derive(wrt="w", expand=True).named == ()
