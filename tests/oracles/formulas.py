"""Formulas of the graph language that know two things of themselves: how they are written, and what PyTorch makes of them.

The second is an oracle for gradients.  It shares nothing with the language, the calculus or their numbers: a formula is
evaluated where it stands, in float64, by operations of PyTorch.  Every value has one dimension for each index letter of its
definition (of length 1 where the letter does not matter), then one for each axis of a whole tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import reduce
from typing import Any

from oracles.extras import functional as F
from oracles.extras import torch

Value = Any
"""A float64 tensor, or int64 for labels."""

SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 6)
"""How strongly a formula holds together, from `a + b` to `f(x)`."""


# ---------------------------------------------------------------- a point


@dataclass
class Watch:
    """What is seen on the way through a formula: how near it comes to a kink, and how large its values get."""

    kink: float = math.inf
    size: float = 0.0


@dataclass(frozen=True)
class Point:
    """The length of every axis and a value for every tensor; `letters` are the indices bound where a formula stands.

    With `noise`, every operation errs by about that much, relative to its value: how far a gradient moves under it says how
    well it is conditioned.
    """

    lengths: Mapping[str, int]
    tensors: Mapping[str, Value]
    dimensions: Mapping[str, int] = field(default_factory=dict)
    letters: Mapping[str, Value] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)
    noise: float = 0.0

    @property
    def rank(self) -> int:
        return len(self.dimensions)

    def bound(self, axes: Mapping[str, str]) -> Point:
        """The point inside a binder of these letters."""
        new = {}
        for letter, axis in axes.items():
            shape = [1] * self.rank
            shape[self.dimensions[letter]] = -1
            new[letter] = torch.arange(self.lengths[axis]).reshape(shape)
        return replace(self, letters={**self.letters, **new})

    def number(self, value: Any) -> Value:
        return torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None).reshape([1] * self.rank)

    def smooth(self, distances: Value) -> None:
        """Take note of how far from 0 these are, where a kink is."""
        if distances.numel():
            self.watch.kink = min(self.watch.kink, float(distances.detach().abs().min()))


# ---------------------------------------------------------------- formulas


@dataclass(frozen=True)
class Formula:
    """A formula: its parts are the fields that are formulas."""

    @property
    def strength(self) -> int:
        return ATOM

    @property
    def text(self) -> str:
        raise NotImplementedError

    def value(self, at: Point) -> Value:
        raise NotImplementedError

    def at(self, strength: int) -> str:
        """The text as an operand of something that holds this strongly."""
        return self.text if self.strength >= strength else f"({self.text})"

    def of(self, at: Point) -> Value:
        """The value, watched."""
        value = self.value(at)
        if value.is_floating_point():
            if at.noise:
                value = value * (1 + at.noise * torch.randn_like(value))
            size = float(value.detach().abs().max()) if value.numel() else 0.0
            at.watch.size = math.inf if math.isnan(size) else max(at.watch.size, size)
        return value

    @property
    def features(self) -> Iterator[str]:
        """What a reader would say is in this formula, by itself."""
        yield type(self).__name__.lower()


def parts(formula: Any) -> Iterator[Formula]:
    """A formula and everything in it."""
    if isinstance(formula, Formula):
        yield formula
        for entry in fields(formula):
            yield from parts(getattr(formula, entry.name))
    elif isinstance(formula, tuple):
        for entry in formula:
            yield from parts(entry)


@dataclass(frozen=True)
class Number(Formula):
    """A literal."""

    text: str = "1"

    def value(self, at: Point) -> Value:
        return at.number(int(self.text) if self.text.isdigit() else float(self.text))


@dataclass(frozen=True)
class Pi(Formula):
    @property
    def text(self) -> str:
        return "pi"

    def value(self, at: Point) -> Value:
        return at.number(math.pi)


@dataclass(frozen=True)
class Length(Formula):
    """The size of an axis, as a number or in an index."""

    axis: str

    @property
    def text(self) -> str:
        return self.axis

    def value(self, at: Point) -> Value:
        return at.number(at.lengths[self.axis])


@dataclass(frozen=True)
class Letter(Formula):
    """An index, as an index or as a number."""

    letter: str

    @property
    def text(self) -> str:
        return self.letter

    def value(self, at: Point) -> Value:
        return at.letters[self.letter]


@dataclass(frozen=True)
class Affine(Formula):
    """An index `slope*letter + … + offset`; a slope is a number or the name of a size."""

    written: str
    slopes: tuple[tuple[str, int | str], ...]
    offset: tuple[tuple[str, int], ...] = ()
    """Σ of lengths, each times a number; the axis "" has length 1."""

    @property
    def strength(self) -> int:
        return SUM

    @property
    def text(self) -> str:
        return self.written

    def value(self, at: Point) -> Value:
        value = at.number(sum(count * (at.lengths[axis] if axis else 1) for axis, count in self.offset))
        for letter, slope in self.slopes:
            value = value + at.letters[letter] * (at.lengths[slope] if isinstance(slope, str) else slope)
        return value

    @property
    def features(self) -> Iterator[str]:
        yield "affine index"
        for _, slope in self.slopes:
            if slope != 1:
                yield "affine index: " + ("stride by a name" if isinstance(slope, str) else "stride" if slope > 0 else "reversed")


@dataclass(frozen=True)
class Ref(Formula):
    """A whole tensor, or a scalar; the axes are those that it has."""

    name: str

    @property
    def text(self) -> str:
        return self.name

    def value(self, at: Point) -> Value:
        tensor = at.tensors[self.name]
        return tensor.reshape([1] * at.rank + list(tensor.shape))


@dataclass(frozen=True)
class Entry(Formula):
    """`x[i, j]`."""

    name: str
    indices: tuple[Formula, ...]

    @property
    def text(self) -> str:
        return f"{self.name}[{', '.join(i.text for i in self.indices)}]"

    def value(self, at: Point) -> Value:
        return at.tensors[self.name][torch.broadcast_tensors(*(i.of(at) for i in self.indices))]

    @property
    def features(self) -> Iterator[str]:
        for index in self.indices:
            if isinstance(index, (Ref, Entry)):
                yield "label as an index"
            if isinstance(index, (Number, Length)):
                yield "constant index"
        letters = [i.letter for i in self.indices if isinstance(i, Letter)]
        if len(set(letters)) < len(letters):
            yield "diagonal entry"
        yield "entry"


@dataclass(frozen=True)
class Operator(Formula):
    """`a + b`, `a - b`, `a*b`, `a/b`, elementwise."""

    sign: str
    left: Formula
    right: Formula

    @property
    def strength(self) -> int:
        return SUM if self.sign in "+-" else PRODUCT

    @property
    def text(self) -> str:
        sign = f" {self.sign} " if self.sign in "+-" else self.sign
        return f"{self.left.at(self.strength)}{sign}{self.right.at(self.strength + 1)}"

    def value(self, at: Point) -> Value:
        a, b = aligned(at, self.left.of(at), self.right.of(at))
        match self.sign:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
        at.watch.size = max(at.watch.size, float((1 / b.detach().double().abs()).max()))
        return a.double() / b

    @property
    def features(self) -> Iterator[str]:
        yield self.sign


@dataclass(frozen=True)
class Negative(Formula):
    of_: Formula

    @property
    def strength(self) -> int:
        return SIGN

    @property
    def text(self) -> str:
        return f"-{self.of_.at(POWER)}"

    def value(self, at: Point) -> Value:
        return -self.of_.of(at)

    @property
    def features(self) -> Iterator[str]:
        yield "unary -"


@dataclass(frozen=True)
class Power(Formula):
    """`base**exponent`: a literal, a fraction `p/q` of literals, or something with a name."""

    base: Formula
    exponent: Formula

    @property
    def strength(self) -> int:
        return POWER

    @property
    def text(self) -> str:
        return f"{self.base.at(ATOM)}**{self.exponent.at(SIGN)}"

    def value(self, at: Point) -> Value:
        base, exponent = aligned(at, self.base.of(at), self.exponent.of(at))
        if not isinstance(self.exponent, Number) or "." in self.exponent.text:
            at.smooth(base)
        return base.double() ** exponent

    @property
    def features(self) -> Iterator[str]:
        literal = all(isinstance(p, (Number, Negative, Fraction)) for p in parts(self.exponent))
        yield "power" if literal else "power with a variable exponent"


@dataclass(frozen=True)
class Fraction(Formula):
    """`p/q` of two literals."""

    p: int
    q: int

    @property
    def strength(self) -> int:
        return PRODUCT

    @property
    def text(self) -> str:
        return f"{self.p}/{self.q}"

    def value(self, at: Point) -> Value:
        return at.number(self.p / self.q)

    @property
    def features(self) -> Iterator[str]:
        yield "fractional exponent"


@dataclass(frozen=True)
class Compare(Formula):
    """A condition, on indices or on numbers."""

    sign: str
    left: Formula
    right: Formula

    @property
    def text(self) -> str:
        return f"{self.left.at(SUM)} {self.sign} {self.right.at(SUM)}"

    def value(self, at: Point) -> Value:
        a, b = aligned(at, self.left.of(at), self.right.of(at))
        if a.is_floating_point() or b.is_floating_point():
            at.smooth(a - b)
        return {
            "<": torch.lt,
            "<=": torch.le,
            ">": torch.gt,
            ">=": torch.ge,
            "==": torch.eq,
            "!=": torch.ne,
        }[self.sign](a, b)

    @property
    def features(self) -> Iterator[str]:
        yield f"condition {self.sign}"


@dataclass(frozen=True)
class Choice(Formula):
    """`where(condition, a, b)`."""

    condition: Compare
    yes: Formula
    no: Formula

    @property
    def text(self) -> str:
        return f"where({self.condition.text}, {self.yes.text}, {self.no.text})"

    def value(self, at: Point) -> Value:
        condition, yes, no = aligned(at, self.condition.of(at), self.yes.of(at), self.no.of(at))
        return torch.where(condition, yes.double(), no.double())

    @property
    def features(self) -> Iterator[str]:
        yield "where"


@dataclass(frozen=True)
class Guarded(Formula):
    """`where(a > 0, f(a), b)`: f is asked for a value only where it has one."""

    function: str
    argument: Formula
    otherwise: Formula

    @property
    def text(self) -> str:
        return f"where({self.argument.at(SUM)} > 0, {self.function}({self.argument.text}), {self.otherwise.text})"

    def value(self, at: Point) -> Value:
        argument, otherwise = aligned(at, self.argument.of(at), self.otherwise.of(at))
        at.smooth(argument)
        safe = torch.where(argument > 0, argument, torch.ones_like(argument))
        return torch.where(argument > 0, NUMBERS[self.function].function(safe.double()), otherwise.double())

    @property
    def features(self) -> Iterator[str]:
        yield "where that guards a function"


@dataclass(frozen=True)
class Elementwise(Formula):
    """A function of numbers, primitive or of the library."""

    function: str
    args: tuple[Formula, ...]

    @property
    def text(self) -> str:
        return f"{self.function}({', '.join(a.text for a in self.args)})"

    def value(self, at: Point) -> Value:
        args = [a.double() for a in aligned(at, *(a.of(at) for a in self.args))]
        row = NUMBERS[self.function]
        for distance in row.kinks(*args):
            at.smooth(distance)
        return row.function(*args)

    @property
    def features(self) -> Iterator[str]:
        yield f"{self.function}()"


@dataclass(frozen=True)
class Library(Formula):
    """A definition of the library that takes tensors; arguments may have leading axes of examples."""

    function: str
    args: tuple[Formula, ...]

    @property
    def text(self) -> str:
        return f"{self.function}({', '.join(a.text for a in self.args)})"

    def value(self, at: Point) -> Value:
        row = TENSORS[self.function]
        takes = row.takes or "r" * len(self.args)
        args = [a.of(at) if kind == "l" else a.of(at).double() for a, kind in zip(self.args, takes, strict=True)]
        batches = [a.dim() - at.rank - rank for a, rank in zip(args, row.ranks, strict=True)]
        whole = [
            a.reshape([*a.shape[: at.rank], *[1] * (max(batches) - batch), *a.shape[at.rank :]])
            for a, batch in zip(args, batches, strict=True)
        ]
        for distance in row.kinks(*whole):
            at.smooth(distance)
        return row.function(*whole)

    @property
    def features(self) -> Iterator[str]:
        yield f"{self.function}()"


@dataclass(frozen=True)
class Transposed(Formula):
    of_: Formula
    row: bool = False
    """Of a vector left of @, where it changes nothing."""

    @property
    def text(self) -> str:
        return f"{self.of_.at(ATOM)}.T"

    def value(self, at: Point) -> Value:
        value = self.of_.of(at)
        return value if self.row else value.transpose(-1, -2)

    @property
    def features(self) -> Iterator[str]:
        yield ".T of a vector" if self.row else ".T"


@dataclass(frozen=True)
class Matmul(Formula):
    """`a @ b`, of vectors and matrices; `ranks` are theirs."""

    left: Formula
    right: Formula
    ranks: tuple[int, int]

    @property
    def strength(self) -> int:
        return PRODUCT

    @property
    def text(self) -> str:
        return f"{self.left.at(PRODUCT)} @ {self.right.at(PRODUCT + 1)}"

    def value(self, at: Point) -> Value:
        a, b = self.left.of(at).double(), self.right.of(at).double()
        rows, columns = "abc"[: self.ranks[0] - 1], "klm"[: self.ranks[1] - 1]
        return torch.einsum(f"...{rows}j,...j{columns}->...{rows}{columns}", a, b)

    @property
    def features(self) -> Iterator[str]:
        yield "@ {}·{}".format(*self.ranks)


@dataclass(frozen=True)
class Reduce(Formula):
    """`sum(body for i in n for j in m if …)`, or of a whole tensor, where there are no letters."""

    operator: str
    body: Formula
    letters: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Compare, ...] = ()
    joined: bool = False
    """Conditions written as one, with `and`."""

    @property
    def text(self) -> str:
        loops = "".join(f" for {letter} in {axis}" for letter, axis in self.letters)
        tests = "".join(f"{' and' if self.joined and k else ' if'} {c.text}" for k, c in enumerate(self.conditions))
        return f"{self.operator}({self.body.text}{loops}{tests})"

    def value(self, at: Point) -> Value:
        inside = at.bound(dict(self.letters))
        body = self.body.of(inside).double()
        if not self.letters:
            dims = list(range(at.rank, body.dim()))
            keep = body.flatten(at.rank)
            return self.reduced(at, keep, [at.rank]).reshape(body.shape[: at.rank]) if dims else body
        dims = [at.dimensions[letter] for letter, _ in self.letters]
        shape = list(body.shape)
        mask = reduce(torch.logical_and, [c.of(inside) for c in self.conditions], torch.ones([1] * at.rank, dtype=torch.bool))
        if self.operator not in ("max", "min"):
            for d, (_, axis) in zip(dims, self.letters, strict=True):
                shape[d] = at.lengths[axis]
            body, mask = body.expand(shape), mask.expand(torch.broadcast_shapes(mask.shape, tuple(shape)))
        nothing = {"prod": 1.0, "max": -math.inf, "argmax": -math.inf, "min": math.inf}.get(self.operator, 0.0)
        body = torch.where(mask, body, torch.full_like(body, nothing))
        if self.operator == "mean":
            return body.double().sum(dims, keepdim=True) / mask.sum(dims, keepdim=True)
        return self.reduced(at, body, dims, keep=True)

    def reduced(self, at: Point, body: Value, dims: list[int], keep: bool = False) -> Value:
        match self.operator:
            case "sum":
                return body.sum(dims, keepdim=keep)
            case "mean":
                return body.mean(dims, keepdim=keep)
            case "prod":
                return reduce(lambda value, d: value.prod(d, keepdim=keep), dims, body)
        lower = -body if self.operator == "min" else body
        apart(at, lower, dims)
        if self.operator == "argmax":
            return lower.argmax(dims[0], keepdim=keep)
        largest = lower.amax(dims, keepdim=keep)
        return -largest if self.operator == "min" else largest

    @property
    def features(self) -> Iterator[str]:
        yield f"{self.operator} {'over indices' if self.letters else 'of a tensor'}"
        if len(self.letters) > 1:
            yield "reduction over several indices"
        if self.conditions:
            yield f"{self.operator} with a condition"
        if len(self.conditions) > 1:
            yield "several conditions"
        if any(isinstance(part, Reduce) for part in parts(self.body)):
            yield "nested reductions"


def apart(at: Point, body: Value, dims: list[int]) -> None:
    """Take note of how far the largest entry is from the one after it."""
    flat = body.detach().movedim(dims, list(range(len(dims)))).flatten(0, len(dims) - 1)
    if flat.shape[0] > 1:
        top = flat.topk(2, dim=0).values
        at.smooth((top[0] - top[1]).nan_to_num(posinf=math.inf))


def aligned(at: Point, *values: Value) -> list[Value]:
    """Values of fewer axes get axes of length 1 before their own: only the last axes are matched."""
    most = max(v.dim() for v in values)
    return [v.reshape([*v.shape[: at.rank], *[1] * (most - v.dim()), *v.shape[at.rank :]]) for v in values]


# ---------------------------------------------------------------- functions


def _smooth(*args: Value) -> list[Value]:
    return []


@dataclass(frozen=True)
class Row:
    """A function of numbers: PyTorch's own, what must not vanish for it to be smooth, what it takes and gives."""

    function: Callable[..., Value]
    kinks: Callable[..., list[Value]] = _smooth
    takes: str = "r"
    """For each argument: r a real number, p a positive one, n a positive literal."""
    positive: bool = False


# F.hardsigmoid is not among them: its gradient multiplies by 1/6 in single precision.
# PyTorch's polygamma has nine right digits: here by the recurrence and Stirling's series, DLMF 5.5.2 and 5.11.2.
SHIFT = 20


def _digamma(x: Any) -> Any:
    y = x + SHIFT
    series = torch.log(y) - 1 / (2 * y) - 1 / (12 * y**2) + 1 / (120 * y**4) - 1 / (252 * y**6) + 1 / (240 * y**8)
    return series - sum(1 / (x + k) for k in range(SHIFT))


def _trigamma(x: Any) -> Any:
    y = x + SHIFT
    series = 1 / y + 1 / (2 * y**2) + 1 / (6 * y**3) - 1 / (30 * y**5) + 1 / (42 * y**7) - 1 / (30 * y**9)
    return series + sum(1 / (x + k) ** 2 for k in range(SHIFT))


NUMBERS: dict[str, Row] = {
    "exp": Row(lambda x: torch.exp(x), positive=True),
    "log": Row(lambda x: torch.log(x), takes="p"),
    "sqrt": Row(lambda x: torch.sqrt(x), lambda x: [x], takes="p", positive=True),
    "abs": Row(lambda x: torch.abs(x), lambda x: [x]),
    "sin": Row(lambda x: torch.sin(x)),
    "cos": Row(lambda x: torch.cos(x)),
    "tanh": Row(lambda x: torch.tanh(x)),
    "erf": Row(lambda x: torch.erf(x)),
    "sinh": Row(lambda x: torch.sinh(x)),
    "cosh": Row(lambda x: torch.cosh(x), positive=True),
    "arctan": Row(lambda x: torch.arctan(x)),
    "sign": Row(lambda x: torch.sign(x), lambda x: [x]),
    "lgamma": Row(lambda x: torch.lgamma(x), takes="p"),
    "digamma": Row(lambda x: _digamma(x), takes="p"),
    "trigamma": Row(lambda x: _trigamma(x), takes="p", positive=True),
    "log1p": Row(lambda x: torch.log1p(x), takes="p", positive=True),
    "expm1": Row(lambda x: torch.expm1(x)),
    "log2": Row(lambda x: torch.log2(x), takes="p"),
    "log10": Row(lambda x: torch.log10(x), takes="p"),
    "logaddexp": Row(lambda a, b: torch.logaddexp(a, b), takes="rr"),
    "clip": Row(lambda x, a, b: torch.maximum(a, torch.minimum(b, x)), lambda x, a, b: [x - a, x - b, a - b], "rrr"),
    "max": Row(lambda a, b: torch.maximum(a, b), lambda a, b: [a - b], "rr"),
    "min": Row(lambda a, b: torch.minimum(a, b), lambda a, b: [a - b], "rr"),
    "elu": Row(lambda x, a: torch.where(x > 0, x, a * torch.expm1(x)), lambda x, a: [x], "rn"),
    "gelu": Row(lambda x: F.gelu(x)),
    "gelu_tanh": Row(lambda x: F.gelu(x, approximate="tanh")),
    "hard_sigmoid": Row(lambda x: torch.clamp(x + 3, 0, 6) / 6, lambda x: [x - 3, x + 3]),
    "hard_tanh": Row(lambda x: F.hardtanh(x), lambda x: [x - 1, x + 1]),
    "leaky_relu": Row(lambda x, a: torch.where(x > 0, x, a * x), lambda x, a: [x], "rn"),
    "mish": Row(lambda x: F.mish(x)),
    "normal_cdf": Row(lambda x: torch.special.ndtr(x), positive=True),
    "normal_pdf": Row(lambda x: torch.exp(-x * x / 2) / math.sqrt(2 * math.pi), positive=True),
    "relu": Row(lambda x: F.relu(x), lambda x: [x]),
    "selu": Row(lambda x, a, b: b * torch.where(x > 0, x, a * torch.expm1(x)), lambda x, a, b: [x], "rnn"),
    "sigmoid": Row(lambda x: torch.sigmoid(x), positive=True),
    "silu": Row(lambda x: F.silu(x)),
    "softplus": Row(lambda x: F.softplus(x, threshold=100), positive=True),
    "softsign": Row(lambda x: F.softsign(x), lambda x: [x]),
}


@dataclass(frozen=True)
class TensorRow:
    """A definition of the library: axes of its arguments and its result in letters of its own, computed on the last axes.

    `takes` is as in `Row`, with l for a label.
    """

    signature: str
    function: Callable[..., Value]
    kinks: Callable[..., list[Value]] = _smooth
    takes: str = ""
    positive: bool = False

    @property
    def arguments(self) -> list[str]:
        return self.signature.split("->")[0].split(",")

    @property
    def result(self) -> str:
        return self.signature.split("->")[1]

    @property
    def ranks(self) -> list[int]:
        return [len(a) if kind != "l" else 0 for a, kind in zip(self.arguments, self.takes or "r" * 9, strict=False)]


def _dot(a: Value, b: Value) -> Value:
    return (a * b).sum(-1)


def _picked(x: Value, t: Value) -> Value:
    shape = torch.broadcast_shapes(x.shape[:-1], t.shape)
    return x.expand(*shape, x.shape[-1]).gather(-1, t.expand(shape)[..., None])[..., 0]


def _margins(s: Value, t: Value) -> Value:
    return s - _picked(s, t)[..., None] + 1


def _others(s: Value, t: Value) -> Value:
    return torch.arange(s.shape[-1]) != t[..., None]


def _normalised(x: Value, epsilon: Value) -> Value:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + epsilon[..., None]).sqrt()


def _bce(z: Value, y: Value) -> Value:
    return F.softplus(z, threshold=100) - y * z


TENSORS: dict[str, TensorRow] = {
    "softmax": TensorRow("n->n", lambda z: z.softmax(-1), positive=True),
    "log_softmax": TensorRow("n->n", lambda z: z.log_softmax(-1)),
    "softmin": TensorRow("n->n", lambda z: (-z).softmax(-1), positive=True),
    "cumsum": TensorRow("n->n", lambda x: x.cumsum(-1)),
    "var": TensorRow("n->", lambda x: x.var(-1, correction=0), positive=True),
    "std": TensorRow("n->", lambda x: x.std(-1, correction=0), positive=True),
    "logsumexp": TensorRow("n->", lambda z: z.logsumexp(-1)),
    "layer_norm": TensorRow("n,n,n,->n", lambda x, g, b, e: g * _normalised(x, e) + b, takes="rrrn"),
    "rms_norm": TensorRow("n,n,->n", lambda x, g, e: g * x / (x.square().mean(-1) + e).sqrt()[..., None], takes="rrn"),
    "batch_norm": TensorRow(
        "Nn,n,n,->Nn",
        lambda x, g, b, e: g[..., None, :] * _normalised(x.mT, e[..., None]).mT + b[..., None, :],
        takes="rrrn",
    ),
    "mse": TensorRow("n,n->", lambda x, y: (x - y).square().mean(-1)),
    "l1": TensorRow("n,n->", lambda x, y: (x - y).abs().mean(-1), lambda x, y: [x - y]),
    "huber": TensorRow(
        "n,n,->",
        lambda x, y, d: torch.where(
            (x - y).abs() <= d[..., None], (x - y) ** 2 / 2, d[..., None] * ((x - y).abs() - d[..., None] / 2)
        ).mean(-1),
        lambda x, y, d: [x - y, (x - y).abs() - d[..., None]],
        "rrn",
    ),
    "cross_entropy": TensorRow("n,n->", lambda p, y: -_dot(y, p.log()), takes="pr"),
    "kl_divergence": TensorRow("n,n->", lambda p, q: (p * (p / q).log()).sum(-1), takes="pp"),
    "cosine_similarity": TensorRow("n,n->", lambda x, y: _dot(x, y) / (x.norm(dim=-1) * y.norm(dim=-1))),
    "bilinear": TensorRow("m,mn,n->", lambda x, A, y: torch.einsum("...m,...mn,...n->...", x, A, y)),
    "affine": TensorRow("mn,n,m->m", lambda W, h, b: torch.einsum("...mn,...n->...m", W, h) + b),
    "affine_batch": TensorRow("Nn,mn,m->Nm", lambda X, W, b: X @ W.mT + b[..., None, :]),
    "attention": TensorRow("nd,md,mv->nv", lambda Q, K, V: (Q @ K.mT / Q.shape[-1] ** 0.5).softmax(-1) @ V),
    "softmax_cross_entropy": TensorRow("n,n->", lambda z, y: -_dot(y, z.log_softmax(-1))),
    "softmax_cross_entropy_label": TensorRow("n,n->", lambda z, t: -_picked(z.log_softmax(-1), t), takes="rl"),
    "quadratic": TensorRow("n,nn->", lambda x, A: torch.einsum("...m,...mn,...n->...", x, A, x)),
    "l2_penalty": TensorRow("n,->", lambda w, a: a / 2 * w.square().sum(-1), takes="rn"),
    "nll": TensorRow("n,n->", lambda p, t: -_picked(p, t).log(), takes="pl"),
    "hinge": TensorRow(
        "n,n->",
        lambda s, t: (F.relu(_margins(s, t)) * _others(s, t)).sum(-1),
        lambda s, t: [_margins(s, t)],
        "rl",
    ),
    "squared_hinge": TensorRow(
        "n,n->",
        lambda s, t: (F.relu(_margins(s, t)) ** 2 * _others(s, t)).sum(-1),
        lambda s, t: [_margins(s, t)],
        "rl",
    ),
    "rnn_cell": TensorRow(
        "m,n,mm,mn,m->m",
        lambda h, x, W, U, b: (torch.einsum("...mn,...n->...m", W, h) + torch.einsum("...mn,...n->...m", U, x) + b).tanh(),
    ),
    "binary_cross_entropy": TensorRow(",->", _bce),
    "binary_cross_entropy_logits": TensorRow(",->", _bce),
    "poisson_nll": TensorRow(",->", lambda z, y: z.exp() - y * z),
    "gaussian_nll": TensorRow(
        ",,->", lambda y, mu, s: (y - mu) ** 2 / (2 * s**2) + s.log() + math.log(2 * math.pi) / 2, takes="rrp"
    ),
}


# ---------------------------------------------------------------- definitions


@dataclass(frozen=True)
class Definition:
    """`name = value`, or `name[i, j] = value` with the axes of its letters."""

    name: str
    value: Formula
    letters: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        left = f"{self.name}[{', '.join(letter for letter, _ in self.letters)}]" if self.letters else self.name
        return f"{left} = {self.value.text}"

    def of(self, at: Point) -> Value:
        """The tensor that this defines."""
        bound = [pair for part in parts(self.value) if isinstance(part, Reduce) for pair in part.letters]
        letters = dict.fromkeys(letter for letter, _ in (*self.letters, *bound))
        here = replace(at, dimensions={letter: d for d, letter in enumerate(letters)}).bound(dict(self.letters))
        value = self.value.of(here)
        axes = value.shape[here.rank :]
        shape = [at.lengths[axis] for _, axis in self.letters]
        whole = value.expand([*shape, *[1] * (here.rank - len(shape)), *axes]).reshape([*shape, *axes])
        return whole if isinstance(self.value, Reduce) and self.value.operator == "argmax" else whole.double()
