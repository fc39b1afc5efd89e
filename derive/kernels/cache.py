"""Modules of kernels as files that Numba can keep compiled code beside, in a folder of the user's cache.

The only code besides `cli.py` that writes files, and it writes nowhere else.  DERIVE_CACHE names another folder.  A file is
named after its text, so one that is there is right, and two processes that write it at once write the same.  What runs is the
text that was asked for, never what a file has become; but what Numba keeps is pickled code, so the folder is only used where no
other user can change anything in it.  Where there is no such folder, or it takes no file, a module has none.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import os
import re
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from importlib.abc import ExecutionLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

from derive.errors import DeriveError, said

NAMED = "DERIVE_CACHE"

COMPILED = "__pycache__"
"""Where Numba keeps what it compiles, beside the file."""


def folder() -> Path | None:
    """The folder of the cache; None for a user who has no home."""
    if named := os.environ.get(NAMED):
        return Path(named)
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(base) / "derive" / "kernels"


def load(source: str, name: str, methods: Sequence[str] = ()) -> ModuleType:
    """The module of a text, imported once in a process; its class `Methods` has some of its functions with a first argument more.

    Raises DeriveError where DERIVE_CACHE names a folder that other users can change.
    """
    slug = re.sub(r"\W", "_", name)[:40]
    module = f"{slug}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    full = f"derive_kernels_{module}"
    if full not in sys.modules:
        path = _written(module, source)
        loader = _Text(source, str(path or f"<kernel {module}>"), methods)
        spec = spec_from_loader(full, loader)
        assert spec is not None
        found = module_from_spec(spec)
        loader.exec_module(found)
        sys.modules.setdefault(full, found)  # of two threads the first is right, and both have one module
    return sys.modules[full]


class _Text(ExecutionLoader):
    """Makes a module of a text, and of nothing else: what Python keeps compiled could be anybody's."""

    def __init__(self, source: str, path: str, methods: Sequence[str]) -> None:
        self.source, self.path, self.methods = source, path, methods

    def get_source(self, fullname: str) -> str:
        return self.source

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_code(self, fullname: str) -> CodeType:
        tree = ast.parse(self.source)
        functions = [copy.deepcopy(n) for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in self.methods]
        for function in functions:
            function.args.args.insert(0, ast.arg("kernel__"))
        if functions:
            tree.body.append(ast.ClassDef("Methods", [], [], list(functions), []))
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)


# ---------------------------------------------------------------- the file


def _written(module: str, source: str) -> Path | None:
    """The file of a module, in a folder where it is safe to keep compiled code; None where there is none."""
    try:
        place = folder()
        if place is None or not _opened(place):
            return None
        for kept in (place / COMPILED).glob(f"{module}.*"):
            if _foreign(kept.lstat()):
                kept.unlink()
        return _put(place, f"{module}.py", source)
    except OSError:
        return None


def _opened(place: Path) -> bool:
    """Make the folder, which is the user's alone, and say whether no other user can change what is in it.

    Raises DeriveError where that is a folder that the user named.
    """
    compiled = place / COMPILED
    for made in (*reversed(place.parents), place, compiled):
        made.mkdir(0o700, exist_ok=True) if not made.exists() else None
    changeable = next(_changeable(compiled), None)
    if changeable is None:
        return True
    message = said("The cache of kernels is not used: other users can change the folder {changeable}.", changeable=changeable)
    hint = said("Close it (chmod go-w), remove what is in the cache, or let {named} name a folder of your own.", named=NAMED)
    if os.environ.get(NAMED):
        raise DeriveError(message, hint=hint)
    warnings.warn(f"{message}  {hint}", stacklevel=2)
    return False


def _changeable(place: Path) -> Iterator[Path]:
    """The folders, from this one up, of which another user than root could change what is in them.

    In a sticky one, such as /tmp, what belongs to somebody else stays.
    """
    place = place.resolve()
    for up, at in enumerate((place, *place.parents)):
        state = at.stat()
        if _foreign(state) or (state.st_mode & 0o022 and not (up > 1 and state.st_mode & stat.S_ISVTX)):
            yield at


def _foreign(state: os.stat_result) -> bool:
    """Whether what is there is another user's, or a link; only where systems have users."""
    return hasattr(os, "geteuid") and (state.st_uid not in (0, os.geteuid()) or stat.S_ISLNK(state.st_mode))


def _put(place: Path, name: str, source: str) -> Path:
    """The file, complete before it has its name."""
    path, text = place / name, source.encode()
    if path.exists() and not path.is_symlink() and path.read_bytes() == text:
        return path
    handle, temporary = tempfile.mkstemp(dir=place, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
