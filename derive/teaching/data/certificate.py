"""A certificate as data, for `--format json`."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.notation import matrices
from derive.notation.context import Context
from derive.notation.definitions import definition
from derive.notation.layout import Layout, latex, text
from derive.notation.numpy_code import numpy_code
from derive.notation.terms import layout
from derive.proof.certificate import Certificate, versions
from derive.proof.gradcheck import Checked
from derive.proof.proof import Proved
from derive.teaching.blocks.gradient import RULE_BREAK
from derive.teaching.page import Page
from derive.values.run import plain


def as_json(certificate: Certificate, page: Page) -> dict[str, Any]:
    """The certificate as data:

        {"graph": {"inputs": [{"name", "kind", "axes"}], "nodes": [{"name", "axes", "latex", "text"}], "output": name},
         "derivations": [{"of", "wrt", "kind": "gradient" | "jacobian",
                          "steps": [{"latex", "text", "rule", "proof": "symbolic" | "numeric", "error"}],
                          "result", "matrix", "numpy",
                          "compared": [{"sizes": {axis: n}, "points", "entries"}], "error"}],
         "refused": [{"of", "wrt"}],
         "at": {input: values},
         "checks": [{"wrt", "rows": [{"entry", "analytic", "numeric", "error", "agrees"}],
                     "orders": [{"h", "error", "order"}], "passed"}],
         "comparisons": [{"wrt", "implementation", "difference", "allowed", "passed"}],
         "kinks": [names], "versions": {name: version}, "fingerprint": "sha256:…", "passed": true | false}

    Errors of lines are |a − b| / (1 + |a|) in 50 digits; a matrix form that there is not is null.
    """
    graph = certificate.graph
    context = page.context(graph)
    return {
        "graph": {
            "inputs": [{"name": i.name, "kind": i.kind, "axes": [*map(str, i.axes)]} for i in graph.inputs],
            "nodes": [{"name": n.name, "axes": [*map(str, n.axes)], **_printed(definition(n, context))} for n in graph.nodes],
            "output": graph.output.name,
        },
        "derivations": [_derivation_json(p, page) for p in certificate.proofs],
        "refused": [{"of": d.of, "wrt": d.wrt} for d in certificate.refused],
        "at": {i.name: _numbers(certificate.run.exact[i.name]) for i in graph.inputs},
        "checks": [_check_json(c) for c in certificate.checks],
        "comparisons": [
            {
                "wrt": c.wrt,
                "implementation": c.implementation,
                "difference": _finite(c.difference),
                "allowed": c.allowed,
                "passed": c.passed,
            }
            for c in certificate.comparisons
        ],
        "kinks": list(certificate.kinks),
        "versions": versions(),
        "fingerprint": f"sha256:{certificate.fingerprint}",
        "passed": certificate.passed,
    }


def _derivation_json(proved: Proved, page: Page) -> dict[str, Any]:
    found = proved.derivation
    context: Context = page.context(found.graph)
    return {
        "of": found.of,
        "wrt": found.wrt,
        "kind": "jacobian" if found.subject.output.indices else "gradient",
        "steps": [
            {
                **_printed(layout(step.line, context)),
                "rule": ", ".join(map(page.say, step.rule.split(RULE_BREAK))),
                "proof": kind,
                "error": error,
            }
            for step, kind, error in zip(found.steps, proved.kinds, proved.errors, strict=True)
        ],
        "result": latex(layout(found.result, context)),
        "matrix": None if found.form is None else latex(matrices.layout(found.form, context)),
        "numpy": None if found.form is None else numpy_code(found.form),
        "compared": [
            {"sizes": dict(sizes), "points": proved.points, "entries": entries}
            for sizes, entries in zip(proved.sizes, proved.entries, strict=True)
        ],
        "error": proved.error,
    }


def _printed(body: Layout) -> dict[str, str]:
    return {"latex": latex(body), "text": text(body).strip()}


def _check_json(checked: Checked) -> dict[str, Any]:
    return {
        "wrt": checked.check.wrt,
        "rows": [
            {
                "entry": list(r.entry),
                "analytic": _finite(r.analytic),
                "numeric": _finite(r.numeric),
                "error": _finite(r.error),
                "agrees": r.agrees,
            }
            for r in checked.check.rows
        ],
        "orders": [{"h": 10.0**-k, "error": _finite(error), "order": order} for k, error, order in checked.orders],
        "passed": checked.check.passed,
    }


def _numbers(array: Any) -> Any:
    """A number, or nested lists of them; integers as integers."""
    values = np.asarray(array)
    whole = all(isinstance(v, (int, np.integer)) for v in values.flat)
    return values.astype(int).tolist() if whole else np.asarray(plain(array)).tolist()


def _finite(value: float) -> float | None:
    """A number that JSON can hold, else null."""
    return value if value - value == 0 else None
