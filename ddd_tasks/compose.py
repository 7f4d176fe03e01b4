"""`docker compose` for one project: its files, our overlays, and the verbs that we leave to it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import console, process, resources
from ddd_tasks.project import Project
from ddd_tasks.projectcache import write_private

# What Compose writes on each container it makes; how we find them again.
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
VOLUME_LABEL = "com.docker.compose.volume"
ONEOFF_LABEL = "com.docker.compose.oneoff"
DIRECTORY_LABEL = "com.docker.compose.project.working_dir"
# What our overlays write on a container of another stage than its service declares.
STAGE_LABEL = "ddd-tasks.stage"
DEBUG_PORT_LABEL = "ddd-tasks.debug-port"
DEBUG_WAIT_LABEL = "ddd-tasks.debug-wait"
DEBUG_OVERLAY = "debug"
MONITOR_OVERLAY = "monitor"


class Compose:
    """Runs Compose verbs on a project. overlays: further Compose files; env: added to Compose's environment."""

    def __init__(self, project: Project, overlays: tuple[Path, ...] = (), env: Mapping[str, str] | None = None) -> None:
        self._project = project
        self._overlays = overlays
        self.environment = {**os.environ, **(env or {})}  # Compose's whole environment

    def argv(self, *words: str) -> list[str]:
        """The complete command line of a verb."""
        files = [word for file in (*self._project.files, *self._overlays) for word in ("--file", str(file))]
        place = ["--project-name", self._project.name, "--project-directory", str(self._project.directory)]
        return ["docker", "compose", *place, *files, *words]

    def progress(self) -> list[str]:
        """What has Compose tell what it does in lines, or not at all; nothing where it may draw on the terminal."""
        if console.is_quiet():
            return ["--progress", "quiet"]
        return ["--progress", "plain"] if sys.stderr.isatty() and os.environ.get("CI") else []

    def run(self, *words: str, check: bool = True, quiet: bool = False, foreground: bool = False) -> int:
        """Run a verb on our own streams, with the options of process.run. Raises CommandError."""
        program, verb, *others = self.argv(*words)
        argv = [program, verb, *self.progress(), *others]
        return process.run(argv, env=self.environment, check=check, quiet=quiet, foreground=foreground)

    def capture(self, *words: str, check: bool = True) -> process.Completed:
        """Run a verb that answers a question. Raises CommandError."""
        return process.capture(self.argv(*words), env=self.environment, check=check)


def overlay_file(project: Project, name: str) -> Path:
    """Where an overlay is, once it is written."""
    return project.private / "compose" / f"{name}.yaml"


def monitor_overlays(project: Project, *, always: bool = False) -> tuple[Path, ...]:
    """The Compose files of the monitor, while it is up; with always, those that end it as well."""
    own = overlay_file(project, MONITOR_OVERLAY)
    if own.exists():
        return (resources.compose("monitor.yaml"), own)
    return (resources.compose("monitor.yaml"),) if always else ()


def write_overlay(project: Project, name: str, content: Mapping[str, Any]) -> tuple[Path, ...]:
    """Write .ddd/compose/<name>.yaml and return it as a tuple; an empty content removes it and returns nothing.

    Compose files are written as JSON, which is YAML too.
    """
    return write_overlay_text(project, name, json.dumps(content, indent=2) + "\n" if any(content.values()) else "")


def write_overlay_text(project: Project, name: str, text: str) -> tuple[Path, ...]:
    """The same for a text, for what JSON has no words for. The file is replaced as a whole, only when it changes."""
    path = overlay_file(project, name)
    write_private(path, text)
    return (path,) if text else ()
