"""What `docker compose watch` is to do for a service when something is saved: pure, from what its files say."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.dockerfile_placements import Placement
from ddd_tasks.extension import WATCH_ACTIONS
from ddd_tasks.project import Mount

SYNC, RESTART, REBUILD = WATCH_ACTIONS
# What commands that restart, or read again, by themselves have in them.
_RELOADS = re.compile(
    r"--reload|--watch|--hot\b|\bflask\b.*--debug|\brunserver\b|\bdotnet watch\b"
    r"|\b(entr|reflex|air|nodemon|watchexec|watchmedo|watchfiles|inotifywait|vite|ts-node-dev|webpack-dev-server)\b"
    r"|\b(webpack serve|next dev|nuxt dev|ng serve|tsx watch)\b"
)
# Never worth a transfer, whatever the ignore file says.
_ALWAYS = (".git", ".ddd")


class Trigger(NamedTuple):
    """One entry of develop.watch. target: where it goes inside, "" for a rebuild; initial: the image lacks it."""

    action: str
    path: Path
    target: str = ""
    ignore: tuple[str, ...] = ()
    initial: bool = False

    def entry(self) -> dict[str, Any]:
        """The entry as a Compose file has it."""
        entry: dict[str, Any] = {"action": self.action, "path": str(self.path)}
        entry |= {"target": self.target} if self.target else {}
        return entry | ({"ignore": list(self.ignore)} if self.ignore else {})


def reloads(command: Sequence[str], stage: str | None) -> bool:
    """Whether the program takes in a saved file by itself: it says so, or its stage is named dev or develop..."""
    return bool(_RELOADS.search(" ".join(command))) or (stage or "").startswith("dev")


class Inputs(NamedTuple):
    """What decides about the entries of a build beside its lines.

    rules: the patterns of the ignore file; manifests: files that name dependencies; reloads: the program takes in saved
    files by itself; wanted: the action for folders, where somebody has said it.
    """

    rules: Sequence[str] = ()
    manifests: Sequence[Path] = ()
    reloads: bool = False
    wanted: str = ""


def of_build(context: Path, dockerfile: Path, placed: Sequence[Placement], inputs: Inputs) -> tuple[Trigger, ...]:
    """The entries for what a build takes from its context.

    A file that a RUN uses is about dependencies: the image is built again, and so it is when code is compiled into an
    image whose program does not look at the source. A folder that is copied for its manifests alone, in a stage before
    the one that runs, is followed as the source that it is there.
    """
    found: dict[Path, Trigger] = {dockerfile: Trigger(REBUILD, dockerfile)}
    kept = {one.source for one in placed if one.final}
    if any(not one.final and one.source in kept for one in placed):
        found |= {path: Trigger(REBUILD, path) for path in inputs.manifests}
    for one in placed:
        path = context / one.source
        ignore = below(inputs.rules, one.source)
        if ignore is None or path in found or (not one.final and one.source in kept):
            continue  # left out of the context, or followed otherwise
        action = _action(one, inputs)
        target = "" if action == REBUILD else one.target
        found[path] = Trigger(action, path, target, tuple(ignore) if one.is_folder else ())
    return _disjoint(tuple(found.values()))


def of_mounts(
    mounts: Sequence[Mount], known: Sequence[Trigger], context: Path, rules: Sequence[str]
) -> tuple[Trigger, ...]:
    """The entries that stand in for bind mounts, but for what the known ones bring to the same place already."""
    found: list[Trigger] = []
    for mount in sorted(mounts, key=lambda mount: len(mount.source.parts)):
        if any(_brings(trigger, mount) for trigger in (*known, *found)):
            continue
        ignore = below(rules, _folder(context, mount.source)) if mount.source.is_relative_to(context) else None
        found.append(Trigger(SYNC, mount.source, mount.target, tuple(ignore or _ALWAYS), initial=True))
    return tuple(found)


def together(known: Sequence[Trigger], mounted: Sequence[Trigger]) -> tuple[Trigger, ...]:
    """All entries, so that each save has one: what was mounted was not looked at by a build."""
    replaced = {trigger.path for trigger in mounted}
    kept = [trigger for trigger in known if trigger.action != REBUILD or trigger.path not in replaced]
    return _disjoint((*kept, *mounted))


def below(rules: Sequence[str], folder: str) -> list[str] | None:
    """The patterns of an ignore file as seen from a folder of its context; None when all of the folder is left out."""
    parts = [part for part in folder.split("/") if part]
    found = list(_ALWAYS)
    for rule in rules:
        negated, pattern = rule.startswith("!"), rule.lstrip("!")
        names = posixpath.normpath("/" + pattern).strip("/").split("/")
        if names[0] == "**" or not parts:
            found.append(("!" if negated else "") + "/".join(names))
            continue
        if not all(fnmatch.fnmatchcase(part, name) for part, name in zip(parts, names, strict=False)):
            continue
        if len(names) > len(parts):
            found.append(("!" if negated else "") + "/".join(names[len(parts) :]))
        elif not negated and not any(other.startswith("!") for other in rules):
            return None
    return list(dict.fromkeys(found))


def _action(one: Placement, inputs: Inputs) -> str:
    if not one.final or (one.used and not one.is_folder):
        return REBUILD
    if inputs.wanted:
        return inputs.wanted
    if inputs.reloads:
        return SYNC
    return REBUILD if one.used else RESTART


def _disjoint(triggers: Sequence[Trigger]) -> tuple[Trigger, ...]:
    """The same, with what has an entry of its own ignored by the folders around it: each entry would act."""
    found = []
    for trigger in triggers:
        inner = [other.path for other in triggers if trigger.path in other.path.parents]
        more = tuple(path.relative_to(trigger.path).as_posix() for path in inner)
        found.append(trigger._replace(ignore=tuple(dict.fromkeys((*trigger.ignore, *more)))) if more else trigger)
    return tuple(found)


def _folder(context: Path, path: Path) -> str:
    return "" if path == context else path.relative_to(context).as_posix()


def _brings(trigger: Trigger, mount: Mount) -> bool:
    if trigger.path != mount.source and trigger.path not in mount.source.parents:
        return False
    inside = posixpath.join(trigger.target, mount.source.relative_to(trigger.path).as_posix())
    return bool(trigger.target) and posixpath.normpath(inside) == posixpath.normpath(mount.target)
