"""Removing what the development loop has made for a project, and nothing else."""

from __future__ import annotations

import shutil

from ddd_tasks import process, services
from ddd_tasks.compose import Compose
from ddd_tasks.engine.api import Engine
from ddd_tasks.project import Project

# On every container that a Nox session starts: the directory of its project.
SESSION_LABEL = "ddd-tasks.project"


def clean(project: Project, *, volumes: bool) -> None:
    """Remove the project's containers, networks, locally built images, session containers and .ddd/.

    volumes: its volumes as well. Images that were pulled, stand-ins and the build cache stay.
    """
    services.refuse_takeover(Engine.connect(), project)
    flags = ["--volumes"] if volumes else []
    Compose(project).run("--profile", "*", "down", "--remove-orphans", "--rmi", "local", *flags, quiet=True)
    if process.is_dry():
        return
    engine = Engine.connect()
    label = {"label": [f"{SESSION_LABEL}={project.directory}"]}
    for container in engine.get("/containers/json", all=True, filters=label):
        engine.delete(f"/containers/{container['Id']}", force=True)
    shutil.rmtree(project.private / "compose", ignore_errors=True)
    shutil.rmtree(project.private / "cache", ignore_errors=True)
