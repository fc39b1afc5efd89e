"""What the files that the tool writes say at their head: by it they are known again."""

from __future__ import annotations

import re
import zlib

from derive.naming import one_line

OURS = "Edit the source, not this file."
"""Every file the tool writes says so at its head; only such files are overwritten without being told to."""

HEAD = 4096
"""So many bytes of a file are read to know whether the tool wrote it."""


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
        (rb"(?:%|#|//|---\r?\n#) ", rb"\r?\n"),  # LaTeX, Python, GIFT, Markdown
        (rb"", rb"\r?\n\r?\n"),  # text
        (rb'\{\r?\n (?:"metadata": \{\r?\n  )?"generator": "', rb'",\r?\n'),  # JSON, notebooks
        (rb"(?:<\?xml[^>\n]*\?>\r?\n|<!DOCTYPE html>\r?\n)?<!-- ", rb" -->\r?\n"),  # SVG, HTML
        (rb"%PDF-\d\.\d\r?\n(?:%[^\n]{1,8}\n)?% ", rb"\n"),
        (rb"PK\x03\x04.{26}[ -~]{1,200}dv.{2}", rb""),  # a package
        (rb"\x89PNG\r\n\x1a\n.{29}tEXtComment\0", rb".{8}[A-Za-z]{4}"),
    )
)


def package_mark(source: str = "") -> bytes:
    """The mark as an extra field of the first file of a ZIP, which readers pass over that do not know it."""
    line = mark(source).encode()
    return b"dv" + len(line).to_bytes(2, "little") + line


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
