"""A process that does nothing: what others load, they find below /proc/<its pid>/root, until its standard input ends.

The kernel lets a process look there if this one has no capability that it lacks.
"""

from __future__ import annotations

import sys

from sidecar import capabilities


def main() -> None:
    """Say that it is there, and wait."""
    capabilities.give_up()
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
