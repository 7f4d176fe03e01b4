"""What the containers of a project use: each asked at the same moment, twice, about a second apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

from ddd_tasks import console, services
from ddd_tasks.compose import SERVICE_LABEL
from ddd_tasks.engine import terminal
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.stopped import timestamp
from ddd_tasks.errors import NotRunningError, UnknownNameError
from ddd_tasks.monitoring import usage
from ddd_tasks.monitoring.usage import Sample, Usage
from ddd_tasks.project import Project

COLUMNS = ("container", "cpu", "memory", "limit", "net in", "net out", "disk read", "disk write", "pids", "up", "note")
# By the least columns of a terminal: what is left out where there is not so much room.
_LEFT_OUT = {110: ("disk read", "disk write", "pids"), 80: ("net in", "net out")}
_SECONDS = 1.0
_AT_ONCE = 16

_Answers = tuple[dict[str, Any], dict[str, Any]]


def once(project: Project, service: str = "", *, seconds: float | None = None) -> list[Usage]:
    """What each container uses, measured over about a second. service: "" for all.

    Raises NotRunningError where none runs, UnknownNameError, EngineError; seconds: also when the engine is silent for
    so long.
    """
    watched = watch(project, service, seconds=seconds)
    next(watched)
    return next(watched)


def watch(project: Project, service: str = "", *, seconds: float | None = None) -> Iterator[list[Usage]]:
    """The same again and again, a second apart; the first has no rates. Raises as once does, also when all end."""
    engine = Engine.connect(seconds=seconds)
    ask = partial(_ask, seconds=seconds)
    before: dict[str, Sample] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while True:
            began = time.monotonic()
            entries = _entries(engine, project, service)
            answers = dict(zip((str(one["Id"]) for one in entries), pool.map(ask, entries), strict=True))
            found = [_usage(one, answers[one["Id"]], before.get(one["Id"])) for one in entries]
            yield [one for one in found if one]
            before = {name: taken for name, answer in answers.items() if answer and (taken := usage.sample(answer[0]))}
            time.sleep(max(0.0, began + _SECONDS - time.monotonic()))


def show(project: Project, service: str = "", *, is_live: bool) -> None:
    """Print it as a table; live: anew each second, until Ctrl-C, where there is a terminal. Raises as once does."""
    if not (is_live and terminal.size()):
        console.table(columns(terminal.size()), [cells(project, one) for one in once(project, service)])
        return
    with console.live_table() as draw:
        for found in watch(project, service):
            draw(columns(terminal.size()), [cells(project, one) for one in found])


def columns(size: tuple[int, int] | None) -> Sequence[str]:
    """Those that a terminal of this many rows and columns has room for; all where there is none."""
    width = size[1] if size else sys.maxsize
    left_out = {name for least, names in _LEFT_OUT.items() if width < least for name in names}
    return [name for name in COLUMNS if name not in left_out]


def cells(project: Project, one: Usage) -> dict[str, str]:
    """The cells of a container's row."""
    found = dict.fromkeys(COLUMNS, "-") | {
        "container": one.container.removeprefix(f"{project.name}-"),
        "note": _note(one),
    }
    if one.now:
        found |= {"memory": usage.size(one.now.memory), "pids": str(one.now.pids)}
    if one.limit:
        found["limit"] = usage.size(one.limit)
    if one.uptime is not None:
        found["up"] = usage.duration(one.uptime)
    if one.rates:
        moved = zip(("net in", "net out", "disk read", "disk write"), one.rates[1:], strict=True)
        found |= {"cpu": f"{one.rates.cpu:.1f} %", **{name: f"{usage.size(rate)}/s" for name, rate in moved}}
    return found


def _entries(engine: Engine, project: Project, service: str) -> list[dict[str, Any]]:
    """The containers, those that have ended as well. Raises NotRunningError where none runs, UnknownNameError."""
    entries = services.listed(engine, project)
    names = {*project.services, *(str(one["Labels"].get(SERVICE_LABEL)) for one in entries)}
    if service and service not in names:
        raise UnknownNameError("service", service, names, where=str(project.files[0]), hint="ddd dev.ps")
    wanted = [one for one in entries if service in ("", one["Labels"].get(SERVICE_LABEL))]
    if not any(one["State"] in ("running", "paused", "restarting") for one in wanted):
        what = f"service {service!r}" if service else f"nothing of {project.name!r}"
        raise NotRunningError(f"{what} is {'not ' if service else ''}running", cause=_ended(wanted), hint="ddd dev.up")
    return wanted


def _ended(entries: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(f"{one['Names'][0].lstrip('/')} is {one['State']} ({one['Status']})" for one in entries)


def _ask(entry: Mapping[str, Any], seconds: float | None) -> _Answers | None:
    """Statistics and state of a container; None for one that has just been removed."""
    try:
        with closing(Engine.connect(seconds=seconds)) as engine:  # a client is for one thread
            # one-shot: else the engine takes two samples itself, and a second.
            stats = engine.get(f"/containers/{entry['Id']}/stats", **{"stream": False, "one-shot": True})
            return stats, engine.get(f"/containers/{entry['Id']}/json")
    except ApiError as error:
        if error.status in (404, 409):
            return None
        raise


def _usage(entry: Mapping[str, Any], answers: _Answers | None, before: Sample | None) -> Usage | None:
    if answers is None:
        return None
    stats, info = answers
    state, now = info["State"], usage.sample(stats)
    is_limited = bool(info["HostConfig"].get("Memory"))
    return Usage(
        service=str(entry["Labels"].get(SERVICE_LABEL, "")),
        container=str(info["Name"]).lstrip("/"),
        state=str(state["Status"]),
        exit_code=int(state["ExitCode"]),
        limit=int(info["HostConfig"]["Memory"]) if is_limited else None,
        uptime=now.at - timestamp(str(state["StartedAt"])) if now else None,
        restarts=int(info.get("RestartCount", 0)),
        is_oom=bool(state.get("OOMKilled")),
        now=now,
        rates=usage.rates(before, now) if before and now else None,
    )


def _note(one: Usage) -> str:
    """What is out of the ordinary."""
    ended = f"exited ({one.exit_code})" if one.state == "exited" else one.state
    times = "" if not one.restarts else "1 restart" if one.restarts == 1 else f"{one.restarts} restarts"
    words = ("" if one.state == "running" else ended, times, "out of memory" if one.is_oom else "")
    return ", ".join(word for word in words if word)
