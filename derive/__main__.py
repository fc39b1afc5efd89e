"""`python -m derive`, and the entry point of the `derive` command."""

from __future__ import annotations

import os
import signal
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def main() -> int:
    """Run the command line, which a wheel carries inside the package and a checkout has beside it.

    It is found by its place: another `cli` may come before it on the path.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # without a traceback, already while the rest is imported
    package = Path(__file__).parent
    inside = package / "cli.py"
    spec = spec_from_file_location("derive.cli", inside if inside.is_file() else package.parent / "cli.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = command_line = module_from_spec(spec)
    spec.loader.exec_module(command_line)
    status: int = command_line.main()
    return status


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder, whose files may be called like anything that is imported from here on
    sys.exit(main())
