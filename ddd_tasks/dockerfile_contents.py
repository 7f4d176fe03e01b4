"""Which files of the host lie where in the images of a Dockerfile's stages, by COPY, ADD and COPY --from.

What a RUN moves, makes or removes is not known here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ddd_tasks.dockerfile import Dockerfile, Stage
from ddd_tasks.dockerfile_placements import PATTERN, Base, Line, is_inside, lines, operands, pairs

# What builds make of source, beside it.
_OUTPUTS = frozenset(("build", "dist", "out"))
_NO_SOURCE = frozenset(("node_modules", "vendor"))
_OF_THE_SYSTEM = frozenset(
    ("bin", "boot", "dev", "etc", "home", "lib", "mnt", "opt", "proc", "root", "run", "srv", "usr", "var")
)


class Content(NamedTuple):
    """A folder or file of the host, and its place in an image.

    is_named: it is not there, but what is there may name it, as source maps do.
    """

    source: Path
    target: str
    is_named: bool = False


# What each stage holds, by its index; what was copied last comes first.
Contents: TypeAlias = Mapping[int, tuple[Content, ...]]


def contents(
    parsed: Dockerfile, target: str | None, context: Path, bases: Mapping[str, Base], others: Mapping[str, Path]
) -> Contents:
    """What the host has of the stages that a build of target needs.

    bases: as for placements; others: the folders that COPY --from knows by a name, beside the stages.
    """
    found: dict[int, tuple[Content, ...]] = {}
    of_stages: dict[int, list[Line]] = {}
    for line in lines(parsed, target, bases):
        of_stages.setdefault(line.stage.index, []).append(line)
    for stage in parsed.needed(target):
        below = parsed.find(stage.base_stage, stage.index) if stage.base_stage else None
        here = list(found.get(below.index, ())) if below else []
        for line in of_stages.get(stage.index, ()):
            here = [*_of_line(parsed, line, context, found, others), *here]
        found[stage.index] = tuple(dict.fromkeys(here))
    return found


def sources(parsed: Dockerfile, stage: Stage) -> Iterator[Stage]:
    """The stages that a stage copies from, then those that these copy from; each once."""
    waiting, seen = [stage], {stage.index}
    while waiting:
        one = waiting.pop(0)
        chain = [one]
        while (base := chain[-1].base_stage) and (below := parsed.find(base, chain[-1].index)):
            chain.append(below)
        for name, before in [(name, each.index) for each in chain for name in each.sources]:
            found = parsed.find(name, before)
            if found and found.index not in seen:
                seen.add(found.index)
                waiting.append(found)
                yield found


def _of_line(
    parsed: Dockerfile, line: Line, context: Path, found: Contents, others: Mapping[str, Path]
) -> list[Content]:
    origin = dict(line.step.flags).get("from") if line.step.keyword in ("COPY", "ADD") else None
    if origin is None:
        return [Content(context / source, place) for source, place in pairs(line, context) if place]
    if stage := parsed.find(origin, line.stage.index):
        return list(_of_stage(line, found.get(stage.index, ())))
    if folder := others.get(origin):
        plain = line._replace(step=line.step._replace(flags=tuple(f for f in line.step.flags if f[0] != "from")))
        return [Content(folder / source, place) for source, place in pairs(plain, folder) if place]
    return []


def _of_stage(line: Line, there: Sequence[Content]) -> Iterator[Content]:
    """What a COPY --from=STAGE takes over from what that stage holds."""
    *names, target = operands(line.step.rest, line.env)
    place = posixpath.normpath(posixpath.join(line.workdir, target))
    for name in names:
        if PATTERN & set(name):
            name = posixpath.dirname(name[: min(name.find(sign) for sign in PATTERN if sign in name)])
        wanted = posixpath.normpath(posixpath.join("/", name))
        for one in there:
            if rest := _below(one.target, wanted):  # the whole of it, or a part
                is_folder = one.source.is_dir()
                inside = rest == "." and not is_folder and is_inside(names, target)
                yield Content(one.source, _joined(place, posixpath.basename(wanted) if inside else rest))
            elif (rest := _below(wanted, one.target)) and one.source.is_dir():
                yield from _part(one, rest, place, inside=is_inside(names, target))


def _part(whole: Content, rest: str, place: str, *, inside: bool) -> Iterator[Content]:
    """The part of a folder that was copied to a place.

    Where it lies as in the whole, the whole is meant: what was made from it may name other parts. Where it lies
    elsewhere, such names lead from what a build has made to folders beside it.
    """
    source = whole.source / rest
    if source.is_file():
        yield Content(source, _joined(place, source.name) if inside else place)
        return
    above = place.removesuffix(f"/{rest}")
    if above not in (place, ""):
        yield Content(whole.source, above)
        return
    yield Content(source, place)
    if source.name in _OUTPUTS or not source.exists():
        beside = posixpath.dirname(place)
        for folder in sorted(source.parent.iterdir()) if source.parent.is_dir() else ():
            is_hidden = folder.name.startswith(".") or folder == source or folder.name in _NO_SOURCE
            is_taken = posixpath.dirname(beside) == beside and folder.name in _OF_THE_SYSTEM
            if folder.is_dir() and not is_hidden and not is_taken:
                yield Content(folder, _joined(beside, folder.name), is_named=True)


def _below(path: str, folder: str) -> str:
    """The path as seen from the folder, "." for the folder itself, and "" where it is not below it."""
    rest = posixpath.relpath(path, folder)
    return "" if rest == ".." or rest.startswith("../") else rest


def _joined(folder: str, rest: str) -> str:
    return posixpath.normpath(posixpath.join(folder, rest))
