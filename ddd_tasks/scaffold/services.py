"""What `ddd init` found in a folder, and what it decided for each service."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from ddd_tasks.language import Entry, Language, PackageManager
from ddd_tasks.scaffold import rendering


@dataclass(frozen=True)
class Service:
    """A service to be: its folder below the project's, its language, and how its code starts.

    host_port is the port of this machine that it is published on unless its variable says another one; metrics the path
    of its page for Prometheus, or None where the code shows none.
    """

    name: str
    folder: PurePosixPath
    language: Language
    manager: PackageManager
    entry: Entry
    host_port: int
    metrics: str | None = None

    @property
    def dockerfile(self) -> str:
        """The text of its Dockerfile."""
        return rendering.render(self.language, self.manager, self.entry)

    @property
    def port_variable(self) -> str:
        """The variable that gives it another port of this machine, such as API_PORT."""
        return re.sub(r"\W", "_", self.name).upper().lstrip("0123456789_") + "_PORT"

    def as_dict(self) -> dict[str, object]:
        """For --json."""
        return {
            "service": self.name,
            "folder": str(self.folder),
            "language": self.language.name,
            "package_manager": self.manager.name,
            "knobs": dict(self.entry.knobs),
            "port": self.entry.port,
            "health": self.entry.health,
            "metrics": self.metrics,
            "why": self.entry.why,
        }

    def __str__(self) -> str:
        where = "" if self.folder == PurePosixPath(".") else f" in {self.folder}/"
        port = "listens on no port" if self.entry.port is None else f"port {self.entry.port}"
        health = f", {self.entry.health} tells its health" if self.entry.health else ""
        metrics = f", {self.metrics} is for Prometheus" if self.metrics else ""
        by = f" with {self.manager.name}" if self.manager.name != self.language.name else ""
        return f"{self.name}{where}: {self.language.name}{by}; {self.entry.why}; {port}{health}{metrics}"


def slug(text: str) -> str:
    """A text as a name that Compose, pip and npm take: small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "app"
