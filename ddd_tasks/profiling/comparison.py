"""Two runs of a profiler compared: a table of what changed most, and a page beside the later one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import projectcache
from ddd_tasks.errors import ConfigError
from ddd_tasks.profiling import artefacts, diff, flamegraph, summary
from ddd_tasks.profiling.artefacts import Artefact
from ddd_tasks.profiling.diff import Change
from ddd_tasks.profiling.stacks import BYTES, Profile
from ddd_tasks.project import Project

COLUMNS = ("change", "before", "after", "function", "where")
COUNT = 10


class Row(NamedTuple):
    """A change, its numbers in this unit. path: the file on this machine, None for one that is only in the image."""

    change: Change
    path: Path | None
    unit: str

    def cells(self, here: Path) -> dict[str, str]:
        """The cells of the table, a path within this folder as seen from it."""
        one = self.change
        sign = "+" if one.self_change > 0 else "-" if one.self_change < 0 else ""
        return {
            "change": sign + shown(abs(one.self_change), "points" if self.unit == "share" else self.unit),
            "before": shown(one.self_before, self.unit),
            "after": shown(one.self_after, self.unit),
            "function": one.function,
            "where": summary.where(one.file, one.line, self.path, here),
        }

    def as_dict(self) -> dict[str, Any]:
        """The fields for --json. file is the container's path."""
        return {**self.change.as_dict(), "path": str(self.path) if self.path else None}


class Comparison(NamedTuple):
    """Two runs, every function of either with what changed most first, and the page. unit: share, time or bytes."""

    before: Artefact
    after: Artefact
    wholes: tuple[str, str]
    unit: str
    rows: list[Row]
    page: Path

    @property
    def notable(self) -> list[Row]:
        """The rows of the table: what sampling alone would not change so much."""
        return [row for row in self.rows if row.change.self_change and not row.change.is_chance][:COUNT]

    @property
    def lines(self) -> list[str]:
        """What was compared, and the page to open."""
        said = [f"{one.name}: {whole}" for one, whole in zip((self.before, self.after), self.wholes, strict=True)]
        if not self.notable:
            said.append("no function has changed by more than sampling leaves to chance: sample for longer")
        if self.before.meta["service"] != self.after.meta["service"]:
            said.append("these are two services: their functions are compared by name and file")
        if self.before.meta.get("time", "") > self.after.meta.get("time", ""):
            said.append(f"{self.before.name} is the later one: what has grown here was larger before")
        if self.unit == "share" and _requests(self.before) and _requests(self.before) == _requests(self.after):
            said.append("both were sent the same requests: --absolute compares what each function takes in a second")
        return [*said, str(self.page)]

    def as_dict(self) -> dict[str, Any]:
        """The fields of profile.diff --json."""
        runs = {"before": self.before.name, "after": self.after.name}
        changed = [row.as_dict() for row in self.rows]
        return {**runs, "unit": self.unit, "page": str(self.page), "changes": changed}


def compare(project: Project, before: str, after: str, *, absolute: bool = False) -> Comparison:
    """What has changed from one run to another, both named as artefacts.find takes them; the page is written.

    Raises ConfigError where they cannot be compared, or a file of theirs cannot be read or written.
    """
    runs = artefacts.find(project, before), artefacts.find(project, after)
    _check(*runs)
    was, now = (artefacts.profile_of(run) for run in runs)
    unit = ("bytes" if now.unit == BYTES else "time") if absolute else "share"
    sources = {**runs[0].sources, **runs[1].sources}
    rows = [Row(one, _path(project, sources, one.file), unit) for one in diff.changes(was, now, absolute=absolute)]
    page = runs[1].folder / f"diff-{runs[0].name.replace('/', '-')}.html"
    title = f"{runs[1].name} against {runs[0].name}"
    projectcache.write_private(page, flamegraph.render_diff(was, now, title, sources))
    return Comparison(*runs, (_whole(was), _whole(now)), unit, rows, page)


def shown(value: float, unit: str) -> str:
    """A number as a person reads it: a share, its change in points, time at work or bytes in each second."""
    if unit in ("share", "points"):
        return f"{value * 100:.1f}{'%' if unit == 'share' else ' pt'}"
    if unit == "time":
        return f"{value * 1000:.0f} ms/s"
    return f"{summary.size(value)}/s"


def _whole(profile: Profile) -> str:
    unit = "bytes" if profile.unit == BYTES else "time"
    each = shown(diff.per_second(profile), unit) + ("" if unit == "bytes" else " at work")
    return f"{profile.weight} {profile.unit} in {profile.seconds:.1f} s, {each}"


def _requests(run: Artefact) -> tuple[Any, ...]:
    """What requests were sent while it was profiled, () for none of ours."""
    load = run.meta.get("load")
    return (load.get("url"), load.get("rps")) if isinstance(load, dict) else ()


def _check(before: Artefact, after: Artefact) -> None:
    """Raise ConfigError for one run only, and for two of different kinds."""
    if before.folder == after.folder:
        what = f"both are the profile {after.name}: there is nothing to compare"
        raise ConfigError(what, hint="ddd profile.list")
    kinds = before.meta.get("kind"), after.meta.get("kind")
    if kinds[0] != kinds[1]:
        what = f"the profiles cannot be compared: {before.name} is of {kinds[0]}, {after.name} of {kinds[1]}"
        raise ConfigError(what, hint="ddd profile.list")


def _path(project: Project, sources: Mapping[str, str], file: str) -> Path | None:
    path = project.directory / sources[file] if file in sources else None
    return path if path and path.is_file() else None
