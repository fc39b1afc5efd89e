"""Where the files lie that come with the project and are not Python, and what those say, at their head, that it writes."""

from __future__ import annotations

import re
import zlib
from hashlib import sha256
from pathlib import Path

from derive.errors import CONTROLS

PACKAGE = Path(__file__).parent

OURS = "Edit the source, not this file."
"""Every file the tool writes says so at its head; only such files are overwritten without being told to."""

HEAD = 4096
"""So many bytes of a file are read to know whether the tool wrote it."""


def folder(name: str) -> Path:
    """The folder `templates` or `lectures`: inside the package when installed, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


# ---------------------------------------------------------------- the mark


def mark(source: str = "") -> str:
    """The line that says where a generated file came from; no comment of any format ends inside it.

    >>> mark("mlp.derive")
    'Made by derive from mlp.derive. Edit the source, not this file.'
    """
    name = named(source)
    return f"Made by derive{' from ' + name if name else ''}. {OURS}"


def named(source: str) -> str:
    """A source as the mark names it: two dashes would end a comment of XML."""
    return re.sub("-(?=-)", "- ", one_line(source, 100))


def one_line(text: str, most: int = 200) -> str:
    """A name or a title on one line, without control characters, cut where it is long."""
    flat = " ".join(CONTROLS.sub("", text).split())
    return flat if len(flat) <= most else f"{flat[: most - 1].rstrip()}…"


def docstring(text: str) -> str:
    """Text that stands on one line between the quotes of a Python string, and is only ever a part of it."""
    return one_line(text).replace("\\", r"\\").replace('"', r"\"")


def marked(content: bytes, kind: str, source: str = "") -> bytes:
    """A picture that the tool drew, "svg", "pdf" or "png", with the mark as a comment near its head; of another kind as it is."""
    put = {"svg": _svg_marked, "pdf": _pdf_marked, "png": _png_marked}.get(kind)
    return put(content, mark(source).encode()) if put else content


def made_from(head: bytes) -> str | None:
    """The source that the mark at the head of a file names, or None for the file of somebody else.

    The mark is looked for where the format of the file has it, and nowhere else.

    >>> made_from(b"% Made by derive from a.md. Edit the source, not this file." + bytes([10]))
    'a.md'
    """
    found = next(filter(None, (form.match(head) for form in _FORMS)), None)
    return found and (found[1] or b"").decode(errors="replace")


_FORMS = tuple(
    re.compile(before + rb"Made by derive(?: from ([^\r\n]*?))?\. " + re.escape(OURS.encode()) + after, re.DOTALL)
    for before, after in (
        (rb"(?:%|#|---\r?\n#) ", rb"\r?\n"),  # LaTeX, Python, Markdown
        (rb"", rb"\r?\n\r?\n"),  # text
        (rb'\{\r?\n "generator": "', rb'",\r?\n'),  # JSON
        (rb"(?:<\?xml[^>\n]*\?>\r?\n)?<!-- ", rb" -->\r?\n"),  # SVG
        (rb"%PDF-\d\.\d\r?\n(?:%[^\n]{1,8}\n)?% ", rb"\n"),
        (rb"\x89PNG\r\n\x1a\n.{29}tEXtComment\0", rb".{8}[A-Za-z]{4}"),
    )
)


def _svg_marked(content: bytes, line: bytes) -> bytes:
    declaration = re.match(rb"(?:<\?xml[^>\n]*\?>\r?\n)?", content)
    at = declaration.end() if declaration else 0
    return content[:at] + b"<!-- " + line + b" -->\n" + content[at:]


def _pdf_marked(content: bytes, line: bytes) -> bytes:
    """With the mark after the lines of the header; the places of all objects, which the file's table lists, move behind it."""
    header = re.match(rb"%PDF-\d\.\d\r?\n(?:%[^\n]{1,8}\n)?", content)
    table = content.rfind(b"\nxref\n")
    if header is None or table < 0:
        return content
    comment = b"% " + line + b"\n"
    body, places = content[header.end() : table], content[table:]
    places = re.sub(rb"(\d{10})(?= \d{5} n)", lambda found: b"%010d" % (int(found[1]) + len(comment)), places)
    places = re.sub(rb"(?<=startxref\n)\d+", lambda found: b"%d" % (int(found[0]) + len(comment)), places)
    return header[0] + comment + body + places


def _png_marked(content: bytes, line: bytes) -> bytes:
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content
    chunk = b"tEXtComment\x00" + line
    whole = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return content[:33] + whole + content[33:]  # after the signature and the chunk IHDR


# ---------------------------------------------------------------- the names of files


def slug(name: str, most: int = 40) -> str:
    """A name of ASCII letters, digits, - and _ for every name, and another for another name.

    >>> slug("backprop"), slug("leçon 1")
    ('backprop', 'le-on-1-2d09e3')
    """
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:most].rstrip("-")
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return plain if plain == name else f"{plain}-{digest}".lstrip("-")


def picture_name(source: str, name: str, kind: str, content: bytes | None = None) -> str:
    """How the file of a picture is called that stands in what was made of a source.

    One that the tool drew is called after the source and its block.  The copy of an author's picture has a digest of its
    `content` in its name, too: so two never have one name, and a copy is known to be one whatever it holds.
    """
    parts = [slug(Path(source).stem), slug(name), *([] if content is None else [sha256(content).hexdigest()[:12]])]
    return "-".join(part for part in parts if part) + f".{kind}"


def is_copy(name: str, content: bytes) -> bool:
    """Whether a file is the copy of an author's picture under the name that `picture_name` gave it."""
    return Path(name).stem.endswith("-" + sha256(content).hexdigest()[:12])
