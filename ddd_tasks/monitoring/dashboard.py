"""The dashboard of a running service, from what its metrics page shows at this moment."""

from __future__ import annotations

from contextlib import closing
from typing import Any, NamedTuple

from ddd_tasks import process, services
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.monitoring import boardfile, exposition, page, rows, target
from ddd_tasks.monitoring.board import board, panels
from ddd_tasks.monitoring.boardfile import Draft
from ddd_tasks.project import Project, Service

COLUMNS = ("file", "change", "panels", "metrics")


class Result(NamedTuple):
    """What came of it. left_out: families without a panel; idle: those that have no series yet."""

    service: str
    url: str
    draft: Draft
    panels: int
    families: int
    left_out: tuple[str, ...]
    idle: tuple[str, ...]

    @property
    def row(self) -> dict[str, str]:
        """The cells of monitor.dashboard."""
        counts = {"panels": str(self.panels), "metrics": str(self.families)}
        return {"file": self.draft.path, "change": self.draft.change, **counts}

    @property
    def notes(self) -> list[str]:
        """What is worth knowing beside the table."""
        said = []
        if self.left_out:
            said.append(f"no panel was left for {len(self.left_out)} metrics: {', '.join(self.left_out)}")
        if self.idle:
            names = ", ".join(self.idle)
            said.append(f"no series yet: {names}; their labels show once the service has worked, so run it again then")
        return said

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        facts = {"service": self.service, "url": self.url, "file": str(self.draft.directory / self.draft.path)}
        counts = {"panels": self.panels, "metrics": self.families}
        lists = {"left_out": list(self.left_out), "no_series_yet": list(self.idle)}
        return {**facts, "change": self.draft.change, **counts, **lists}


def make(project: Project, service: Service) -> Result:
    """The dashboard of a service; nothing is written yet.

    Raises NotRunningError, ConfigError and UnsupportedError, as find, page.fetch and exposition.read do.
    """
    url = find(project, service)
    families = exposition.read(page.fetch(service.name, url))
    layout = rows.arrange(families)
    made = board(service.name, layout)
    idle = tuple(sorted(family.name for family in families if not family.samples))
    draft = boardfile.draft(project.directory, service.name, made)
    return Result(service.name, url, draft, sum(1 for _ in panels(made)), len(families), layout.left_out, idle)


def save(result: Result, *, force: bool) -> None:
    """Write the file; in a dry run not. Raises ConfigError, as boardfile.save does."""
    if not process.is_dry():
        boardfile.save(result.draft, result.service, force=force)


def find(project: Project, service: Service) -> str:
    """The URL of a running service's page. Raises NotRunningError, ConfigError, and UnsupportedError.

    The last one where the port is not published: this machine does not reach it.
    """
    with closing(Engine.connect()) as engine:
        identifier = services.running(engine, project, service)
        info = engine.get(f"/containers/{identifier}/json")
    language = services.language_of(service)
    wanted = target.choose(
        service.name,
        service.extension.get("metrics") or {},
        info["Config"].get("Labels") or {},
        language.metrics if language else None,
        target.exposed_ports(info),
    )
    place = services.published(info, wanted.port)
    if place is None:
        raise UnsupportedError(
            f"port {wanted.port} of service {service.name!r} is not published",
            cause="its metrics page is read from this machine, which does not reach it",
            valid=[name for name, other in project.services.items() if other.ports],
            hint=f"docker compose config {service.name}",
        )
    address, port = place
    host = f"[{address}]" if ":" in address else address
    return f"{wanted.scheme}://{host}:{port}{wanted.path}"
