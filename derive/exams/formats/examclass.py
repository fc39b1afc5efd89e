r"""LaTeX of the class `exam`: the papers of all students in one file, and the same with `\printanswers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.exams.item import Numbers
from derive.exams.papers import Papers
from derive.exams.sheets import answered, asking, marks
from derive.naming import slug
from derive.notation.style import decimal
from derive.teaching.document import Block, CodeSpan, Document, inlines
from derive.teaching.formats.latex.columns import set_blocks
from derive.teaching.formats.latex.printer import ArticlePrinter
from derive.teaching.formats.printer import environment


class _Printer(ArticlePrinter):
    """Blocks of a paper."""

    def laid(self, blocks: Sequence[Block], nested: bool = False) -> str:
        """Blocks as LaTeX."""
        return self.blocks(set_blocks(blocks, self.width - (4 if nested else 2)))


def exam_class(found: Papers, lang: str, key: bool) -> Mapping[str, str | bytes]:
    """The file of all papers, or of all keys, and its pictures."""
    page = found.exam.page(lang)
    about = found.exam.lecture.about
    printer = _Printer(found.exam.lecture.source, lang)
    document = Document(about.title[lang], (), lang, about.author, found.exam.lecture.source)
    papers = [
        {
            "student": printer.text(paper.student),
            "total": printer.text(marks(found.marks, page)),
            "questions": [
                {
                    "title": printer.inlines(one.title),
                    "marks": printer.text(marks(one.marks, page)),
                    "body": printer.laid(one.body),
                    "parts": [
                        {
                            "prompt": printer.inlines(inlines(*part.prompt, " (", CodeSpan(part.name), ")")),
                            "shown": printer.laid(part.shown, True),
                            "marks": decimal(part.marks) or "0",
                            "asking": printer.laid(asking(part, paper, page), True),
                            "answer": printer.laid([*answered(part, paper, page), *part.solution], True) if key else "",
                            "choice": not isinstance(part.answer, Numbers),
                        }
                        for part in one.parts
                    ],
                }
                for one in found.items(paper, lang)
            ],
        }
        for paper in found.papers
    ]
    intro = printer.laid([block for slide in found.exam.intro.get(lang, ()) for block in slide.blocks])
    template = environment(printer.delimiters).get_template("exams/examclass.j2")
    text = template.render(papers=papers, intro=intro, answers=key, **printer.values(document))
    folder = "keys" if key else "papers"
    name = f"{folder}/{slug(found.exam.name)}.{lang}{'.key' if key else ''}.tex"
    return {name: text.rstrip("\n") + "\n", **{f"{folder}/{file}": content for file, content in printer.files.items()}}
