"""The project of a directory: its Compose file, the stages of its sessions, its ports, mounts and neighbours."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from ddd_tasks import preflight, services
from ddd_tasks.ci import jobs
from ddd_tasks.ci.jobs import Job
from ddd_tasks.debugging.doctor import leftovers
from ddd_tasks.debugging.doctor.subject import Subject as DebugSubject
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding, of_error
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.errors import ConfigError, DddError
from ddd_tasks.project import Mount, Service
from ddd_tasks.sessions import source


def compose_file(subject: Subject) -> Iterator[Finding]:
    """Can the Compose file be used, and with it every service's build?"""
    why = "no task about services works without it"
    if subject.no_project:
        yield of_error("compose file", subject.no_project, why)
        return
    if subject.project is None:
        yield Finding("compose file", OK, f"none in {subject.directory} or above it")
        return
    wrong = False
    for service in subject.project.services.values():
        try:
            preflight.check_build(subject.project, service)
        except DddError as error:
            wrong = True
            yield of_error("build", error, f"service {service.name!r} cannot be built")
    if not wrong:
        names = ", ".join(subject.project.services)
        yield Finding("compose file", OK, f"{subject.project.files[0]}: {names}")


def sessions(subject: Subject) -> Iterator[Finding]:
    """Does each session of noxfile.py that runs in a container find its stage?"""
    if not (subject.directory / jobs.NOXFILE).is_file() or subject.no_project:
        return
    try:
        found = jobs.find(subject.directory, everything=True)
    except ConfigError as error:
        state = PROBLEM if error.cause and "cannot be loaded" in error.what else OK
        yield of_error("sessions", error, "nox does not run" if state == PROBLEM else "", state=state)
        return
    wrong = [finding for job in found if (finding := _of_session(subject.directory, job))]
    yield from wrong
    if not wrong:
        yield Finding("sessions", OK, f"{len(found)} run in a container, and find their stage")


def ports(subject: Subject) -> Iterator[Finding]:
    """Are the ports free that the services publish, or ours already?"""
    if subject.engine is None or subject.project is None:
        return
    ours = [one["Id"] for one in services.listed(subject.engine, subject.project)]
    wrong = False
    for service in subject.project.services.values():
        try:
            preflight.check_ports(subject.engine, service, ours)
        except DddError as error:
            wrong = True
            yield of_error("ports", error, f"service {service.name!r} cannot be started as it is")
    if not wrong and any(service.ports for service in subject.project.services.values()):
        yield Finding("ports", OK, "all that the services publish are free, or theirs")


def mounts(subject: Subject) -> Iterator[Finding]:
    """Is what the services mount there, and may their user write to it?"""
    if subject.project is None:
        return
    wrong = [finding for one in subject.project.services.values() for finding in _mounts_of(one)]
    yield from wrong
    if not wrong and any(one.mounts for one in subject.project.services.values()):
        yield Finding("mounts", OK, "all that the services mount is there, and can be written by their user")


def worktree(subject: Subject) -> Iterator[Finding]:
    """Does another checkout run under the same project name?"""
    if subject.engine is None or subject.project is None:
        return
    try:
        services.refuse_takeover(subject.engine, subject.project)
    except DddError as error:
        yield of_error("worktree", error, "the next dev.up would be refused", is_safe="--isolate" in error.hint)
        return
    yield Finding("worktree", OK, f"no other directory runs the project {subject.project.name!r}")


def editor(subject: Subject) -> Iterator[Finding]:
    """Do the entries that debug.config wrote lead to where the debuggers are?"""
    if subject.engine is None or subject.project is None:
        return
    for service in subject.project.services.values():
        known = DebugSubject(subject.engine, subject.project, service, services.language_of(service))
        for found in leftovers.entries(known):
            why = "" if found.state == OK else f"F5 in the editor does not reach service {service.name!r}"
            yield Finding("editor", found.state, found.what, why, found.fix, is_safe=bool(found.fix))


def _of_session(directory: Path, job: Job) -> Finding | None:
    """What keeps a session from its stage."""
    try:
        source.find(job.options, directory).stages().stage(job.stage)
    except DddError as error:
        error.hint = error.hint or f"ddd stage.list  # and correct stage({job.stage!r}) in {jobs.NOXFILE}"
        return of_error("sessions", error, f"nox -s {shlex.quote(job.session)} fails")
    return None


def _mounts_of(service: Service) -> Iterator[Finding]:
    user = _number(service.user)
    for mount in service.mounts:
        if not mount.source.exists():
            what = f"{mount.source}, which service {service.name!r} mounts at {mount.target}, does not exist"
            why = "the engine would make it, as root"
            yield Finding("mounts", PROBLEM, what, why, f"mkdir -p {shlex.quote(str(mount.source))}", is_safe=True)
        elif user is not None and not mount.read_only and not _may_write(mount, user):
            what = f"{mount.source} cannot be written by user {user} of service {service.name!r}"
            why = f"what the service writes to {mount.target} fails"
            yield Finding("mounts", WARNING, what, why, f"sudo chown -R {user} {shlex.quote(str(mount.source))}")


def _number(user: str | None) -> int | None:
    """The number of the user that the Compose file gives; names are the image's to know."""
    first = (user or "").partition(":")[0]
    return int(first) if first.isdecimal() else None


def _may_write(mount: Mount, user: int) -> bool:
    facts = mount.source.stat()
    return user == 0 or (facts.st_uid == user and bool(facts.st_mode & 0o200)) or bool(facts.st_mode & 0o002)
