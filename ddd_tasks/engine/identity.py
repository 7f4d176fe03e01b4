"""Who a command is inside a container: the caller's uid and gid, with a home directory and a name that exist there.

`docker exec --user 1234` alone leaves HOME at / and makes getpass and whoami fail. The missing passwd and group lines
and the home directory are written once per container through the engine's archive call, which needs no shell inside.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.engine import lock
from ddd_tasks.engine.api import ApiError, Engine


class Upload(NamedTuple):
    """A file to be put into a container."""

    path: str
    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


class Identity(NamedTuple):
    """A user as numbers, login name and home directory."""

    uid: int
    gid: int
    name: str
    home: str

    @property
    def user(self) -> str:
        """The user in the notation of docker exec --user."""
        return f"{self.uid}:{self.gid}"

    @property
    def env(self) -> dict[str, str]:
        """The variables that programs look at before they look at the passwd file."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


class Introduction(NamedTuple):
    """An identity as a container will know it, and what has to be put there: files by path, and its home directory."""

    who: Identity
    files: Mapping[str, str] = {}
    needs_home: bool = False

    def archive(self, more: Iterable[Upload] = ()) -> bytes:
        """All of that and more files as a tar archive. A home directory that is there, or mounted, stays as it is."""
        import io
        import tarfile

        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            if self.needs_home:
                home = tarfile.TarInfo(self.who.home.lstrip("/"))
                home.type, home.mode, home.uid, home.gid = tarfile.DIRTYPE, 0o755, self.who.uid, self.who.gid
                archive.addfile(home)
            for file in (*(Upload(path, text.encode()) for path, text in self.files.items()), *more):
                entry = tarfile.TarInfo(file.path.lstrip("/"))
                entry.size, entry.mode, entry.uid, entry.gid = len(file.content), file.mode, file.uid, file.gid
                archive.addfile(entry, io.BytesIO(file.content))
        return packed.getvalue()


def caller() -> Identity:
    """The user who runs us; the home is the one that it gets inside a container."""
    uid, gid = os.getuid(), os.getgid()
    name = _login_name(uid)
    return Identity(uid, gid, name, "/root" if uid == 0 else f"/home/{name}")


def ensure(engine: Engine, container: str, identity: Identity, *, memory: Path | None = None) -> Identity:
    """The identity as it is known inside the container, made known there first where it was not.

    memory: a directory that remembers it for this container, so that a later call costs one file read. On a read-only
    root file system nothing can be written: the identity then comes back with /tmp as its home. Raises EngineError.
    """
    if identity.uid == 0:
        return identity
    if memory is None:
        return _introduce(engine, container, identity)
    note = memory / f"{container[:12]}-{identity.uid}-{identity.gid}"
    if not note.exists():
        # One at a time: a passwd file that is read while another command writes it would come back without its lines.
        with lock.held(memory / f"{container[:12]}.lock"):
            if not note.exists():
                known = _introduce(engine, container, identity)
                draft = note.with_suffix(f".{os.getpid()}")
                draft.write_text(f"{known.name}\n{known.home}")
                draft.replace(note)
    name, home = note.read_text().split("\n")
    return identity._replace(name=name, home=home)


def _login_name(uid: int) -> str:
    import pwd  # an extension module: not needed inside a container that lacks the user

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "dev"


def introduction(engine: Engine, container: str, identity: Identity) -> Introduction:
    """What it takes to make the identity known in a container, which need not run. Raises EngineError."""
    if identity.uid == 0:
        return Introduction(identity)
    passwd = _read(engine, container, "/etc/passwd")
    fields = [line.split(":") for line in passwd.splitlines() if line.count(":") == 6]
    for name, _, uid, _, _, home, _ in fields:
        if uid == str(identity.uid):
            return Introduction(identity._replace(name=name, home=home))
    if any(name == identity.name for name, *_ in fields):
        identity = identity._replace(
            name=f"{identity.name}-{identity.uid}", home=f"/home/{identity.name}-{identity.uid}"
        )
    line = f"{identity.name}:x:{identity.uid}:{identity.gid}::{identity.home}:/bin/sh\n"
    files = {"etc/passwd": _with_line(passwd, line)}
    group = _read(engine, container, "/etc/group")
    if not any(entry.split(":")[2:3] == [str(identity.gid)] for entry in group.splitlines()):
        files["etc/group"] = _with_line(group, f"{identity.name}:x:{identity.gid}:\n")
    return Introduction(identity, files, needs_home=not _exists(engine, container, identity.home))


def _introduce(engine: Engine, container: str, identity: Identity) -> Identity:
    found = introduction(engine, container, identity)
    if found.files:
        try:
            unpack(engine, container, found.archive())
        except ApiError:
            return found.who._replace(home="/tmp")  # a read-only root file system: the one place left
    return found.who


def unpack(engine: Engine, container: str, packed: bytes) -> None:
    """Put the files of a tar archive into a container. Raises ApiError for a read-only file system."""
    engine.request(
        "PUT",
        f"/containers/{container}/archive",
        body=packed,
        query={"path": "/"},
        content_type="application/x-tar",
    )


def _read(engine: Engine, container: str, path: str) -> str:
    import io
    import tarfile

    try:
        packed = engine.get(f"/containers/{container}/archive", path=path)
    except ApiError as error:
        if error.status == 404:
            return ""  # an image from scratch has no such file
        raise
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.extractfile(archive.next() or "")
        return member.read().decode() if member else ""


def _exists(engine: Engine, container: str, path: str) -> bool:
    try:
        engine.request("HEAD", f"/containers/{container}/archive", query={"path": path})
    except ApiError:
        return False
    return True


def _with_line(text: str, line: str) -> str:
    return text + ("\n" if text and not text.endswith("\n") else "") + line
