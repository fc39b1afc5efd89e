"""The figures of a deck that a reader can change: their code for the page's script, and their formulas, each once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from derive.notation.layout import Layout
from derive.teaching.live import Frame, Live, Use


def living(figures: Sequence[Live], spelled: Callable[[Layout], str]) -> tuple[str, list[str]]:
    """What the script of the page knows of the figures, and the formulas that it shows, by their numbers.

    The code of a number or a slope is a function of `v`, the numbers of the inputs and gates in turn.
    """
    formulas: dict[str, int] = {}

    def number(formula: Layout) -> int:
        return formulas.setdefault(spelled(formula), len(formulas))

    code = ",\n".join(_figure(figure, [number(formula) for formula in _formulas(figure)]) for figure in figures)
    return f"const LIVE = [{code}];\n", list(formulas)


def _formulas(figure: Live) -> Iterator[Layout]:
    """In the order in which the script asks for them: the inputs, each gate with its edges, the outputs."""
    yield from (given.called for given in figure.given)
    for gate in figure.gates:
        yield gate.definition
        yield from (use.rule for use in gate.uses)
    yield from (use.rule for use, _ in figure.outputs)


def _figure(figure: Live, formulas: Sequence[int]) -> str:
    gates = ",".join(
        f"{{value:(v)=>{gate.value},frame:{_frame(gate.frame)},uses:[{','.join(map(_use, gate.uses))}]}}" for gate in figure.gates
    )
    outputs = ",".join(f"{{...{_use(use)},seed:{json.dumps(seed)}}}" for use, seed in figure.outputs)
    given = json.dumps([one.value for one in figure.given])
    return f"{{digits:{figure.digits},given:{given},gates:[{gates}],outputs:[{outputs}],formulas:{json.dumps(formulas)}}}"


def _use(use: Use) -> str:
    places = f"forward:{_frame(use.forward)},backward:{_frame(use.backward)}"
    return f"{{source:{use.source},slope:(v)=>{use.slope},{places}}}"


def _frame(frame: Frame | None) -> str:
    return "null" if frame is None else "[" + ",".join(f"{side:.0f}" for side in frame) + "]"
