"""Folders of this machine that services mount: there, and open to the user that the service runs as."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import services
from ddd_tasks.compose import SERVICE_LABEL
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding
from ddd_tasks.doctor.programs import with_sudo
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.engine import archive
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Mount, Project, Service

_READ, _WRITE, _ENTER = 4, 2, 1


class User(NamedTuple):
    """Who a container runs as: the name or number that its image or the Compose file has, and the numbers of it."""

    name: str
    uid: int
    gid: int

    def may(self, facts: os.stat_result, rights: int) -> bool:
        """Whether a file's mode gives all these rights."""
        shift = 6 if facts.st_uid == self.uid else 3 if facts.st_gid == self.gid else 0
        return self.uid == 0 or (facts.st_mode >> shift) & rights == rights


def mounts(subject: Subject) -> Iterator[Finding]:
    """Is what the services mount there, and may their user write to it?"""
    if subject.project is None:
        return
    mounting = [service for service in subject.project.services.values() if service.mounts]
    wrong: list[Finding] = []
    for service in mounting:
        # Another machine, or a virtual one, has rights of its own.
        user = _user(subject.engine, subject.project, service) if subject.engine and _has_rights(subject) else None
        wrong += [finding for mount in service.mounts if (finding := _of_mount(subject.project, service, mount, user))]
    yield from wrong
    if mounting and not wrong:
        yield Finding("mounts", OK, "all that the services mount is there, and their users may write to it")


def user_of(passwd: str, who: str) -> User | None:
    """The numbers of a Compose file's or an image's user, as the engine finds them; None for a name not in passwd."""
    name, _, group = (who or "0").partition(":")
    lines = [fields for line in passwd.splitlines() if len(fields := line.split(":")) > 3]
    known = next((fields for fields in lines if name in (fields[0], fields[2])), None)
    uid = known[2] if known else name
    gid = group or (known[3] if known else "0")
    return User(who or "root", int(uid), int(gid) if gid.isdecimal() else -1) if uid.isdecimal() else None


def _has_rights(subject: Subject) -> bool:
    """Whether a user's number is the same inside and outside."""
    options = " ".join(str(one) for one in subject.facts.get("SecurityOptions") or ())
    is_mapped = "name=rootless" in options or "name=userns" in options
    return subject.is_here and sys.platform == "linux" and not is_mapped


def _user(engine: Engine, project: Project, service: Service) -> User | None:
    """Who the service runs as, or None where that cannot be told: a name is known by a container of it alone."""
    who = service.user
    if who is None:
        image = service.image or f"{project.name}-{service.name}"
        try:
            who = str(engine.get(f"/images/{image}/json")["Config"].get("User") or "")
        except ApiError:  # it has not been built yet
            return None
    return user_of(_passwd(engine, project, service), who)


def _passwd(engine: Engine, project: Project, service: Service) -> str:
    try:
        entries = services.listed(engine, project)
    except ConfigError:  # another checkout's
        return ""
    mine = next((one["Id"] for one in entries if one["Labels"].get(SERVICE_LABEL) == service.name), None)
    found = archive.read(engine, mine, "/etc/passwd") if mine else []
    return found[0].data.decode(errors="replace") if found else ""


def _of_mount(project: Project, service: Service, mount: Mount, user: User | None) -> Finding | None:
    try:
        facts = mount.source.stat()
    except FileNotFoundError:
        return _absent(project, service, mount)
    except OSError:  # closed to us, and so perhaps not to the engine
        return None
    is_folder = mount.source.is_dir()
    if user is None or not (is_folder or mount.source.is_file()):
        return None
    rights = _READ | (_ENTER if is_folder else 0) | (0 if mount.read_only else _WRITE)
    if user.may(facts, rights):
        return None
    verb = "read" if mount.read_only or not user.may(facts, rights & ~_WRITE) else "written"
    what = f"{mount.source} cannot be {verb} by user {user.name} of service {service.name!r}"
    why = f"what the service {'reads from' if verb == 'read' else 'writes to'} {mount.target} fails"
    if _is_of(project, mount.source):
        return Finding("mounts", WARNING, what, why, _to_open(mount.source, facts, user, is_read_only=mount.read_only))
    if verb == "written" and not is_folder:  # the machine's own, such as /etc/localtime, to which nobody writes
        return None
    return Finding("mounts", WARNING, what, f"{why}; mount it with :ro, or run the service as another user")


def _is_of(project: Project, path: Path) -> bool:
    return project.directory in path.parents


def _absent(project: Project, service: Service, mount: Mount) -> Finding:
    what = f"{mount.source}, which service {service.name!r} mounts at {mount.target}, does not exist"
    path = shlex.quote(str(mount.source))
    if mount.source.suffix == ".sock":
        return Finding("mounts", PROBLEM, what, "it is a socket, which the program makes that listens on it")
    if _is_file(mount.source.name) or _is_file(Path(mount.target).name):  # whose content we do not know
        why = "dev.up is refused: the engine would make a folder of that name"
        return Finding("mounts", PROBLEM, what, why, f"install -D /dev/null {path} && ${{EDITOR:-vi}} {path}")
    why = "dev.up is refused: the engine would make it, as root"
    return Finding("mounts", PROBLEM, what, why, f"mkdir -p {path}", is_safe=_is_of(project, mount.source))


def _is_file(name: str) -> bool:
    """Whether it looks like the name of a file: Caddyfile, .npmrc, app.conf. A folder in its place would hide that."""
    return "." in name or name != name.lower()


def _to_open(path: Path, facts: os.stat_result, user: User, *, is_read_only: bool) -> str:
    """Files that are this user's stay that; others are given away."""
    place = shlex.quote(str(path))
    if is_read_only:
        command = f"chmod -R a+rX {place}"
        return command if facts.st_uid == os.geteuid() else with_sudo(command)
    if facts.st_uid == os.geteuid() != 0:
        return f"chmod -R a+rwX {place}"
    return with_sudo(f"chown -R {user.uid}:{user.gid} {place}" if user.gid >= 0 else f"chown -R {user.uid} {place}")
