"""The states of a question that can be asked: those whose key is proved and different, for certain, from every mistake.

A state is left out where the graph has no value, where it lies on a kink, where what is required does not hold, where the answer
is 0 or one of the given numbers, where a mistake of the question would lead to the key or to what another leads to, and where
its answers are much longer than those of the other states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.calculus.rules import N_
from derive.exams.asks import ASKS
from derive.exams.secret import Draw
from derive.exams.solved import Ask, Solved, Unfit, differ, is_zero, numbers_of, told, told_apart
from derive.exams.space import Space
from derive.graphs.graph import Graph
from derive.language.reader import read
from derive.proof.gradcheck import check
from derive.proof.kinks import at_kink
from derive.values.precision import DomainError, Undecided
from derive.values.run import Run, run

SAMPLE = 24
"""So many states of each graph tell which mistakes a question can diagnose."""

CHECKED = 3000
"""At most so many states of a question are looked at."""

SPREAD = 2
"""By so many digits may the longest answer of a state differ from that of another."""

CLEARANCE = 1e-9

REASONS: Mapping[str, str] = {
    "value": N_("the graph has no value"),
    "kink": N_("a kink is hit"),
    "require": N_("what is required does not hold"),
    "zero": N_("the answer is 0"),
    "given": N_("the answer is one of the given numbers"),
    "alike": N_("a mistake leads to the key, or two lead to the same"),
    "check": N_("centred differences do not agree"),
    "level": N_("the answer is longer, or shorter, than in most"),
}


@dataclass(frozen=True)
class Setting:
    """A question as its author wrote it, in no language: what varies, what is required, what is asked."""

    name: str
    space: Space
    graphs: Mapping[str, Graph]
    asks: tuple[Ask, ...]
    require: tuple[str, ...] = ()
    digits: int = 4
    zero: bool = False
    """Whether 0 may be the answer."""
    difficulty: str = ""
    chosen: tuple[str, ...] = ()
    """The mistakes that its author names, all that can be told apart if none."""

    def run(self, k: int) -> Run:
        """The graph of state k at its values.  Raises DeriveError where these do not fit, or it has no value."""
        graph, values = self.space.at(k)
        return run(self.graphs[graph], values)

    @cached_property
    def _required(self) -> dict[str, Graph]:
        """For each graph, it and a node for each condition, 1 where that holds."""
        return {name: read("\n".join([graph.source, *(f"holds{k} = where({c}, 1, 0)" for k, c in enumerate(self.require))]))
                for name, graph in self.graphs.items()}  # fmt: skip

    def holds(self, k: int) -> bool:
        """Whether state k is as required."""
        if not self.require:
            return True
        name, values = self.space.at(k)
        found = run(self._required[name], values)
        return all(found.exact[f"holds{n}"].item() == 1 for n in range(len(self.require)))


@dataclass(frozen=True)
class State:
    """A state that can be asked: its number in the space, its graph, and each part solved."""

    number: int
    graph: str
    run: Run
    solved: tuple[Solved, ...]


Told = Mapping[str, tuple[tuple[str, ...], ...]]
"""For each graph, the mistakes that the parts diagnose on it."""


@dataclass(frozen=True)
class Pool:
    """The states found, what is diagnosed, how many were looked at out of how many, and why others were left out."""

    setting: Setting
    states: tuple[State, ...]
    mistakes: Told
    """On each graph and of each part, those that it diagnoses."""
    looked: int
    left: Counter[str] = field(default_factory=Counter)
    alike: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Which mistakes led to the same, or to the key (""), in states that were left out for it."""

    @property
    def exhausted(self) -> bool:
        """Whether there are no other states."""
        return self.looked >= self.setting.space.count


def pool(setting: Setting, draw: Draw, wanted: int) -> Pool:
    """So many states of a question, or all that there are: in an order that the draw decides."""
    count = setting.space.count
    step, first = draw.order(count)
    order = ((step * k + first) % count for k in range(min(count, CHECKED)))
    left: Counter[str] = Counter()
    alike: Counter[tuple[str, str]] = Counter()
    sample: list[State] = []
    looked = 0
    for k in order:
        looked += 1
        if (state := tried(setting, k, left)) is not None:
            sample.append(state)
        if len(sample) >= min(SAMPLE, max(4, 2 * wanted)) * len(setting.graphs):
            break
    told = {
        name: _told_by_graph([s for s in sample if s.graph == name], setting) for name in dict.fromkeys(s.graph for s in sample)
    }
    window = _window([_length(s, setting) for s in sample])
    found: list[State] = []

    def keep(state: State | None) -> None:
        if state is None:
            return
        fit = narrowed(state, told, setting)
        if fit is None:
            left["alike"] += 1
            alike[_clash(state, told[state.graph], setting)] += 1
        elif not window[0] <= _length(state, setting) <= window[1]:
            left["level"] += 1
        else:
            found.append(fit)

    for state in sample:
        keep(state)
    for k in order if len(found) < wanted else ():
        looked += 1
        keep(tried(setting, k, left))
        if len(found) == wanted:
            break
    return Pool(setting, tuple(found[:wanted]), told, looked, left, alike)


def tried(setting: Setting, k: int, left: Counter[str]) -> State | None:
    """State k if it can be asked; else it is counted why not."""
    try:
        return checked(setting, k)
    except Unfit as unfit:
        left[str(unfit)] += 1
    except (DomainError, Undecided):
        left["value"] += 1
    return None


def checked(setting: Setting, k: int) -> State:
    """State k with its parts solved and its keys proved.  Raises Unfit where it cannot be asked."""
    if not setting.holds(k):
        raise Unfit("require")
    at = setting.run(k)
    graph = at.source
    point = at.values
    if any(at_kink(point, node, CLEARANCE) for node in at.graph.nodes):
        raise Unfit("kink")
    given = {v for i in graph.inputs for v in numbers_of(at.exact[i.name])}
    for ask in setting.asks:
        kind = ASKS[ask.kind]
        if kind.key is None:
            continue
        numbers = numbers_of(kind.key(at, ask))
        if not setting.zero and is_zero(numbers):
            raise Unfit("zero")
        if len(numbers) == 1 and numbers[0] in given and not kind.copies(at, ask):
            raise Unfit("given")
    if any(ASKS[ask.kind].by and ASKS[ask.kind].numeric and not check(at, ask.name).passed for ask in setting.asks):
        raise Unfit("check")
    solved = [ASKS[ask.kind].solve(at, ask) for ask in setting.asks]
    return State(k, setting.space.at(k)[0], at, tuple(solved))


def _told_by_graph(sample: Sequence[State], setting: Setting) -> tuple[tuple[str, ...], ...]:
    """Of each part, the mistakes that it can diagnose on one of the graphs."""
    return tuple(_told_apart([s.solved[n] for s in sample], setting, ask) for n, ask in enumerate(setting.asks))


def _told_apart(solved: Sequence[Solved], setting: Setting, ask: Ask) -> tuple[str, ...]:
    """The mistakes that a part can diagnose: in most states each differs from the key and from those before it in the table."""
    names = dict.fromkeys(mistake for one in solved for mistake, _ in one.wrong)
    names = {m: None for m in names if not setting.chosen or m in setting.chosen}
    if not ASKS[ask.kind].numeric:
        return tuple(names)
    taken: list[str] = []
    for name in names:
        fit = sum(_apart(one, name, taken, setting.digits) for one in solved)
        if 2 * fit >= len(solved):
            taken.append(name)
    return tuple(taken)


def _apart(one: Solved, name: str, taken: Sequence[str], digits: int) -> bool:
    return name in _first_of_each(one) and _same(one, name, taken, digits) is None


def _same(one: Solved, name: str, taken: Sequence[str], digits: int) -> str | None:
    """Which of these mistakes leads to the same as another, "" for the key; None where none does."""
    values = _first_of_each(one)
    if name not in values:
        return None
    others = {"": one.key} | {t: values[t] for t in taken if t in values}
    return next((other for other, value in others.items() if not told_apart(values[name], value, digits)), None)


def _clash(state: State, mistakes: Sequence[Sequence[str]], setting: Setting) -> tuple[str, str]:
    """The first two mistakes, or one and the key (""), that cannot be told apart in a state; twice one that is not made there."""
    for one, names, ask in zip(state.solved, mistakes, setting.asks, strict=True):
        for k, name in enumerate(names if ASKS[ask.kind].numeric else ()):
            if (other := _same(one, name, names[:k], setting.digits)) is not None:
                return name, other
            if name not in _first_of_each(one):
                return name, name
    return "", ""


def _first_of_each(one: Solved) -> dict[str, Any]:
    """A wrong answer of each mistake."""
    found: dict[str, Any] = {}
    for mistake, value in one.wrong:
        found.setdefault(mistake, value)
    return found


def narrowed(state: State, mistakes: Mapping[str, Sequence[Sequence[str]]], setting: Setting) -> State | None:
    """The state with the wrong answers of the mistakes that are diagnosed; None where they cannot be told apart in it."""
    if state.graph not in mistakes:
        return None
    solved = []
    for one, names, ask in zip(state.solved, mistakes[state.graph], setting.asks, strict=True):
        if not ASKS[ask.kind].numeric:
            solved.append(Solved(one.key, tuple((m, v) for m, v in one.wrong if m in names)))
            continue
        if not all(_apart(one, name, names[:k], setting.digits) for k, name in enumerate(names)):
            return None
        solved.append(Solved(one.key, _with_those_alike(_first_of_each(one), names, setting)))
    return State(state.number, state.graph, state.run, tuple(solved))


def _with_those_alike(values: Mapping[str, Any], names: Sequence[str], setting: Setting) -> tuple[tuple[str, Any], ...]:
    """What mistakes lead to, each followed by others that lead to the very same here: an answer does not tell which was made."""
    allowed = [m for m in values if m not in names and (not setting.chosen or m in setting.chosen)]
    return tuple(
        (mistake, values[mistake])
        for name in names
        for mistake in (name, *(m for m in allowed if not differ(values[m], values[name])))
    )


def _length(state: State, setting: Setting) -> int:
    """The digits of the longest key."""
    lengths = [
        len(told(x, setting.digits)[0].lstrip("-").replace(".", "").strip("0"))
        for one, ask in zip(state.solved, setting.asks, strict=True)
        if ASKS[ask.kind].numeric
        for x in numbers_of(one.key)
    ]
    return max(lengths, default=0)


def _window(lengths: Sequence[int]) -> tuple[int, int]:
    """The stretch of lengths that holds most."""
    if not lengths:
        return 0, 0
    start = max(range(max(lengths) + 1), key=lambda k: (sum(k <= n <= k + SPREAD for n in lengths), -k))
    return start, start + SPREAD
