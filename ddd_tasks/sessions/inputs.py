"""What a stage's build gets beside its Dockerfile: what every build of ours gets, and what its Compose service says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ddd_tasks import build
from ddd_tasks.secret import sources
from ddd_tasks.sessions.source import Source

# Words without which a Compose file says nothing about a build that the project's model does not have.
_MAY_SAY_MORE = re.compile(r"\b(args|additional_contexts|secrets|include|extends)\b")


class Inputs(NamedTuple):
    """Arguments of `docker buildx build`, and variables of its process that hold the values they name.

    build_args, contexts: the build arguments that have a value, and named contexts, among them; declared: what Compose
    shows of the project.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    build_args: Mapping[str, str]
    contexts: Mapping[str, str]
    declared: Mapping[str, Any]


def collect(source: Source) -> Inputs:
    """The inputs of a build. Raises EngineError when no engine answers."""
    ours, declared = build.for_project(source.project).mounted_by(source.dockerfile), _declared(source)
    own = ((declared.get("services") or {}).get(source.service) or {}).get("build") or {}
    contexts = own.get("additional_contexts") or {}
    secrets = dict(_secrets(own, declared.get("secrets") or {}))
    args = {**(own.get("args") or {}), **source.build_args}
    ours = ours._replace(
        contexts={official: name for official, name in ours.contexts.items() if official not in contexts},
        secrets=tuple(secret for secret in ours.secrets if secret.id not in secrets),
        proxies=tuple(name for name in ours.proxies if name not in args),
    )
    arguments = [
        *ours.buildx_args(),
        *(word for name, place in contexts.items() for word in ("--build-context", f"{name}={place}")),
        *(word for name, origin in secrets.items() for word in ("--secret", f"id={name},{origin}")),
        *(word for name in args for word in ("--build-arg", name)),
    ]
    given = {name: str(value) for name, value in args.items() if value is not None}
    inherited = {name: os.environ[name] for name, value in args.items() if value is None and name in os.environ}
    stand_ins = {official: f"docker-image://{name}" for official, name in ours.contexts.items()}
    environment = {**ours.environment(), **_values(source), **given}
    return Inputs(tuple(arguments), environment, {**given, **inherited}, {**stand_ins, **contexts}, declared)


def _declared(source: Source) -> Mapping[str, Any]:
    """What Compose shows of the project; it is asked only when the service's build section may say more."""
    files = source.project.files
    if source.service is None or not any(_MAY_SAY_MORE.search(file.read_text(errors="replace")) for file in files):
        return {}
    return build.configuration(source.project)


def _values(source: Source) -> dict[str, str]:
    """Variables of the secrets that the service's build gets, where the environment has not got them."""
    return sources.of_builds(source.project, [source.project.services[source.service]]) if source.service else {}


def _secrets(own: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for secret in own.get("secrets") or ():
        known = declared.get(secret["source"]) or {}
        origin = f"src={known['file']}" if known.get("file") else f"env={known.get('environment', '')}"
        yield secret.get("target") or secret["source"], origin
