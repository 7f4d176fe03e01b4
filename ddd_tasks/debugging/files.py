"""Files of a container, asked of the engine: images from scratch have no program that could look for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ddd_tasks.engine import archive
from ddd_tasks.engine.api import ApiError, Engine

# Where source usually is, beside the container's own folders.
_USUAL = ("/app", "/src", "/code")


def content(engine: Engine, container: str, path: str) -> bytes | None:
    """What is in a file; None where there is none."""
    found = archive.read(engine, container, path) if path else []
    return found[0].data if len(found) == 1 else None


def exists(engine: Engine, container: str, path: str) -> bool:
    """Whether the container has this path."""
    try:
        engine.request("HEAD", f"/containers/{container}/archive", query={"path": path})
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    return True


def elsewhere(engine: Engine, info: Mapping[str, Any], parts: Sequence[str]) -> Iterator[str]:
    """Paths of the container that end as a file's does, the longest ends first.

    They are looked for below the working directory, the mounts, and where source usually is.
    """
    working = (info.get("Config") or {}).get("WorkingDir") or "/"
    roots = dict.fromkeys([working, *(mount["Destination"] for mount in info.get("Mounts") or ()), *_USUAL])
    for root in roots:
        for start in range(len(parts)):
            path = str(PurePosixPath(root, *parts[start:]))
            if exists(engine, info["Id"], path):
                yield path
