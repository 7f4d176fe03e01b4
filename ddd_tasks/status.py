"""One screen about a project: how its services are, where they answer, what watches and debugs them, what they use."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, NamedTuple

from ddd_tasks import console, process, services
from ddd_tasks.debugging import sidecar
from ddd_tasks.engine import terminal
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.stopped import timestamp
from ddd_tasks.errors import DddError, NotRunningError
from ddd_tasks.monitoring import stack, stats, usage
from ddd_tasks.monitoring.api import Prometheus
from ddd_tasks.monitoring.usage import Usage
from ddd_tasks.project import Project, Service
from ddd_tasks.services import State
from ddd_tasks.syncing.plans import own_mounts

COLUMNS = ("service", "state", "age", "url", "stage", "reload", "debugger", "metrics", "cpu", "memory")
# By the least columns of a terminal: what is left out where there is not so much room.
_LEFT_OUT = {120: ("reload", "metrics"), 100: ("stage", "debugger"), 70: ("age", "memory")}
_LINES = 5
_NONE = "-"


class Row(NamedTuple):
    """A container of a service, or a service without one (state: not started).

    age: seconds since its start; reload: the program that restarts the code after a save; debugger: own, attached or
    ""; metrics: up, down or unknown as Prometheus has it, "" where none scrapes it; used: what it uses, None where
    that was not measured; said: the last lines of one that has failed.
    """

    service: str
    container: str
    state: str
    has_failed: bool
    age: float | None
    urls: tuple[str, ...]
    stage: str
    reload: str
    debugger: str
    metrics: str
    used: Usage | None
    said: tuple[str, ...] = ()

    @property
    def cells(self) -> dict[str, str]:
        """Its cells of the table."""
        now, rates = (self.used.now, self.used.rates) if self.used else (None, None)
        found = {
            "service": self.service,
            "state": self.state,
            "age": usage.duration(self.age) if self.age is not None else "",
            "url": " ".join(self.urls),
            "stage": self.stage,
            "reload": self.reload,
            "debugger": self.debugger,
            "metrics": self.metrics,
            "cpu": f"{rates.cpu:.1f} %" if rates else "",
            "memory": usage.size(now.memory) if now else "",
        }
        return {name: value or _NONE for name, value in found.items()}

    def as_dict(self) -> dict[str, Any]:
        """The fields of status --json."""
        used = self.used.as_dict() if self.used else {}
        return {
            "service": self.service,
            "container": self.container or None,
            "state": self.state,
            "failed": self.has_failed,
            "age_seconds": round(self.age, 1) if self.age is not None else None,
            "urls": list(self.urls),
            "stage": self.stage or None,
            "reload": self.reload or None,
            "debugger": self.debugger or None,
            "metrics": self.metrics or None,
            "cpu_percent": used.get("cpu_percent"),
            "memory_bytes": used.get("memory_bytes"),
            "last_lines": list(self.said),
        }


def once(project: Project) -> list[Row]:
    """How everything is now, measured over about a second; a service without a container has a row, too."""
    with closing(Engine.connect()) as engine:
        try:
            used = {one.container: one for one in stats.once(project)}
        except NotRunningError:
            used = {}
        return rows(engine, project, used)


def show(project: Project, *, is_live: bool) -> None:
    """Print the table; live: anew each second until Ctrl-C, where there is a terminal."""
    size = terminal.size()
    if not (is_live and size):
        found = once(project)
        console.table(columns(size), [row.cells for row in found])
        for line in last_words(found):
            console.result(line)
        return
    with console.live_table() as draw, closing(Engine.connect()) as engine:
        for used in _watched(project):
            found = rows(engine, project, used)
            draw(columns(terminal.size()), [row.cells for row in found], below=last_words(found))


def rows(engine: Engine, project: Project, used: Mapping[str, Usage]) -> list[Row]:
    """A row for each container, then for each service that has none. used: by the container's name."""
    states = services.states(engine, project)
    attached = set(sidecar.names(engine, project))
    scraped = _scraped(engine, project)
    found = [_row(engine, project, state, attached, scraped, used) for state in states]
    there = {state.service for state in states}
    return found + [_without(service) for name, service in project.services.items() if name not in there]


def columns(size: tuple[int, int] | None) -> Sequence[str]:
    """Those that a terminal of this many rows and columns has room for; all where there is none."""
    width = size[1] if size else 1000
    left_out = {name for least, names in _LEFT_OUT.items() if width < least for name in names}
    return [name for name in COLUMNS if name not in left_out]


def last_words(found: Sequence[Row]) -> list[str]:
    """What those have said that failed, for below the table."""
    return [line for row in found if row.said for line in ("", f"{row.service}:", *(f"  {one}" for one in row.said))]


def _watched(project: Project) -> Iterator[dict[str, Usage]]:
    """What containers use, again and again, also while none runs."""
    while True:
        try:
            for found in stats.watch(project):
                yield {one.container: one for one in found}
        except NotRunningError:
            yield {}
            time.sleep(1)


def _row(
    engine: Engine,
    project: Project,
    state: State,
    attached: set[str],
    scraped: Mapping[str, str],
    used: Mapping[str, Usage],
) -> Row:
    info = engine.get(f"/containers/{state.container}/json")
    name = str(info["Name"]).lstrip("/")
    service = project.services.get(state.service)
    language = services.language_of(service) if service else None
    is_debug = bool(language and language.debug and state.stage == "debug")
    return Row(
        service=state.service,
        container=name,
        state=_state(state),
        has_failed=state.has_failed,
        age=time.time() - timestamp(str(info["State"]["StartedAt"])) if state.state == "running" else None,
        urls=state.urls,
        stage=state.stage,
        reload=_reload(project, service, state, language.reload if language else None),
        debugger="own" if is_debug else "attached" if state.service in attached else "",
        metrics=scraped.get(name, ""),
        used=used.get(name),
        said=_said(state) if state.has_failed else (),
    )


def _without(service: Service) -> Row:
    state = "not started" + (f" (profile {service.profiles[0]})" if service.profiles else "")
    return Row(service.name, "", state, False, None, (), "", "", "", "", None)


def _state(state: State) -> str:
    if state.state == "exited":
        return f"exited ({state.exit_code})"
    return state.health if state.state == "running" and state.health else state.state


def _reload(project: Project, service: Service | None, state: State, program: str | None) -> str:
    """What restarts the code after a save: only in the dev stage, and only where it sees the checkout."""
    is_seen = service is not None and state.stage == "dev" and own_mounts(project, service)
    return (program or "") if is_seen else ""


def _scraped(engine: Engine, project: Project) -> dict[str, str]:
    """The state of each scrape target by its container's name; {} where no Prometheus runs."""
    with suppress(DddError):
        if found := stack.running(engine, project):
            targets = Prometheus(found.url, seconds=1.0).targets()
            return {one.instance.rpartition(":")[0]: one.health for one in targets}
    return {}


def _said(state: State) -> tuple[str, ...]:
    with suppress(ApiError):
        said = process.capture(["docker", "logs", "--tail", str(_LINES), state.container], check=False)
        return tuple(process.redact(line) for line in (said.stdout + said.stderr).strip().splitlines()[-_LINES:])
    return ()
