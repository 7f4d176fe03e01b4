"""What earlier debugging has left: containers of ours without a service, and editors' entries that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ddd_tasks.debugging.doctor.subject import OK, WARNING, Finding
from ddd_tasks.debugging.sidecar import SERVICE_LABEL, TARGET_LABEL
from ddd_tasks.engine.api import Engine
from ddd_tasks.project import Project
from ddd_tasks.sessions.container import PROJECT_LABEL


def sidecars(engine: Engine, project: Project) -> Iterator[tuple[str, Finding]]:
    """For each service with containers of ours: do they still have their target?"""
    filters = {"label": [f"{PROJECT_LABEL}={project.directory}", SERVICE_LABEL]}
    by_service: dict[str, list[dict[str, Any]]] = {}
    for one in engine.get("/containers/json", all=True, filters=filters):
        by_service.setdefault(one["Labels"][SERVICE_LABEL], []).append(one)
    alive = {one["Id"] for one in engine.get("/containers/json")}
    for service, found in sorted(by_service.items()):
        stale = [one for one in found if one["State"] != "running" or one["Labels"].get(TARGET_LABEL) not in alive]
        if stale:
            names = ", ".join(sorted(one["Names"][0].lstrip("/") for one in stale))
            what = f"{names}: left by a container that is gone"
            yield service, Finding("sidecar", WARNING, what, f"ddd debug.detach --service {service}")
        else:
            yield service, Finding("sidecar", OK, f"{len(found)} containers of a live debugger, attached now")
