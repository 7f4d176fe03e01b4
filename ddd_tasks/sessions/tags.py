"""What the image of a stage is called: on this engine, and in the registry that builds share layers through."""

from __future__ import annotations

import os

from ddd_tasks.sessions.options import Options
from ddd_tasks.sessions.source import Source, plain

# An image's name in a registry: builds take layers from its tags, one per stage, which `ci.build` pushes.
BUILD_CACHE = "DDD_BUILD_CACHE"


def tag(source: Source, options: Options) -> str:
    """The image's name: it says whose it is in `docker images`, and keeps the cleanup of unused images away from it."""
    suffix = f"-{options.suffix}" if options.suffix else ""
    return f"{source.slug}-session:{plain(options.stage)}{suffix}"


def scope(options: Options) -> str:
    """A tag for what is built: the same for sessions whose builds are the same."""
    what = {name: getattr(options, name) for name in ("service", "dockerfile", "context", "build_args")}
    suffix = Options(options.stage, **what).suffix
    return f"{plain(options.stage)}-{suffix}" if suffix else plain(options.stage)


def shared(options: Options) -> str:
    """The stage's image in the registry that builds share layers through; empty where there is none."""
    place = os.environ.get(BUILD_CACHE, "").lower()  # a forge's name for a repository may have capitals
    return f"{place}:{scope(options)}" if place else ""
