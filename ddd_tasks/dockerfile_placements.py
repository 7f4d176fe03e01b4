"""Where the files of a build context end up in the image, as the COPY and ADD lines of its stages say."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.dockerfile import Dockerfile, Stage, Step
from ddd_tasks.dockerfile_copies import is_remote
from ddd_tasks.dockerfile_words import Expansion, words

_ESCAPE = "\\"
PATTERN = frozenset("*?[")


class Base(NamedTuple):
    """What an image that a stage is built on sets: its working directory and its variables."""

    workdir: str = "/"
    env: Mapping[str, str] = {}


class Placement(NamedTuple):
    """A path of the context ("" is all of it) and where it appears in the image.

    final: in the image that runs, not only in a stage that it copies from. used: a RUN comes after it, or reads it.
    """

    source: str
    target: str
    is_folder: bool
    final: bool
    used: bool


class Line(NamedTuple):
    """A line that may read files, with the working directory and the variables that hold for it."""

    stage: Stage
    step: Step
    workdir: str
    env: Mapping[str, str]


def placements(
    parsed: Dockerfile, target: str | None, context: Path, bases: Mapping[str, Base]
) -> tuple[Placement, ...]:
    """All that a build of target takes from the context, in the order of the file; what is not there is left out.

    bases: by the names that FROM has. A pattern stands for what matches it now.
    """
    chain = parsed.chain(target)
    last_run = max((step.line for stage in chain for step in stage.steps if step.keyword == "RUN"), default=0)
    found: list[Placement] = []
    for line in lines(parsed, target, bases):
        final = line.stage in chain
        used = not final or line.step.line < last_run
        for source, place in pairs(line, context):
            found.append(Placement(source, place, (context / source).is_dir(), final, used))
    return tuple(found)


def lines(parsed: Dockerfile, target: str | None, bases: Mapping[str, Base]) -> Iterator[Line]:
    """The lines of all stages that a build of target needs, without those that only set something."""
    ends: dict[int, tuple[Base, dict[str, str]]] = {}
    for stage in parsed.needed(target):
        below = parsed.find(stage.base_stage, stage.index) if stage.base_stage else None
        base, args = ends.get(below.index, (Base(), {})) if below else (bases.get(stage.base, Base()), {})
        workdir, env = base.workdir or "/", dict(base.env)
        for step in stage.steps:
            if step.keyword == "WORKDIR":
                workdir = posixpath.normpath(posixpath.join(workdir, _expanded(step.rest, args | env)))
            elif step.keyword == "ENV":
                env |= _assignments(step, args | env)
            elif step.keyword == "ARG":
                args = args | _assignments(step, args | env) | _given(step, parsed)
            else:
                yield Line(stage, step, workdir, args | env)  # a variable of ENV comes before an argument of its name
        ends[stage.index] = Base(workdir, env), args


def pairs(line: Line, context: Path) -> Iterator[tuple[str, str]]:
    """Paths of the context that the line reads, each with its place in the image ("" where it has none)."""
    flags = dict(line.step.flags)
    if line.step.keyword == "RUN":
        for name, value in line.step.flags:
            if name == "mount" and (source := _bound(value)) is not None:
                yield source, ""
    elif line.step.keyword in ("COPY", "ADD") and "from" not in flags:
        *sources, target = operands(line.step.rest, line.env)
        many = is_inside(sources, target)
        place = posixpath.normpath(posixpath.join(line.workdir, target))
        for source in sources:
            if source.startswith("<<") or is_remote(source):
                continue
            for path in _matches(context, source):
                inside = many or bool(PATTERN & set(source))
                yield path, _place(path, place, inside=inside and not (context / path).is_dir(), flags=flags)


def is_inside(sources: Sequence[str], target: str) -> bool:
    """Whether the target of a COPY is a folder whatever there is: files keep their names in it."""
    return len(sources) > 1 or target.endswith("/") or posixpath.normpath(target) == "."


def _place(path: str, place: str, *, inside: bool, flags: Mapping[str, str]) -> str:
    if "parents" in flags:
        return posixpath.normpath(posixpath.join(place, path))
    return posixpath.join(place, posixpath.basename(path)) if inside else place


def _matches(context: Path, source: str) -> list[str]:
    """The paths of the context that a source means, relative to it; "" is the context itself."""
    plain = posixpath.normpath("/" + source).strip("/")
    if not plain:
        return [""]
    if PATTERN & set(plain):
        return sorted(path.relative_to(context).as_posix() for path in context.glob(plain))
    return [plain] if (context / plain).exists() else []


def operands(rest: str, env: Mapping[str, str]) -> Sequence[str]:
    """The sources and, last, the target of a COPY or ADD line."""
    if rest.startswith("["):
        try:
            return [str(word) for word in json.loads(rest)]
        except ValueError:
            pass  # shell form after all
    return [_expanded(word, env) for word in words(rest, _ESCAPE)]


def _assignments(step: Step, env: Mapping[str, str]) -> dict[str, str]:
    """The variables of an ENV or ARG line, by its own words; an ARG without a default says nothing."""
    pairs = [word.partition("=") for word in words(step.rest, _ESCAPE)]
    if step.keyword == "ENV" and pairs and not pairs[0][1]:  # the old form: ENV NAME all the rest
        name, _, value = step.rest.partition(" ")
        return {name: _expanded(value.strip(), env)}
    return {name: _expanded(value, env) for name, equals, value in pairs if equals}


def _given(step: Step, parsed: Dockerfile) -> dict[str, str]:
    """What an ARG line gets from elsewhere; from above the first FROM only where it has no default of its own."""
    has_default = {word.partition("=")[0]: "=" in word for word in words(step.rest, _ESCAPE)}
    wide = {name: parsed.arguments[name] for name, own in has_default.items() if not own and name in parsed.arguments}
    return wide | {name: parsed.build_args[name] for name in has_default if name in parsed.build_args}


def _expanded(word: str, env: Mapping[str, str]) -> str:
    try:
        return Expansion(word, env, _ESCAPE).text()
    except ValueError:
        return word


def _bound(mount: str) -> str | None:
    """The path of the context that a --mount=type=bind reads, None for another kind of mount."""
    fields = dict(field.partition("=")[::2] for field in mount.split(","))
    if fields.get("type", "bind") != "bind" or "from" in fields:
        return None
    return posixpath.normpath("/" + fields.get("source", fields.get("src", ""))).strip("/")
