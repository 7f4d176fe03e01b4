"""The containers of ours beside a project's services: which there are, whether they answer, and what they said last."""

from __future__ import annotations

import urllib.request
from typing import Any

from ddd_tasks import compose, process
from ddd_tasks.engine.api import Engine
from ddd_tasks.project import Project

_LINES = 20


def of(engine: Engine, project: Project, service: str, *, everything: bool = False) -> list[dict[str, Any]]:
    """A service's containers, as the engine lists them. everything: also those that do not run."""
    labels = [f"{compose.PROJECT_LABEL}={project.name}", f"{compose.SERVICE_LABEL}={service}"]
    found: list[dict[str, Any]] = engine.get("/containers/json", all=everything, filters={"label": labels})
    return found


def answers(url: str) -> bool:
    """Whether a URL is answered with status 200, in two seconds and without a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def last_words(engine: Engine, project: Project, service: str) -> str:
    """The last lines of a service's containers, also of one that has ended, with secrets redacted.

    Not from Compose's own logs, which put a terminal's codes among the lines.
    """
    lines: list[str] = []
    for entry in of(engine, project, service, everything=True):
        said = process.capture(["docker", "logs", "--tail", str(_LINES), str(entry["Id"])], check=False)
        lines += (said.stdout + said.stderr).strip().splitlines()[-_LINES:]
    return process.redact("\n".join(lines))
