"""The project of a directory: its Compose file, the stages of its sessions, its ports and neighbours."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from ddd_tasks import composefiles, portbook, preflight, services
from ddd_tasks.ci import jobs
from ddd_tasks.ci.jobs import Job
from ddd_tasks.debugging.doctor import leftovers
from ddd_tasks.debugging.doctor.subject import Subject as DebugSubject
from ddd_tasks.doctor.finding import OK, PROBLEM, Finding, of_error
from ddd_tasks.doctor.programs import to_install
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.engine import tools
from ddd_tasks.errors import ConfigError, DddError
from ddd_tasks.project import Port, Service
from ddd_tasks.sessions import source


def compose_file(subject: Subject) -> Iterator[Finding]:
    """Can the Compose file be used?"""
    lacking = [part for part in tools.missing() if part != "buildx"]
    if subject.no_project and lacking:
        what = f"it cannot be read without {' and '.join(lacking)}"
        yield Finding("compose file", PROBLEM, what, "the services stand in it", to_install(lacking[0]))
    elif subject.no_project:
        found = of_error("compose file", subject.no_project, "no task about services works without it")
        yield found._replace(fix=_way_to_a_project(subject.directory, subject.no_project))
    elif subject.project is None:
        yield Finding("compose file", OK, f"none in {subject.directory} or above it")
    else:
        yield Finding("compose file", OK, f"{subject.project.files[0]}: {', '.join(subject.project.services)}")


def builds(subject: Subject) -> Iterator[Finding]:
    """Are the context, the Dockerfile and the stage there that each service is built from?"""
    if subject.project is None:
        return
    wrong = False
    for service in subject.project.services.values():
        try:
            preflight.check_build(subject.project, service)
        except DddError as error:
            wrong = True
            found = of_error("builds", error, f"service {service.name!r} cannot be built")
            yield found._replace(fix=_edit(subject.project.files[0]))
    count = sum(1 for service in subject.project.services.values() if service.build)
    if count and not wrong:
        yield Finding("builds", OK, f"the Dockerfile and stage of {count} {'service' if count == 1 else 'services'}")


def sessions(subject: Subject) -> Iterator[Finding]:
    """Does each session of noxfile.py that runs in a container find its stage?"""
    noxfile = subject.file(jobs.NOXFILE)
    if noxfile is None or subject.no_project:
        return
    try:
        found = jobs.find(noxfile.parent, everything=True)
    except ConfigError as error:
        if "cannot be loaded" in error.what:
            yield of_error("sessions", error, "nox does not run")._replace(fix=_edit(noxfile))
        else:
            yield Finding("sessions", OK, "none runs in a container")
        return
    wrong = [finding for job in found if (finding := _of_session(noxfile, job))]
    yield from wrong
    if not wrong:
        yield Finding("sessions", OK, f"the stages of {len(found)} in a container are there")


def ports(subject: Subject) -> Iterator[Finding]:
    """Are the ports free that the services publish, or ours already?"""
    if subject.engine is None or subject.project is None:
        return
    try:
        ours = [one["Id"] for one in services.listed(subject.engine, subject.project)]
    except ConfigError:
        return  # another checkout has the name; isolated from it, this one gets ports of its own
    if portbook.read(subject.project).mode != portbook.DECLARED:
        yield Finding("ports", OK, "dev.up takes others where those of the Compose file are taken")
        return
    every = [(service, port) for service in subject.project.services.values() for port in service.ports]
    wrong = [finding for service, port in every if (finding := _of_port(subject, service, port, ours))]
    yield from wrong
    if every and not wrong:
        yield Finding("ports", OK, "all that the services publish are free, or theirs")


def worktree(subject: Subject) -> Iterator[Finding]:
    """Does another checkout run under the same project name?"""
    if subject.engine is None or subject.project is None:
        return
    try:
        services.refuse_takeover(subject.engine, subject.project)
    except ConfigError as error:
        yield of_error("worktree", error, "dev.up and all tasks about services refuse here")
        return
    yield Finding("worktree", OK, f"no other directory runs the project {subject.project.name!r}")


def editor(subject: Subject) -> Iterator[Finding]:
    """Do the entries that debug.config wrote lead to where the debuggers are?"""
    if subject.engine is None or subject.project is None:
        return
    right = []
    for service in subject.project.services.values():
        known = DebugSubject(subject.engine, subject.project, service, services.language_of(service))
        entries = list(leftovers.entries(known))
        wrong = [one for one in entries if one.state != OK]
        if wrong:
            what = "; ".join(one.what for one in wrong)
            why = f"F5 in the editor does not reach service {service.name!r}"
            yield Finding("editor", wrong[0].state, what, why, wrong[0].fix, is_safe=True)
        elif entries:
            right.append(service.name)
    if right:
        yield Finding("editor", OK, f"the entries of .vscode lead to {', '.join(right)}")


def _way_to_a_project(directory: Path, error: DddError) -> str:
    """A file that is wrong can only be edited; one that is named and not there need not be."""
    if not isinstance(error, ConfigError) or error.what.startswith("the program "):
        return error.hint
    if os.environ.get("COMPOSE_FILE"):
        return "unset COMPOSE_FILE"
    try:
        return _edit(composefiles.find(directory)[0])
    except ConfigError:  # a .env names one that is not there
        dotenvs = (folder / ".env" for folder in (directory, *directory.parents))
        return next((_edit(file) for file in dotenvs if file.is_file()), error.hint)


def _of_session(noxfile: Path, job: Job) -> Finding | None:
    """What keeps a session from its stage."""
    try:
        source.find(job.options, noxfile.parent).stages().stage(job.stage)
    except DddError as error:
        found = of_error("sessions", error, f"nox -s {shlex.quote(job.session)} fails")
        return found._replace(fix=_edit(noxfile))
    return None


def _of_port(subject: Subject, service: Service, port: Port, ours: list[str]) -> Finding | None:
    """Who holds a port."""
    assert subject.engine is not None
    try:
        preflight.check_ports(subject.engine, service._replace(ports=(port,)), ours)
    except DddError as error:
        return of_error("ports", error, f"service {service.name!r} cannot be started as it is")
    return None


def _edit(file: Path) -> str:
    return f"${{EDITOR:-vi}} {shlex.quote(str(file))}"
