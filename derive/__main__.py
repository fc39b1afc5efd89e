"""`python -m derive`, and the entry point of the `derive` command."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec


def main() -> int:
    """Run the command line, which a wheel carries inside the package and a checkout has beside it."""
    command_line = import_module("derive.cli" if find_spec("derive.cli") else "cli")
    status: int = command_line.main()
    return status


if __name__ == "__main__":
    sys.exit(main())
