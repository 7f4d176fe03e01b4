"""The image that Prometheus runs in, with promtool and the page: built where it is first needed."""

from __future__ import annotations

import hashlib

from ddd_tasks import bases, console, ledger, ownimages, resources
from ddd_tasks.engine.api import Engine
from ddd_tasks.project import Project

_NAME = "ddd-monitor/prometheus"


def provide(engine: Engine, project: Project) -> str:
    """Its name, once it is here. Raises CommandError where it cannot be built, EngineError."""
    name = f"{_NAME}:3-{digest()}"
    if bases.has(engine, name):
        return name
    with ledger.alone("monitor-image", waiting="waiting for another program that builds Prometheus' image"):
        if not bases.has(engine, name):
            with console.step(f"build {name}"):
                ownimages.build(project, "monitor", "prometheus", name, {})
            ownimages.remove_superseded(engine, name)
    return name


def digest() -> str:
    """What is in it, as 12 hexadecimal digits: rules and what Grafana reads lie beside it and are not."""
    found = hashlib.sha256(resources.docker("monitor", "Dockerfile").read_bytes())
    found.update(ownimages.digest(resources.docker("monitor", "web")).encode())
    return found.hexdigest()[:12]
