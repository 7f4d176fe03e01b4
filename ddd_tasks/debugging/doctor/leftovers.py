"""What earlier debugging has left: containers of ours without a service, and editors' entries that lead nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ddd_tasks import process
from ddd_tasks.debugging import editors
from ddd_tasks.debugging.beside import DEBUG_LABEL, TARGET_LABEL
from ddd_tasks.debugging.doctor.subject import OK, WARNING, Finding, Subject
from ddd_tasks.debugging.editors import vscode
from ddd_tasks.debugging.editors.base import ADDED, MARK, UPDATED, Draft, read, workspace_of
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.project import Project
from ddd_tasks.sessions.container import PROJECT_LABEL


def sidecars(engine: Engine, project: Project) -> Iterator[tuple[str, Finding]]:
    """For each service with containers of ours: do they still have their target?"""
    filters = {"label": [f"{PROJECT_LABEL}={project.directory}", DEBUG_LABEL]}
    by_service: dict[str, list[dict[str, Any]]] = {}
    for one in engine.get("/containers/json", all=True, filters=filters):
        by_service.setdefault(one["Labels"][DEBUG_LABEL], []).append(one)
    alive = {one["Id"] for one in engine.get("/containers/json")}
    for service, found in sorted(by_service.items()):
        stale = [one for one in found if one["State"] != "running" or one["Labels"].get(TARGET_LABEL) not in alive]
        if stale:
            names = ", ".join(sorted(one["Names"][0].lstrip("/") for one in stale))
            what = f"{names}: left by a container that is gone"
            yield service, Finding("sidecar", WARNING, what, f"ddd debug.detach --service {service}")
        else:
            yield service, Finding("sidecar", OK, f"{len(found)} containers of a live debugger, attached now")


def entries(subject: Subject) -> Iterator[Finding]:
    """Do the entries that debug.config has written for VS Code still lead to this service?"""
    workspace = workspace_of(subject.project.directory, vscode.WORKSPACE)
    if MARK.encode() not in (read(workspace / ".vscode" / "launch.json") or b""):
        return
    with process.mode(dry=True):  # nothing is written, and no port remembered
        try:
            editor = editors.get(vscode.NAME)
            result = editors.configure(subject.project, [subject.service], editor, is_all=False, debugger="")
        except UnsupportedError:  # its language has no debugger
            return
    for draft in result.drafts:
        yield from _of_file(draft, subject.service.name)


def _of_file(draft: Draft, service: str) -> Iterator[Finding]:
    if draft.old is None or MARK.encode() not in draft.old:
        return
    place = os.path.relpath(draft.file, Path.cwd())
    wrong = [name for name, change in draft.entries.items() if change in (ADDED, UPDATED)]
    if wrong:
        what = f"{place}: {', '.join(wrong)} does not lead to where the debugger is"
        yield Finding("editor", WARNING, what, f"ddd debug.config --service {service}")
    else:
        yield Finding("editor", OK, f"{place} leads to this service")
