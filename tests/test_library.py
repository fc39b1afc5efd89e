"""The library: every definition is described in both languages, and means what NumPy says it means."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive.errors import DeriveError
from derive.language import library, read
from derive.language.at import bind
from derive.values import forward

Array = Any
erf = np.vectorize(math.erf)
E = 0.01  # the epsilon of the normalizations


def softmax(z: Array) -> Array:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def normalized(x: Array) -> Array:
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + E)


def margins(s: Array, t: int) -> Array:
    return np.delete(np.maximum(0, s - s[t] + 1), t)


R = np.random.default_rng(1)
P, Q = softmax(R.normal(size=4)).round(3), softmax(R.normal(size=4)).round(3)
P[-1], Q[-1] = 1 - P[:-1].sum(), 1 - Q[:-1].sum()


def drawn(*shape: int) -> Array:
    return R.normal(size=shape).round(3)


# name: (what NumPy computes, the arguments in the order of the definition's inputs)
ORACLES: dict[str, tuple[Callable[..., Array], tuple[Any, ...]]] = {
    "affine": (lambda W, h, b: W @ h + b, (drawn(2, 3), drawn(3), drawn(2))),
    "affine_batch": (lambda X, W, b: X @ W.T + b, (drawn(4, 3), drawn(2, 3), drawn(2))),
    "attention": (lambda Q, K, V: softmax(Q @ K.T / math.sqrt(3)) @ V, (drawn(2, 3), drawn(4, 3), drawn(4, 5))),
    "batch_norm": (lambda X, g, b, e: g * normalized(X) + b, (drawn(4, 3), drawn(3), drawn(3), E)),
    "bilinear": (lambda x, A, y: x @ A @ y, (drawn(2), drawn(2, 3), drawn(3))),
    "binary_cross_entropy": (lambda z, y: -(y * np.log(sigmoid(z)) + (1 - y) * np.log(1 - sigmoid(z))), (drawn(), 0.25)),
    "conv1d": (lambda x, w, b: np.correlate(x, w, "valid") + b, (drawn(7), drawn(3), 0.5)),
    "cosine_similarity": (lambda x, y: x @ y / np.linalg.norm(x) / np.linalg.norm(y), (drawn(3), drawn(3))),
    "cross_entropy": (lambda p, y: -(y * np.log(p)).sum(), (P, Q)),
    "elu": (lambda x, a: np.where(x > 0, x, a * np.expm1(x)), (-0.7, 1.5)),
    "embedding": (lambda table, t: table[t], (drawn(3, 2), 2)),
    "gaussian_nll": (
        lambda y, mu, s: -np.log(np.exp(-((y - mu) ** 2) / (2 * s**2)) / np.sqrt(2 * np.pi * s**2)),
        (0.3, -0.4, 1.25),
    ),
    "gelu": (lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2))), (-0.8,)),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), (-1.5,)),
    "hinge": (lambda s, t: margins(s, t).sum(), ([2.3, 4.1, -2.1], 0)),
    "huber": (
        lambda a, b, d: np.where(np.abs(a - b) <= d, (a - b) ** 2 / 2, d * (np.abs(a - b) - d / 2)).mean(),
        (drawn(5), drawn(5), 0.75),
    ),
    "kl_divergence": (lambda p, q: (p * np.log(p / q)).sum(), (P, Q)),
    "l1": (lambda a, b: np.abs(a - b).mean(), (drawn(4), drawn(4))),
    "layer_norm": (lambda x, g, b, e: g * normalized(x) + b, (drawn(4), drawn(4), drawn(4), E)),
    "leaky_relu": (lambda x, a: np.where(x > 0, x, a * x), (-0.7, 0.1)),
    "log_softmax": (lambda z: np.log(softmax(z)), (drawn(4),)),
    "logsumexp": (lambda z: np.log(np.exp(z).sum()), (drawn(4),)),
    "max_pool1d": (lambda x: x.reshape(3, 2).max(axis=1), (drawn(6),)),
    "mlp": (
        lambda x, W, b, V, c, t: -np.log(softmax(V @ np.maximum(0, W @ x + b) + c))[t],
        (drawn(3), drawn(4, 3), drawn(4), drawn(2, 4), drawn(2), 1),
    ),
    "mse": (lambda a, b: ((a - b) ** 2).mean(), (drawn(4), drawn(4))),
    "nll": (lambda p, t: -np.log(p[t]), (P, 2)),
    "relu": (lambda x: max(0, x), (-0.5,)),
    "rms_norm": (lambda x, g, e: g * x / np.sqrt((x**2).mean() + E), (drawn(4), drawn(4), E)),
    "rnn_cell": (
        lambda h, x, W, U, b: np.tanh(W @ h + U @ x + b),
        (drawn(2), drawn(3), drawn(2, 2), drawn(2, 3), drawn(2)),
    ),
    "sigmoid": (sigmoid, (0.4,)),
    "silu": (lambda x: x * sigmoid(x), (-0.4,)),
    "softmax": (softmax, (drawn(4),)),
    "softmax_cross_entropy": (lambda z, y: -(y * np.log(softmax(z))).sum(), (drawn(4), P)),
    "softplus": (lambda x: np.log1p(np.exp(x)), (-0.4,)),
    "softsign": (lambda x: x / (1 + abs(x)), (-0.4,)),
    "squared_hinge": (lambda s, t: (margins(s, t) ** 2).sum(), ([1.7, 1.4, -1.3], 2)),
}


@pytest.mark.parametrize("name", library.names())
def test_a_definition_computes_what_numpy_computes(name: str) -> None:
    graph = library.load(name)
    oracle, arguments = ORACLES[name]
    given = dict(zip((i.name for i in graph.inputs), arguments, strict=True))
    sizes = {"K": 2, "s": 2} if name == "max_pool1d" else {}
    point = bind(graph, given | sizes)
    found = forward(graph, point.sizes, point.arrays).arrays[graph.output.name]
    expected = oracle(*(np.array(a) if isinstance(a, list) else a for a in arguments))
    np.testing.assert_allclose(np.array(found, dtype=float), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", library.names())
def test_a_definition_is_described_in_both_languages_and_says_where_it_is_from(name: str) -> None:
    header = library.header(name)
    assert set(header) == {"en", "fr", "source"}
    for language in ("en", "fr"):
        assert header[language].endswith(".")
        assert header[language][0].isupper()
    assert not re.search(r"[^\u00a0]:|[^\u202f][;!?]|'", header["fr"]), "French asks for a no-break space here"
    assert re.search(r"\(\d{4}\)|course notes", header["source"])


@pytest.mark.parametrize("name", library.names())
def test_a_definition_can_be_called_with_its_own_inputs(name: str) -> None:
    graph = library.load(name)
    text = library.definition(name)
    declarations = "\n".join(line for line in text.splitlines() if re.match(r"\w+: ", line))
    call = f"{name}({', '.join(i.name for i in graph.inputs)})"
    called = read(f"{declarations}\nresult = {call}\n")
    assert called.output.name == "result"
    assert called.output.axes == graph.output.axes
    assert len(called.nodes) == len(graph.nodes)
    assert called.inputs == graph.inputs or {i.name for i in called.inputs} == {i.name for i in graph.inputs}


def test_there_are_at_least_thirty_definitions() -> None:
    assert len(library.names()) >= 30


def test_functions_of_numbers_are_those_with_scalars_only() -> None:
    functions = {name for name in library.names() if library.function(name)}
    expected = "sigmoid relu leaky_relu softplus silu gelu softsign elu hard_tanh gaussian_nll"
    assert functions == set(expected.split())


def test_describe_and_text() -> None:
    assert library.describe("softmax") == "Softmax: scores become probabilities."
    assert library.describe("softmax", "fr") == "Softmax\u00a0: des scores deviennent des probabilités."
    assert library.text("softmax").startswith("# en: ")
    assert library.definition("softmax").startswith("z: [n]\n")


def test_an_unknown_definition_is_refused_with_a_suggestion() -> None:
    with pytest.raises(DeriveError, match="no definition sofmax") as caught:
        library.load("sofmax")
    assert caught.value.hint == "Did you mean softmax?"


def test_a_library_definition_cannot_call_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = "z: [n]\np = softmax(2*z)"
    monkeypatch.setattr(library, "definition", lambda name: loop)
    with pytest.raises(DeriveError, match="softmax is defined by itself"):
        read(loop, "softmax")
