"""One screen about a project: how its services are, where they answer, what watches and debugs them, what they use."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
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

COLUMNS = ("service", "state", "age", "url", "ports", "stage", "reload", "debugger", "metrics", "cpu", "memory")
# By the least columns of a terminal: what is left out where there is not so much room.
_LEFT_OUT = {140: ("ports",), 120: ("reload", "metrics"), 100: ("stage", "debugger"), 70: ("age", "memory")}
_LINES = 5
_NONE = "-"
_GONE = (404, 409)


class Row(NamedTuple):
    """A container of a service, or a service without one (state: not started).

    name: the service, or the container where the service has several; age: seconds since its start, where it has not
    ended; ports: inside, or outside->inside where this machine reaches it; reload: the program that restarts the code
    after a save; debugger: own, attached or ""; metrics: up, down or unknown as Prometheus has it, "" where none
    scrapes it; used: what it uses, None where that was not measured; said: the last lines of one that has failed.
    """

    service: str
    name: str
    container: str
    state: str
    has_failed: bool
    age: float | None
    urls: tuple[str, ...]
    ports: tuple[str, ...]
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
            "service": self.name,
            "state": self.state,
            "age": usage.duration(self.age) if self.age is not None else "",
            "url": " ".join(self.urls),
            "ports": " ".join(self.ports),
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
            "ports": list(self.ports),
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
    counts = Counter(state.service for state in states)
    found = []
    for state in states:
        with _unless_gone():
            row = _row(engine, project, state, attached, scraped, used)
            found.append(row if counts[state.service] == 1 else _numbered(project, row))
    there = {row.service for row in found}
    return found + [_without(service) for name, service in project.services.items() if name not in there]


def columns(size: tuple[int, int] | None) -> Sequence[str]:
    """Those that a terminal of this many rows and columns has room for; all where there is none."""
    width = size[1] if size else 1000
    left_out = {name for least, names in _LEFT_OUT.items() if width < least for name in names}
    return [name for name in COLUMNS if name not in left_out]


def last_words(found: Sequence[Row]) -> list[str]:
    """What those have said that failed, for below the table."""
    return [line for row in found if row.said for line in ("", f"{row.name}:", *(f"  {one}" for one in row.said))]


def _watched(project: Project) -> Iterator[dict[str, Usage]]:
    """What containers use, again and again, also while none runs."""
    while True:
        try:
            for found in stats.watch(project):
                yield {one.container: one for one in found}
        except NotRunningError:
            yield {}
            time.sleep(1)


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Do without a container that was taken away since it was listed."""
    try:
        yield
    except ApiError as error:
        if error.status not in _GONE:
            raise


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
    is_there = state.state in ("running", "paused")
    has_failed = state.has_failed or (state.state == "restarting" and state.exit_code != 0)
    return Row(
        service=state.service,
        name=state.service,
        container=name,
        state=_state(state, info),
        has_failed=has_failed,
        age=time.time() - timestamp(str(info["State"]["StartedAt"])) if is_there else None,
        urls=state.urls if is_there else (),
        ports=tuple(_ports(info)) if is_there else (),
        stage=state.stage,
        reload=_reload(project, service, state, language.reload if language else None) if is_there else "",
        debugger=("own" if is_debug else "attached" if state.service in attached else "") if is_there else "",
        metrics=scraped.get(name, ""),
        used=used.get(name),
        said=_said(state, info) if has_failed else (),
    )


def _numbered(project: Project, row: Row) -> Row:
    return row._replace(name=row.container.removeprefix(f"{project.name}-"))


def _without(service: Service) -> Row:
    state = "not started" + (f" (profile {service.profiles[0]})" if service.profiles else "")
    return Row(service.name, service.name, "", state, False, None, (), (), "", "", "", "", None)


def _state(state: State, info: Mapping[str, Any]) -> str:
    """How it is, in a few words: the state or health, and what is out of the ordinary."""
    restarts = int(info.get("RestartCount", 0))
    if state.state in ("exited", "restarting"):
        word = f"{state.state} ({state.exit_code})"
    else:
        word = state.health if state.state == "running" and state.health else state.state
    times = "" if not restarts else "1 restart" if restarts == 1 else f"{restarts} restarts"
    return ", ".join(one for one in (word, times, "out of memory" if info["State"].get("OOMKilled") else "") if one)


def _ports(info: Mapping[str, Any]) -> Iterator[str]:
    """What it listens on, as far as image or Compose file say so; the protocol where it is not TCP."""
    for inside, bindings in sorted((info["NetworkSettings"].get("Ports") or {}).items()):
        port = inside.removesuffix("/tcp")
        outside = sorted({str(binding["HostPort"]) for binding in bindings or ()})
        yield from (f"{one}->{port}" for one in outside) if outside else (port,)


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


def _said(state: State, info: Mapping[str, Any]) -> tuple[str, ...]:
    """Its last lines; those of an unhealthy one end with what its health check said."""
    argv = ["sh", "-c", 'exec docker logs --tail "$1" "$2" 2>&1', "sh", str(_LINES), state.container]  # in their order
    lines = process.capture(argv, check=False).stdout.strip().splitlines()[-_LINES:]
    probes = (info["State"].get("Health") or {}).get("Log") or ()
    if state.health == "unhealthy" and probes:
        words = str(probes[-1].get("Output", "")).strip().splitlines()
        lines.append(f"health check: status {probes[-1].get('ExitCode')}" + (f", {words[-1]}" if words else ""))
    return tuple(process.redact(line) for line in lines)
