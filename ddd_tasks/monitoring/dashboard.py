"""The dashboard of a running service, from what it exposes at this moment."""

from __future__ import annotations

from typing import Any, NamedTuple

from ddd_tasks import process
from ddd_tasks.monitoring import boardfile, choice, rows
from ddd_tasks.monitoring import source as reading
from ddd_tasks.monitoring.board import board, panels
from ddd_tasks.monitoring.boardfile import Draft
from ddd_tasks.monitoring.config import LABEL_VALUE_LIMIT, SAMPLE_LIMIT
from ddd_tasks.monitoring.families import Family
from ddd_tasks.monitoring.source import Exposed
from ddd_tasks.project import Project, Service

COLUMNS = ("file", "change", "panels", "metrics")


class Result(NamedTuple):
    """What came of it. families: those that are shown; left_out: the names of those that no panel was left for.

    remembered: the pattern, where it is the file's.
    """

    service: str
    exposed: Exposed
    draft: Draft
    panels: int
    families: tuple[Family, ...]
    left_out: tuple[str, ...]
    remembered: str

    @property
    def idle(self) -> list[str]:
        """The names of families that have no series yet."""
        return sorted(family.name for family in self.families if not family.samples)

    @property
    def series(self) -> int:
        """How many series the service exposes."""
        return sum(len(family.samples) for family in self.exposed.families)

    @property
    def longest(self) -> int:
        """The length of the longest value of a label."""
        values = (value for one in self.exposed.families for sample in one.samples for value in sample.labels.values())
        return max(map(len, values), default=0)

    @property
    def row(self) -> dict[str, str]:
        """The cells of monitor.dashboard."""
        counts = {"panels": str(self.panels), "metrics": str(len(self.families))}
        return {"file": self.draft.path, "change": self.draft.change, **counts}

    @property
    def notes(self) -> list[str]:
        """What is worth knowing beside the table."""
        said = []
        if self.remembered:
            said.append(f"only what matches {self.remembered!r}, as {self.draft.path} says; --match '.*' takes all")
        if self.series > SAMPLE_LIMIT:
            said.append(f"{self.series} series: Prometheus takes no page with more than {SAMPLE_LIMIT} of them")
        if self.longest > LABEL_VALUE_LIMIT:
            limit = f"Prometheus takes no page with one of more than {LABEL_VALUE_LIMIT}"
            said.append(f"a label has a value of {self.longest} characters: {limit}")
        if self.left_out:
            said.append(f"no panel was left for {len(self.left_out)} metrics: {', '.join(self.left_out)}")
        if self.idle:
            names = ", ".join(self.idle)
            said.append(f"no series yet: {names}; their labels show once the service has worked, so run it again then")
        return said

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        facts = {
            "service": self.service,
            "from": self.exposed.source,
            "url": self.exposed.url,
            "file": str(self.draft.directory / self.draft.path),
        }
        counts = {"panels": self.panels, "metrics": len(self.families)}
        lists = {"left_out": list(self.left_out), "no_series_yet": self.idle}
        return {**facts, "change": self.draft.change, **counts, **lists}


def make(project: Project, service: Service, *, source: str = "", match: str = "") -> Result:
    """The dashboard of a service; nothing is written yet.

    source: page, prometheus, or "" for the page, and Prometheus where this machine does not reach that. match: only
    metrics whose whole name matches this regular expression; "" for the one that the file has noted, or for all.
    Raises NotRunningError, ConfigError and UnsupportedError, as source.read, choice and boardfile do.
    """
    pattern = match or choice.of_file(boardfile.read(project.directory, service.name))
    wanted = choice.matcher(pattern)
    exposed = reading.read(project, service, source)
    found = choice.chosen(exposed.families, wanted)
    layout = rows.arrange(found)
    made = choice.noted(board(service.name, layout), pattern)
    return Result(
        service.name,
        exposed,
        boardfile.draft(project.directory, service.name, made),
        sum(1 for _ in panels(made)),
        found,
        layout.left_out,
        "" if match else pattern,
    )


def families(project: Project, service: Service, source: str = "") -> tuple[Family, ...]:
    """What a service exposes; source and errors as for make."""
    return reading.read(project, service, source).families


def save(result: Result, *, force: bool) -> None:
    """Write the file; in a dry run not. Raises ConfigError, as boardfile.save does."""
    if not process.is_dry():
        boardfile.save(result.draft, result.service, force=force)
