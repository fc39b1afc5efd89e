"""The command line: parse arguments, call derive, write files.  Nothing else in the project writes a file.

Exit status: 0 done, 1 the input is wrong (one message on standard error), 2 usage, 3 a proof or a check failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from derive import __version__
from derive.errors import DeriveError, ProofError
from derive.resources import OURS, mark

if TYPE_CHECKING:
    from derive.teaching.page import Page


# ---------------------------------------------------------------- arguments


def arguments() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="derive", description="From the definition of a deep-learning computation to everything a course needs."
    )
    parser.add_argument("--version", action="version", version=f"derive {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="the derivation, proved line by line, and worked numbers")
    _source(explain)
    _point(explain)
    explain.add_argument("--wrt", default="", metavar="NAMES", help="differentiate by these only: W,b")
    explain.add_argument("--order", default=1, type=int, choices=(1, 2), help="2 for second derivatives of a scalar (1)")
    explain.add_argument("--batch", metavar="NAMES", help="the inputs that differ between examples: x,t")
    explain.add_argument("--detail", default="normal", choices=("brief", "normal", "full"), help="how many steps to show")
    explain.add_argument(
        "--format", default="text", type=_page_format, metavar="FORMAT", help="text, json, markdown or latex (text)"
    )
    explain.add_argument("-o", "--output", type=_file, metavar="FILE", help="write to this file")
    _language(explain)
    _force(explain)
    explain.set_defaults(run=run_explain)

    slides = commands.add_parser("slides", help="the slides of a lecture")
    slides.add_argument("lecture", type=Path, metavar="LECTURE", help="a Markdown file with derive blocks")
    slides.add_argument("--format", default="beamer", metavar="FORMATS", help="markdown, beamer, or both with a comma (beamer)")
    slides.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="the folder to write to (this one)")
    _language(slides, default="")
    _force(slides)
    slides.set_defaults(run=run_slides)

    kernel = commands.add_parser("kernel", help="a Python module that computes the value and the gradients, compiled by Numba")
    _source(kernel)
    kernel.add_argument("--target", default="", metavar="TARGET", help="what it runs on (the processor); a wrong name lists all")
    kernel.add_argument("--batch", default="", metavar="NAMES", help="the inputs that differ between examples: x,t")
    kernel.add_argument("--reduction", default="mean", choices=("mean", "none"), help="of a number, over the examples (mean)")
    kernel.add_argument("--wrt", default="", metavar="NAMES", help="give the gradients by these only: W,b")
    kernel.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    kernel.add_argument("--wrap", default="", choices=("torch",), help="add a torch.autograd.Function")
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

    library = commands.add_parser("library", help="list the definitions, or show one")
    library.add_argument("name", nargs="?", default="", metavar="NAME")
    _language(library)
    library.set_defaults(run=run_library)

    course = commands.add_parser("course", help="build every shipped lecture in every language")
    course.add_argument(
        "-o", "--output", type=Path, default=Path("output"), metavar="DIR", help="the folder to write to (output)"
    )
    _force(course)
    course.set_defaults(run=run_course)
    return parser


def _file(text: str) -> Path | None:
    """A file to write to; none for `-`, which is standard output."""
    return None if text == "-" else Path(text)


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

    page = _page(options.lang)
    text, name = read_source(options.source)
    request = Request(
        read(text, name),
        wrt=_names(options.wrt),
        order=options.order,
        batch=None if options.batch is None else _names(options.batch),
        at=read_values(options.at) if options.at.strip() else None,
        view=View(options.detail),
    )
    if options.format == "json":
        data = {"generator": mark(), **as_json(request, page)}
        files: dict[str, str | bytes] = {"": json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"}
    else:
        files = _rendered(explain(request, page, name), options.format, options.output)
    if options.output is None:
        sys.stdout.write(str(files[""]))
        return 0
    write({options.output if not n else options.output.parent / n: content for n, content in files.items()}, options.force)
    return 0


def _rendered(document: Any, form: str, output: Path | None) -> dict[str, str | bytes]:
    """The text of a document (under "") and the files beside it."""
    if form == "text":
        from derive.teaching.formats.terminal import render_text

        color = output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = max(40, get_terminal_size((100, 0)).columns) if color else 100
        text = render_text(document, width, color)
        return {"": text if output is None else f"{text}\n{mark()}\n"}
    from derive.teaching.formats.render import render

    rendered = render(document, form)
    return {"": rendered.text, **rendered.files}


def run_slides(options: argparse.Namespace) -> int:
    """`derive slides`: a lecture in one or all of its languages, in the formats asked for."""
    from derive.teaching.formats.render import check_format

    forms = [f.strip() for f in options.format.split(",")]
    for form in forms:
        check_format(form, "slide")
    write(_lecture_files(options.lecture, options.output, forms, options.lang), options.force)
    return 0


def _lecture_files(path: Path, folder: Path, forms: Sequence[str], lang: str = "") -> dict[Path, str | bytes]:
    """What a lecture builds to: a file `NAME.LANG.ENDING` for each language and format, and their figures."""
    from derive.language.sources import read_file
    from derive.teaching.formats.render import FORMATS, render
    from derive.teaching.lecture import lecture as lectures
    from derive.teaching.lecture.kinds import build_lecture

    lecture = lectures.read(read_file(path), path.name, path.parent)
    if lang and lang not in lecture.about.langs:
        raise DeriveError(f"{path} is not written in {lang!r}.", hint=f"It has {', '.join(lecture.about.langs)}.")
    files: dict[Path, str | bytes] = {}
    for language in [lang] if lang else lecture.about.langs:
        document = build_lecture(lecture, language)
        for form in forms:
            rendered = render(document, form)
            files[folder / f"{path.stem}.{language}{FORMATS[form].ending}"] = rendered.text
            files.update({folder / name: content for name, content in rendered.files.items()})
    return files


def run_course(options: argparse.Namespace) -> int:
    """`derive course`: every shipped lecture, in every language and format."""
    from derive.resources import folder
    from derive.teaching.formats.render import FORMATS, formats

    forms = formats("slide")
    files: dict[Path, str | bytes] = {}
    for path in sorted(folder("lectures").glob("*.md")):
        files |= _lecture_files(path, options.output, forms)
    write(files, options.force)
    for path in sorted(files):
        if path.name.endswith(tuple(FORMATS[form].ending for form in forms)):
            print(path)
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
    )
    if options.output is None:
        sys.stdout.write(made.source)
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
        sys.stdout.write(str(content))
    else:
        write({options.output: content}, options.force)
    return 0 if certificate.passed else 3


def run_library(options: argparse.Namespace) -> int:
    """`derive library`: one line for each definition, or the text of one."""
    from derive.language import library
    from derive.teaching.translation import translator

    translator(options.lang)
    if options.name:
        sys.stdout.write(library.text(options.name))
        return 0
    width = max(map(len, library.names()))
    for name in library.names():
        print(f"{name:{width}}  {library.describe(name, options.lang)}")
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
        raise DeriveError(f"{text!r} has no name", hint="Names are given with commas: x,t")
    return found


# ---------------------------------------------------------------- files


def write(files: Mapping[Path, str | bytes], force: bool) -> None:
    """Write files, all or none: all of them are complete before the first takes its name.

    Raises DeriveError, before anything is written, where something exists that derive did not write.
    """
    path = Path()
    waiting: list[tuple[Path, Path]] = []
    try:
        for path in files:
            _claim(path, force)
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
            waiting.append((Path(temporary), path))
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            Path(temporary).chmod(0o666 & ~_umask())
        while waiting:
            complete, path = waiting[0]
            complete.replace(path)
            waiting.pop(0)
    except (OSError, ValueError) as error:
        raise DeriveError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    finally:
        for complete, _ in waiting:
            complete.unlink(missing_ok=True)


def _claim(path: Path, force: bool) -> None:
    """Raises DeriveError unless a file may be written here; what is no file (a folder, a device) is never replaced."""
    for folder in path.parents:
        if folder.exists() and not folder.is_dir():
            raise DeriveError(f"{folder} is not a folder")
    if path.exists() and not path.is_file():
        raise DeriveError(f"{path} is not a file", hint="Name the file to write.")
    if path.exists() and not force and OURS.encode() not in path.read_bytes():
        raise DeriveError(
            f"{path} exists and was not written by derive", hint="Choose another name, or overwrite it with --force."
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = arguments().parse_args(argv)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except DeriveError as error:
        print(f"derive: {error}", file=sys.stderr)
        return 3 if isinstance(error, ProofError) else 1
    except KeyboardInterrupt:
        return 130
    except UnicodeEncodeError as error:
        print(f"derive: standard output is {error.encoding}, which has no {error.object[error.start]!a}", file=sys.stderr)
        print("Set PYTHONUTF8=1 for UTF-8, or write to a file with -o.", file=sys.stderr)
        return 1
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what waits to be written goes nowhere
        if isinstance(error, BrokenPipeError):  # whoever read it has read enough
            return 0
        print(f"derive: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
