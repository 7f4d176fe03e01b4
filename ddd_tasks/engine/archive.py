"""Files of a container, running or not, through the engine's archive calls: they need no program inside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ddd_tasks.engine.api import ApiError, Engine


class File(NamedTuple):
    """A regular file. path: relative to the folder that was read or is written; mtime: in seconds."""

    path: str
    data: bytes
    uid: int = 0
    gid: int = 0
    mode: int = 0o400
    mtime: float = 0.0


def read(engine: Engine, container: str, path: str) -> list[File]:
    """The file at an absolute path, or all files of the folder there; [] when there is none. Raises EngineError."""
    import io
    import tarfile  # costs milliseconds, and only projects with secrets come here

    try:
        packed = engine.get(f"/containers/{container}/archive", path=path)
    except ApiError as error:
        if error.status == 404:
            return []
        raise
    found = []
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isfile() else None
            if content:
                inside = entry.name.partition("/")[2]  # the first part is the folder's own name
                found.append(File(inside, content.read(), entry.uid, entry.gid, entry.mode & 0o7777, entry.mtime))
    return found


def write(engine: Engine, container: str, folder: str, files: Iterable[File]) -> None:
    """Put files below an absolute folder of the container; a file that is there is replaced. Raises EngineError."""
    engine.request(
        "PUT",
        f"/containers/{container}/archive",
        body=pack(files),
        query={"path": folder},
        content_type="application/x-tar",
    )


def pack(files: Iterable[File]) -> bytes:
    """The files as a tar archive, with the folders that they lie in."""
    import io
    import tarfile

    packed, folders = io.BytesIO(), set()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in files:
            parts = file.path.split("/")[:-1]
            for folder in ("/".join(parts[: end + 1]) for end in range(len(parts))):
                if folder not in folders:
                    folders.add(folder)
                    entry = tarfile.TarInfo(folder)
                    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, file.mtime
                    archive.addfile(entry)
            entry = tarfile.TarInfo(file.path)
            entry.size, entry.mode, entry.mtime = len(file.data), file.mode, file.mtime
            entry.uid, entry.gid = file.uid, file.gid
            archive.addfile(entry, io.BytesIO(file.data))
    return packed.getvalue()
