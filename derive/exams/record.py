"""What of a set of papers is written already: a set that was interrupted goes on where it stood."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from derive.exams.building import Build
from derive.files import write
from derive.marks import mark


@dataclass
class Record:
    """The portions of a build that are done, in a file of the folder that goes when all are."""

    path: Path
    digest: str
    done: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, folder: Path, build: Build) -> Record:
        """The record of a build, with what an earlier run of the same has done."""
        record = cls(folder / f".{build.found.exam.name}.exam.json", build.digest)
        with suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(record.path.read_text(encoding="utf-8"))
            if data["digest"] == record.digest:
                record.done = {int(k) for k in data["done"] if int(k) < build.count}
        return record

    def add(self, number: int) -> None:
        """A portion is written."""
        self.done.add(number)
        data = {"generator": mark(), "digest": self.digest, "done": sorted(self.done)}
        write({self.path: json.dumps(data, indent=1) + "\n"}, force=True)

    def close(self) -> None:
        """All are."""
        with suppress(OSError):
            self.path.unlink()
