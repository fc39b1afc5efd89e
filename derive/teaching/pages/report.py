"""What `derive check` says: a certificate on a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derive.calculus.rules import N_
from derive.derivation.written import written
from derive.notation.terms import layout
from derive.proof.certificate import Certificate, Comparison, versions
from derive.proof.proof import Proved
from derive.teaching.blocks.cases import cases_table, missed_notes
from derive.teaching.blocks.checks import DOUBTS, checked_blocks, error_layout, kink_note
from derive.teaching.blocks.derivative import title_of
from derive.teaching.blocks.gradient import step_lines
from derive.teaching.blocks.worked import seed_note
from derive.teaching.document import Block, CodeSpan, Document, Inlines, Line, Paragraph, Slide, Steps, Table, Text, inlines
from derive.teaching.page import Page

KINDS = {"symbolic": N_("symbolic"), "numeric": N_("numeric")}
IMPLEMENTATIONS = {
    "sweep": N_("reverse sweep, one operation at a time"),
    "float64": N_("formula in float64"),
    "numpy": N_("NumPy code of the matrix form"),
}


def report(certificate: Certificate, page: Page, title: str = "") -> Document:
    """The certificate as a document."""
    say = page.say
    slides = [Slide(inlines(say(N_("Proof of every line"))), _proofs(certificate, page))]
    for p in certificate.proofs:
        blocks = (_lines(p, page), *cases_table(p, page), *missed_notes(p, page))
        slides.append(Slide(_heading(p, page), blocks))
    seed = seed_note(certificate.run, page)
    for checked in certificate.checks:
        heading = inlines(say(N_("Gradient check by")) + " " + checked.check.wrt)
        slides.append(Slide(heading, (*seed, *checked_blocks(checked, page))))
        seed = ()  # said once
    if certificate.kinks:
        slides.append(Slide(inlines(say(N_("At a kink"))), (kink_note(certificate.kinks, page),)))
    if certificate.comparisons:
        heading = inlines(say(N_("Ways to compute the gradients, against the formula in 50 digits")))
        slides.append(Slide(heading, (_comparisons(certificate.comparisons, page),)))
    slides.append(Slide(inlines(say(N_("Certificate"))), _certificate(certificate, page)))
    return Document(title or certificate.graph.output.name, tuple(slides), page.lang)


def _heading(proved: Proved, page: Page) -> Inlines:
    found = proved.derivation
    return inlines(f"{title_of(found, page)} ", layout(found.subject, page.context(found.graph)))


def _proofs(certificate: Certificate, page: Page) -> tuple[Block, ...]:
    """How each derivation was proved, and which Jacobians were not."""
    table = proof_table(certificate.proofs, page)
    if not certificate.refused:
        return (table,)
    names = [layout(d.subject, page.context(d.graph)) for d in certificate.refused]
    return table, Paragraph(inlines(page.say(N_("Too large to be proved:")), *(part for n in names for part in (" ", n))))


def proof_table(proofs: Sequence[Proved], page: Page) -> Table:
    """How each derivation was proved."""
    header = (N_("derivative"), N_("lines"), N_("symbolic"), N_("points"), N_("largest error"), N_("sizes"))
    rows: list[tuple[Any, ...]] = []
    for p in proofs:
        sizes = "; ".join(", ".join(f"{name} = {n}" for name, n in point) for point in p.sizes if point)
        counts = (str(len(p.kinds)), f"{p.kinds.count('symbolic')}/{len(p.kinds)}", str(p.points * len(p.sizes) + p.sought))
        left = layout(p.derivation.subject, page.context(p.derivation.graph))
        rows.append((inlines(left), *map(inlines, counts), error_layout(p.error, page, 30), inlines(sizes)))
    return Table(tuple(inlines(page.say(h)) for h in header), tuple(rows), ("left", "right", "right", "right", "right", "left"))


def _lines(proved: Proved, page: Page) -> Steps:
    """The lines of a derivation, each with its rule and how it was proved."""
    opening, *lines = step_lines(proved, page, "full")
    found = proved.derivation
    kinds = {id(step): kind for step, kind in zip(found.steps, proved.kinds, strict=True)}
    steps = (step for _, step in written(found.steps, found.graph, page.context(found.graph)))
    said = (page.say(KINDS[kinds.get(id(step), "symbolic")]) for step in steps)
    return Steps((opening, *(_with_kind(line, kind) for line, kind in zip(lines, said, strict=True))))


def _with_kind(line: Line, kind: str) -> Line:
    return Line(line.body, line.relation, (*line.reason, Text(f" ({kind})")), line.note)


def _comparisons(comparisons: tuple[Comparison, ...], page: Page) -> Table:
    header = (N_("by"), N_("implementation"), N_("largest error"), "")
    rows = []
    for c in comparisons:
        verdict = page.say(DOUBTS["overflow"] if c.overflow else N_("agrees") if c.passed else N_("differs"))
        error = error_layout(c.difference, page, 30 if c.implementation == "sweep" else 10)
        rows.append((inlines(c.wrt), inlines(page.say(IMPLEMENTATIONS[c.implementation])), error, inlines(verdict)))
    return Table(tuple(inlines(page.say(h) if h else "") for h in header), tuple(rows), ("left", "left", "right", "left"))


def _certificate(certificate: Certificate, page: Page) -> tuple[Block, ...]:
    """The verdict, what it was made with, and the fingerprint."""
    verdict = page.say(N_("Everything agrees.")) if certificate.passed else page.say(N_("Something does not agree."))
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    fingerprint = inlines(page.say(N_("Fingerprint:")) + " ", CodeSpan(f"sha256:{certificate.fingerprint}"))
    return Paragraph(inlines(verdict)), Paragraph(inlines(page.say(N_("Made with")) + " " + made + ".")), Paragraph(fingerprint)
