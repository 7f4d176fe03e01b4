"""The services of a project: which containers of them run, how they are, where they can be reached, their language."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.compose import (
    DEBUG_PORT_LABEL,
    DEBUG_WAIT_LABEL,
    DIRECTORY_LABEL,
    NUMBER_LABEL,
    ONEOFF_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    STAGE_LABEL,
)
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import ConfigError, NotRunningError
from ddd_tasks.language import Language
from ddd_tasks.project import Port, Project, Service

# Ports whose protocol is known not to be HTTP: everything else is shown as a URL that a browser opens.
_NOT_HTTP = {
    1433: "tds",
    3306: "mysql",
    5432: "postgresql",
    5672: "amqp",
    6379: "redis",
    9092: "kafka",
    27017: "mongodb",
}


class State(NamedTuple):
    """How one container of a service is.

    state: created, running, exited ...; health: starting, healthy, unhealthy, or "" without a health check;
    stage: the Dockerfile stage it was built from, "" for a ready-made image; urls: where the host reaches it; is_held:
    whether it stands still until a debugger comes, and so answers no health check.
    """

    service: str
    container: str
    state: str
    health: str
    exit_code: int
    stage: str
    urls: tuple[str, ...]
    is_held: bool = False

    @property
    def is_ready(self) -> bool:
        """Healthy, running where there is no health check, or a job that has done its work."""
        if self.state == "exited":
            return self.exit_code == 0
        return self.state == "running" and (self.is_held or self.health in ("", "healthy"))

    @property
    def has_failed(self) -> bool:
        """Unhealthy, or ended with a status other than 0: waiting longer will not help."""
        is_ill = self.health == "unhealthy" and not self.is_held
        return is_ill or self.state == "dead" or (self.state == "exited" and self.exit_code != 0)

    @property
    def row(self) -> dict[str, str]:
        """The cells of dev.ps."""
        state = f"{self.state} ({self.exit_code})" if self.state == "exited" else self.state
        health = self.health or "-"
        return {"service": self.service, "state": state, "health": health, "url": " ".join(self.urls) or "-"}

    def as_dict(self) -> dict[str, Any]:
        """The fields of dev.ps --json."""
        fields = {"service": self.service, "state": self.state, "health": self.health or None}
        return fields | {"stage": self.stage or None, "urls": list(self.urls)}


def states(engine: Engine, project: Project) -> list[State]:
    """One State for each container of the project's services, in the order in which Compose lists them: by name."""
    order = list(project.services)
    entries = listed(engine, project)
    found = [state for entry in entries if (state := _state(engine, project, entry))]
    return sorted(found, key=lambda state: order.index(state.service) if state.service in order else len(order))


def running(engine: Engine, project: Project, service: Service, index: int = 0) -> str:
    """The id of the service's running container: the one of that number, 0 for the first. Raises NotRunningError."""
    entries = _listed(engine, project, service=service.name)
    if entries:
        by_number = {int(entry["Labels"].get(NUMBER_LABEL, 1)): str(entry["Id"]) for entry in entries}
        index = index or min(by_number)
        if index not in by_number:
            raise NotRunningError(
                f"service {service.name!r} has no running container number {index}",
                given=str(index),
                valid=[str(number) for number in by_number],
                hint="ddd dev.ps",
            )
        return by_number[index]
    stopped = _listed(engine, project, service=service.name, everything=True)
    cause = f"its container is {stopped[0]['State']} ({stopped[0]['Status']})" if stopped else "it has not been started"
    raise NotRunningError(f"service {service.name!r} is not running", cause=cause, hint="ddd dev.up")


def published(info: Mapping[str, Any], port: int) -> tuple[str, int] | None:
    """Where this machine reaches a TCP port of a container, given its inspect answer: address and port, or None."""
    for binding in (info["NetworkSettings"].get("Ports") or {}).get(f"{port}/tcp") or ():
        address = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(binding["HostIp"], binding["HostIp"])
        return address, int(binding["HostPort"])
    return None


def language_of(service: Service) -> Language | None:
    """The language of a service: as its x-ddd says, or as the code that it is built from or mounts shows; or None."""
    from ddd_tasks import languages  # dev.ps and the like need none

    if named := service.extension.get("language"):
        return languages.get(str(named))
    build = service.build if service.build and not service.build.is_remote else None
    folders = [build.context, build.dockerfile.parent] if build else []
    folders += [mount.source for mount in service.mounts]
    return next((found for folder in folders if folder.is_dir() and (found := languages.detect(folder))), None)


def foreign_owner(engine: Engine, project: Project) -> str | None:
    """The other directory that containers of this project's name were started from, or None."""
    return _foreign(project, _entries(engine, project, [], everything=True))


def _foreign(project: Project, entries: Iterable[Mapping[str, Any]]) -> str | None:
    owners = (entry["Labels"].get(DIRECTORY_LABEL, "") for entry in entries)
    return next((owner for owner in owners if owner and Path(owner).resolve() != project.directory), None)


def refuse_takeover(engine: Engine, project: Project) -> None:
    """Raise ConfigError when containers of this project name were started from another directory.

    Compose itself would replace or remove them without a word.
    """
    owner = foreign_owner(engine, project)
    if owner:
        raise _takeover(project, owner)


def _takeover(project: Project, owner: str) -> ConfigError:
    hint = "ddd dev.up --isolate"
    if "COMPOSE_PROJECT_NAME" in os.environ:
        hint = f"export COMPOSE_PROJECT_NAME={project.name}-2"
    if not Path(owner).is_dir():
        hint = f"docker compose --project-name {project.name} down"
    return ConfigError(
        f"project {project.name!r} already runs from {owner}, not from {project.directory}",
        cause="both directories have the same project name, and so would replace each other's containers"
        if Path(owner).is_dir()
        else "that directory is gone, but its containers are not",
        hint=hint,
    )


def urls(engine: Engine, project: Project, service: Service) -> tuple[str, ...]:
    """Where the host reaches the service. Raises NotRunningError, or ConfigError when it publishes no port."""
    container = running(engine, project, service)
    found = next(state.urls for state in states(engine, project) if state.container == container)
    if not found:
        raise ConfigError(
            f"service {service.name!r} publishes no port",
            cause=f"its entry in {project.files[0]} has no ports",
            valid=[name for name, other in project.services.items() if other.ports],
        )
    return found


def listed(engine: Engine, project: Project) -> list[dict[str, Any]]:
    """The engine's entries of all containers of the services. Raises ConfigError when another directory has any."""
    return _listed(engine, project, everything=True)


def _listed(
    engine: Engine, project: Project, *, service: str | None = None, everything: bool = False
) -> list[dict[str, Any]]:
    """The engine's entries of the containers. Raises ConfigError when another directory has started one of them."""
    labels = [f"{ONEOFF_LABEL}=False", *([f"{SERVICE_LABEL}={service}"] if service else [])]
    found = _entries(engine, project, labels, everything=everything)
    if owner := _foreign(project, found):
        raise _takeover(project, owner)
    return sorted(found, key=lambda entry: (entry["Labels"].get(SERVICE_LABEL), entry["Names"]))


def _entries(engine: Engine, project: Project, labels: list[str], *, everything: bool) -> list[dict[str, Any]]:
    filters = {"label": [f"{PROJECT_LABEL}={project.name}", *labels]}
    found: list[dict[str, Any]] = engine.get("/containers/json", all=everything, filters=filters)
    return found


def _state(engine: Engine, project: Project, entry: dict[str, Any]) -> State | None:
    """How a listed container is; None when it was removed since."""
    name = entry["Labels"].get(SERVICE_LABEL, "")
    service = project.services.get(name)
    labels = entry["Labels"]
    published = [port for port in entry.get("Ports") or [] if str(port["PrivatePort"]) != labels.get(DEBUG_PORT_LABEL)]
    try:
        detail = engine.get(f"/containers/{entry['Id']}/json")["State"]
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return State(
        service=name,
        container=entry["Id"],
        state=detail["Status"],
        health=(detail.get("Health") or {}).get("Status", "").replace("none", ""),
        exit_code=detail["ExitCode"],
        stage=labels.get(STAGE_LABEL) or ((service.build.target or "") if service and service.build else ""),
        urls=_urls(service.ports if service else (), published),
        is_held=DEBUG_WAIT_LABEL in labels,
    )


def _urls(declared: tuple[Port, ...], published: list[dict[str, Any]]) -> tuple[str, ...]:
    protocols = {port.target: port.app_protocol for port in declared}
    found: dict[str, None] = {}
    for port in published:
        if "PublicPort" in port:
            inside = port["PrivatePort"]
            scheme = (
                protocols.get(inside) or _NOT_HTTP.get(inside) or ("http" if port["Type"] == "tcp" else port["Type"])
            )
            host = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1", "::1": "[::1]"}.get(port["IP"], port["IP"])
            found[f"{scheme}://{host}:{port['PublicPort']}"] = None
    return tuple(found)
