"""The `ddd` program: exec and run on the fast path, everything else through Invoke."""

from __future__ import annotations

import sys

from ddd_tasks import fast


def main(argv: list[str] | None = None) -> None:
    """Run a command line (default: our own) and exit with its status."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in fast.VERBS:
        sys.exit(fast.main(words))
    from ddd_tasks.tasks.program import program  # imports Invoke

    program().run(["ddd", *words])
