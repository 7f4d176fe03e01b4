"""Bringing Grafana up with Prometheus: before Compose starts it, and until it answers."""

from __future__ import annotations

import time
from typing import Any

from ddd_tasks import services
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import EngineError
from ddd_tasks.monitoring import containers, grafana, ports
from ddd_tasks.project import Project

_READY_SECONDS = 90.0  # its database is made anew at each start
_POLL_SECONDS = 0.2


def prepare(engine: Engine, project: Project, image: str) -> dict[str, Any]:
    """Write all that it reads, and return its part of the overlay. Raises ConfigError, EngineError."""
    grafana.files(project)
    before = containers.of(engine, project, grafana.SERVICE)
    if grafana.deliver(engine, project, image):  # it reads its password once, when it starts
        for entry in before:
            engine.delete(f"/containers/{entry['Id']}", force=True)
        before = []
    port = ports.choose(engine, project, "grafana", grafana.PORT, [str(entry["Id"]) for entry in before])
    return grafana.overlay(project, image, port)


def url(engine: Engine, project: Project) -> str | None:
    """Where this machine reaches it, or None where it does not run."""
    for entry in containers.of(engine, project, grafana.SERVICE):
        if at := services.published(engine.get(f"/containers/{entry['Id']}/json"), grafana.PORT):
            return f"http://{at[0]}:{at[1]}/"
    return None


def wait(engine: Engine, project: Project) -> str:
    """Wait until it answers; its URL. Raises EngineError with its last words where it ends, or does not in time."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and (found := url(engine, project)):
        if containers.answers(f"{found}api/health"):
            return found
        time.sleep(_POLL_SECONDS)
    cause = containers.last_words(engine, project, grafana.SERVICE)
    raise EngineError("Grafana does not answer", cause=cause, hint="ddd monitor.up --no-grafana")
