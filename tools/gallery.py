"""docs/gallery: every example of docs/blocks.md with what comes of it below.

`python tools/gallery.py` builds it.  The examples are one lecture, whose slides are the sections of the page.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE, GALLERY = ROOT / "docs" / "blocks.md", ROOT / "docs" / "gallery"

HEAD = "---\ntitle: What the blocks of a lecture become\nlang: en\n---\n\n"


def lecture(page: str) -> str:
    """The lecture of a page: under the heading of each section its examples, block by block, as typed and as they are built."""
    sections = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    out = [HEAD]
    for title, text in sections:
        examples = re.findall(r"^````markdown\n(.*?)^````$", text, re.MULTILINE | re.DOTALL)
        parts = [part for example in examples for part in _parts(example)]
        out += [f"## {title}\n\n"] * bool(parts) + [f"````markdown\n{part}\n````\n\n{part}\n\n" for part in parts]
    return "".join(out)


def _parts(example: str) -> list[str]:
    """The blocks of an example, and the words between them."""
    return [part.strip() for part in re.split(r"^(```derive.*?^```)$", example, flags=re.MULTILINE | re.DOTALL) if part.strip()]


def main() -> int:
    sys.path.insert(0, str(ROOT))
    import cli

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / PAGE.name
        source.write_text(lecture(PAGE.read_text("utf-8")), "utf-8")
        return cli.main(["slides", str(source), "-o", str(GALLERY), "--format", "markdown", "--flavour", "github"])


if __name__ == "__main__":
    sys.exit(main())
