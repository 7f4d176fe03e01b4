"""What Prometheus is to scrape: the running containers of the services that say so, each by its own name.

Not by the service's name: with two replicas it leads to one or the other, and a counter that jumps between them looks
like one that was reset at each scrape.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ddd_tasks import services
from ddd_tasks.compose import SERVICE_LABEL
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import ConfigError, UnsupportedError
from ddd_tasks.monitoring import target
from ddd_tasks.project import Project, Service

HOST = "host.docker.internal"
_LABEL = "prometheus.io/"


class ScrapeTarget(NamedTuple):
    """A container with a metrics page. address: host and port, as Prometheus reaches it.

    networks: the names of its networks, one of which Prometheus has to be in; none where it reaches it anyway.
    """

    service: str
    container: str
    address: str
    path: str
    scheme: str
    networks: tuple[str, ...] = ()

    @property
    def is_on_host(self) -> bool:
        """Whether it is in the network of the host."""
        return self.address.startswith(f"{HOST}:")

    @property
    def url(self) -> str:
        """The page as Prometheus asks for it."""
        return f"{self.scheme}://{self.address}{self.path}"


class Found(NamedTuple):
    """targets: by service and container. stopped: services with metrics of which no container runs.

    unreachable: services without a network that Prometheus could join, and why.
    """

    targets: tuple[ScrapeTarget, ...]
    stopped: tuple[str, ...]
    unreachable: tuple[tuple[str, str], ...] = ()

    @property
    def services(self) -> list[str]:
        """Those that run, once each."""
        return list(dict.fromkeys(one.service for one in self.targets))

    def reached(self, *, with_host: bool) -> Found:
        """The same for a Prometheus that knows the name of the host, or does not."""
        if with_host:
            return self
        why = "it is in the network of the host, which Prometheus was started without: ddd monitor.up"
        beyond = dict.fromkeys(one.service for one in self.targets if one.is_on_host)
        return self._replace(
            targets=tuple(one for one in self.targets if not one.is_on_host),
            unreachable=(*self.unreachable, *((name, why) for name in beyond)),
        )


def discover(engine: Engine, project: Project) -> Found:
    """The scrape targets of a project.

    Raises ConfigError where no service has metrics, or one does not say on which port.
    """
    running = [entry for entry in services.listed(engine, project) if entry["State"] == "running"]
    targets, seen, stopped, unreachable = [], set(), [], []
    for name, service in project.services.items():
        infos = _containers(engine, running, name)
        if not wants(service, infos):
            continue
        seen.add(name)
        stopped += [] if infos else [name]
        try:
            targets += [_target(engine, service, info) for info in infos]
        except UnsupportedError as error:  # the others are scraped all the same
            unreachable.append((name, error.cause))
    if not seen:
        raise ConfigError(
            f"no service of {project.name!r} says that it has metrics",
            cause=f"none has `x-ddd: {{metrics: {{}}}}` or the label {_LABEL}scrape",
            valid=sorted(project.services),
            hint=shlex.join(["grep", "-n", "services:", str(project.files[0])]),
        )
    return Found(tuple(targets), tuple(stopped), tuple(unreachable))


def wants(service: Service, infos: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a service says that it has metrics: in x-ddd, or by a label. infos: its containers, as inspected."""
    if "metrics" in service.extension:
        return True
    labels = dict(service.labels)
    for info in infos:
        labels |= info["Config"].get("Labels") or {}
    own = {key: value for key, value in labels.items() if key.startswith(_LABEL)}
    return bool(own) and own.get(f"{_LABEL}scrape", "true").lower() != "false"


def _containers(engine: Engine, running: Iterable[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """The service's running containers, as inspected; one that has just ended is none."""
    found = []
    for entry in running:
        if entry["Labels"].get(SERVICE_LABEL) == name:
            try:
                found.append(engine.get(f"/containers/{entry['Id']}/json"))
            except ApiError as error:
                if error.status != 404:
                    raise
    return sorted(found, key=lambda info: str(info["Name"]))


def _target(engine: Engine, service: Service, info: Mapping[str, Any]) -> ScrapeTarget:
    language = services.language_of(service)
    wanted = target.choose(
        service.name,
        service.extension.get("metrics") or {},
        {**service.labels, **(info["Config"].get("Labels") or {})},
        language.metrics if language else None,
        target.exposed_ports(info),
    )
    name = str(info["Name"]).lstrip("/")
    host, networks = _reached(engine, service, name, info)
    return ScrapeTarget(service.name, name, f"{host}:{wanted.port}", wanted.path, wanted.scheme, networks)


def _reached(engine: Engine, service: Service, name: str, info: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The name or address under which Prometheus finds a container, and the networks where it does."""
    mode = str(info["HostConfig"]["NetworkMode"])
    if mode == "host":
        return HOST, ()
    if mode.startswith("container:"):  # network_mode: service:NAME
        try:
            other = engine.get(f"/containers/{mode.partition(':')[2]}/json")
        except ApiError as error:
            raise _unreachable(service, "the container whose network it shares is gone") from error
        return _reached(engine, service, str(other["Name"]).lstrip("/"), other)
    joined = info["NetworkSettings"]["Networks"] or {}
    if mode == "none" or not joined:
        raise _unreachable(service, "its `network_mode` is none: no other container reaches it")
    if set(joined) == {"bridge"}:  # the engine's own bridge knows no names
        return str(joined["bridge"]["IPAddress"]), ("bridge",)
    return name, tuple(sorted(set(joined) - {"bridge"}))


def _unreachable(service: Service, why: str) -> UnsupportedError:
    what = f"service {service.name!r} has metrics and no network"
    return UnsupportedError(what, cause=why, hint=f"docker compose config {service.name}")


def missing_networks(found: Found, joined: Iterable[str]) -> list[str]:
    """The networks that Prometheus has to join so that it shares one with each target. joined: those it is in."""
    shared = set(joined)
    for one in found.targets:
        if one.networks and not shared & {*one.networks}:
            shared.add(one.networks[0])
    return sorted(shared - set(joined))
