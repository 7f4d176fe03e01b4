"""A service's Dockerfile: docker/<language>/Dockerfile with the stages of its variants and the values of its knobs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ddd_tasks import dockerfile, resources
from ddd_tasks.errors import DddError
from ddd_tasks.language import Entry, Language, PackageManager

_WORD = re.compile(r"""(?P<name>\w+)=(?P<value>"(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s\\])*)""")
_PLAIN = re.compile(r"[\w./:@%+,=()-]+")


def render(language: Language, manager: PackageManager, entry: Entry) -> str:
    """The text of the Dockerfile for code that is started like this. Raises ConfigError for files that are missing."""
    folder = language.dockerfile
    text = resources.docker(folder, "Dockerfile").read_text(encoding="utf-8")
    wanted = [manager.variant, *entry.variants] if manager.variant else entry.variants
    for variant in wanted:
        part = resources.docker(folder, f"{variant}.Dockerfile").read_text(encoding="utf-8")
        text = splice(text, part, where=f"docker/{folder}/{variant}.Dockerfile")
    values = {**entry.knobs, "HEALTH": entry.health or ""}
    if entry.port is not None:
        values["PORT"] = str(entry.port)
    return set_knobs(text, values, optional={"PORT", "HEALTH"})


def splice(text: str, part: str, *, where: str = "the variant") -> str:
    """The Dockerfile with each stage of part, comments above it included, in the place of the one with its name."""
    blocks, new = _blocks(text), _blocks(part)
    names = [name for name, _ in blocks]
    for name, block in new[1:]:
        if name not in names:
            raise DddError(f"{where} has a stage {name!r} that the Dockerfile has not", given=name, valid=names[1:])
        blocks[names.index(name)] = (name, block)
    return "\n\n".join(block.strip("\n") for _, block in blocks if block.strip()) + "\n"


def _blocks(text: str) -> list[tuple[str, str]]:
    """(stage, its lines with the comments above FROM); the first one, without a name, is what stands above them."""
    lines = text.splitlines()
    starts, names = [0], [""]
    for stage in dockerfile.parse(text).stages:
        start = stage.line - 1
        while start > starts[-1] and lines[start - 1].startswith("#"):
            start -= 1
        starts.append(start)
        names.append(stage.name or "")
    ends = [*starts[1:], len(lines)]
    return [(name, "\n".join(lines[start:end])) for name, start, end in zip(names, starts, ends, strict=True)]


def set_knobs(text: str, values: Mapping[str, str], *, optional: set[str] | frozenset[str] = frozenset()) -> str:
    """The Dockerfile with other values in its ENV lines that have APP; nothing else changes.

    There is one in the first stage, and one more where prod starts from another image. Raises DddError for a value
    whose name is not in the first, unless it is optional.
    """
    lines = text.splitlines()
    places = _knob_lines(text)
    names = {match["name"] for match in _WORD.finditer("\n".join(lines[slice(*places[0])]))}
    if missing := [name for name in values if name not in names and name not in optional]:
        raise DddError(f"the Dockerfile's knobs have no {missing[0]!r}", given=missing[0], valid=names)

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        return f"{name}={quoted(values[name])}" if name in values else match[0]

    for first, last in places:
        lines[first:last] = _WORD.sub(replaced, "\n".join(lines[first:last])).split("\n")
    return "\n".join(lines) + "\n"


def knobs(text: str) -> dict[str, str]:
    """The values of the ENV line with APP; {} in a Dockerfile without one."""
    try:
        places = _knob_lines(text)
    except DddError:
        return {}
    found = _WORD.finditer("\n".join(text.splitlines()[slice(*places[0])]))
    return {match["name"]: _unquoted(match["value"]) for match in found}


def _knob_lines(text: str) -> list[tuple[int, int]]:
    """ENV instructions with APP, the first stage's first: index of the first line, and of the one after the last."""
    lines = text.splitlines()
    places: list[tuple[int, int]] = []
    for stage in dockerfile.parse(text).stages:
        for step in stage.steps:
            if step.keyword == "ENV" and re.search(r"(?:^|\s)APP=", step.rest):
                last = step.line
                while lines[last - 1].rstrip().endswith("\\"):
                    last += 1
                places.append((step.line - 1, last))
        if not places:
            raise DddError(
                "the first stage of the Dockerfile has no ENV line with APP=", cause="`ddd init` sets it there"
            )
    return places


def quoted(value: str) -> str:
    """A value as it stands in an ENV line."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'


def _unquoted(value: str) -> str:
    inner = value[1:-1] if value[:1] in ('"', "'") else value
    return inner if value.startswith("'") else re.sub(r"\\(.)", r"\1", inner)


def workdir(text: str, stage: str = "dev") -> str:
    """The folder in which a stage works: the last WORKDIR of it or below it."""
    found = "/"
    for one in dockerfile.parse(text).chain(stage):
        for step in one.steps:
            if step.keyword == "WORKDIR":
                found = step.rest.strip() if step.rest.startswith("/") else f"{found.rstrip('/')}/{step.rest.strip()}"
    return found


def commands(text: str, stage: str) -> list[Sequence[str]]:
    """What a stage runs by itself, one program after the other: `sh -c "a && b"` is two of them."""
    command = dockerfile.parse(text).stage(stage).command
    if len(command) == 3 and command[:2] in (("sh", "-c"), ("/bin/sh", "-c")):
        parts = [part.split() for part in command[2].removeprefix("exec ").split(" && ")]
        if all(re.fullmatch(r"[\w./:@%+,=*-]+", word) for part in parts for word in part):
            return list(parts)
    return [command]
