"""Pictures of an author: files that lie below the folder of the lecture."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from derive.errors import DeriveError, Place, said
from derive.teaching.document import Picture

PICTURES = ("pdf", "svg", "png", "jpg", "jpeg")
MAX_PICTURE = 1 << 26


def picture(path: Path, folder: Path | None, place: Place) -> Picture:
    """A picture by its path below the folder.  Raises DeriveError where it is of another kind, elsewhere, or not there."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in PICTURES:
        raise DeriveError(said("A picture is a file of type {names}.", names=", ".join(PICTURES)), place)
    whole = below(path, folder)
    if whole is None:
        raise DeriveError("A picture lies in the lecture's folder or below.", place)
    if not whole.is_file() or folder is None or not whole.resolve().is_relative_to(folder.resolve()):
        raise DeriveError(said("There is no picture '{path}'.", path=path), place)
    return Picture(path.stem, {kind.replace("jpeg", "jpg"): partial(_read, whole, place)}, given=True)


def below(path: Path, folder: Path | None) -> Path | None:
    """Where a path leads below a folder; None where it leads elsewhere."""
    return None if folder is None or path.is_absolute() or ".." in path.parts else folder / path


def _read(path: Path, place: Place) -> bytes:
    """The bytes of a picture; a DeriveError where they cannot be had, or are too many."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PICTURE + 1)
    except OSError as error:
        reason = error.strerror or error
        raise DeriveError(said("The picture {path} cannot be read: {reason}.", path=path, reason=reason), place) from None
    if len(content) > MAX_PICTURE:
        most = MAX_PICTURE >> 20
        raise DeriveError(said("The picture {path} is too long: at most {most} MiB are read.", path=path, most=most), place)
    return content
