"""What can be asked: a table of kinds, each a way to solve it at a run and a way to put it to a student.

To add a kind, add a row to `ASKS`: its name, the function that finds the key and the wrong answers of a state (without any
language), the function that writes the part, and the one that shows how it is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from derive.derivation.sweep import derivation, swept
from derive.errors import DeriveError, listed, nearest, said
from derive.exams.asking import code, formulas, lines, numbers, typed
from derive.exams.asking.words import Written
from derive.exams.solved import Ask, Solved
from derive.graphs.graph import Graph
from derive.teaching.document import Block
from derive.teaching.page import Page
from derive.values.run import Run

Solve = Callable[[Run, Ask], Solved]
Write = Callable[[Ask, Solved, Run, Page], Written]
Solution = Callable[[Ask, Run, Page], Sequence[Block]]


def _never(run: Run, ask: Ask) -> bool:
    return False


@dataclass(frozen=True)
class AskKind:
    """A kind of part: `solve` finds key and wrong answers, `write` puts it to a student, `solution` shows how it is found.

    What it is asked `about` is a definition's value, the gradient of the output by a tensor, or the output as a whole.
    Keys that are numbers, which differ from state to state, have a `key` that finds them alone; `copies` says whether one is a
    given number in all states.
    """

    solve: Solve
    write: Write
    solution: Solution
    about: Literal["value", "gradient", "output"] = "gradient"
    key: Callable[[Run, Ask], Any] | None = None
    copies: Callable[[Run, Ask], bool] = _never

    @property
    def numeric(self) -> bool:
        """Whether keys are numbers."""
        return self.key is not None

    @property
    def by(self) -> bool:
        """Whether it is about the gradient by a tensor."""
        return self.about == "gradient"


ASKS: Mapping[str, AskKind] = {
    "value": AskKind(
        numbers.solved_value, numbers.written_value, numbers.forward_solution, "value", numbers.key_value, numbers.copies_value
    ),
    "gradient": AskKind(
        numbers.solved_gradient,
        numbers.written_gradient,
        numbers.backward_solution,
        "gradient",
        numbers.key_gradient,
        numbers.copies_gradient,
    ),
    "graph": AskKind(numbers.solved_graph, numbers.written_graph, numbers.graph_solution, "output", numbers.key_graph),
    "check": AskKind(numbers.solved_check, numbers.written_check, numbers.backward_solution, "gradient", numbers.key_check),
    "formula": AskKind(formulas.solved_formula, formulas.written_formula, formulas.derivation_solution),
    "derive": AskKind(formulas.solved_formula, typed.written_typed, formulas.derivation_solution),
    "code": AskKind(code.solved_code, code.written_code, code.code_solution),
    "matrix": AskKind(formulas.solved_matrix, formulas.written_matrix, formulas.derivation_solution),
    "shape": AskKind(formulas.solved_shape, formulas.written_shape, formulas.shape_solution),
    "wrong-line": AskKind(lines.solved_wrong_line, lines.written_wrong_line, lines.wrong_line_solution),
    "order": AskKind(lines.solved_order, lines.written_order, lines.order_solution),
}


def check_ask(ask: Ask, graph: Graph) -> None:
    """Raises DeriveError where a graph has nothing to be asked so."""
    if ask.kind not in ASKS:
        hint = nearest(ask.kind, ASKS) or said("There are {names}.", names=", ".join(ASKS))
        raise DeriveError(said("Nothing is asked by {word}.", word=ask.kind), hint=hint)
    if ask.name not in graph.members:
        hint = nearest(ask.name, graph.members) or said("It has {listed}.", listed=listed(graph.members))
        raise DeriveError(said("There is no {name} in this graph.", name=ask.name), hint=hint)
    about = ASKS[ask.kind].about
    if about == "value":
        if ask.name in {i.name for i in graph.inputs}:
            raise DeriveError(said("{name} is given: its value is no question.", name=ask.name))
        return
    if graph.output.axes:
        raise DeriveError(
            said("{name} is a tensor: a gradient is asked of a number.", name=graph.output.name),
            hint=said("Add a line that ends in a number, like L = sum(g*{name}).", name=graph.output.name),
        )
    if about == "output":
        if not graph.is_scalar:
            raise DeriveError("Every gradient of a graph is asked for where all are numbers.")
        return
    found = derivation(graph, "", ask.name)
    if ask.kind == "matrix" and (found.form is None or not found.indices):
        raise DeriveError(said("The gradient by {name} has no matrix form.", name=ask.name))
    if ask.kind == "code" and code.function(graph, ask.name) is None:
        raise DeriveError(said("The gradient by {name} has no words in Python here.", name=ask.name))
    if ask.kind == "shape" and not found.indices:
        raise DeriveError(said("{name} is a number, and has no shape.", name=ask.name))
    if ask.kind == "order" and len(swept(found)) < 2:
        raise DeriveError(said("The backward sweep as far as {name} has one line: there is no order.", name=ask.name))
    if ask.kind == "check" and found.indices:
        raise DeriveError(said("{name} is a tensor: a difference by hand is by a number.", name=ask.name))
