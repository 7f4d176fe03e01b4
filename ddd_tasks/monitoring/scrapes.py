"""How the scrapes of a project's services go: each container with a metrics page, and what Prometheus says of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ddd_tasks.engine.api import Engine
from ddd_tasks.monitoring import api, stack
from ddd_tasks.monitoring.discovery import Found
from ddd_tasks.monitoring.plain import plain
from ddd_tasks.project import Project

COLUMNS = ("service", "container", "page", "state", "why")
# Prometheus gathers changes for five seconds before it acts on them.
_HEARD_SECONDS = 6.0
_POLL_SECONDS = 0.1


class Scrape(NamedTuple):
    """A container that is to be scraped. state: up, down, waiting (no scrape yet) or stopped; why: of one that is down.

    url: as Prometheus asks for it, "" where no container runs; error: why, in Prometheus' own words.
    """

    service: str
    container: str
    url: str
    state: str
    why: str = ""
    error: str = ""

    @property
    def is_down(self) -> bool:
        """Whether the last scrape failed."""
        return self.state == "down"

    @property
    def cells(self) -> dict[str, str]:
        """The cells of monitor.targets."""
        return {
            "service": self.service,
            "container": self.container or "-",
            "page": self.url or "-",
            "state": self.state,
            "why": self.why,
        }

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        return {name: value or None for name, value in self._asdict().items()}


def look(project: Project, service: str = "") -> list[Scrape]:
    """Tell Prometheus what runs now, and say how it gets on with that. Raises NotRunningError where it does not run."""
    engine = Engine.connect()
    found = stack.refresh(engine, project)
    if found is None:
        raise stack.not_running(project)
    by_name = stack.discovery_of(project) == "dns"
    known = _heard(stack.require(project).url, found, by_name=by_name)
    rows = [*(_found_by_name(known) if by_name else _rows(found, known)), *_not_scraped(found)]
    return [row for row in rows if service in ("", row.service)]


def _heard(url: str, found: Found, *, by_name: bool) -> list[api.Target]:
    """What Prometheus says, once it has heard of each page, or service: it does by itself, but takes a moment."""
    prometheus, deadline = api.Prometheus(url), time.monotonic() + _HEARD_SECONDS
    wanted = set(found.services) if by_name else {one.url for one in found.targets}
    while True:
        known = prometheus.targets()
        if wanted <= {one.job if by_name else one.url for one in known} or time.monotonic() > deadline:
            return known
        time.sleep(_POLL_SECONDS)


def _rows(found: Found, known: Iterable[api.Target]) -> Iterator[Scrape]:
    by_url = {one.url: one for one in known}
    for one in found.targets:
        at = by_url.get(one.url)
        error = at.error if at else ""
        yield Scrape(one.service, one.container, one.url, _state(at), plain(error, one.url, one.service), error)


def _found_by_name(known: Iterable[api.Target]) -> Iterator[Scrape]:
    """Those that Prometheus has found by the names of services: it knows only their addresses."""
    for one in known:
        why = plain(one.error, one.url, one.job)
        yield Scrape(one.job, one.instance, one.url, _state(one), why, one.error)


def _not_scraped(found: Found) -> Iterator[Scrape]:
    for name in found.stopped:
        yield Scrape(name, "", "", "stopped", "none of its containers runs")
    for name, why in found.unreachable:
        yield Scrape(name, "", "", "down", why)


def _state(at: api.Target | None) -> str:
    return "waiting" if at is None or at.health == "unknown" else at.health
