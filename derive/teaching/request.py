"""What is asked of a definition, and how it is shown: behind `explain`, the `gradient` block of a lecture and a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from derive.derivation.choice import chosen, derivations
from derive.derivation.second_order import derivation_of_order
from derive.graphs.graph import Graph
from derive.language.batching import Batch, batch
from derive.proof.proof import Proved, prove
from derive.values.run import Run, run

Detail = Literal["brief", "normal", "full"]
DETAILS: tuple[Detail, ...] = ("brief", "normal", "full")


@dataclass(frozen=True)
class View:
    """How much of a derivative is shown: line by line in a `detail`, or without its `steps`; with its matrix form and its cases,
    or without that `result`; or entry by entry.
    """

    detail: Detail = "normal"
    steps: bool = True
    result: bool = True
    entries: bool = False


@dataclass(frozen=True, eq=False)
class Request:
    """Derivatives of a definition, and how they are shown.

    `definition` is that for one example; `batch` names the inputs that differ between examples, or is None where there is one.
    `wrt` are the tensors to differentiate by, all that a page shows if there are none; `order` is 1 or 2; `upstream` asks for
    the gradient of a loss behind a tensor.  `through` asks for the derivatives on the way as well, `expand` for results that name
    no other derivative.  `at` are values to show numbers for.
    """

    definition: Graph
    of: str = ""
    wrt: tuple[str, ...] = ()
    order: int = 1
    upstream: bool = False
    through: bool = False
    expand: bool = False
    batch: tuple[str, ...] | None = None
    at: Mapping[str, Any] | None = None
    view: View = View()

    @cached_property
    def batched(self) -> Batch | None:
        return None if self.batch is None else batch(self.definition, self.batch)

    @property
    def graph(self) -> Graph:
        """What is differentiated: the definition, or that for all examples."""
        return self.definition if self.batched is None else self.batched.graph

    @cached_property
    def run(self) -> Run | None:
        return None if self.at is None else run(self.graph, self.at)

    @property
    def shown(self) -> tuple[Proved, ...]:
        """The derivatives of the output that a page shows, proved.  Raises DeriveError and ProofError."""
        return tuple(map(prove, derivations(self.graph, self.wrt, self.order, self.through, self.expand)))

    @property
    def asked(self) -> tuple[Proved, ...]:
        """The derivatives that are named, and with `through` those on the way, proved.  Raises DeriveError and ProofError."""
        if self.order == 1:
            return tuple(map(prove, chosen(self.graph, self.of, self.wrt, self.upstream, self.through, self.expand)))
        return (prove(derivation_of_order(self.graph, self.of, self.wrt or "", self.upstream, self.order)),)
