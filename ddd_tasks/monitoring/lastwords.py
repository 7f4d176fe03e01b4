"""What a container of ours has said before it failed. Compose's own logs put a terminal's codes among the lines."""

from __future__ import annotations

from ddd_tasks import compose, process
from ddd_tasks.engine.api import Engine
from ddd_tasks.project import Project

_LINES = 20


def of(engine: Engine, project: Project, service: str) -> str:
    """The last lines of a service's containers, also of one that has ended, with secrets redacted."""
    labels = [f"{compose.PROJECT_LABEL}={project.name}", f"{compose.SERVICE_LABEL}={service}"]
    lines: list[str] = []
    for entry in engine.get("/containers/json", all=True, filters={"label": labels}):
        said = process.capture(["docker", "logs", "--tail", str(_LINES), str(entry["Id"])], check=False)
        lines += (said.stdout + said.stderr).strip().splitlines()[-_LINES:]
    return process.redact("\n".join(lines))
