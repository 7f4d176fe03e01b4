"""dev.watch: which services need their files brought to them, how, and the watch that does it."""

from __future__ import annotations

from collections.abc import Sequence

from ddd_tasks import build, console, images, lastup, preflight, process, services, up, worktree
from ddd_tasks.compose import SERVICE_LABEL
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Project, Service
from ddd_tasks.syncing import initial, overlay, sharing
from ddd_tasks.syncing.overlay import Plan
from ddd_tasks.syncing.plans import of_service, own_mounts


def run(project: Project, names: Sequence[str] = (), *, sync: bool = False) -> int:
    """Start the services, and bring saves to those that do not see them, until it is interrupted; Compose's status.

    names as in up.start. A service that mounts its code from where the engine sees it needs nothing, unless sync is
    set. Raises ConfigError where there is nothing that could be brought, and what up.start raises.
    """
    engine = Engine.connect()
    project = worktree.settle(engine, project)
    wanted = up.select(project, names)
    for service in wanted:
        preflight.check_build(project, service)
        preflight.check_mounts(service)
    shared = not sync and sharing.is_shared(engine, project)
    config = build.configuration(project)["services"]
    plans = tuple(plan for one in wanted if (plan := of_service(engine, project, one, config[one.name], shared=shared)))
    mounting = [service for service in wanted if shared and own_mounts(project, service)]
    if not plans and not mounting:
        raise _nothing(project)
    synced = project._replace(files=(*project.files, *overlay.write(project, plans)))
    _start(engine, synced, names, plans)
    for service in mounting:
        _say_mounted(engine, service)
    if not plans:
        return 0
    for plan in plans:
        _say_synced(plan)
    verb = ["watch", "--no-up", *(plan.service for plan in plans)]
    return images.compose_for(synced).run(*verb, check=False, foreground=True)


def _nothing(project: Project) -> ConfigError:
    able = [service.name for service in project.services.values() if service.build or own_mounts(project, service)]
    return ConfigError(
        "there is nothing to watch",
        cause="no service is built from a folder here, or mounts one",
        valid=able,
        hint=f"ddd dev.watch --service {able[0]}" if able else "ddd dev.up",
    )


def _start(engine: Engine, project: Project, names: Sequence[str], plans: Sequence[Plan]) -> None:
    """up.start; neither it nor the next one may take containers for those that it wants because they are healthy."""
    wanted = up.select(project, names)
    try:
        if plans:
            lastup.remember(engine, project, wanted, None)
        _bring(engine, project, [plan for plan in plans if plan.initial])
        up.start(project, names)
    finally:
        if plans:
            lastup.remember(engine, project, wanted, None)


def _bring(engine: Engine, project: Project, plans: Sequence[Plan]) -> None:
    """Make the containers of services whose images lack files, and put these there."""
    if not plans or process.is_dry():
        return
    names = [plan.service for plan in plans]
    images.build_all(project, [project.services[name] for name in names])
    images.compose_for(project).run("up", "--no-start", "--no-build", "--no-deps", *names, quiet=True)
    for entry in services.listed(engine, project):
        for plan in plans:
            if entry["Labels"].get(SERVICE_LABEL) == plan.service:
                for trigger in plan.initial:
                    initial.bring(engine, entry["Id"], trigger)


def _say_mounted(engine: Engine, service: Service) -> None:
    for mount in service.mounts:
        console.note(f"{service.name}: a save in {mount.source} shows by itself, as {mount.target}")
    if sharing.is_virtual(engine):
        console.note("the engine has a kernel of its own: where a save does not show, try: ddd dev.watch --sync")


def _say_synced(plan: Plan) -> None:
    for trigger in plan.triggers:
        place = f" as {trigger.target}" if trigger.target else ""
        console.note(f"{plan.service}: {trigger.action} {trigger.path}{place}")
    if not plan.triggers:
        console.note(f"{plan.service}: as its own develop.watch says")
