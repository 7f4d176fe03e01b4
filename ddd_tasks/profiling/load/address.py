"""Where the requests go: the URL that was given, as the service's own network reaches it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ddd_tasks import process, services
from ddd_tasks.compose import SERVICE_LABEL
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.project import Project

_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
_LOOPBACK = "127.0.0.1"
_HTTP = 80
# Above them are those that a system hands out, such as the one of Docker's own DNS in each network.
_EPHEMERAL = 32768


class Address(NamedTuple):
    """host and port: as the service's network has them; header: of Host; url: as it was meant, without passwords."""

    host: str
    port: int
    path: str
    header: str
    url: str


def split(text: str) -> SplitResult:
    """The parts of a URL or path. Raises ConfigError for what is neither."""
    hint = "ddd profile.cpu --load /  # a path, http://localhost:PORT/PATH or http://SERVICE:PORT/PATH"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"--load {process.redact(text)!r} is no URL", cause=str(error), hint=hint) from error
    cause = ""
    if any(character <= " " or character > "~" for character in text):
        cause = "it has a blank or another character that has to be written as %XX"
    elif "@" in parts.netloc:
        cause = "a name and password in it are not supported"
    elif not (parts.scheme == "http" and parts.hostname) and not (text.startswith("/") and not parts.netloc):
        cause = "it has to be an http URL, or a path that begins with /"
    elif port == 0:
        cause = "there is no port 0"
    if cause:
        raise ConfigError(f"--load {process.redact(text)!r} cannot be asked for", cause=cause, hint=hint)
    return parts


def of(engine: Engine, project: Project, found: Target, text: str) -> Address:
    """Where the requests go. text: a path of the service that is profiled, or a URL of any service of the project.

    Raises ConfigError for what this project does not have.
    """
    parts = split(text)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name, own = parts.hostname, found.service.name
    if name is None:
        port = port_of(found)
        return Address(_LOOPBACK, port, path, f"localhost:{port}", _url(own, port, path))
    if name in _HERE:
        host, port = _published(engine, project, found, parts)
    elif name in project.services:
        host = _LOOPBACK if name == own else name
        port = parts.port or (port_of(found) if name == own else _declared(project, name) or _HTTP)
    else:
        valid = [*project.services, "localhost"]
        raise UnknownNameError("service", name, valid, where=str(project.files[0]), hint="ddd profile.cpu --load /")
    return Address(host, port, path, parts.netloc, process.redact(text.partition("#")[0]))


def port_of(found: Target) -> int:
    """The port in the container where the service answers: published, exposed, named for metrics, or listened on.

    Raises ConfigError where that does not tell one.
    """
    metrics = found.service.extension.get("metrics")
    named = [int(metrics["port"])] if isinstance(metrics, Mapping) and metrics.get("port") else []
    exposed = [int(port.partition("/")[0]) for port in found.info["Config"].get("ExposedPorts") or {} if "/tcp" in port]
    listening = [port for port in found.listening or () if port < _EPHEMERAL]
    published = [port.target for port in found.service.ports if port.protocol == "tcp"]
    if published:
        return published[0]
    for ports in (exposed, named, listening):
        if len(set(ports)) == 1:
            return ports[0]
    name = found.service.name
    raise ConfigError(
        f"the port of service {name!r} is not known",
        cause="it publishes none, and " + ("several could be meant" if exposed or listening else "nothing else tells"),
        valid=[f"http://{name}:{port}/" for port in sorted({*exposed, *listening})],
        hint=f"ddd profile.cpu --service {name} --load http://{name}:PORT/",
    )


def _published(engine: Engine, project: Project, found: Target, parts: SplitResult) -> tuple[str, int]:
    """The place behind a port of this machine."""
    port = parts.port or _HTTP
    if found.info["HostConfig"].get("NetworkMode") == "host":
        return _LOOPBACK, port
    places: dict[int, tuple[str, int]] = {}
    for entry in services.listed(engine, project):
        service = entry["Labels"].get(SERVICE_LABEL, "")
        host = _LOOPBACK if entry["Id"] == found.id else service
        places |= {one["PublicPort"]: (host, one["PrivatePort"]) for one in _bindings(entry)}
    if port in places:
        return places[port]
    raise ConfigError(
        f"no service of this project publishes port {port}",
        cause="only services of the project are sent requests",
        given=f"http://localhost:{port}",
        valid=[f"http://localhost:{number}" for number in places],
        hint=f"ddd profile.cpu --service {found.service.name} --load {shlex.quote(parts.path or '/')}",
    )


def _bindings(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in entry.get("Ports") or () if one.get("PublicPort") and one.get("Type") == "tcp"]


def _declared(project: Project, name: str) -> int | None:
    return next((port.target for port in project.services[name].ports if port.protocol == "tcp"), None)


def _url(service: str, port: int, path: str) -> str:
    return process.redact(f"http://{service}:{port}{path}")
