"""The row of one container, as the engine describes it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ddd_tasks import services
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.stopped import timestamp
from ddd_tasks.engine.streams import Frames
from ddd_tasks.monitoring.usage import Usage
from ddd_tasks.project import Project, Service
from ddd_tasks.services import State
from ddd_tasks.status.row import Row
from ddd_tasks.syncing.plans import own_mounts

_LINES = 5


class Around(NamedTuple):
    """What is known about containers from elsewhere. attached: services with a debugger of ours; the rest by name."""

    attached: frozenset[str]
    scraped: Mapping[str, str]
    used: Mapping[str, Usage]


def row(engine: Engine, project: Project, state: State, around: Around) -> Row:
    """The row of this container. Raises ApiError, as 404 where it is gone."""
    info = engine.get(f"/containers/{state.container}/json")
    name = str(info["Name"]).lstrip("/")
    has_failed = state.has_failed or (state.state == "restarting" and state.exit_code != 0)
    found = Row(
        service=state.service,
        name=state.service,
        container=name,
        state=words(state, info),
        has_failed=has_failed,
        stage=state.stage,
        metrics=around.scraped.get(name, ""),
        used=around.used.get(name),
        said=_said(engine, state, info) if has_failed else (),
    )
    return _alive(project, state, info, around, found) if state.state in ("running", "paused") else found


def without(service: Service) -> Row:
    """The row of a service that has no container."""
    profile = f" (profile {service.profiles[0]})" if service.profiles else ""
    return Row(service.name, service.name, container="", state=f"not started{profile}")


def words(state: State, info: Mapping[str, Any]) -> str:
    """How it is, in a few words: the state or health, and what is out of the ordinary."""
    restarts = int(info.get("RestartCount", 0))
    if state.state in ("exited", "restarting"):
        word = f"{state.state} ({state.exit_code})"
    else:
        word = state.health if state.state == "running" and state.health else state.state
    times = "" if not restarts else "1 restart" if restarts == 1 else f"{restarts} restarts"
    return ", ".join(one for one in (word, times, "out of memory" if info["State"].get("OOMKilled") else "") if one)


def ports(info: Mapping[str, Any]) -> Iterator[str]:
    """What it listens on, as far as image or Compose file say so; the protocol where it is not TCP."""
    for inside, bindings in sorted((info["NetworkSettings"].get("Ports") or {}).items()):
        port = inside.removesuffix("/tcp")
        outside = sorted({str(binding["HostPort"]) for binding in bindings or ()})
        yield from (f"{one}->{port}" for one in outside) if outside else (port,)


def _alive(project: Project, state: State, info: Mapping[str, Any], around: Around, found: Row) -> Row:
    """The same row with what only one has that has not ended."""
    service = project.services.get(state.service)
    language = services.language_of(service) if service else None
    has_own = bool(language and language.debug and state.stage == "debug")
    return found._replace(
        age=time.time() - timestamp(str(info["State"]["StartedAt"])),
        urls=state.urls,
        ports=tuple(ports(info)),
        reload=_reload(project, service, state, language.reload if language else None),
        debugger="own" if has_own else "attached" if state.service in around.attached else "",
    )


def _reload(project: Project, service: Service | None, state: State, program: str | None) -> str:
    """What restarts the code after a save: only in the dev stage, and only where it sees the checkout."""
    is_seen = service is not None and state.stage == "dev" and own_mounts(project, service)
    return (program or "") if is_seen else ""


def _said(engine: Engine, state: State, info: Mapping[str, Any]) -> tuple[str, ...]:
    """Its last lines; those of an unhealthy one end with what its health check said."""
    lines = _log(engine, state.container, is_framed=not info["Config"].get("Tty"))
    probes = (info["State"].get("Health") or {}).get("Log") or ()
    if state.health == "unhealthy" and probes:
        output = str(probes[-1].get("Output", "")).strip().splitlines()
        lines.append(f"health check: status {probes[-1].get('ExitCode')}" + (f", {output[-1]}" if output else ""))
    return tuple(lines)


def _log(engine: Engine, container: str, *, is_framed: bool) -> list[str]:
    """The last lines of its log, stdout's and stderr's in their order; why there are none where it cannot be read."""
    try:
        data = engine.get(f"/containers/{container}/logs", stdout="1", stderr="1", tail=str(_LINES))
    except ApiError as error:
        return [f"no log: {error.cause}"]
    said = b"".join(piece for _, piece in Frames().feed(data)) if is_framed else data
    return said.decode(errors="replace").strip().splitlines()[-_LINES:]
