"""Files are written here and nowhere else: all of a set or none, over nothing that the tool did not write."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from derive.errors import DeriveError, said
from derive.marks import HEAD, made_from


def write(files: Mapping[Path, str | bytes], force: bool, stale: Iterable[Path] = (), alike: bool = False) -> None:
    """Write files, all or none: all of them are complete before the first takes its name, and no signal comes between.

    A link is written through; a file keeps its mode, its owner and its other names.  Then the `stale` ones are removed.

    Raises DeriveError, before anything is written, where something exists that derive did not write, or, if they have to be
    `alike`, that it made from another source.
    """
    waiting: list[tuple[Path, Path]] = []
    folders: list[Path] = []
    with _signals_held():
        try:
            places = _write(files, force, alike, waiting, folders)
        finally:
            for complete, _ in waiting:
                complete.unlink(missing_ok=True)
            for folder in reversed(folders):
                with suppress(OSError):  # something is in it
                    folder.rmdir()
        for path in (*stale, *_left_behind(places)):
            with suppress(OSError):
                path.unlink()


def _write(
    files: Mapping[Path, str | bytes], force: bool, alike: bool, waiting: list[tuple[Path, Path]], folders: list[Path]
) -> set[Path]:
    """Write files, and say in which folders.  What has to go where this fails is noted: the complete files that are `waiting`
    for their names, and the new `folders`.
    """
    path = Path()
    try:
        contents = {p: content.encode() if isinstance(content, str) else content for p, content in files.items()}
        targets: dict[Path, Path] = {}
        for path, content in contents.items():
            targets[path] = _claimed(path, content, force, alike)
        for path, content in contents.items():
            _make(targets[path].parent, folders)
            handle, temporary = tempfile.mkstemp(".part", f".derive-{os.getpid()}-", targets[path].parent)
            waiting.append((Path(temporary), targets[path]))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            _dress(*waiting[-1])
        while waiting:
            complete, path = waiting[0]
            _put(complete, path)
            waiting.pop(0)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DeriveError(said("{path} cannot be written: {reason}.", path=path, reason=reason)) from None
    return {target.parent for target in targets.values()}


def _claimed(path: Path, content: bytes, force: bool, alike: bool) -> Path:
    """Where a file is written: here, or where a link leads.

    Raises DeriveError where it may not be; what is no file (a folder, a device) is never replaced.
    """
    target, hint = Path(os.path.realpath(path)), "Choose another name, or overwrite it with --force."
    for folder in path.parents:
        if folder.exists() and not folder.is_dir():
            raise DeriveError(said("{folder} is not a folder.", folder=folder))
    status = None if target.is_symlink() else _status(target)  # a link still: it leads to itself
    if target.is_symlink() or (path.is_symlink() and status is None and not force):
        raise DeriveError(
            said("{path} is a link that leads nowhere.", path=path), hint="Remove the link, or choose another name."
        )
    if status is None:
        return target
    if not stat.S_ISREG(status.st_mode):
        raise DeriveError(said("{path} is not a file.", path=path), hint="Name the file to write, or - for standard output.")
    if force:
        return target
    with target.open("rb") as file:
        head = file.read(HEAD)
    source = made_from(head)
    if source is None and (status.st_size != len(content) or target.read_bytes() != content):
        raise DeriveError(said("{path} exists and was not written by derive.", path=path), hint=hint)
    if alike and source is not None and source != made_from(content[:HEAD]):
        raise DeriveError(said("{path} exists and was made from another source: {source}", path=path, source=source), hint=hint)
    if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise DeriveError(said("{path} is read-only.", path=path), hint=hint)
    return target


def _status(path: Path) -> os.stat_result | None:
    """What the system says of a file that there is."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _make(folder: Path, made: list[Path]) -> None:
    """A folder with those above it; the new ones are noted."""
    for above in (*reversed(folder.parents), folder):
        if not above.exists():
            with suppress(FileExistsError):  # somebody else has just made it
                above.mkdir()
                made.append(above)


def _dress(complete: Path, target: Path) -> None:
    """A new file with the mode that the user gives, or the mode and the owner of the file whose place it takes."""
    before, now = _status(target), complete.stat()
    if before is not None and (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        with suppress(PermissionError):
            os.chown(complete, before.st_uid, before.st_gid)
    complete.chmod(0o666 & ~_umask() if before is None else stat.S_IMODE(before.st_mode))


def _put(complete: Path, target: Path) -> None:
    """Give a complete file its name; where the one there has other names, or an owner who would lose it, its content."""
    before, now = _status(target), complete.stat()
    if before is None or (before.st_nlink, before.st_uid, before.st_gid) == (1, now.st_uid, now.st_gid):
        complete.replace(target)
        return
    target.write_bytes(complete.read_bytes())
    complete.unlink()


def _left_behind(folders: Iterable[Path]) -> Iterator[Path]:
    """Incomplete files of a process that was killed."""
    for folder in folders:
        for path in folder.glob(".derive-*-*.part"):
            number = path.name.split("-")[1]
            if number.isdecimal() and not _lives(int(number)):
                yield path


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


@contextmanager
def _signals_held() -> Iterator[None]:
    """What would end the process is put off until the block is done."""
    came: list[int] = []
    held = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # not every system has them all
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                held[number] = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
