"""The files that an image lacks, put into a container before it starts: Compose's watch brings only what changes."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from ddd_tasks.buildcontext import Ignore
from ddd_tasks.engine.api import Engine
from ddd_tasks.syncing.triggers import Trigger


def bring(engine: Engine, container: str, trigger: Trigger) -> None:
    """Copy all that the entry would bring into the container, running or not. Raises ApiError, OSError."""
    engine.request(
        "PUT",
        f"/containers/{container}/archive",
        body=pack(trigger),
        query={"path": "/"},
        content_type="application/x-tar",
    )


def pack(trigger: Trigger) -> bytes:
    """The entry's files as a tar archive of the container's root; sockets and devices are left out."""
    ignored, packed = Ignore("\n".join(trigger.ignore)), io.BytesIO()
    place = trigger.target.strip("/")
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(trigger.path, place, recursive=False)
        for folder, folders, files in os.walk(trigger.path):
            inside = Path(folder).relative_to(trigger.path)
            folders[:] = [name for name in folders if not ignored.prunes((inside / name).as_posix())]
            for name in (*folders, *files):
                path = (inside / name).as_posix()
                if not ignored.leaves_out(path):
                    archive.add(Path(folder, name), f"{place}/{path}", recursive=False)
    return packed.getvalue()
