"""The images of a project's services: building them, and saying why one cannot be had."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

from ddd_tasks import bases, build, console, lastbuild, portbook, preflight, process, services
from ddd_tasks.compose import Compose, monitor_overlays, write_overlay
from ddd_tasks.dockerfile import Dockerfile
from ddd_tasks.dockerfile_placements import Base
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.names import familiar
from ddd_tasks.errors import CommandError, EngineError, ExitCode
from ddd_tasks.fingerprint import Note
from ddd_tasks.project import Project, Service
from ddd_tasks.secret import sources, volumes

_LOG_LINES = 40


def compose_for(project: Project, env: Mapping[str, str] | None = None) -> Compose:
    """Compose with what builds and starts need: stand-ins, the host's configuration as secrets, ports, and secrets.

    env: further variables of its environment.
    """
    inputs = build.for_project(project)
    own = inputs.overlay()
    overlays = (*write_overlay(project, "build", own), *portbook.overlay(project), *volumes.overlay(project))
    overlays += monitor_overlays(project)  # else its containers would be orphans, which Compose warns of
    return Compose(project, overlays, {**inputs.environment(own.get("secrets", ())), **(env or {})})


def build_all(project: Project, wanted: Sequence[Service], *, flags: Sequence[str] = ()) -> None:
    """Build the images of those of the services that have a build section; flags go to `docker compose build`.

    Raises ConfigError for a missing context, Dockerfile or stage, EngineError for a base that cannot be pulled,
    CommandError when a step of the build fails.
    """
    engine = Engine.connect()
    services.refuse_takeover(engine, project)  # a build would put our image under the other one's name
    built = [service for service in wanted if service.build]
    for service in built:
        preflight.check_build(project, service)
    if not built:
        return
    provide_bases(project, built)
    names = [service.name for service in built]
    values = {} if process.is_dry() else sources.of_builds(project, built)
    try:
        _build(compose_for(project, values), [*flags, *names])
    except CommandError as error:
        explain_missing(engine, project, built)
        what, cause = f"building {', '.join(names)} failed", error.cause or "see the build's output above"
        raise CommandError(what, ExitCode.FAILURE, cause=cause) from error


def _build(compose: Compose, words: Sequence[str]) -> None:
    """Build, and show what it says; where nothing is to be said, only the end of what a failed build has said."""
    # Not --quiet: with it, Compose 2.40 refuses secrets that lie outside the build context.
    if not console.is_quiet() or process.is_dry():
        compose.run("build", *words, quiet=True)
        return
    answer = compose.capture("build", *words, check=False)
    if answer.status:
        said = process.redact("\n".join((answer.stdout + answer.stderr).strip().splitlines()[-_LOG_LINES:]))
        raise CommandError("docker compose build failed", answer.status, cause=said)


def build_changed(project: Project, wanted: Sequence[Service]) -> None:
    """Build the images of those of the services that have a build section and are not as at their last build.

    Raises what build_all raises.
    """
    engine = Engine.connect()
    services.refuse_takeover(engine, project)
    built = [service for service in wanted if service.build]
    if process.is_dry():
        build_all(project, built)
        return
    changed = [one for one in built if not lastbuild.find(engine, project, _image_name(project, one), one.name)]
    if not changed:
        return
    provide_bases(project, changed)
    notes = _notes(engine, project, changed)
    build_all(project, changed)
    for service in changed:
        lastbuild.remember(engine, project, _image_name(project, service), notes.get(service.name))


def _notes(engine: Engine, project: Project, changed: Sequence[Service]) -> dict[str, Note | None]:
    """What the builds depend on, as it is now, by service; nothing where Compose cannot say it."""
    began = time.time_ns()
    answer = compose_for(project).capture("--profile", "*", "config", "--format", "json", check=False)
    if answer.status:
        return {}
    config = json.loads(answer.stdout)
    sections = {service.name: config["services"][service.name]["build"] for service in changed}
    return {name: lastbuild.before(engine, project, section, config, began, name) for name, section in sections.items()}


def _image_name(project: Project, service: Service) -> str:
    """The name that Compose gives to what it builds."""
    return service.image or f"{project.name}-{service.name}"


def provide_bases(project: Project, wanted: Sequence[Service]) -> None:
    """Make usable what the engine lacks of the images that these services start from, where something can be done."""
    if not process.is_dry():
        bases.provide(project, [image for service in wanted for image in _needed(project, service)])


def explain_missing(engine: Engine, project: Project, wanted: Sequence[Service]) -> None:
    """Raise EngineError when an image that one of these services needs is neither here nor to be had."""
    stand_ins = build.for_project(project).contexts
    for service in wanted:
        for image in _needed(project, service):
            if image in stand_ins or bases.has(engine, image):
                continue
            answer = process.capture(["docker", "pull", "--quiet", image], check=False)
            if answer.status:
                raise EngineError(
                    f"image {image!r} of service {service.name!r} cannot be pulled",
                    cause=answer.stderr,
                    hint="ddd engine.bases",
                )


def settings(engine: Engine, project: Project, parsed: Dockerfile, target: str | None) -> dict[str, Base]:
    """What the images set on which the stages of a build stand; one that only the build cache has sets nothing."""
    stand_ins = build.stand_ins(project)
    found = {}
    for stage in parsed.needed(target):
        name = stand_ins.get(familiar(stage.base), stage.base)
        try:
            config = engine.get(f"/images/{name}/json")["Config"] or {}
        except ApiError:
            continue
        variables = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
        found[stage.base] = Base(config.get("WorkingDir") or "/", variables)
    return found


def _needed(project: Project, service: Service) -> Sequence[str]:
    if service.build:
        if service.build.is_remote:
            return []
        return build.dockerfile_of(project, service).external_images(service.build.target)
    return [service.image] if service.image else []
