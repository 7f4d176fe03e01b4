"""Prometheus beside a project's services: starting it, telling it what to scrape, and taking it away again.

It is a service of the same Compose project, added by an overlay that exists as long as it is wanted: `dev.down` and
`docker compose down --remove-orphans` take it away with the rest.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import compose, console, ledger, process, services
from ddd_tasks.compose import MONITOR_OVERLAY, Compose
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import CommandError, ConfigError, EngineError, ExitCode, NotRunningError
from ddd_tasks.monitoring import (
    config,
    containers,
    discovery,
    grafana,
    grafanaup,
    overlay,
    placing,
    ports,
    promtool,
    rules,
)
from ddd_tasks.monitoring import image as images
from ddd_tasks.monitoring.discovery import Found
from ddd_tasks.project import Project
from ddd_tasks.secret import volumes as volumes_of_secrets

PROMETHEUS = "ddd-prometheus"
NAMES = (PROMETHEUS, grafana.SERVICE)
_READY_SECONDS = 30.0
_POLL_SECONDS = 0.05


class Running(NamedTuple):
    """The project's Prometheus. container: its id; url: where this machine reaches it."""

    container: str
    url: str

    @property
    def page(self) -> str:
        """The page with the dashboards."""
        return f"{self.url}/user/"


def up(project: Project, *, with_grafana: bool | None = None) -> tuple[Running, Found]:
    """Start Prometheus, or bring it up to date, and wait until it answers; and what it is to scrape.

    with_grafana: whether Grafana comes with it, None for where its image is here.

    Raises ConfigError where no service has metrics or one has the name of ours, CommandError where Prometheus does not
    start, PortTakenError, EngineError.
    """
    engine = Engine.connect()
    services.refuse_takeover(engine, project)
    refuse_names(project)
    found = discovery.discover(engine, project)  # refused before anything that takes long
    if process.is_dry():
        _start(project, ())
        return Running("", ""), found
    image = images.provide(engine, project)
    beside = grafana.wanted(engine, project, with_grafana)
    with alone(project):
        found, before = discovery.discover(engine, project), running(engine, project)
        _tell(engine, project, found, image, before)
        port = ports.choose(engine, project, "port", config.PORT, [before.container] if before else [])
        parts = _beside(engine, project, beside)
        files = overlay.write(project, place(project), PROMETHEUS, image, port, parts, found)
        try:
            _start(project, files)
            join(engine, project, found)
            with console.waiting("wait for Prometheus to answer"):
                now = _await(engine, project)
            if parts:
                grafanaup.wait(engine, project)
            return now, _refresh(engine, project)  # a dev.up meanwhile has found no Prometheus to tell
        except BaseException:
            if before is None:
                _remove(project)
            raise


def _tell(engine: Engine, project: Project, found: Found, image: str, before: Running | None) -> None:
    """Write what Prometheus reads, and have one that runs read it at once: what comes after may fail."""
    placed = rules.placed(project)
    changed = rules.place(project, promtool.of_image(image, place(project)))
    try:
        changed |= write(project, found)
    except BaseException:
        rules.restore(project, placed)
        raise
    if changed and before:
        signal(engine, project, "SIGHUP")


def down(project: Project, *, volumes: bool = False) -> bool:
    """Take Prometheus away, with volumes its data as well; whether there was anything to take."""
    engine = Engine.connect()
    services.refuse_takeover(engine, project)
    there = bool(containers.of(engine, project, PROMETHEUS, everything=True))
    if process.is_dry():
        _compose(project).run("rm", "--stop", "--force", *_names(project), quiet=True)
        return there
    with alone(project):
        _remove(project)
        if volumes:
            _remove_volumes(engine, project)
    return there


def alone(project: Project) -> AbstractContextManager[None]:
    """Only one program at a time changes the Prometheus of a project."""
    waiting = f"waiting: another task changes what watches {project.name!r}"
    return ledger.alone(f"monitor-{project.name}", waiting=waiting)


def running(engine: Engine, project: Project) -> Running | None:
    """The project's Prometheus, or None where it does not run."""
    for entry in containers.of(engine, project, PROMETHEUS):
        info = engine.get(f"/containers/{entry['Id']}/json")
        if at := services.published(info, config.PORT):
            return Running(str(entry["Id"]), f"http://{at[0]}:{at[1]}")
    return None


def require(project: Project) -> Running:
    """The same. Raises NotRunningError where it does not run."""
    found = running(Engine.connect(), project)
    if found is None:
        raise not_running(project)
    return found


def not_running(project: Project) -> NotRunningError:
    """The refusal where Prometheus would have to run."""
    cause = "monitor.up has not started one, or it was taken away since"
    return NotRunningError(f"no Prometheus runs for {project.name!r}", cause=cause, hint="ddd monitor.up")


def grafana_url(project: Project) -> str | None:
    """Where this machine reaches the project's Grafana, or None where there is none."""
    return grafanaup.url(Engine.connect(), project)


def refresh(engine: Engine, project: Project) -> Found | None:
    """Tell a running Prometheus what is to be scraped now; None where none runs. Raises what discover raises."""
    return None if running(engine, project) is None else _refresh(engine, project)


def discover(engine: Engine, project: Project) -> Found:
    """What there is to scrape for the Prometheus that was started last. Raises what discovery.discover raises."""
    entry = overlay.services_of(project).get(PROMETHEUS, {})
    return discovery.discover(engine, project).reached(with_host="extra_hosts" in entry)


def _refresh(engine: Engine, project: Project) -> Found:
    found = discover(engine, project)
    if write(project, found):
        signal(engine, project, "SIGHUP")
    join(engine, project, found)
    return found


def write(project: Project, found: Found) -> bool:
    """Write what Prometheus reads; whether it has to be told (of the targets it hears by itself)."""
    folder = place(project)
    mode = discovery_of(project)
    placing.write(folder / config.TARGETS_FILE, config.targets_file(found.targets, mode))
    return placing.write(folder / "prometheus.yml", config.prometheus(found.targets, mode))


def discovery_of(project: Project) -> str:
    """How Prometheus finds the containers: file, by their names, or dns, by those of their services."""
    return str(project.monitor.get("discovery", "file"))


def place(project: Project) -> Path:
    """The folder that Prometheus reads its configuration from."""
    return project.private / "monitor" / "prometheus"


def join(engine: Engine, project: Project, found: Found) -> None:
    """Have Prometheus share a network with each target, without a restart."""
    for entry in containers.of(engine, project, PROMETHEUS):
        joined = engine.get(f"/containers/{entry['Id']}/json")["NetworkSettings"]["Networks"]
        for network in discovery.missing_networks(found, joined):
            engine.post(f"/networks/{network}/connect", {"Container": entry["Id"]})


def signal(engine: Engine, project: Project, name: str) -> None:
    """Send a signal to Prometheus."""
    for entry in containers.of(engine, project, PROMETHEUS):
        engine.post(f"/containers/{entry['Id']}/kill", signal=name)


def logs(project: Project, *, follow: bool = False, tail: str = "100") -> int:
    """Show what Prometheus has written, on our own streams; the status of `docker compose logs`."""
    require(project)
    flags = ["--no-log-prefix", "--tail", tail, *(["--follow"] if follow else [])]
    return _compose(project).run("logs", *flags, PROMETHEUS, check=False, foreground=True)


def refuse_names(project: Project) -> None:
    """Raise ConfigError where the project has a service of one of our names: the overlay would change it."""
    if taken := [name for name in NAMES if name in project.services]:
        raise ConfigError(
            f"service {taken[0]!r} of {project.files[0]} has the name of one that monitor.up adds",
            cause="both would be one service",
            given=taken[0],
            hint=shlex.join(["grep", "-n", taken[0], str(project.files[0])]),
        )


def _beside(engine: Engine, project: Project, image: str | None) -> Mapping[str, Any]:
    """Grafana's part of the overlay; {} where there is to be none, and one that runs is taken away."""
    if image:
        return grafanaup.prepare(engine, project, image)
    if len(_names(project)) > 1:
        _compose(project).run("--profile", "monitor", "rm", "--stop", "--force", grafana.SERVICE, quiet=True)
        _forget_password(engine, project)
    return {}


def _start(project: Project, overlays: tuple[Path, ...]) -> None:
    command = Compose(project, overlays or compose.monitor_overlays(project, always=True))
    try:
        command.run("--profile", "monitor", "up", "--detach", "--no-build", "--no-deps", *_names(project), quiet=True)
    except CommandError as error:
        what, cause = "starting Prometheus failed", "see Compose's output above"
        raise CommandError(what, ExitCode.FAILURE, cause=cause, hint="ddd engine.info") from error


def _await(engine: Engine, project: Project) -> Running:
    """Wait until it answers. Raises EngineError with its last words where it ends, or does not in time."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        found = running(engine, project)
        if found is None:
            break
        if containers.answers(f"{found.url}/-/ready"):
            return found
        time.sleep(_POLL_SECONDS)
    cause = containers.last_words(engine, project, PROMETHEUS)
    raise EngineError("Prometheus does not answer", cause=cause, hint="ddd engine.info")


def _names(project: Project) -> list[str]:
    """The services of ours that the overlay has: Prometheus, and Grafana where it is wanted."""
    return [name for name in NAMES if name == PROMETHEUS or name in overlay.services_of(project)]


def _compose(project: Project) -> Compose:
    return Compose(project, compose.monitor_overlays(project, always=True))


def _remove(project: Project) -> None:
    _compose(project).run("--profile", "monitor", "rm", "--stop", "--force", *_names(project), quiet=True)
    compose.write_overlay(project, MONITOR_OVERLAY, {})
    engine = Engine.connect()
    _forget_password(engine, project)
    _each(engine, f"/networks/{project.name}_ddd-monitor")


def _forget_password(engine: Engine, project: Project) -> None:
    """Remove Grafana's volume with it; those of the services stay."""
    volumes_of_secrets.forget(engine, project, keep=True)


def _remove_volumes(engine: Engine, project: Project) -> None:
    _each(engine, f"/volumes/{project.name}_ddd-prometheus-data")


def _each(engine: Engine, *paths: str) -> None:
    for path in paths:
        try:
            engine.delete(path)
        except ApiError as error:
            if error.status != 404:
                raise
