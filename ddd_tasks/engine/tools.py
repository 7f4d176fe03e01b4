"""Which of the Docker CLI, Compose and Buildx this machine lacks: looked up as the CLI does, without starting it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ddd_tasks import userfolders

# The CLI's own list (docker/cli, cli-plugins/manager), after the two places that belong to the user.
_PLUGIN_FOLDERS = (
    Path("/usr/local/lib/docker/cli-plugins"),
    Path("/usr/local/libexec/docker/cli-plugins"),
    Path("/usr/lib/docker/cli-plugins"),
    Path("/usr/libexec/docker/cli-plugins"),
)
ADMINISTRATION = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def missing() -> tuple[str, ...]:
    """The names of what is not there, out of docker, compose and buildx."""
    cli = () if on_path("docker") else ("docker",)
    folders = _plugin_folders()
    return cli + tuple(name for name in ("compose", "buildx") if not _executable(folders, f"docker-{name}"))


def on_path(program: str) -> Path | None:
    """Where a program lies, looking in the administrators' folders as well, which users may not have on PATH."""
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), *ADMINISTRATION]
    return _executable([Path(folder) for folder in folders if folder], program)


def _plugin_folders() -> list[Path]:
    home = userfolders.docker_config()
    try:
        extra = json.loads((home / "config.json").read_bytes()).get("cliPluginsExtraDirs") or []
    except (OSError, ValueError, AttributeError):
        extra = []
    return [*map(Path, extra), home / "cli-plugins", *_PLUGIN_FOLDERS]


def _executable(folders: Iterable[Path], name: str) -> Path | None:
    paths = (folder / name for folder in folders)
    return next((path for path in paths if path.is_file() and os.access(path, os.X_OK)), None)
