"""Which variables a program of a session gets inside: those that the session sets, and few of the host's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

# Of the caller's environment only what speaks to the tools of a session goes in: the rest describes the host.
_SPEAKS_TO_TOOLS = re.compile(
    r"CI|GITHUB_ACTIONS|GITLAB_CI|NO_COLOR|FORCE_COLOR|CLICOLOR(_FORCE)?|PY_COLORS|TZ|SOURCE_DATE_EPOCH"
    r"|(NOX|PIP|UV|PYTEST|COVERAGE|HYPOTHESIS)_.*"
)


def describe(own: Mapping[str, str | None], outer: Mapping[str, str]) -> str:
    """What the runner has to know, for the variables that a session sets (None: must not be set) and the host's."""
    passing = [name for name, value in outer.items() if name not in own and speaks_to_tools(name, value)]
    setting = [name for name, value in own.items() if value is not None and name != "PATH"]
    before = set((outer.get("PATH") or os.environ.get("PATH", "")).split(os.pathsep))
    path = [entry for entry in (own.get("PATH") or "").split(os.pathsep) if entry and entry not in before]
    unset = [name for name, value in own.items() if value is None]
    return json.dumps({"forward": passing + setting, "unset": unset, "path": path})


def speaks_to_tools(name: str, value: str) -> bool:
    """Whether a variable of the host means something inside; one that names a path of the host does not."""
    return _SPEAKS_TO_TOOLS.fullmatch(name) is not None and not value.startswith(("/", "~", "file:"))
