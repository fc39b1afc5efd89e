"""A certificate as data, for `--format json`."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.notation.definitions import definition
from derive.proof.certificate import Certificate, versions
from derive.proof.gradcheck import Checked
from derive.teaching.data.parts import derivation_json, graph_json
from derive.teaching.page import Page
from derive.values.run import plain


def as_json(certificate: Certificate, page: Page) -> dict[str, Any]:
    """The certificate as data:

    {"graph", "derivations": [one for each], as `parts` says,
     "refused": [{"of", "wrt"}],
     "at": {input: values},
     "checks": [{"wrt", "rows": [{"entry", "analytic", "numeric", "error", "agrees", "doubt"}],
                 "orders": [{"h", "error", "order"}], "passed"}],
     "comparisons": [{"wrt", "implementation", "difference", "allowed", "passed"}],
     "kinks": [names], "versions": {name: version}, "fingerprint": "sha256:…", "passed": true | false}
    """
    graph = certificate.graph
    context = page.context(graph)
    return {
        "graph": graph_json(graph, lambda node: definition(node, context)),
        "derivations": [derivation_json(p, page) for p in certificate.proofs],
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
                "doubt": r.doubt,
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
