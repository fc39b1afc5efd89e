"""Points at which other tools were reported wrong: here each value and each gradient is right, or is refused by its cause.

`cases/public_cases.json` has the definitions, the points and what is right there, found in 500 digits, published, or by hand.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from derive.errors import DeriveError
from derive.values.run import run

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "cases" / "public_cases.json").read_text(encoding="utf-8"))


def number(value: Any) -> Any:
    """A value of the table: JSON has no infinity."""
    return [number(v) for v in value] if isinstance(value, list) else float(value)


def wrong(case: dict[str, Any]) -> str:
    """What is not as it should be: a value, a gradient, or a refusal that does not name its cause."""
    try:
        at = run(derive.graph(case["text"]), {name: number(value) for name, value in case["at"].items()})
        at = replace(at, seed=np.array(case["seed"])) if "seed" in case else at
        found = {"": at[at.source.output.name], **{name: at.grad[name] for name in case["wrt"]}}
    except DeriveError as error:
        return "" if case.get("refused", "\0") in str(error) else f"refused: {error}"
    if "value" not in case:
        return f"not refused: {found}"
    right = {"": case["value"], **case["grads"]}
    return "; ".join(
        f"{name or 'value'}: {ours}, not {right[name]}" for name, ours in found.items() if not close(ours, right[name])
    )


def close(ours: Any, right: Any) -> bool:
    """Whether two arrays agree as far as float64 can tell, entry by entry; a 0 may be what is too small for it."""
    a, b = np.asarray(ours, dtype=float), np.asarray(number(right), dtype=float)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-60 + 1e-13 * np.max(np.abs(b), initial=0.0)))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_point_of_a_report_is_right_or_refused_by_its_cause(case: dict[str, Any]) -> None:
    assert wrong(case) == ""


def test_a_wrong_number_and_a_wrong_cause_are_seen() -> None:
    case = {"text": "y = x**2", "at": {"x": 3.0}, "wrt": ["x"], "value": 9, "grads": {"x": 6}}
    assert wrong(case) == ""
    assert wrong({**case, "value": 9.00001}).startswith("value: 9")
    assert wrong({**case, "grads": {"x": 6.00001}}).startswith("x: 6")
    assert wrong({**case, "at": {"x": "nan"}}).startswith("refused:")
    assert wrong({"text": "y = x**2", "at": {"x": 3.0}, "wrt": ["x"], "refused": "too large"}).startswith("not refused")
