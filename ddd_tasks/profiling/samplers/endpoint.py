"""The pprof endpoint of a Go service, asked from beside it: no port of it has to be published."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import NamedTuple

from ddd_tasks.debugging import rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.exec import Captured
from ddd_tasks.errors import ConfigError, DddError, EngineError, NotRunningError, UnsupportedError
from ddd_tasks.profiling.samplers import program

PATH = "/debug/pprof"
PORT = 6060
LINES = 'import _ "net/http/pprof"  and  go http.ListenAndServe("127.0.0.1:6060", nil)'
_PROGRAM = ("python3", "-m", "sidecar.pprof")
_FILE = "/tmp/pprof"
_BUSY = "already in use"


class Endpoint(NamedTuple):
    """Where a service answers, or port 0 where it does not. asked: port -> what it said instead."""

    port: int
    path: str
    asked: Mapping[str, str]

    @property
    def why(self) -> str:
        """Why there is none, for people."""
        return "\n".join(f"port {port}: {said}" for port, said in self.asked.items()) or "it listens on no port"


def find(engine: Engine, found: Target, container: str, pid: int) -> Endpoint:
    """The endpoint of the process: where x-ddd says, else on a port that the process listens on.

    Raises ConfigError where x-ddd names a port that has none, EngineError.
    """
    port, path = settings(found)
    words = ["find", "--pid", str(pid), "--path", path, "--port", str(port)]
    ran = program.ask(engine, found, container, [*_PROGRAM, *words])
    if ran.status:
        raise _broken(found, ran)
    said = json.loads(ran.stdout)
    answered = Endpoint(said["port"] or 0, path, said["asked"])
    if port and not answered.port:
        raise ConfigError(
            f"the x-ddd of service {found.service.name!r} says that pprof is on port {port}, and it is not",
            cause=answered.why,
            hint=f"ddd debug.toolbox --service {found.service.name} -- ss -lnt",
        )
    return answered


def settings(found: Target) -> tuple[int, str]:
    """The port and the path of x-ddd: 0 where any port is looked at, and pprof's usual path."""
    given = found.service.extension.get("pprof") or {}
    return int(given.get("port") or 0), str(given.get("path") or PATH).rstrip("/")


def argv(endpoint: Endpoint, what: str, seconds: int = 0) -> list[str]:
    """The command that fetches a page of the endpoint, such as heap or profile?seconds=5."""
    path = f"{endpoint.path}/{what}"
    return [*_PROGRAM, "get", "--port", str(endpoint.port), "--path", path, "--seconds", str(seconds), "--to", _FILE]


def sample(engine: Engine, found: Target, container: str, endpoint: Endpoint, seconds: int) -> bytes:
    """The profile of so many seconds on the CPU; Ctrl-C ends it early. Raises as program.run does, and EngineError."""
    words = argv(endpoint, f"profile?seconds={seconds}", seconds)
    what = f"sample {found.service.name}, {seconds} s at 100 Hz, by pprof on port {endpoint.port}"
    return _answer(engine, found, container, program.run(engine, found, container, words, what, seconds))


def twice(
    engine: Engine, found: Target, container: str, endpoint: Endpoint, what: str, seconds: int
) -> tuple[bytes, bytes, float]:
    """What a page says now, and after so many seconds, or those until Ctrl-C. Raises as sample does."""
    words = [*_PROGRAM, "twice", *argv(endpoint, what, seconds)[len(_PROGRAM) + 1 :]]
    shown = f"follow the memory of {found.service.name}, {seconds} s, by pprof on port {endpoint.port}"
    began = time.monotonic()
    ran = program.run(engine, found, container, words, shown, seconds)
    took = min(time.monotonic() - began, seconds)
    after = _answer(engine, found, container, ran)
    return program.ask(engine, found, container, ["cat", f"{_FILE}.before"]).stdout, after, took


def fetch(engine: Engine, found: Target, container: str, endpoint: Endpoint, what: str) -> bytes:
    """What a page of the endpoint answers at once. Raises EngineError."""
    return _answer(engine, found, container, program.ask(engine, found, container, argv(endpoint, what)))


def missing(found: Target, endpoint: Endpoint, what: str) -> UnsupportedError:
    """The refusal where only an endpoint can tell. what: that it could."""
    obstacle = "" if endpoint.asked else rights.obstacle(found, 0)
    return UnsupportedError(
        f"service {found.service.name!r} has no pprof endpoint, which is what tells {what}",
        cause="\n".join(filter(None, [obstacle or endpoint.why, f"two lines in its main package add one: {LINES}"])),
        hint=f"ddd debug.toolbox --service {found.service.name} -- curl -sS http://127.0.0.1:{PORT}{PATH}/",
    )


def _answer(engine: Engine, found: Target, container: str, ran: Captured) -> bytes:
    if ran.status:
        raise _broken(found, ran)
    return program.ask(engine, found, container, ["cat", _FILE]).stdout


def _broken(found: Target, ran: Captured) -> DddError:
    name, said = found.service.name, ran.stderr.decode(errors="replace").strip()
    if _BUSY in said:
        return NotRunningError(
            f"service {name!r} is profiled by somebody else already, and Go allows one profile of the CPU at a time",
            cause=said,
            hint=f"ddd profile.cpu --service {name} --native",
        )
    return EngineError(
        f"the pprof endpoint of service {name!r} gave no profile",
        cause=said or f"the request ended with status {ran.status}",
        hint=f"ddd dev.logs --service {name}",
    )
