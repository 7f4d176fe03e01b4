"""The Compose files of the monitor: what is the same everywhere, and what is this project's, generated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import compose, notebook, portbook
from ddd_tasks.compose import MONITOR_OVERLAY
from ddd_tasks.monitoring import config, discovery, placing
from ddd_tasks.monitoring.discovery import Found
from ddd_tasks.project import Project


def write(
    project: Project, folder: Path, name: str, image: str, port: int, beside: Mapping[str, Any], found: Found
) -> tuple[Path, ...]:
    """Write the generated one, and return all.

    folder: what Prometheus reads; name: its service; port: of this machine; beside: what comes with it.
    """
    boards = placing.folder(project.private / "monitor" / "boards")
    binds = {str(folder): config.INSIDE, str(boards): f"{config.WEB}/boards"}
    entry: dict[str, Any] = {
        "image": image,
        "command": [word.replace("$", "$$") for word in config.command(port)],
        "ports": [{"target": config.PORT, "published": str(port), "host_ip": portbook.ADDRESS, "protocol": "tcp"}],
        "volumes": [
            {"type": "bind", "source": source.replace("$", "$$"), "target": target, "read_only": True}
            for source, target in binds.items()
        ],
    }
    if any(one.is_on_host for one in found.targets):  # not every engine knows a way there
        entry["extra_hosts"] = [f"{discovery.HOST}:host-gateway"]
    content = {**beside, "services": {name: entry, **beside.get("services", {})}}
    compose.write_overlay(project, MONITOR_OVERLAY, content)
    return compose.monitor_overlays(project)


def services_of(project: Project) -> Mapping[str, Any]:
    """The services of the generated one; none where there is none."""
    written: Mapping[str, Any] = notebook.read(compose.overlay_file(project, MONITOR_OVERLAY)).get("services", {})
    return written
