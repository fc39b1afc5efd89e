"""A course: lectures built side by side, those that did not change left as they are, and a page that leads to all of them.

What was built of what is recorded in the folder, by content: a lecture is built again when it, a file that it names, derive or a
library below it is another, or when a file that came of it is not there as it was written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import distributions
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from babel import Locale

from derive.errors import DeriveError, raised, said
from derive.marks import mark
from derive.processes import attached
from derive.resources import PACKAGE, folder
from derive.teaching.building import built, stale, used
from derive.teaching.formats import escape
from derive.teaching.formats.printer import DocumentPrinter, environment
from derive.teaching.formats.render import FORMATS
from derive.teaching.translation import translator

RECORD = ".course.json"
DISTRIBUTION = "chainrule"
PAGES = "pdf"
"""What derive is called where it is installed from, and its extra that pages come of."""
INDEX = "index.html"


@dataclass(frozen=True)
class Part:
    """A lecture that was built: of what, its number in the course, its titles, its pages by language and format, and its files by
    what they hold.
    """

    key: str
    number: int
    titles: Mapping[str, str]
    pages: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Course:
    """What there is to write for a course, what to remove, and its pages, the index first."""

    files: Mapping[Path, str | bytes]
    stale: Sequence[Path]
    pages: Sequence[Path]


def course(lectures: Sequence[Path], out: Path, forms: Sequence[str]) -> Course:
    """The lectures in these formats, in as many processes as there are cores.  Raises DeriveError with the mistakes of all."""
    before, tool = _recorded(out), _tool()
    keys = {path: _key(path, forms, tool) for path in lectures}
    parts = {path: before[path.name] for path in lectures if _stands(before.get(path.name), keys[path], forms, out)}
    files: dict[Path, str | bytes] = {}
    for path, part, contents in _built({path: keys[path] for path in lectures if path not in parts}, forms):
        parts[path] = part
        files |= {out / name: content for name, content in contents.items()}
    ordered = sorted(lectures, key=lambda path: (parts[path].number, path.name))
    found = [parts[path] for path in ordered]
    files[out / INDEX] = index(found, forms)
    record = {"generator": mark(), "lectures": {path.name: asdict(parts[path]) for path in ordered}}
    files[out / RECORD] = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    pages = [out / name for part in found for by_form in part.pages.values() for name in by_form.values()]
    shown = {out / name: b"" for part in found for name in part.files} | files
    gone = [picture for path in lectures for picture in stale(path, out, shown)]
    return Course(files, gone, [out / INDEX, *pages])


def index(parts: Sequence[Part], forms: Sequence[str]) -> str:
    """The page that leads to every lecture, in each of its languages."""
    langs = sorted({lang for part in parts for lang in part.titles})
    listed = [
        {
            "lang": lang,
            "name": (Locale.parse(lang).get_display_name(lang) or lang).capitalize(),
            "lectures": [
                {
                    "title": escape.html(part.titles[lang]),
                    "pages": [
                        {
                            "name": escape.html(translator(lang)(FORMATS[form].called or form)),
                            "file": escape.html(part.pages[lang][form]),
                        }
                        for form in FORMATS
                        if form in forms
                    ],
                }
                for part in parts
                if lang in part.titles
            ],
        }
        for lang in langs
    ]
    placed = environment(DocumentPrinter.delimiters).get_template("html/index.j2")
    return placed.render(mark=mark(), languages=listed).rstrip("\n") + "\n"


# ---------------------------------------------------------------- one lecture


Result = tuple[Path, Part, Mapping[str, str | bytes]]


def _built(keys: Mapping[Path, str], forms: Sequence[str]) -> Iterator[Result]:
    """The lectures, the largest first, each in a process of its own where there are several."""
    count = min(len(keys), os.cpu_count() or 1)
    if count <= 1:
        yield from (_one(path, key, forms) for path, key in keys.items())
        return
    spawn, running = get_context("spawn"), dict[Any, tuple[Path, Any]]()
    waiting = sorted(keys, key=lambda path: path.stat().st_size)
    try:
        while waiting or running:
            while waiting and len(running) < count:
                path = waiting.pop()
                here, there = spawn.Pipe(duplex=False)
                process = spawn.Process(target=_work, args=(there, path, keys[path], forms), daemon=True)
                process.start()
                there.close()
                running[here] = path, process
            ready: list[Any] = wait([*running])
            for here in ready:
                path, process = running.pop(here)
                yield _received(here, path)
                process.join()
    finally:
        for _, process in running.values():
            process.kill()


def _received(here: Connection, path: Path) -> Result:
    """What the process of a lecture sends.  Raises DeriveError with the mistakes in it, or where it sends nothing."""
    try:
        found: Result | DeriveError = here.recv()
    except EOFError:
        raise DeriveError(said("{path} was not built: the process that did it has ended.", path=path)) from None
    if isinstance(found, DeriveError):
        raise found
    return found


def _work(there: Connection, path: Path, key: str, forms: Sequence[str]) -> None:
    """In a process of its own."""
    attached()
    try:
        there.send(_one(path, key, forms))
    except DeriveError as error:
        there.send(error)


def _one(path: Path, key: str, forms: Sequence[str]) -> Result:
    found = built(path, forms)
    raised(found.faults)
    pages: dict[str, dict[str, str]] = {lang: {} for lang in found.about.langs}
    for (lang, form), name in found.pages.items():
        pages[lang][form] = name
    files = {name: _digest(content) for name, content in found.files.items()}
    return path, Part(key, found.about.number, found.about.title, pages, files), found.files


# ---------------------------------------------------------------- what was built before


def _recorded(out: Path) -> dict[str, Part]:
    """What is recorded of the lectures in a folder; nothing where the record is not what this module writes."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        data: Any = json.loads((out / RECORD).read_text(encoding="utf-8"))
        return {name: Part(part["key"], int(part["number"]), *_texts(part)) for name, part in data["lectures"].items()}
    return {}


def _texts(part: Any) -> tuple[dict[str, str], dict[str, dict[str, str]], dict[str, str]]:
    titles, files = ({name: str(text) for name, text in part[key].items()} for key in ("titles", "files"))
    return titles, {lang: {form: str(name) for form, name in part["pages"][lang].items()} for lang in titles}, files


def _stands(part: Part | None, key: str, forms: Sequence[str], out: Path) -> bool:
    """Whether what was built is of this key, in all of its formats, and still there."""
    if part is None or part.key != key or any(form not in pages for pages in part.pages.values() for form in forms):
        return False
    try:
        return all(_digest((out / name).read_bytes()) == digest for name, digest in part.files.items())
    except OSError:
        return False


def _key(path: Path, forms: Sequence[str], tool: str) -> str:
    """What a lecture is built of."""
    contents = [file.read_bytes() if file.is_file() else b"" for file in used(path)]
    return _digest(repr((path.name, [*forms], tool, [*map(_digest, contents)])))


def _tool() -> str:
    """What derive is, to the letter, and the versions of the libraries below it."""
    roots = sorted({PACKAGE, folder("templates")})
    files = [path for root in roots for path in sorted(root.rglob("*")) if path.suffix not in ("", ".pyc")]
    return _digest(repr(([_digest(path.read_bytes()) for path in files], _libraries())))


def _libraries() -> list[str]:
    """The names and versions of what derive needs for its pages, and of what that needs; of all there is, where derive is not
    installed itself.
    """
    known = {_canonical(one.name): one for one in distributions()}
    waiting, found = [DISTRIBUTION], set[str]()
    while waiting:
        name = _canonical(waiting.pop())
        if name in found or name not in known:
            continue
        found.add(name)
        needed = [line.partition(";") for line in known[name].requires or ()]
        kept = (line for line, _, when in needed if "extra" not in when or (name == DISTRIBUTION and PAGES in when))
        waiting += [match[0] for line in kept if (match := re.match(r"[\w.-]+", line.strip()))]
    return sorted(f"{name} {known[name].version}" for name in (found or known))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _digest(content: str | bytes) -> str:
    return sha256(content.encode() if isinstance(content, str) else content).hexdigest()
