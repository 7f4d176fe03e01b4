"""Where a user's own files lie: settings in the home folder, what we remember in the cache folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Debian's home of those that have none: there is nothing in it, and nothing can be put there.
_NOWHERE = Path("/nonexistent")


def home() -> Path:
    """The home folder; one that is not there for a user without an entry in passwd where HOME is not set either."""
    try:
        return Path.home()
    except RuntimeError:
        return _NOWHERE


def docker_config() -> Path:
    """The folder of the Docker CLI's settings and plugins."""
    return Path(os.environ.get("DOCKER_CONFIG") or home() / ".docker")


def cache() -> Path:
    """Our folder among the user's caches, made where it is missing; a temporary one where that cannot be written to."""
    folders = [
        Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache") / "ddd-tasks",
        Path(tempfile.gettempdir()) / f"ddd-tasks-{os.getuid()}",
    ]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    return Path(tempfile.mkdtemp(prefix="ddd-tasks-"))
