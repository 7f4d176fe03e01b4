"""Removing what the development loop has made for a project, and nothing else."""

from __future__ import annotations

import shutil
from contextlib import suppress

from ddd_tasks import process, services
from ddd_tasks.compose import Compose, monitor_overlays
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.project import Project
from ddd_tasks.secret import volumes as volumes_of_secrets
from ddd_tasks.sessions.container import PROJECT_LABEL

# What we remember of a project. .ddd/bin holds shims that its user asked for, .ddd/bases.json the stand-ins in use.
_REMEMBERED = ("builds", "compose", "cache", "monitor", "results")


def clean(project: Project, *, volumes: bool) -> None:
    """Remove the project's containers, networks and locally built images, those of Nox sessions too, and our memory.

    volumes: its volumes as well. Images that were pulled, stand-ins, shims and the build cache stay.
    """
    engine = Engine.connect()
    services.refuse_takeover(engine, project)
    flags = ["--volumes"] if volumes else []
    compose = Compose(project, monitor_overlays(project, always=True))
    compose.run("--profile", "*", "down", "--remove-orphans", "--rmi", "local", *flags, quiet=True)
    if process.is_dry():
        return
    label = {"label": [f"{PROJECT_LABEL}={project.directory}"]}
    for container in engine.get("/containers/json", all=True, filters=label):
        engine.delete(f"/containers/{container['Id']}", force=True)
    for image in engine.get("/images/json", filters=label):
        with suppress(ApiError):  # somebody else's container or image builds on it
            engine.delete(f"/images/{image['Id']}", force=True)
    volumes_of_secrets.forget(engine, project)
    for name in _REMEMBERED:
        shutil.rmtree(project.private / name, ignore_errors=True)
