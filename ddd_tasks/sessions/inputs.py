"""What every build of ours gets beside its Dockerfile: stand-ins for base images, and secrets of this host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ddd_tasks import build
from ddd_tasks.sessions.source import Source


def arguments(source: Source) -> Sequence[str]:
    """Arguments of `docker buildx build` for them."""
    return build.for_project(source.project).buildx_args()


def environment(source: Source) -> Mapping[str, str]:
    """Variables that those arguments name."""
    return build.for_project(source.project).environment()
