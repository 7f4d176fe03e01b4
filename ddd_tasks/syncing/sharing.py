"""Whether the engine sees the files that we see: what a bind mount would show it is compared with what we wrote."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.project import Project
from ddd_tasks.projectcache import make_private

# The label of dev.clean, for a container that an interrupted look has left.
_LABEL = "ddd-tasks.project"
_TARGET = "/ddd-probe"


def is_shared(engine: Engine, project: Project) -> bool:
    """Whether a bind mount of the project's folder shows the engine our files.

    An address says too little: a TCP port may be this machine's, and a socket may lead to another one. So a container
    that is never started mounts a folder with a file that nobody else has, and the engine is asked for that file.
    Where the engine has no image for it, a socket counts as shared. Raises ApiError, OSError.
    """
    image = next((entry["Id"] for entry in engine.get("/images/json")), None)
    if image is None:
        return engine.endpoint.is_local_socket
    folder = project.private / "cache" / "probe"
    with _written(folder) as (name, content):
        return _read(engine, image, project, folder, name) == content


def is_virtual(engine: Engine) -> bool:
    """Whether the engine's kernel is not ours: it runs on another machine or in a virtual one, as on a Mac."""
    return bool(engine.get("/info").get("KernelVersion") != os.uname().release)


@contextmanager
def _written(folder: Path) -> Iterator[tuple[str, bytes]]:
    make_private(folder)
    file, content = folder / token_hex(8), token_hex(32).encode()
    file.write_bytes(content)
    try:
        yield file.name, content
    finally:
        file.unlink(missing_ok=True)


def _read(engine: Engine, image: str, project: Project, folder: Path, name: str) -> bytes | None:
    """What the engine finds in that file of the folder; None where it has neither."""
    mount = {"Type": "bind", "Source": str(folder), "Target": _TARGET, "ReadOnly": True}
    wanted = {
        "Image": image,
        "Cmd": ["-"],
        "Labels": {_LABEL: str(project.directory)},
        "HostConfig": {"Mounts": [mount], "NetworkMode": "none"},
    }
    try:
        container = engine.post("/containers/create", wanted)["Id"]
    except ApiError as error:
        if error.status != 400:
            raise
        return None  # it has no such folder, and does not make one for a mount of this kind
    try:
        archive = engine.request("GET", f"/containers/{container}/archive", query={"path": f"{_TARGET}/{name}"})
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    finally:
        engine.delete(f"/containers/{container}", force=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        member = packed.extractfile(packed.getmembers()[0])
        return member.read() if member else None
