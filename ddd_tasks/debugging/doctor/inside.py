"""The facts that only a container beside the service can see, told by one that ends at once."""

from __future__ import annotations

import json
from typing import Any

from ddd_tasks import process
from ddd_tasks.debugging import beside, rights
from ddd_tasks.debugging.doctor.subject import Inside
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.streams import Frames
from ddd_tasks.engine.terminal import STDOUT
from ddd_tasks.errors import EngineError
from ddd_tasks.language import Debug
from ddd_tasks.project import Project

ROLE = "facts"


def announce(engine: Engine, project: Project, target: Target, debug: Debug, image: str) -> None:
    """Print about what look starts, as a command that can be pasted."""
    process.announce(beside.command(_specification(engine, project, target, debug, image)))


def look(engine: Engine, project: Project, target: Target, debug: Debug, image: str) -> Inside:
    """What the toolbox's facts command says, as the user of the service. Raises UnsupportedError, EngineError."""
    body = _specification(engine, project, target, debug, image)
    body["HostConfig"]["AutoRemove"] = False  # its log is read at its end
    made = engine.post("/containers/create", body)["Id"]
    try:
        engine.post(f"/containers/{made}/start")
        status = engine.post(f"/containers/{made}/wait")["StatusCode"]
        said = Frames().feed(engine.get(f"/containers/{made}/logs", stdout=1, stderr=1))
    finally:
        engine.delete(f"/containers/{made}", force=1, v=1)
    out = b"".join(data for stream, data in said if stream == STDOUT)
    if status or not out.strip():
        words = b"".join(data for _, data in said).decode(errors="replace").strip()
        raise EngineError("the toolbox could not look at the processes", cause=words, hint="ddd engine.info")
    return Inside(json.loads(out))


def _specification(engine: Engine, project: Project, target: Target, debug: Debug, image: str) -> dict[str, Any]:
    allowed = rights.of(engine, target, debug).without_tracing()
    body = beside.specification(project, target, image, allowed, ROLE)
    body["Cmd"] = ["facts", "--pattern", debug.programs]
    body["HostConfig"]["NetworkMode"] = f"container:{target.id}"
    return body
