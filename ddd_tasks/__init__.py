"""Docker-driven development: Invoke collections and Nox helpers for projects with a Dockerfile and a Compose file.

In tasks.py: `from ddd_tasks import ns` for every collection, or `from ddd_tasks import dev` for some. They are
imported when they are asked for, so that `import ddd_tasks` alone costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import would cost every exec 5 ms
if TYPE_CHECKING:
    from typing import Any

    from ddd_tasks.tasks import ci, debug, dev, monitor, profile, secrets, stage
    from ddd_tasks.tasks.namespace import ns

__all__ = ["ci", "debug", "dev", "monitor", "ns", "profile", "secrets", "stage"]

_COLLECTIONS = ("ci", "debug", "dev", "monitor", "profile", "secrets", "stage")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "ns":
        return import_module("ddd_tasks.tasks.namespace").ns
    if name in _COLLECTIONS:
        return import_module(f"ddd_tasks.tasks.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
