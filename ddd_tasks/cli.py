"""The `ddd` program: exec and run on the fast path, everything else through Invoke."""

from __future__ import annotations

import os
import sys

from ddd_tasks import fast

# What makes a project, or is about none: a tasks.py, here or above, has no say in it.
_ABOVE_PROJECTS = ("init", "languages")


def main(argv: list[str] | None = None) -> None:
    """Run a command line (default: our own) and exit with its status."""
    words = sys.argv[1:] if argv is None else argv
    if not _is_somewhere():
        sys.exit(_nowhere())
    if words and words[0] in fast.VERBS:
        sys.exit(fast.main(words))
    from ddd_tasks.tasks.program import program  # imports Invoke

    first = next((word for word in words if not word.startswith("-")), "")
    program(own_tasks=first not in _ABOVE_PROJECTS).run(["ddd", *words])


def _is_somewhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib costs every exec its import
    except FileNotFoundError:
        return False
    return True


def _nowhere() -> int:
    from ddd_tasks import console
    from ddd_tasks.errors import ConfigError

    error = ConfigError(
        f"the current directory {os.environ.get('PWD', '')} was removed",
        cause="a shell stays in a directory that something else has deleted",
        hint='cd "$(dirname "$PWD")"',
    )
    console.error(error)
    return int(error.exit_code)
