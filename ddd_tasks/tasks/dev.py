"""The development loop: build, up, exec, logs, down.

What only some tasks need is imported by those: `inv --list` and every `inv dev.exec` would pay for it.
"""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console, health, paths, process, services
from ddd_tasks import project as projects
from ddd_tasks.compose import MONITOR_OVERLAY, Compose, monitor_overlays, write_overlay
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.execplan import Options
from ddd_tasks.project import Project, Service
from ddd_tasks.tasks.surface import JSON_HELP, SERVICE_HELP, checked_tail, leave, task, words

_COLUMNS = ("service", "state", "health", "url")
_USER_HELP = "User inside, as name or uid:gid (default: you, where the service mounts your code)."


def _project() -> Project:
    return projects.load(Path.cwd())


def _service(project: Project, name: str | None) -> Service:
    return paths.service_here(project, Path.cwd(), name)


def _own() -> Project:
    """The project here, for what changes its containers. Raises ConfigError when another directory started them."""
    project = _project()
    services.refuse_takeover(Engine.connect(), project)
    return project


def _named(project: Project, service: str | None) -> list[str]:
    return [project.service(service).name] if service else []


def _show(states: list[services.State], *, json: bool) -> None:
    if json:
        console.result_json([state.as_dict() for state in states])
    else:
        console.table(_COLUMNS, [state.row for state in states])


@task(help={"service": "Only this service.", "no_cache": "Ignore the build cache.", "pull": "Look for newer bases."})
def build(c: Context, service: str | None = None, no_cache: bool = False, pull: bool = False) -> None:  # noqa: ARG001
    """Build the images of the services."""
    from ddd_tasks import images, worktree
    from ddd_tasks import up as upping

    project = worktree.settle(Engine.connect(), _project())
    flags = [flag for flag, wanted in (("--no-cache", no_cache), ("--pull", pull)) if wanted]
    images.build_all(project, upping.select(project, _named(project, service)), flags=flags)


@task(
    help={
        "service": "Only this service and what it depends on.",
        "timeout": "Seconds to wait.",
        "isolate": "Give this checkout a project name of its own, in .env.",
        "ports": "Host ports: declared, auto (others where those are taken) or own (always others).",
        "scale": "How many containers, such as web=2,job=0 (default: as declared).",
        "json": JSON_HELP,
    }
)
def up(
    c: Context,  # noqa: ARG001
    service: str | None = None,
    timeout: int = 120,
    isolate: bool = False,
    ports: str | None = None,
    scale: str = "",
    json: bool = False,
) -> None:
    """Build, start, wait until healthy, and show the URLs."""
    from ddd_tasks import scaling
    from ddd_tasks import up as upping

    project = _project()
    names, numbers = _named(project, service), scaling.parse(project, scale)
    states = upping.start(project, names, timeout=timeout, isolate=isolate, ports=ports, scale=numbers)
    if not process.is_dry():
        _show(states, json=json)


@task(
    help={
        "service": "Only this service and what it depends on.",
        "sync": "Copy saved files into the containers although their mounts show them.",
    }
)
def watch(c: Context, service: str | None = None, sync: bool = False) -> None:  # noqa: ARG001
    """Have saves show where the engine does not see your files.

    Starts the services; those that do not see what you save get it copied, or are built again, until Ctrl-C.
    """
    from ddd_tasks.syncing import loop

    project = _project()
    leave(loop.run(project, _named(project, service), sync=sync))


@task(help={"volumes": "Remove the project's volumes as well: their data is lost."})
def down(c: Context, volumes: bool = False) -> None:  # noqa: ARG001
    """Stop the services; remove containers and networks."""
    flags = ["--remove-orphans", *(["--volumes"] if volumes else [])]
    project = _own()
    Compose(project, monitor_overlays(project, always=True)).run("--profile", "*", "down", *flags, quiet=True)
    if not process.is_dry():
        from ddd_tasks.secret import volumes as secret_volumes

        secret_volumes.forget(Engine.connect(), project)
        write_overlay(project, MONITOR_OVERLAY, {})


@task(help={"service": "Only this service."})
def restart(c: Context, service: str | None = None) -> None:  # noqa: ARG001
    """Restart the services and wait until they are healthy."""
    from ddd_tasks import up as upping

    project = _own()
    upping.renew_secrets(project, _named(project, service))
    Compose(project).run("restart", *_named(project, service), quiet=True)
    if not process.is_dry():
        names = [one.name for one in upping.select(project, _named(project, service))]
        _show(health.wait(project, names), json=False)


@task(help={"json": JSON_HELP})
def ps(c: Context, json: bool = False) -> None:  # noqa: ARG001
    """Show each service with its state, health and URL."""
    _show(services.states(Engine.connect(), _project()), json=json)


@task(
    help={"service": "Only this service.", "follow": "Go on as new lines come.", "tail": "Lines from the end, or all."}
)
def logs(c: Context, service: str | None = None, follow: bool = False, tail: str = "100") -> None:  # noqa: ARG001
    """Show the services' output."""
    project = _own()
    flags = ["--tail", checked_tail(tail, "dev.logs"), *(["--follow"] if follow else [])]
    leave(Compose(project).run("logs", *flags, *_named(project, service), check=False, foreground=True))


@task(help={"service": SERVICE_HELP, "json": JSON_HELP})
def url(c: Context, service: str | None = None, json: bool = False) -> None:  # noqa: ARG001
    """Print where a service answers."""
    project = _project()
    found = services.urls(Engine.connect(), project, _service(project, service))
    if json:
        console.result_json(list(found))
    else:
        console.result("\n".join(found))


@task(
    name="exec",
    help={
        "service": SERVICE_HELP,
        "user": _USER_HELP,
        "index": "Which one of several containers (default: the first).",
    },
)
def exec_(c: Context, service: str | None = None, user: str | None = None, index: int = 0) -> None:
    """Run the words after -- in a running service.

    They run in the directory that matches yours, as you: dev.exec -- pytest -k "a or b".
    """
    argv = words(c)
    if not argv:
        raise ConfigError(
            "dev.exec was given no command", cause="the command comes after --", hint="ddd dev.exec -- pwd"
        )
    from ddd_tasks import commands

    leave(commands.execute(argv, Options(service, user, index)))


@task(help={"service": SERVICE_HELP, "user": _USER_HELP})
def run(c: Context, service: str | None = None, user: str | None = None) -> None:
    """Run the words after -- in a container of its own.

    It is removed afterwards. Without words, the service's own command runs.
    """
    from ddd_tasks import oneoff

    leave(oneoff.run(words(c), Options(service, user)))


@task(help={"service": SERVICE_HELP, "user": _USER_HELP})
def shell(c: Context, service: str | None = None, user: str | None = None) -> None:  # noqa: ARG001
    """Open a shell in a running service."""
    from ddd_tasks import commands

    leave(commands.shell(Options(service, user)))


@task(help={"volumes": "Remove the project's volumes as well: their data is lost."})
def clean(c: Context, volumes: bool = False) -> None:  # noqa: ARG001
    """Remove containers, networks and images of the project."""
    from ddd_tasks import clean as cleaning

    cleaning.clean(_project(), volumes=volumes)
