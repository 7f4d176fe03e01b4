"""What a session asks of its stage, as one frozen value; equal options are the same backend."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

PREFIX = "container:"


@dataclass(frozen=True)
class Options:
    """A stage and how to build and start it. build_args and env are sorted, so that their order does not matter.

    service: the Compose service whose build section is used; dockerfile, context: paths that replace it, relative to
    the noxfile. env: NAME (the caller's value) or NAME=VALUE. user: a user of the image, None for the caller.
    network: a network's name, host or none. volumes: SOURCE:PATH[:ro] as `docker run -v` takes them.
    cache: whether a success is remembered.
    """

    stage: str
    service: str | None = None
    dockerfile: str | None = None
    context: str | None = None
    build_args: tuple[tuple[str, str], ...] = ()
    network: str | None = None
    env: tuple[str, ...] = ()
    user: str | None = None
    volumes: tuple[str, ...] = ()
    cache: bool = False

    @property
    def suffix(self) -> str:
        """A short text that differs where the options do; empty where there are none beside the stage."""
        if self == Options(self.stage):
            return ""
        return hashlib.sha256(repr(sorted(asdict(self).items())).encode()).hexdigest()[:8]

    @property
    def key(self) -> str:
        """The backend's name: container:STAGE, with #SUFFIX where there are options."""
        return f"{PREFIX}{self.stage}#{self.suffix}" if self.suffix else f"{PREFIX}{self.stage}"


def make(
    stage: str,
    *,
    service: str | None = None,
    dockerfile: object = None,
    context: object = None,
    build_args: Mapping[str, str] | None = None,
    network: str | None = None,
    env: Iterable[str] = (),
    user: str | None = None,
    volumes: Iterable[str] = (),
    cache: bool = False,
) -> Options:
    """Options from what a user writes: paths may be Path or str, several values any iterable."""
    return Options(
        stage=stage,
        service=service,
        dockerfile=None if dockerfile is None else str(dockerfile),
        context=None if context is None else str(context),
        build_args=tuple(sorted((build_args or {}).items())),
        network=network,
        env=tuple(sorted(env)),
        user=user,
        volumes=tuple(volumes),
        cache=cache,
    )
