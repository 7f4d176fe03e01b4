"""The two containers beside a service: the sidecar brings the debugger, the forwarder publishes it on this machine.

Both share the service's process namespace, and so end with it; the engine then removes them. The sidecar shares its
network as well, so that the debugger needs no port that anybody else could reach. The forwarder has a network of its
own, which a published port needs, and finds the sidecar's socket through /proc: both are the same user.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from typing import Any, NamedTuple

from ddd_tasks.debugging import beside, rights
from ddd_tasks.debugging import target as targets
from ddd_tasks.debugging.beside import (
    DEBUG_LABEL,
    FORWARDER,
    ROLE_LABEL,
    SIDECAR,
    TARGET_LABEL,
    Plan,
)
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.endpoint import Stream
from ddd_tasks.engine.streams import Frames
from ddd_tasks.engine.terminal import STDOUT
from ddd_tasks.errors import DddError, EngineError, PortTakenError, UnsupportedError
from ddd_tasks.project import Project
from ddd_tasks.sessions.container import PROJECT_LABEL

_SECONDS = 30
_SECONDS_OF_A_RELOAD = 1.0
_BROUGHT = "a debugger was brought to it"


class OtherPythonError(UnsupportedError):
    """The sidecar has another Python than the service, whose minor version this is."""

    python = ""


class Pair(NamedTuple):
    """The two containers, each None where it is not there or of no use, and what the sidecar and the engine say."""

    sidecar: str | None = None
    forwarder: str | None = None
    facts: Mapping[str, Any] = {}
    port: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether a client can be let in."""
        return self.sidecar is not None and self.forwarder is not None


def find(engine: Engine, project: Project, target: Target) -> Pair:
    """What runs already for this target, as it is since its last start."""
    pair = Pair()
    for row in _rows(engine, project, target.service.name):
        labels = row["Labels"]
        if row["State"] != "running" or labels.get(TARGET_LABEL) != target.id or row["Created"] < _seconds(target):
            continue
        if labels.get(ROLE_LABEL) == SIDECAR and (facts := _facts(engine, row["Id"])):
            pair = pair._replace(sidecar=row["Id"], facts=facts)
        elif labels.get(ROLE_LABEL) == FORWARDER and (port := _published(row)):
            pair = pair._replace(forwarder=row["Id"], port=port)
    return pair


def complete(project: Project, target: Target, plan: Plan, pair: Pair) -> Pair:
    """Start what the pair lacks, both at once. When that fails, one of them may be there. Raises DddError."""
    made: dict[str, Any] = {}
    thread = threading.Thread(target=_kept, args=(made, _forward, project, target, plan), daemon=True)
    try:
        if pair.forwarder is None:
            thread.start()
        if pair.sidecar is None:
            identifier, facts = _serve(project, target, plan)
            pair = pair._replace(sidecar=identifier, facts=facts)
        if pair.forwarder is None:
            thread.join()
            if "error" in made:
                raise made["error"]
            identifier, port = made["result"]
            pair = pair._replace(forwarder=identifier, port=port)
    finally:
        if thread.ident is not None:
            thread.join()
    return pair


def remove(engine: Engine, project: Project, service: str, *, but: Iterable[str | None] = ()) -> int:
    """Stop and remove the containers beside a service, but for some, and return how many there were.

    The sidecar is asked to end, so that it takes the debugger out of the process; then it is waited for.
    """
    rows = [row for row in _rows(engine, project, service, everything=True) if row["Id"] not in set(but)]
    for row in rows:
        with suppress(ApiError):  # each removes itself at its end
            if row["Labels"].get(ROLE_LABEL) == SIDECAR and row["State"] == "running":
                engine.post(f"/containers/{row['Id']}/stop", None, t=10)
            else:
                engine.delete(f"/containers/{row['Id']}", force=1, v=1)
    for row in rows:
        with suppress(ApiError):
            engine.post(f"/containers/{row['Id']}/wait", None, condition="removed")
    return len(rows)


def has(engine: Engine, project: Project, service: str, sidecar: str) -> bool:
    """Whether the sidecar of this id runs beside the service."""
    return sidecar in {row["Id"] for row in _rows(engine, project, service)}


def names(engine: Engine, project: Project) -> list[str]:
    """The services that have such containers."""
    return sorted({row["Labels"][DEBUG_LABEL] for row in _rows(engine, project, everything=True)})


def _serve(project: Project, target: Target, plan: Plan) -> tuple[str, dict[str, Any]]:
    """The sidecar and what it says first. A save may replace the process in the middle: then the next one is taken."""
    with closing(Engine.connect()) as engine:
        for is_last in (False, False, True):
            identifier, said = _start(engine, project, target, beside.sidecar(project, target, plan))
            if said.get("error") != "gone" or is_last or targets.gone(engine, target, _BROUGHT):
                break
            time.sleep(_SECONDS_OF_A_RELOAD)
        if "error" in said:
            raise refusal(engine, target, said)
    return identifier, said


def _forward(project: Project, target: Target, plan: Plan) -> tuple[str, int]:
    """The forwarder, and the port that it is published on."""
    problem: EngineError | None = None
    with closing(Engine.connect()) as engine:
        for port in plan.host_ports:
            try:
                identifier, said = _start(engine, project, target, beside.forwarder(project, target, plan, port))
            except ApiError as error:
                if "already allocated" not in error.cause and "address already in use" not in error.cause:
                    raise
                problem = error
                continue
            if "error" in said:
                raise refusal(engine, target, said)
            return identifier, port
    raise PortTakenError(
        f"no port is free for the debugger of service {target.service.name!r}",
        cause=problem.cause if problem else "",
        hint="ddd debug.detach",
    )


def _start(engine: Engine, project: Project, target: Target, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Create and start a container and read its first line. When that fails, it is removed.

    Raises NotRunningError where the target has ended, else ApiError.
    """
    role = body["Labels"][ROLE_LABEL]
    name = f"{project.name}-{target.service.name}-{role}-{os.urandom(3).hex()}"
    try:
        identifier = str(engine.post("/containers/create", body, name=name)["Id"])
    except ApiError as error:
        raise targets.why(target, error, _BROUGHT) from error
    try:
        # Before it starts: one that ends at once is removed at once, and its log with it.
        with engine.stream(f"/containers/{identifier}/attach", None, stream=1, stdout=1, stderr=1) as stream:
            engine.post(f"/containers/{identifier}/start")
            return identifier, _first_line(stream)
    except ApiError as error:
        with suppress(ApiError):
            engine.delete(f"/containers/{identifier}", force=1, v=1)
        raise targets.why(target, error, _BROUGHT) from error


def _first_line(stream: Stream) -> dict[str, Any]:
    """The JSON object that the program begins with; what went wrong, where there is none."""
    frames, written = Frames(), {STDOUT: b""}
    stream.settimeout(_SECONDS)
    try:
        while b"\n" not in written[STDOUT] and (data := stream.recv(65536)):
            for source, piece in frames.feed(data):
                written[source] = written.get(source, b"") + piece
    except TimeoutError:
        return {"error": "timeout", "cause": f"nothing was heard of it in {_SECONDS} s"}
    return parse_first(written.pop(STDOUT), b"".join(written.values()))


def parse_first(stdout: bytes, stderr: bytes = b"") -> dict[str, Any]:
    """What the first line on stdout says; {"error": "ended"} with the last words where it ended without one."""
    with suppress(ValueError):
        said = json.loads(stdout.partition(b"\n")[0])
        if isinstance(said, dict):
            return said
    words = (stderr or stdout).decode(errors="replace").strip().splitlines()
    return {"error": "ended", "cause": "\n".join(words[-5:]) or "it ended without a word"}


def refusal(engine: Engine, target: Target, said: Mapping[str, Any]) -> DddError:
    """The error that a first line with an error stands for."""
    kind, cause, name = str(said["error"]), str(said.get("cause", "")), target.service.name
    if kind in ("gone", "ended", "timeout") and (gone := targets.gone(engine, target, _BROUGHT)):
        return gone
    if kind == "permission":
        obstacle = rights.obstacle(target, rights.scope(engine)) or _dropped(target)
        users = ", ".join(sorted({f"{one.uid}:{one.gid}" for one in target.processes}))
        needed = f"the debugger has to run as the process does (uid:gid {users or 'unknown'})"
        return UnsupportedError(
            f"the process of service {name!r} may not be debugged",
            cause=f"{cause}\n{obstacle or needed}",
            hint=f"ddd debug.{'up' if obstacle else 'doctor'} --service {name}",
        )
    if kind in ("unsupported", "no-process"):
        what, hint = f"service {name!r} cannot be debugged while it runs", f"ddd debug.up --service {name}"
        if python := said.get("python"):
            error = OtherPythonError(what, cause=cause, hint=hint)
            error.python = str(python)
            return error
        return UnsupportedError(what, cause=cause, hint=hint)
    what = {
        "busy": f"something else debugs the process of service {name!r}",
        "gone": f"the process of service {name!r} ended while a debugger was brought to it",
        "timeout": f"the debugger of service {name!r} did not answer in time",
    }.get(kind, f"no debugger could be brought to service {name!r}")
    return EngineError(what, cause=cause, hint=f"ddd debug.doctor --service {name}")


def _dropped(target: Target) -> str:
    """The words for processes that their own user may not look into, "" where there is none."""
    closed = [str(one.inner) for one in target.processes if one.is_closed]
    if not closed:
        return ""
    whose = f"process {closed[0]}" if len(closed) == 1 else f"processes {', '.join(closed)}"
    return f"{whose} dropped privileges after the start: the kernel lets no other process of that user look into it"


def _rows(
    engine: Engine, project: Project, service: str | None = None, *, everything: bool = False
) -> list[dict[str, Any]]:
    wanted = DEBUG_LABEL if service is None else f"{DEBUG_LABEL}={service}"
    filters = {"label": [f"{PROJECT_LABEL}={project.directory}", wanted]}
    found: list[dict[str, Any]] = engine.get("/containers/json", all=everything, filters=filters)
    return [row for row in found if row["Labels"].get(ROLE_LABEL) in (SIDECAR, FORWARDER)]


def _facts(engine: Engine, identifier: str) -> dict[str, Any]:
    """The newest line of a sidecar that is at work; {} of one that is not."""
    try:
        log = engine.get(f"/containers/{identifier}/logs", stdout=1)
    except ApiError:
        return {}
    text = b"".join(piece for _, piece in Frames().feed(log))
    lines = text.strip().splitlines()
    said = parse_first(lines[-1]) if lines else {}
    return said if said.get("armed") else {}


def _published(row: Mapping[str, Any]) -> int:
    return next((int(port["PublicPort"]) for port in row.get("Ports") or () if port.get("PublicPort")), 0)


def _seconds(target: Target) -> int:
    """When the target was started, in whole seconds since 1970."""
    return int(datetime.fromisoformat(target.started[:19] + "+00:00").timestamp())


def _kept(made: dict[str, Any], work: Any, *arguments: Any) -> None:
    """Run in a thread: what came out is for the one that waits for it."""
    try:
        made["result"] = work(*arguments)
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        made["error"] = error
