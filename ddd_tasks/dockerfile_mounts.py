"""Which secrets and ssh agents a Dockerfile mounts: a build is offered those, and no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_MOUNT = re.compile(r"--mount=(\S+)")
_SYNTAX = re.compile(r"#\s*syntax\s*=", re.IGNORECASE)


class Mounts(NamedTuple):
    """Ids of secrets and of ssh agents. is_open: it may mount others as well, which cannot be read here."""

    secrets: frozenset[str] = frozenset()
    ssh: frozenset[str] = frozenset()
    is_open: bool = False

    def has_secret(self, name: str) -> bool:
        """Whether a build may ask for the secret of that id."""
        return self.is_open or name in self.secrets


EVERYTHING = Mounts(is_open=True)


def load(file: Path) -> Mounts:
    """The mounts of a Dockerfile; a file that is not here may have any."""
    try:
        return parse(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return EVERYTHING


def parse(text: str) -> Mounts:
    """The mounts in all stages of a Dockerfile's text; one whose type or id is a variable may be any."""
    secrets, agents, is_open = set(), set(), bool(_SYNTAX.match(text))
    for mount in _MOUNT.findall(text):
        fields = dict(_field(part) for part in mount.split(","))
        kind, name = fields.get("type", "bind"), fields.get("id", "")
        if "$" in kind + name:
            is_open = True
        elif kind == "secret":
            secrets.add(name or fields.get("target", fields.get("dst", "")).rpartition("/")[2])
        elif kind == "ssh":
            agents.add(name or "default")
    return Mounts(frozenset(secrets), frozenset(agents), is_open)


def _field(part: str) -> tuple[str, str]:
    key, _, value = part.partition("=")
    return key.strip().lower(), value.strip("\"'")
