"""The document model, and how its derivations and slides are laid out: measured, cut, spread over frames."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derive.errors import DeriveError
from derive.notation.layout import ABOUT, EQUALS, MINUS, PLUS, Frac, Sign, joined, latex, row
from derive.teaching.document import (
    Block,
    Break,
    CodeBlock,
    Document,
    Equation,
    Heading,
    ItemList,
    Line,
    Math,
    Paragraph,
    Picture,
    Quote,
    Raw,
    Slide,
    Steps,
    Strong,
    Table,
    Text,
    inlines,
    merged,
    pages,
)
from derive.teaching.formats.latex.columns import Aligned, broken, columns
from derive.teaching.formats.latex.frames import Frame, frames
from derive.teaching.formats.latex.heights import HEIGHT, height
from derive.teaching.formats.measure import size, size_of
from derive.teaching.formats.render import render
from derive.teaching.formats.terminal import render_text
from oracles.rendering import compile_latex


def sign(text: str) -> Sign:
    return Sign(text, text)


A, B, C = map(sign, "abc")
LONG = joined([sign(f"a_{{{k}}}") for k in range(40)], PLUS)
WORDS = inlines("Words that fill about half a line of a slide, no more.")


# ---------------------------------------------------------------- the model


def test_inlines_takes_words_formulas_and_pieces() -> None:
    assert inlines("the slope of ", A, Strong(inlines("now"))) == (Text("the slope of "), Math(A), Strong((Text("now"),)))


def test_merged_joins_neighbouring_words_and_formulas() -> None:
    assert merged(inlines("a", "b", "", A, EQUALS, B, "c")) == (Text("ab"), Math(row(A, EQUALS, B)), Text("c"))


def test_breaks_cut_blocks_into_pages() -> None:
    one, two = Paragraph(inlines("1")), Paragraph(inlines("2"))
    assert pages([Break(), one, one, Break(), Break(), two]) == [(one, one), (two,)]
    assert pages([]) == []


def test_a_picture_is_drawn_once_and_only_as_needed() -> None:
    drawn = []
    picture = Picture("p", {"pdf": lambda: drawn.append("pdf") or b"%PDF", "svg": lambda: drawn.append("svg") or b"<svg/>"})
    assert picture.draw("pdf") == picture.draw("pdf") == b"%PDF"
    assert drawn == ["pdf"]


# ---------------------------------------------------------------- formulas measured

FORMULAS = (
    r"x+y=z",
    r"\frac{\partial}{\partial z_{k}}\left[\frac{e^{z_{i}}}{\sum_{j} e^{z_{j}}}\right]",
    r"\sum_{j\ne t}\max(0, s_{j}-s_{t}+1)",
    r"\max(0, 4.1 - 2.3 + 1) + \max(0, -2.1 - 2.3 + 1) = \max(0, 2.8) + \max(0, -3.4) = 2.8",
    r"\frac{\frac{\partial}{\partial z_{k}}\left[e^{z_{i}}\right] - e^{z_{i}}}{\left(\sum_{j} e^{z_{j}}\right)^{2}}",
    r"\begin{bmatrix}a_{1} & b \\ c & d\end{bmatrix}",
    r"\begin{cases}\hat{y}_{i}(1-\hat{y}_{i}) & i=j \\ -\hat{y}_{i}\hat{y}_{j} & i\ne j\end{cases}",
    r"\sqrt{\sigma^{2}+\varepsilon} \cdot \mathrm{softmax}(z)_{i} \approx 0.25",
    r"\bar{S}=W^{\top}g\odot f'(a) \rightarrow \prod_{i}p_i^{y_i}",
)


@pytest.mark.needs("pdflatex")
def test_formulas_are_measured_to_a_tenth_of_what_tex_makes_of_them(tmp_path: Path) -> None:
    told = [rf"\setbox0\hbox{{$\displaystyle {formula}$}}\typeout{{BOX \the\wd0 \the\ht0 \the\dp0}}" for formula in FORMULAS]
    head = [r"\documentclass[12pt]{article}", r"\usepackage{amsmath,amssymb,lmodern}", r"\begin{document}", "x"]
    text = compile_latex("\n".join([*head, *told, r"\end{document}"]), tmp_path).text
    boxes = re.findall(r"BOX ([\d.]+)pt([\d.]+)pt([\d.]+)pt", text)
    em = 11.75
    for formula, (width, up, down) in zip(FORMULAS, boxes, strict=True):
        box = size(formula)
        assert box.width == pytest.approx(float(width) / em, rel=0.1), formula
        assert box.height == pytest.approx((float(up) + float(down)) / em, rel=0.2, abs=0.3), formula


def test_a_long_sum_is_cut_before_a_plus() -> None:
    pieces = broken(LONG, 30.0)
    assert len(pieces) > 1
    assert all(size_of(piece).width <= 30.0 for piece in pieces)
    assert all(latex(piece).startswith("{} + ") for piece in pieces[1:])
    assert "".join(map(latex, pieces)).replace("{} + ", " + ") == latex(LONG)


def test_what_fits_or_cannot_be_cut_stays_whole() -> None:
    assert broken(row(A, PLUS, B), 30.0) == [row(A, PLUS, B)]
    assert broken(Frac(LONG, A), 30.0) == [Frac(LONG, A)]


# ---------------------------------------------------------------- derivations in columns


def test_a_short_left_side_stands_before_the_first_line() -> None:
    laid = columns(Steps((Line(A), Line(B, EQUALS, inlines("why")), Line(C, ABOUT))), 40.0)
    assert [(r.left, r.relation, r.body) for r in laid.rows] == [(A, EQUALS, B), (None, ABOUT, C)]
    assert [r.beside for r in laid.rows] == [True, False]


def test_a_long_left_side_has_a_row_of_its_own() -> None:
    left = joined([sign("abcdef")] * 4, MINUS)
    laid = columns(Steps((Line(left), Line(B, EQUALS))), 40.0)
    assert [(r.head, r.body) for r in laid.rows] == [(True, left), (False, B)]


def test_a_reason_stands_under_a_formula_that_leaves_it_no_room() -> None:
    wide = joined([sign("abc")] * 13, PLUS)
    laid = columns(Steps((Line(A), Line(B, EQUALS, inlines("short")), Line(wide, EQUALS, inlines("a reason")))), 40.0)
    assert [r.beside for r in laid.rows] == [True, False]
    assert laid.left + laid.body + laid.reason <= 40.0


def test_a_short_reason_may_stand_right_after_a_formula_that_reaches_into_its_column() -> None:
    wide = joined([sign("abc")] * 10, PLUS)
    reasons = (inlines("a reason that is a good deal longer than the other"), inlines("why"))
    laid = columns(Steps((Line(A), Line(B, EQUALS, reasons[0]), Line(wide, EQUALS, reasons[1]))), 40.0)
    assert [(r.beside, r.loose) for r in laid.rows] == [(True, False), (True, True)]


def test_a_line_too_long_for_its_column_goes_on_below() -> None:
    laid = columns(Steps((Line(A), Line(LONG, EQUALS, inlines("why")))), 40.0)
    assert [r.relation for r in laid.rows] == [EQUALS, *[None] * (len(laid.rows) - 1)]
    assert [bool(r.reason) for r in laid.rows] == [False] * (len(laid.rows) - 1) + [True]


# ---------------------------------------------------------------- slides in frames


def cut(*blocks: Block) -> list[Frame]:
    return frames(Slide(inlines("Title"), blocks))


def test_what_fits_is_one_frame() -> None:
    (frame,) = cut(Paragraph(WORDS), Equation(A))
    assert (frame.part, frame.parts) == (1, 1)


def test_an_empty_slide_is_one_empty_frame() -> None:
    (frame,) = cut()
    assert frame.blocks == ()


def test_a_break_starts_a_frame() -> None:
    assert [frame.part for frame in cut(Paragraph(WORDS), Break(), Paragraph(WORDS))] == [1, 2]


def test_frames_are_not_overfull() -> None:
    steps = Steps((Line(A), *(Line(Frac(A, B), EQUALS, WORDS) for _ in range(30))))
    items = ItemList(tuple((Paragraph(WORDS),) for _ in range(40)))
    code = CodeBlock("\n".join(f"line {k}" for k in range(50)))
    table = Table((WORDS,), tuple((inlines(str(k)),) for k in range(40)))
    found = cut(Paragraph(WORDS), steps, items, code, table)
    assert len(found) > 8
    assert all(height(frame.blocks) <= 1.1 * HEIGHT for frame in found)


def test_nothing_is_lost_between_frames() -> None:
    code = CodeBlock("\n".join(f"line {k}" for k in range(50)), "python")
    items = ItemList(tuple((Paragraph(inlines(str(k))),) for k in range(40)), 3)
    found = [block for frame in cut(code, items) for block in frame.blocks]
    assert "\n".join(block.text for block in found if isinstance(block, CodeBlock)) == code.text
    lists = [block for block in found if isinstance(block, ItemList)]
    assert sum((block.items for block in lists), ()) == items.items
    assert [block.start for block in lists] == [3 + sum(len(b.items) for b in lists[:k]) for k in range(len(lists))]


PROSE = " ".join(f"Sentence {k} of a text that is longer than a slide." for k in range(60))
ENDLESS = " ".join(["word"] * 700)


@pytest.mark.parametrize("block", [
    Paragraph(inlines(PROSE)), Paragraph(inlines(ENDLESS)), Quote((Paragraph(inlines(PROSE)),)),
    ItemList(((Paragraph(inlines("short")),), (Paragraph(inlines(PROSE)),), (Paragraph(inlines("last")),)), 4),
], ids=["paragraph", "one sentence", "quotation", "item"])  # fmt: skip
def test_a_text_that_is_longer_than_a_frame_is_cut_and_nothing_is_lost(block: Block) -> None:
    found = cut(Paragraph(WORDS), block)
    assert len(found) >= 3
    assert all(height(frame.blocks) <= 1.1 * HEIGHT for frame in found)
    shown = [words_of(part) for frame in found for part in frame.blocks]
    assert " ".join("".join([words_of(Paragraph(WORDS)), words_of(block)]).split()) == " ".join("".join(shown).split())
    numbers = [part.start for frame in found for part in frame.blocks if isinstance(part, ItemList)]
    assert numbers in ([], [4, 5, 6])


def words_of(block: object) -> str:
    match block:
        case Paragraph(words):
            return "".join(word.text for word in words if isinstance(word, Text)) + " "
        case Quote(inner):
            return "".join(map(words_of, inner))
        case ItemList(items):
            return "".join(words_of(part) for item in items for part in item)
    return ""


def test_a_line_of_a_derivation_is_not_cut_in_two() -> None:
    steps = Steps((Line(C), *(Line(LONG, EQUALS, inlines("why")) for _ in range(8))))
    found = cut(steps)
    assert len(found) > 2
    for frame in found:
        (laid,) = frame.blocks
        assert isinstance(laid, Aligned)
        assert laid.rows[0].relation == EQUALS
        assert laid.rows[0].left == C
        assert laid.rows[-1].reason


def test_a_derivation_keeps_its_columns_from_frame_to_frame() -> None:
    wide = Line(joined([sign("abc")] * 9, PLUS), EQUALS, inlines("a reason"))
    lines = [Line(Frac(A, B), EQUALS, inlines("why")) for _ in range(12)]
    found = cut(Steps((Line(C), *lines, wide)))
    laid = [frame.blocks[0] for frame in found]
    assert len({(part.left, part.body, part.reason) for part in laid if isinstance(part, Aligned)}) == 1


def test_a_long_line_of_code_goes_on_below_as_large_as_the_others() -> None:
    code = "x = 1\n    y = " + " + ".join(["value"] * 30) + "\nz = 2"
    (frame,) = cut(CodeBlock(code))
    (block,) = frame.blocks
    assert isinstance(block, CodeBlock)
    lines = block.text.split("\n")
    assert (lines[0], lines[-1]) == ("x = 1", "z = 2")
    assert max(map(len, lines)) < 80
    assert all(line.startswith(" " * 8) for line in lines[2:-1])
    assert "".join(block.text.split()) == "".join(code.split())


def test_a_long_title_takes_lines_from_its_frame() -> None:
    steps = Steps((Line(A), *(Line(Frac(A, B), EQUALS) for _ in range(7))))
    title = inlines("A title that goes on and on, " * 5)
    assert len(frames(Slide(inlines("Short"), (steps,)))) == 1
    assert len(frames(Slide(title, (steps,)))) == 2


@pytest.mark.needs("pdflatex")
def test_no_frame_is_shrunk_below_nine_tenths(tmp_path: Path) -> None:
    title = inlines("A title that goes on and on, so that it takes several lines of its slide, " * 2)
    steps = Steps((Line(C), *(Line(Frac(A, B), EQUALS, WORDS) for _ in range(20))))
    items = ItemList(tuple((Paragraph(inlines(PROSE[:300])),) for _ in range(9)))
    code = CodeBlock("\n".join(["x = " + " + ".join(["y"] * 50)] * 20))
    blocks = (Paragraph(inlines(PROSE)), steps, Quote((Paragraph(inlines(PROSE)),)), items, code, Paragraph(inlines(ENDLESS)))
    for aspect in ("16:9", "4:3"):
        slides = tuple(Slide(name, (block,)) for block in blocks for name in (title, inlines("Short")))
        text = render(Document("", slides, aspect=aspect), "beamer").text  # type: ignore[arg-type]
        told = (
            r"\typeout{FILLED \the\dimexpr\ht\derivepaper+\dp\derivepaper\relax\space \the\dimexpr\textheight-49pt-\derivefoot}"
        )
        assert r"\end{lrbox}\vspace*" in text
        log = compile_latex(text.replace(r"\end{lrbox}\vspace*", rf"\end{{lrbox}}{told}\vspace*"), tmp_path)
        sizes = [tuple(map(float, pair)) for pair in re.findall(r"FILLED ([\d.]+)pt ([\d.]+)pt", log.text)]
        assert len(sizes) == log.pages > 20
        assert max(filled / room for filled, room in sizes) < 1 / 0.9
        assert log.overfull == ()


def test_a_heading_never_ends_a_frame() -> None:
    for count in range(1, 12):
        fill = [Paragraph(WORDS)] * count
        for frame in cut(*fill, Heading(inlines("Heading")), Equation(Frac(A, B)), Equation(Frac(A, B)), *fill):
            assert not isinstance(frame.blocks[-1], Heading)


def test_a_derivation_that_goes_on_says_again_of_what() -> None:
    lines = [Line(Frac(A, B), EQUALS) for _ in range(12)]
    _, *rest = cut(Steps((Line(C), *lines)))
    assert rest
    assert all(frame.blocks[0].rows[0].left == C for frame in rest)  # type: ignore[union-attr]


def test_it_does_not_where_that_would_be_untrue() -> None:
    lines = [Line(Frac(A, B), ABOUT), *(Line(Frac(A, B), EQUALS) for _ in range(12))]
    _, *rest = cut(Steps((Line(C), *lines)))
    assert all(frame.blocks[0].rows[0].left is None for frame in rest)  # type: ignore[union-attr]


def test_a_picture_shrinks_a_little_to_stay_with_its_words() -> None:
    box = b"/MediaBox [0 0 400 170]"
    (frame,) = cut(Paragraph(WORDS), Picture("p", {"pdf": lambda: box}), Paragraph(WORDS), Paragraph(WORDS))
    assert height(frame.blocks) <= 1.07 * HEIGHT


# ---------------------------------------------------------------- text for a terminal


def told(*blocks: Block, width: int = 60) -> str:
    return render_text(Document("", (Slide((), blocks),)), width)


def test_a_derivation_is_aligned_with_its_reasons_in_a_column() -> None:
    steps = Steps((Line(sign("dL/dx")), Line(sign("a + b"), EQUALS, inlines("one")), Line(C, EQUALS, inlines("two"))))
    assert told(steps) == "  dL/dx = a + b   one\n        = c       two\n"


def test_in_a_narrow_terminal_reasons_stand_under() -> None:
    steps = Steps((Line(A), Line(sign("b + c + d + e"), EQUALS, inlines("because it is so"))))
    assert told(steps, width=24) == "  a = b + c + d + e\n      because it is so\n"


def test_a_formula_longer_than_the_line_goes_on_under_itself() -> None:
    steps = Steps((Line(A), Line(joined([sign("bbbb")] * 5, PLUS), EQUALS)))
    assert told(steps, width=24) == "  a = bbbb + bbbb + bbbb\n      + bbbb + bbbb\n"


def test_blocks_as_plain_text() -> None:
    shown = told(
        Heading(inlines("Heading")),
        Paragraph(inlines("Some ", Strong(inlines("words")), ": ", A, ".")),
        ItemList(((Paragraph(inlines("one")),), (Paragraph(inlines("two")),))),
        ItemList(((Paragraph(inlines("three")),),), 3),
        Quote((Paragraph(inlines("quoted")),)),
        CodeBlock("x = 1\n\ny = 2"),
        Table((inlines("a"), inlines("b")), ((inlines("1"), inlines("[bold]")),), ("left", "right")),
        Equation(row(A, EQUALS, B)),
        Picture("p", {}, "A graph"),
    )
    assert shown == (
        "Heading\n\nSome words: a.\n\n• one\n• two\n\n3. three\n\n  quoted\n\n    x = 1\n\n    y = 2\n\n"
        "a        b\n──────────\n1   [bold]\n\n    a = b\n\n[A graph]\n"
    )


def test_titles_are_underlined() -> None:
    document = Document("Title", (Slide(inlines("Part"), (), 1), Slide(inlines("Slide"), (Paragraph(inlines("x")),))))
    assert render_text(document) == "Title\n\nPart\n════\n\nSlide\n─────\n\nx\n"


def test_colour_only_where_it_is_asked_for() -> None:
    document = Document("Title", ())
    assert "\x1b[" not in render_text(document)
    assert "\x1b[1m" in render_text(document, color=True)


def test_what_a_person_typed_cannot_drive_the_terminal() -> None:
    assert told(Paragraph(inlines("a\x1b[31mred\x07 [red]b[/red] :smile:"))) == "a[31mred [red]b[/red] :smile:\n"


def test_a_picture_without_a_fitting_format_is_refused() -> None:
    picture = Picture("photo", {"svg": lambda: b"<svg/>"})
    with pytest.raises(DeriveError, match="'photo' is there as svg"):
        render(Document("", (Slide((), (picture,)),)), "beamer")


def test_measures_never_fail() -> None:
    for code in (r"\frac", r"\left(", r"\begin{cases} a", "}", "^", r"\begin", r"\sqrt[3]{x}", "\\", r"\text{a"):
        assert size(code).width >= 0
        assert size_of(Raw(code)).height >= 0
