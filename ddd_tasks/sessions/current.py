"""The image that a session runs on: the last one of its stage, while a build would make the same, or a new one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ddd_tasks import lastbuild
from ddd_tasks.engine.api import Engine
from ddd_tasks.sessions import tags
from ddd_tasks.sessions.options import Options
from ddd_tasks.sessions.source import Source

if TYPE_CHECKING:
    from ddd_tasks.sessions.inputs import Inputs


def image(source: Source, options: Options) -> str:
    """The id of the stage's image. Raises UnknownNameError for the stage, CommandError when its build fails."""
    project, name, decisive = source.project, tags.tag(source, options), _decisive(source, options)
    with closing(Engine.connect()) as engine:
        known = lastbuild.find(engine, project, name, decisive)
        if known:
            return known
        from ddd_tasks.sessions import image as images  # slow to import, and needed only here
        from ddd_tasks.sessions import inputs

        images.provide_bases(source, options)
        given = inputs.collect(source)
        section = _section(source, options, given)
        note = lastbuild.before(engine, project, section, given.declared, source.began, decisive)
        built = images.build(source, options).image
        lastbuild.remember(engine, project, name, note, built)
        return built


def _decisive(source: Source, options: Options) -> list[Any]:
    """What a build depends on beside files, variables and images."""
    return [str(source.dockerfile), str(source.context), str(source.directory), asdict(options), tags.shared(options)]


def _section(source: Source, options: Options, given: Inputs) -> dict[str, Any]:
    """The build in the words of a Compose file."""
    place = {"context": str(source.context), "dockerfile": str(source.dockerfile), "target": options.stage}
    return {**place, "args": given.build_args, "additional_contexts": given.contexts}
