"""The command line: parse arguments, call derive, write files.

Exit status: 0 done, 1 the input is wrong (one message on standard error), 2 usage, 3 a proof or a check failed.
"""

from __future__ import annotations

import os
import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # without a traceback, already while the rest is imported

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from shutil import get_terminal_size
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from derive import __version__
from derive.errors import DeriveError, ProofError, in_language, raised, said, visible
from derive.files import write
from derive.marks import mark

if TYPE_CHECKING:
    from derive.errors import Translate
    from derive.exams.manifest import Manifest
    from derive.exams.roster import Student
    from derive.exams.source import Exam
    from derive.teaching.lecture.lecture import Drawings
    from derive.teaching.page import Page


# ---------------------------------------------------------------- arguments


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage in visible characters and in the language asked for, and writes its help out before it
    ends.
    """

    def translate(self, text: str) -> str:
        """The text in the language asked for."""
        return text

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {self.translate('error: ')}{visible(in_language(_usage(message), self.translate))}\n")

    def format_usage(self) -> str:
        return super().format_usage().replace("usage: ", self.translate("usage: "), 1)

    def format_help(self) -> str:
        commands = [c for a in self._actions for c in getattr(a, "_choices_actions", ())]
        for action in (*self._actions, *commands):
            action.help = action.help and self.translate(action.help)
        for group in self._action_groups:
            group.title = group.title and self.translate(group.title)
        self.description = self.description and self.translate(self.description)
        return super().format_help().replace("usage: ", self.translate("usage: "), 1)

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is not None and file is sys.stdout:
            file.write(message)  # argparse would not tell that it cannot be written
        else:
            super()._print_message(message, file)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if sys.stdout is not None:
            sys.stdout.flush()
        super().exit(status, message)


_COMPLAINTS = {
    r"the following arguments are required: (?P<names>.+)": "the following arguments are required: {names}",
    r"unrecognized arguments: (?P<names>.+)": "unrecognized arguments: {names}",
    r"argument (?P<name>[^:]+): (?P<why>.+)": "argument {name}: {why}",
    r"invalid choice: (?P<word>.+) \(choose from (?P<names>.+)\)": "invalid choice: {word} (choose from {names})",
    r"invalid \w+ value: (?P<word>.+)": "invalid value: {word}",
    r"expected one argument": "expected one argument",
    r"not allowed with argument (?P<name>.+)": "not allowed with argument {name}",
    r"ignored explicit argument (?P<word>.+)": "ignored explicit argument {word}",
}
"""What argparse says of a usage, and the same as a pattern of ours."""


def _usage(message: str) -> str:
    """A complaint of argparse as a message that can be said in another language."""
    for words, pattern in _COMPLAINTS.items():
        if found := re.fullmatch(words, message, re.DOTALL):
            return said(pattern, **{name: _usage(value) for name, value in found.groupdict().items()})
    return message


def _asked(argv: Sequence[str]) -> str:
    """The language that a command line asks for, before it is parsed."""
    after = [b for a, b in pairwise(argv) if a == "--lang"] + [a[len("--lang=") :] for a in argv if a.startswith("--lang=")]
    return after[-1] if after else "en"


def arguments(translate: Translate = str) -> argparse.ArgumentParser:
    """The commands and their options."""

    class Spoken(Parser):
        """The parser of every command, in the language asked for."""

        def translate(self, text: str) -> str:
            return translate(text)

    parser = Spoken(prog="derive", description="From the definition of a deep-learning computation to everything a course needs.")
    parser.add_argument("--version", action="version", version=f"derive {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="the derivation, proved line by line, and worked numbers")
    _source(explain)
    _point(explain)
    explain.add_argument("--wrt", default="", metavar="NAMES", help="differentiate by these only: W,b")
    explain.add_argument("--through", action="store_true", help="show every derivative on the way, too")
    explain.add_argument("--expand", action="store_true", help="put them in: no result names another derivative")
    explain.add_argument("--order", default=1, type=int, choices=(1, 2), help="2 for second derivatives of a scalar (1)")
    explain.add_argument("--batch", metavar="NAMES", help="the inputs that differ between examples: x,t")
    explain.add_argument("--detail", default="normal", choices=("brief", "normal", "full"), help="how many steps to show")
    explain.add_argument(
        "--format", default="text", type=_page_format, metavar="FORMAT", help="text, json, markdown, latex or pdf (text)"
    )
    explain.add_argument(
        "--fragment", action="store_true", help="with --format latex: what \\input takes, and the package derive.sty beside it"
    )
    explain.add_argument("-o", "--output", type=_file, metavar="FILE", help="write to this file")
    _language(explain)
    _force(explain)
    explain.set_defaults(run=run_explain)

    sty = commands.add_parser("sty", help="the LaTeX package derive.sty, for documents that read fragments")
    sty.add_argument("-o", "--output", type=_file, metavar="FILE", help="write to this file")
    _force(sty)
    sty.set_defaults(run=run_sty)

    slides = commands.add_parser("slides", help="the slides of a lecture")
    slides.add_argument("lecture", type=Path, metavar="LECTURE", help="a Markdown file with derive blocks")
    slides.add_argument(
        "--format",
        default="beamer",
        metavar="FORMATS",
        help="html, pdf, notebook, markdown, beamer, or several with commas (beamer)",
    )
    slides.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="the folder to write to (this one)")
    slides.add_argument(
        "--flavour",
        default="pandoc",
        choices=("pandoc", "github", "marp"),
        help="who reads the Markdown: pandoc, github or marp (pandoc)",
    )
    slides.add_argument("--handout", action="store_true", help="show answers, without clicks and without what the speaker says")
    slides.add_argument("--keep-going", action="store_true", help="build all the same, with each mistake shown in its place")
    slides.add_argument("--watch", action="store_true", help="build again whenever the lecture changes, until Ctrl-C")
    _language(slides, default="")
    _force(slides)
    slides.set_defaults(run=run_slides)

    kernel = commands.add_parser("kernel", help="a Python module that computes the value and the gradients, compiled by Numba")
    _source(kernel)
    kernel.add_argument("--target", default="", metavar="TARGET", help="what it runs on (the processor); a wrong name lists all")
    kernel.add_argument("--batch", default="", metavar="NAMES", help="the inputs that differ between examples: x,t")
    kernel.add_argument("--reduction", default="mean", choices=("mean", "none"), help="of a number, over the examples (mean)")
    kernel.add_argument("--wrt", default="", metavar="NAMES", help="give the gradients by these only: W,b")
    kernel.add_argument("--outputs", default="", metavar="NAMES", help="give these tensors, the last one alone if none: h,c")
    kernel.add_argument("--dtype", default="float32", choices=("float32", "float64", "bfloat16", "float16"))
    kernel.add_argument("--order", default=1, type=int, choices=(1, 2), help="2 for second derivatives of a scalar, too (1)")
    kernel.add_argument("--wrap", default="", choices=("torch",), help="add a torch.autograd.Function")
    kernel.add_argument(
        "--runtime", default="standalone", choices=("standalone", "import"), help="import what all modules share from derive"
    )
    kernel.add_argument("-o", "--output", type=_file, metavar="FILE", help="write to this file")
    _force(kernel)
    kernel.set_defaults(run=run_kernel)

    check = commands.add_parser("check", help="prove every line and check the gradients numerically")
    _source(check)
    _point(check)
    check.add_argument("--format", default="text", choices=("text", "json"))
    check.add_argument("-o", "--output", type=_file, metavar="FILE", help="write the certificate to this file")
    _language(check)
    _force(check)
    check.set_defaults(run=run_check)

    reading = commands.add_parser("proofread", help="a derivation that a person wrote: which step does not follow")
    reading.add_argument("file", metavar="FILE", help="a Markdown, LaTeX or text file with definitions and formulas, or -")
    reading.add_argument("--format", default="text", choices=("text", "json"))
    reading.add_argument("-o", "--output", type=_file, metavar="FILE", help="write to this file")
    _language(reading)
    _force(reading)
    reading.set_defaults(run=run_proofread)

    library = commands.add_parser("library", help="list the definitions, or show one")
    library.add_argument("name", nargs="?", default="", metavar="NAME")
    _language(library)
    library.set_defaults(run=run_library)

    exam = commands.add_parser("exam", help="question papers, a proved variant for each student, with their keys")
    exam.add_argument("exam", type=Path, metavar="EXAM", help="a Markdown file with derive question blocks")
    who = exam.add_mutually_exclusive_group()
    who.add_argument("--variants", type=_count, metavar="N", help="so many papers, numbered (1)")
    who.add_argument("--roster", type=Path, metavar="FILE", help="a paper for each student in a CSV file with a column 'student'")
    who.add_argument("--student", default="", metavar="NAME", help="print one paper again: EXAM is then the manifest")
    exam.add_argument(
        "--format", default="pdf", metavar="FORMATS", help="pdf, latex, markdown, moodle, gift, qti, canvas … (pdf)"
    )
    exam.add_argument(
        "--key", type=Path, metavar="FILE", help="the secret that variants are drawn from (EXAM.key; made if missing)"
    )
    exam.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="the folder to write to (this one)")
    exam.add_argument("--scheduler", default="", metavar="ADDRESS", help="a Dask cluster that does the work: tcp://host:8786")
    exam.add_argument("--workers", type=_count, metavar="N", help="processes at work (as many as there are cores)")
    _language(exam, default="")
    _force(exam)
    exam.set_defaults(run=run_exam)

    grade = commands.add_parser("grade", help="the marks of answers to an exam, and what went wrong")
    grade.add_argument("manifest", type=Path, metavar="MANIFEST", help="what 'derive exam' wrote beside the papers")
    grade.add_argument("answers", type=Path, metavar="ANSWERS", help="a CSV file: student, then a column for each part")
    grade.add_argument("-o", "--output", type=_file, metavar="FILE", help="write the marks to this file")
    grade.add_argument("--pages", type=Path, metavar="DIR", help="write a page for each student into this folder")
    grade.add_argument("--format", default="markdown", choices=("markdown", "pdf", "latex"), help="of the pages (markdown)")
    _language(grade, default="")
    _force(grade)
    grade.set_defaults(run=run_grade)

    course = commands.add_parser("course", help="build every shipped lecture in every language")
    course.add_argument(
        "--format", default="", metavar="FORMATS", help="html, pdf, notebook, markdown, beamer (all; pdf where typst is)"
    )
    course.add_argument(
        "-o", "--output", type=Path, default=Path("output"), metavar="DIR", help="the folder to write to (output)"
    )
    _force(course)
    course.set_defaults(run=run_course)
    return parser


def _file(text: str) -> Path | None:
    """A file to write to; none for `-`, and the system's names for it, which is standard output."""
    return None if text in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1") else Path(text)


def _count(text: str) -> int:
    """A number of things, at least one."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1,000,000")
    return int(text)


def _page_format(text: str) -> str:
    """The name of a format that an explanation has."""
    if text not in ("text", "json"):
        from derive.teaching.formats.render import check_format

        try:
            check_format(text, "page", ("text", "json"))
        except DeriveError as error:
            raise argparse.ArgumentTypeError(f"{error.message} {error.hint}") from None
    return text


def _source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a .derive file, a library name, - for standard input, or a definition")


def _point(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", default="", metavar="VALUES", help='values for the inputs: "u=2, v=3, w=4", "s=[2.3, 4.1], t=0"')


def _language(parser: argparse.ArgumentParser, default: str = "en") -> None:
    parser.add_argument("--lang", default=default, metavar="LANG", help="the language: en, or one with a catalogue")


def _force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite files that derive did not write")


# ---------------------------------------------------------------- commands


def run_explain(options: argparse.Namespace) -> int:
    """`derive explain`: the explanation on standard output or in a file."""
    from derive.language.at import read_values
    from derive.language.reader import read
    from derive.language.sources import read_source
    from derive.teaching.data.explanation import as_json
    from derive.teaching.pages.explain import explain
    from derive.teaching.request import Request, View

    if options.fragment and options.format != "latex":
        raise DeriveError("A fragment is of LaTeX.", hint="Write --format latex --fragment.")
    if options.format == "pdf":
        _check_pdf(options.output)
    page = _page(options.lang)
    text, name = read_source(options.source)
    request = Request(
        read(text, name),
        wrt=_names(options.wrt),
        order=options.order,
        through=options.through,
        expand=options.expand,
        batch=None if options.batch is None else _names(options.batch),
        at=read_values(options.at) if options.at.strip() else None,
        view=View(options.detail),
    )
    if options.format == "json":
        data = {"generator": mark(), **as_json(request, page)}
        files: dict[str, str | bytes] = {"": json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"}
    else:
        files = _rendered(explain(request, page, name), "fragment" if options.fragment else options.format, options.output)
    if options.output is None:
        _show(str(files[""]))
        return 0
    write({options.output if not n else options.output.parent / n: content for n, content in files.items()}, options.force)
    return 0


def _check_pdf(output: Path | None) -> None:
    """Raises DeriveError where no PDF can be made, before anything else is."""
    from derive.teaching.formats.render import check_needs

    check_needs("pdf")
    if output is None:
        raise DeriveError("A PDF is not written to standard output.", hint="Write to a file with -o.")


def _rendered(document: Any, form: str, output: Path | None) -> dict[str, str | bytes]:
    """The text of a document (under "") and the files beside it."""
    if form == "text":
        from derive.teaching.formats.terminal import render_text

        color = output is None and sys.stdout is not None and sys.stdout.isatty()
        color = color and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        width = max(40, get_terminal_size((100, 0)).columns) if color else 100
        text = render_text(document, width, color)
        return {"": text if output is None else f"{mark()}\n\n{text}"}
    from derive.teaching.formats.render import fragment, written

    if form == "fragment":
        rendered = fragment(document)
        return {"": rendered.text, **rendered.files}
    page = written(document, form)
    return {"": page.content, **page.files}


def run_sty(options: argparse.Namespace) -> int:
    """`derive sty`: the package of LaTeX that fragments need, on standard output or in a file."""
    from derive.teaching.formats.render import package

    if options.output is None:
        _show(package())
    else:
        write({options.output: package()}, options.force)
    return 0


def run_slides(options: argparse.Namespace) -> int:
    """`derive slides`: a lecture in one or all of its languages, in the formats asked for."""
    forms = _forms(options.format)
    if options.watch:
        return _watch(options, forms)
    return _build(options, forms, {})


def _forms(names: str) -> list[str]:
    """The formats of slides that are named.  Raises DeriveError where one is not known, or needs what is not installed."""
    from derive.teaching.formats.render import check_format, check_needs

    forms = [name.strip() for name in names.split(",")]
    for form in forms:
        check_format(form, "slide")
        check_needs(form)
    return forms


def _build(options: argparse.Namespace, forms: Sequence[str], drawings: Drawings) -> int:
    """Build a lecture once."""
    from derive.teaching.building import built, stale
    from derive.teaching.formats.printer import Choices

    choices = Choices(options.handout, options.flavour)
    found = built(options.lecture, forms, options.lang, choices, drawings, _slow)
    if not options.keep_going:
        raised(found.faults)
    files = {options.output / name: content for name, content in found.files.items()}
    write(files, options.force, stale(options.lecture, options.output, files), alike=True)
    raised(found.faults)
    return 0


def _watch(options: argparse.Namespace, forms: Sequence[str]) -> int:
    """Build a lecture whenever it changes, or a file that it names, and say how that went."""
    from derive.teaching.building import used
    from derive.watching import changes

    drawings: Drawings = {}
    translate = _translate(options)
    for _ in changes(lambda: used(options.lecture)):
        start = perf_counter()
        try:
            _build(options, forms, drawings)
            built = said("Built in {seconds:.1f} s; waiting for a change, until Ctrl-C.", seconds=perf_counter() - start)
            _say(f"derive: {in_language(built, translate)}")
        except DeriveError as error:
            _say(f"derive: {error.text(translate)}")
    return 0


def _slow(what: str, line: int) -> None:
    """Say what takes long, where a person waits."""
    if sys.stderr is not None and sys.stderr.isatty():
        _say(f"derive: {what} (line {line}) …")


def run_course(options: argparse.Namespace) -> int:
    """`derive course`: every shipped lecture, in every language and format, and a page that leads to them."""
    from derive.resources import folder
    from derive.teaching.course import course
    from derive.teaching.formats.render import available

    forms = _forms(options.format) if options.format else available("slide")
    found = course(sorted(folder("lectures").glob("*.md")), options.output, forms)
    write(found.files, options.force, found.stale, alike=True)
    if sys.stdout is not None:  # they are written whether or not anybody is told
        _show("".join(f"{visible(str(path))}\n" for path in found.pages))
    return 0


def run_exam(options: argparse.Namespace) -> int:
    """`derive exam`: papers and keys, in portions, last the manifest, and beside it an empty table for the answers."""
    from derive.exams.building import Build, check_exports, check_forms, check_kept, keep, kept_in
    from derive.exams.papers import few, papers
    from derive.exams.record import Record
    from derive.exams.roster import is_empty
    from derive.exams.secret import read_key
    from derive.exams.source import open_exam
    from derive.exams.working import working

    forms = [name.strip() for name in options.format.split(",")]
    check_forms(forms)
    if options.student:
        return _print_again(options, forms)
    if options.exam.suffix == ".json":
        raise DeriveError("Of a manifest one paper is printed again.", hint="Say whose with --student NAME.")
    exam, folder = open_exam(options.exam), options.output
    langs = _langs(options, exam.langs)
    kept = None if options.force else kept_in(folder, exam)
    students = _students(options, exam, kept)
    key = read_key(options.key or options.exam.with_suffix(".key"))
    check_exports(exam, key, forms, langs)
    with working(options.workers, options.scheduler) as each:
        found = papers(exam, key, students, each, keep(exam, kept))
        build = Build(found, forms, langs, students)
        check_kept(found, kept, folder)
        record = Record.of(folder, build)
        for number, files in _watched(build.portions(each, record.done), build.count - len(record.done)):
            write({folder / name: content for name, content in files.items()}, options.force, alike=True)
            record.add(number)
    for files in build.whole():
        write({folder / name: content for name, content in files.items()}, options.force, build.stale(folder), alike=True)
    record.close()
    if is_empty(answers := folder / build.answers_name):
        write({answers: build.answers}, force=True)
    for told in (*few(found), build.told):
        _say(f"derive: {in_language(told, _translate(options))}")
    return 0


def _students(options: argparse.Namespace, exam: Exam, kept: Manifest | None) -> Sequence[Student]:
    """Those in the roster, or so many without names; where nothing is said, those that have papers in the folder."""
    from derive.exams.roster import numbered, read_roster

    if options.roster:
        return read_roster(options.roster, exam.langs)
    return kept.students if kept and not options.variants else numbered(options.variants or 1)


def _print_again(options: argparse.Namespace, forms: Sequence[str]) -> int:
    """The paper and the key of one student, from the manifest: the same as before, to the byte."""
    from derive.exams.building import reprinted
    from derive.exams.manifest import open_manifest

    manifest = open_manifest(options.exam)
    files = reprinted(manifest, options.student, forms, _langs(options, manifest.langs))
    write({options.output / name: content for name, content in files.items()}, options.force, alike=True)
    return 0


def _langs(options: argparse.Namespace, known: Sequence[str]) -> Sequence[str]:
    """The language asked for, or all.  Raises DeriveError for another."""
    if options.lang and options.lang not in known:
        raise DeriveError(
            said("{path} is not written in {lang!r}.", path=options.exam, lang=options.lang),
            hint=said("It has {names}.", names=", ".join(known)),
        )
    return [options.lang] if options.lang else known


def _watched(steps: Iterable[Any], count: int) -> Iterable[Any]:
    """Steps, with a bar that shows how far they are, where a person waits."""
    if count < 2 or sys.stderr is None or not sys.stderr.isatty():
        return steps
    from rich.console import Console
    from rich.progress import track

    return track(steps, description="", total=count, console=Console(stderr=True), transient=True)


def run_grade(options: argparse.Namespace) -> int:
    """`derive grade`: the marks as CSV, and a page for each student."""
    from derive.exams.manifest import open_manifest
    from derive.exams.marking import absent, graded, language_of, page_name, page_of, read_answers, table, waiting
    from derive.exams.roster import spreadsheet
    from derive.teaching.formats.render import FORMATS, check_needs, written

    if options.lang:
        _page(options.lang)
    check_needs(options.format)
    manifest = open_manifest(options.manifest)
    answers = read_answers(manifest, options.answers)
    sheets = list(graded(manifest, answers, options.lang))
    for told in absent(manifest, answers, sheets):
        _say(f"derive: {in_language(told, _translate(options))}")
    files: dict[Path, str | bytes] = {}
    for sheet in sheets if options.pages else ():
        page = written(page_of(sheet, manifest, options.lang or language_of(manifest, sheet.student)), options.format)
        files[options.pages / f"{page_name(sheet, manifest)}{FORMATS[options.format].ending}"] = page.content
        files |= {options.pages / name: content for name, content in page.files.items()}
    marks = table(sheets, options.lang or manifest.langs[0])
    if options.output is not None:
        files[options.output] = spreadsheet(marks)
    write(files, options.force)
    if options.output is None:
        _show(marks)
    for told in waiting(sheets):
        _say(f"derive: {in_language(told, _translate(options))}")
    return 0


def run_kernel(options: argparse.Namespace) -> int:
    """`derive kernel`: the text of a module, on standard output or in a file."""
    from derive.kernels.kernel import kernel
    from derive.language.reader import read
    from derive.language.sources import read_source

    text, name = read_source(options.source)
    made = kernel(
        read(text, name),
        options.target,
        _names(options.batch),
        _names(options.wrt),
        options.dtype,
        options.reduction,
        name,
        options.wrap,
        options.runtime == "import",
        options.order,
        _names(options.outputs),
    )
    if options.output is None:
        _show(made.source)
    else:
        write({options.output: made.source}, options.force)
    return 0


def run_check(options: argparse.Namespace) -> int:
    """`derive check`: the certificate of a definition, on standard output or in a file."""
    from derive.language.at import read_values
    from derive.language.reader import read
    from derive.language.sources import read_source
    from derive.proof.certificate import certify
    from derive.teaching.data.certificate import as_json
    from derive.teaching.pages.report import report
    from derive.values.run import run

    page = _page(options.lang)
    text, name = read_source(options.source)
    graph = read(text, name)
    certificate = certify(graph, run(graph, read_values(options.at)) if options.at.strip() else None)
    if options.format == "json":
        data = {"generator": mark(), **as_json(certificate, page)}
        content: str | bytes = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    else:
        content = _rendered(report(certificate, page, name), "text", options.output)[""]
    if options.output is None:
        _show(str(content))
    else:
        write({options.output: content}, options.force)
    return 0 if certificate.passed else 3


def run_proofread(options: argparse.Namespace) -> int:
    """`derive proofread`: what was found of a derivation, on standard output or in a file."""
    from derive.checking.proofread import proofread
    from derive.exams.explaining import explanations
    from derive.language.sources import read_file, read_source
    from derive.teaching.data.proofread import as_json
    from derive.teaching.pages.proofread import proofread_page

    page = _page(options.lang)
    path = Path(options.file)
    text = read_source("-")[0] if options.file == "-" else read_file(path)
    found = proofread(text, path.suffix.lower(), explanations)
    if options.format == "json":
        data = {"generator": mark(), **as_json(found, page)}
        content: str | bytes = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    else:
        content = _rendered(proofread_page(found, page, "" if options.file == "-" else path.name), "text", options.output)[""]
    if options.output is None:
        _show(str(content))
    else:
        write({options.output: content}, options.force)
    return 3 if found.count("refuted") else 1 if found.count("unread") else 0


def run_library(options: argparse.Namespace) -> int:
    """`derive library`: one line for each definition, or the text of one."""
    from derive.language import library
    from derive.teaching.translation import translator

    translator(options.lang)
    if options.name:
        _show(library.text(options.name))
        return 0
    width = max(map(len, library.names()))
    _show("".join(f"{name:{width}}  {library.describe(name, options.lang)}\n" for name in library.names()))
    return 0


def _page(lang: str) -> Page:
    from derive.teaching.page import Page
    from derive.teaching.translation import translator

    translator(lang)  # an unknown language is refused before anything is read
    return Page(lang)


def _names(text: str) -> tuple[str, ...]:
    """The names in a list with commas.  Raises DeriveError where there is a comma and no name."""
    found = tuple(n.strip() for n in text.split(",") if n.strip())
    if text and not found:
        raise DeriveError(said("{text!r} has no name.", text=text), hint="Names are given with commas: x,t")
    return found


# ---------------------------------------------------------------- streams


def _show(text: str) -> None:
    """Text on standard output.  Raises DeriveError where there is none."""
    if sys.stdout is None:
        raise DeriveError("Standard output is closed.", hint="Write to a file with -o.")
    sys.stdout.write(text)


def _say(message: str) -> None:
    """A message on standard error, if anybody can be told."""
    with suppress(OSError):
        if sys.stderr is not None:
            print(message, file=sys.stderr, flush=True)
            return
    _silence(sys.stderr)


def _silence(stream: TextIO | None) -> None:
    """What still waits to be written to a stream goes nowhere, and no message comes of it at the end."""
    with suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_RDWR), stream.fileno())


def _open_streams() -> None:
    """A standard stream that is closed leads nowhere, so that no file that is opened takes its number."""
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _translate(options: argparse.Namespace) -> Translate:
    """From a message in English to the language asked for with --lang; a page's language is that of what is said of it."""
    if (lang := getattr(options, "lang", "") or "en") == "en":
        return str
    from derive.teaching.translation import message_translator

    return message_translator(lang)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    _open_streams()
    options = argparse.Namespace()
    try:
        given = sys.argv[1:] if argv is None else argv
        options = arguments(_translate(argparse.Namespace(lang=_asked(given)))).parse_args(given)
        status: int = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except DeriveError as error:
        _say(f"derive: {error.text(_translate(options))}")
        return 3 if any(isinstance(one, ProofError) for one in error.each) else 1
    except KeyboardInterrupt:
        return 130
    except UnicodeEncodeError as error:
        _say(f"derive: standard output is {error.encoding}, which has no {error.object[error.start]!a}")
        _say("Set PYTHONUTF8=1 for UTF-8, or write to a file with -o.")
        return 1
    except OSError as error:
        _silence(sys.stdout)
        if isinstance(error, BrokenPipeError):  # whoever read it has read enough
            return 0
        _say(f"derive: {visible(str(error.filename or 'standard output'))}: {error.strerror}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
