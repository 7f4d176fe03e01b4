"""Development containers: .devcontainer/devcontainer.json for a service of the Compose file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ddd_tasks.debugging.editors.base import Draft, real
from ddd_tasks.debugging.editors.entries import File
from ddd_tasks.errors import ConfigError
from ddd_tasks.paths import to_container
from ddd_tasks.project import Project, Service

_FORWARDED = re.compile(r"[a-z0-9-]+")  # the names of services that forwardPorts knows


def draft(workspace: Path, project: Project, service: Service) -> Draft:
    """The file for a service whose code is mounted. Raises ConfigError where it is not, or where the file is none."""
    place = workspace / ".devcontainer"
    file = File(real(place / "devcontainer.json"), {})
    file.merge(content(place, workspace, project, service), project.name)
    return file.draft


def content(place: Path, workspace: Path, project: Project, service: Service) -> dict[str, Any]:
    """The members of the file. No capability and no security option: debuggers that attach do not need them."""
    return {
        "name": project.name,
        "dockerComposeFile": [Path(os.path.relpath(file, place)).as_posix() for file in project.files],
        "service": service.name,
        "workspaceFolder": _folder(workspace, project, service),
        "forwardPorts": _ports(project, service),
    }


def _folder(workspace: Path, project: Project, service: Service) -> str:
    """Where the code is in the container: the workspace, the project's folder, or the first folder in it."""
    folders = tuple(mount for mount in service.mounts if mount.source.is_dir())
    for path in (workspace, project.directory):
        if inside := to_container(folders, path):
            return inside
    for mount in folders:
        if mount.source.resolve().is_relative_to(workspace):
            return mount.target
    raise ConfigError(
        f"service {service.name!r} mounts no folder of {workspace}",
        cause="an editor in its container would not work on your files",
        hint=f"ddd debug.config --service {service.name}",
    )


def _ports(project: Project, service: Service) -> list[int | str]:
    """The published ports: those of the service as numbers, those of the others with their name."""
    own = [port.target for port in service.ports if port.protocol == "tcp"]
    others = [
        f"{other.name}:{port.target}"
        for other in project.services.values()
        for port in other.ports
        if other.name != service.name and port.protocol == "tcp" and _FORWARDED.fullmatch(other.name)
    ]
    return list(dict.fromkeys([*own, *others]))
