"""The step of an `iterate` block: formulas over the state that move some inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.errors import DeriveError
from derive.language.typed import Nested
from derive.teaching.blocks.iteration import noise
from derive.teaching.lecture.carried import Blocks, Found, computed, found_by, nested
from derive.teaching.lecture.directive import Directive
from derive.values.run import Run

NOISE = "noise"
"""In a step: random numbers of the shape of what it moves."""


@dataclass(frozen=True)
class Update:
    """The new value of an input: a formula over the state, and where it begins in the text of its option."""

    formula: str
    start: int


@dataclass(frozen=True)
class Stepping:
    """A step of a block: what moves, what else is known, and the seed of its noise."""

    directive: Directive
    updates: Mapping[str, Update]
    blocks: Blocks
    seed: int = 1

    def __call__(self, state: Run, k: int) -> dict[str, Nested]:
        """The new values, all from the state before.  Raises DeriveError, pointing into the step."""
        known = found_by(state)
        return {name: self._moved(name, update, known, k) for name, update in self.updates.items()}

    def _moved(self, name: str, update: Update, state: Found, k: int) -> Nested:
        def value(other: str) -> Any:
            return noise(np.shape(state.value(name)), self.seed, k, name) if other == NOISE else state.value(other)

        tensors = state.tensors if NOISE in state.tensors else (*state.tensors, NOISE)
        try:
            return nested(computed(update.formula, self.blocks, replace(state, tensors=tensors, value=value)))
        except DeriveError as error:
            if error.place is not None:
                start = error.place.start + update.start
                error.place = self.directive.inside(replace(error.place, start=start, end=error.place.end + update.start), "step")
            raise
