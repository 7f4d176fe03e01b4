"""A command in a service's running container: as the caller, and in the directory that matches the caller's."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from ddd_tasks import composefiles, execplan, paths, process, projectcache, services
from ddd_tasks import project as projects
from ddd_tasks.engine import endpoint, identity, terminal
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import CommandError, ConfigError, NotRunningError, UnsupportedError
from ddd_tasks.execplan import Options, Plan
from ddd_tasks.project import Project, Service

_SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")
_CANNOT_START = (126, 127)


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
    try:
        return process.run(argv, check=False, foreground=True)
    except ConfigError as error:  # as a shell has it, and the engine
        raise CommandError(
            f"{argv[0]!r} was not found", 127, cause=error.cause, hint="ls $(printenv PATH | tr : ' ')"
        ) from error


def execute(argv: Sequence[str], options: Options, *, anew: bool = False) -> int:
    """Run the command in the running container that the options mean here; its status, 128+n for signal n.

    Inside a container of the project it runs directly. anew: what is remembered has been tried already.
    Raises NotRunningError, ConfigError, EngineError.
    """
    if execplan.is_inside():
        return run_here(argv, options.service)
    if process.is_dry():
        project, service = find(options)
        workdir = _directory(project, service, options)
        process.announce(_equivalent(project.name, service.name, argv, workdir))
        return 0
    remembered = None if anew else execplan.read(str(Path.cwd()), options)
    if remembered:
        process.announce(_equivalent(remembered.project, remembered.service, argv, remembered.workdir))
        try:
            return execplan.run(remembered, argv, options)
        except NotRunningError:
            pass  # that container is gone, but the service may have another one
    plan = _plan(options)
    if not remembered:
        process.announce(_equivalent(plan.project, plan.service, argv, plan.workdir))
    return execplan.run(plan, argv, options)


def shell(options: Options) -> int:
    """An interactive shell in the service's running container: bash where it has one, otherwise sh.

    Raises UnsupportedError where its image has neither.
    """
    try:
        return execute(_SHELL, options)
    except CommandError as error:
        if error.exit_code not in _CANNOT_START:
            raise
        raise UnsupportedError(
            "the service's image has no shell", cause=error.cause, hint="ddd dev.exec -- PROGRAM"
        ) from error


def find(options: Options) -> tuple[Project, Service]:
    """The project and the service that the options mean here. Raises ConfigError, UnknownNameError."""
    here = Path(options.project or Path.cwd()).resolve()
    project = projects.load(here)
    service = paths.service_here(project, here, options.service)
    _directory(project, service, options)  # a refusal should not wait for the engine
    return project, service


def prepare(engine: Engine, project: Project, service: Service, container: str, options: Options) -> Plan:
    """How a command runs in one of the service's containers.

    Without a user in the options it is the caller where the service mounts files, else the container's own.
    """
    workdir, user = _directory(project, service, options), options.user
    env: dict[str, str] = {}
    if user is None and service.user is None and service.mounts:
        # It holds files of the caller's, and what it writes should belong to the caller.
        who = identity.ensure(engine, container, identity.caller(), memory=project.private / "cache" / "identity")
        user, env = who.user, who.env
    mounts = [[host, mount.target] for mount in service.mounts for host in _spellings(mount.source)]
    return Plan(container, project.name, service.name, workdir, user, env, mounts)


def _plan(options: Options) -> Plan:
    """Find out what the options mean here, and remember it."""
    here = Path.cwd()
    project, service = find(options)
    with closing(Engine.connect()) as engine:
        container = services.running(engine, project, service, options.index)
        plan = prepare(engine, project, service, container, options)
    with suppress(OSError):  # what cannot be written down is not remembered
        projectcache.make_private(project.private / "cache" / "exec")
    files, variables = projectcache.depends_on(project.files)
    nearer = (str(path) for path in composefiles.nearer(here, project.directory))
    execplan.remember(
        str(project.private), str(here), options, plan, [*files, *nearer, endpoint.settings_file()], variables
    )
    return plan


def _directory(project: Project, service: Service, options: Options) -> str | None:
    """The directory inside that matches the current one, None for the container's own. Raises ConfigError."""
    if options.project:
        return paths.to_container(service.mounts, Path.cwd())
    return paths.working_directory(project, service, Path.cwd())


def _spellings(path: Path) -> list[str]:
    """A path as it is written, and as it is without symbolic links."""
    return list(dict.fromkeys((str(path), os.path.realpath(path))))


def _equivalent(project: str, service: str, argv: Sequence[str], workdir: str | None) -> list[str]:
    """The Compose command closest to what we do, for echo and dry run."""
    words = ["docker", "compose", "--project-name", project, "exec"]
    words += [] if terminal.is_interactive() else ["--no-TTY"]
    words += ["--workdir", workdir] if workdir else []
    return [*words, service, *argv]
