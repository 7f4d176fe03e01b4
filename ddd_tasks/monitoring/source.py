"""Where it is read what a service exposes: its page, or the Prometheus that scrapes it."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from ddd_tasks import services
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, NotRunningError, UnknownNameError, UnsupportedError
from ddd_tasks.monitoring import api, exposition, page, stack, stored, target
from ddd_tasks.monitoring.families import Family
from ddd_tasks.project import Project, Service

PAGE, PROMETHEUS = "page", "prometheus"
SOURCES = (PAGE, PROMETHEUS)


class UnpublishedError(UnsupportedError):
    """The page is on a port that this machine does not reach."""


class Exposed(NamedTuple):
    """What a service exposes. source: one of SOURCES; url: of the page, as it was read from there."""

    source: str
    url: str
    families: tuple[Family, ...]


def read(project: Project, service: Service, source: str = "") -> Exposed:
    """What a running service exposes. source: "" for its page, and Prometheus where this machine does not reach that.

    Raises NotRunningError, ConfigError and UnsupportedError, as the reading of either does.
    """
    if source not in ("", *SOURCES):
        raise UnknownNameError("source", source, SOURCES, hint="ddd monitor.dashboard --from page")
    if source == PROMETHEUS:
        return _of_prometheus(project, service)
    try:
        url = find(project, service)
    except UnpublishedError as refused:
        if source == PAGE:
            raise
        try:
            return _of_prometheus(project, service)
        except NotRunningError as error:
            raise refused from error
    return Exposed(PAGE, url, exposition.read(page.fetch(service.name, url)))


def _of_prometheus(project: Project, service: Service) -> Exposed:
    running = stack.require(project)
    with closing(Engine.connect()) as engine:
        services.running(engine, project, service)
        found = stack.refresh(engine, project)
        mine = [one.container for one in found.targets if one.service == service.name] if found else []
        since = max((engine.get(f"/containers/{name}/json")["State"]["StartedAt"] for name in mine), default="")
    if found and not mine:
        raise ConfigError(
            f"Prometheus does not scrape service {service.name!r}",
            cause="neither x-ddd nor a label prometheus.io/scrape says that it has metrics",
            valid=found.services,
            hint=f"ddd monitor.dashboard --service {service.name} --from {PAGE}",
        )
    read = stored.read(api.Prometheus(running.url), service.name, since)
    return Exposed(PROMETHEUS, read.url, read.families)


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
        raise UnpublishedError(
            f"port {wanted.port} of service {service.name!r} is not published",
            cause="its metrics page is read from this machine, which does not reach it; a running Prometheus does",
            hint="ddd monitor.up",
        )
    address, port = place
    host = f"[{address}]" if ":" in address else address
    return f"{wanted.scheme}://{host}:{port}{wanted.path}"
