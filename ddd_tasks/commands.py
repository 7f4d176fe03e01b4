"""A command in a service's running container: as the caller, and in the directory that matches the caller's."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ddd_tasks import composefiles, execplan, paths, process, projectcache, services
from ddd_tasks import project as projects
from ddd_tasks.engine import endpoint, identity, terminal
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, NotRunningError
from ddd_tasks.execplan import Options, Plan
from ddd_tasks.project import Project, Service

_SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")


def run_here(argv: Sequence[str], service: str | None = None) -> int:
    """Run the command directly: the same line means the same inside the container. Raises ConfigError."""
    here = os.environ.get(execplan.INSIDE)
    if service and here and service != here:
        raise ConfigError(
            f"service {service!r} cannot be reached from inside service {here!r}",
            cause="a container has no engine",
            valid=[here],
            hint=shlex.join(argv),
        )
    return process.run(argv, check=False, foreground=True)


def execute(argv: Sequence[str], options: Options) -> int:
    """Run the command in the running container that the options mean here; its status, 128+n for signal n.

    Inside a container of the project it runs directly. Raises NotRunningError, ConfigError, EngineError.
    """
    if execplan.is_inside():
        return run_here(argv, options.service)
    if process.is_dry():
        project = projects.load(Path.cwd())
        service = paths.service_here(project, Path.cwd(), options.service)
        workdir = paths.working_directory(project, service, Path.cwd())
        process.announce(_equivalent(project.name, service.name, argv, workdir))
        return 0
    remembered = execplan.read(str(Path.cwd()), options)
    if remembered:
        process.announce(_equivalent(remembered.project, remembered.service, argv, remembered.workdir))
        try:
            return execplan.run(remembered, argv)
        except NotRunningError:
            pass  # that container is gone, but the service may have another one
    plan = _plan(options)
    if not remembered:
        process.announce(_equivalent(plan.project, plan.service, argv, plan.workdir))
    return execplan.run(plan, argv)


def shell(options: Options) -> int:
    """An interactive shell in the service's running container: bash where it has one, otherwise sh."""
    return execute(_SHELL, options)


def prepare(engine: Engine, project: Project, service: Service, container: str, user: str | None) -> Plan:
    """The directory, user and variables of a command in one of the service's containers, from the caller's directory.

    user: a name or uid:gid, None for the caller where the service mounts files, else for the container's own.
    """
    workdir = paths.working_directory(project, service, Path.cwd())
    env: dict[str, str] = {}
    if user is None and service.user is None and service.mounts:
        # It holds files of the caller's, and what it writes should belong to the caller.
        who = identity.ensure(engine, container, identity.caller(), memory=project.private / "cache" / "identity")
        user, env = who.user, who.env
    return Plan(container, project.name, service.name, workdir, user, env)


def _plan(options: Options) -> Plan:
    """Find out what the options mean here, and remember it."""
    here = Path.cwd()
    project = projects.load(here)
    service = paths.service_here(project, here, options.service)
    paths.working_directory(project, service, here)  # a refusal should not wait for the engine
    with closing(Engine.connect()) as engine:
        container = services.running(engine, project, service, options.index)
        plan = prepare(engine, project, service, container, options.user)
    projectcache.make_private(project.private / "cache" / "exec")
    files, variables = projectcache.depends_on(project.files)
    nearer = (str(path) for path in composefiles.nearer(here, project.directory))
    execplan.write(
        str(project.private), str(here), options, plan, [*files, *nearer, endpoint.settings_file()], variables
    )
    return plan


def _equivalent(project: str, service: str, argv: Sequence[str], workdir: str | None) -> list[str]:
    """The Compose command closest to what we do, for echo and dry run."""
    words = ["docker", "compose", "--project-name", project, "exec"]
    words += [] if terminal.is_interactive() else ["--no-TTY"]
    words += ["--workdir", workdir] if workdir else []
    return [*words, service, *argv]
