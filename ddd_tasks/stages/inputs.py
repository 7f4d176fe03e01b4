"""What the layers of a build are made from: the text of each, the files it copies, the values and images it uses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddd_tasks import buildcontext, process
from ddd_tasks.dockerfile_copies import copied, is_remote, sources
from ddd_tasks.sessions.contents import Hashes
from ddd_tasks.stages.steps import Layer, Script

# What one layer is made from: kind -> name -> a mark that differs where the thing does.
Inputs = Mapping[str, Mapping[str, str]]

TEXT, BASE, FILES, IMAGES, SETTINGS = "text", "base", "files", "images", "settings"
OURS = ".ddd"
_LATER = "changed during the build: "


class Context:
    """The files of a build context, hashed; memory keeps hashes of files that stay as they are."""

    def __init__(self, folder: Path, dockerfile: Path, memory: Path) -> None:
        self._folder, self._dockerfile, self._memory = folder, dockerfile, memory
        self._marks: dict[str, str] = {}

    def load(self, paths: Sequence[str], began: float) -> None:
        """Hash everything below these paths that the build can read. began: when the build started.

        A file that was written since has a mark of its own: nobody knows which content the build saw.
        """
        hashes, found, tree = Hashes(self._memory), {}, buildcontext.tree(self._folder, self._dockerfile, paths)
        for name, status in buildcontext.entries(tree):
            if mark := hashes.entry(str(self._folder / name)):
                found[name] = f"{_LATER}{mark}" if status.st_ctime > began else mark
        hashes.write({str(self._folder / name): mark for name, mark in found.items()})
        self._marks = {name: mark for name, mark in found.items() if not _is_folder(mark)}
        ignored = buildcontext.Ignore(Path(tree.ignore).read_text(errors="replace") if tree.ignore else "")
        if not ignored.leaves_out(OURS):
            self._marks[OURS] = str(began)  # every build writes there

    def below(self, patterns: Sequence[str]) -> dict[str, str]:
        """The files that the sources of a COPY stand for."""
        wanted = buildcontext.Ignore("\n".join(pattern.lstrip("/") for pattern in patterns))
        everything = any(Path(pattern.lstrip("/") or ".") == Path() for pattern in patterns)
        return {name: mark for name, mark in self._marks.items() if everything or wanted.leaves_out(name)}


def collect(
    script: Script, layers: Sequence[Layer], context: Context, image_id: Callable[[str], str], began: float
) -> dict[str, Inputs]:
    """The inputs of the layers by their keys. image_id: the id of an image by its name, "" where it has none here."""
    paths = {path for layer in layers for path in _paths(layer, script.escape) if not is_remote(path)}
    context.load(sorted(paths), began)
    return {layer.key: _of(script, layer, context, image_id) for layer in layers}


def _of(script: Script, layer: Layer, context: Context, image_id: Callable[[str], str]) -> Inputs:
    base = script.bottom(layer.stage).base
    found: dict[str, dict[str, str]] = {BASE: {base: image_id(base)}}
    if layer.step is None:
        return found
    text, settings = script.source(layer.step), script.settings(layer)
    found[TEXT] = {"": hashlib.sha256(text.encode()).hexdigest()[:16]}
    if layer.step.keyword != "RUN":  # the others see only what they name
        settings = {name: value for name, value in settings.items() if _names(text, name.partition(" ")[2])}
    found[SETTINGS] = {name: _shown(name.partition(" ")[2], value) for name, value in settings.items()}
    found[FILES] = context.below(_patterns(script, layer, settings))
    stages = {stage.name for stage in script.parsed.stages}
    named = (value for flag, value in layer.step.flags if flag == "from")
    found[IMAGES] = {name: image_id(name) for name in named if name.lower() not in stages and not name.isdecimal()}
    return found


def _patterns(script: Script, layer: Layer, settings: Mapping[str, str]) -> list[str]:
    step = layer.step
    if step is None or step.keyword == "WORKDIR":
        return []
    if step.keyword == "RUN":
        return list(copied(step.keyword, step.flags, step.rest, script.escape))
    if any(flag == "from" for flag, _ in step.flags):
        return []
    known = {name.partition(" ")[2]: value for name, value in settings.items()}
    found = [script.expanded(source, known) for source in sources(step.rest, script.escape)]
    return [source for source in found if not source.startswith("<<") and not is_remote(source)]


def _paths(layer: Layer, escape: str) -> tuple[str, ...]:
    return copied(layer.step.keyword, layer.step.flags, layer.step.rest, escape) if layer.step else ()


def _names(text: str, name: str) -> bool:
    return bool(name and re.search(rf"\$\{{?{re.escape(name)}\b", text))


def _shown(name: str, value: str) -> str:
    """The value, or a hash of it where it may be a secret: it goes into a file."""
    plain = f"{name}={value}" if name else value
    if process.redact(plain) == plain:
        return value
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:12]}"


def _is_folder(mark: str) -> bool:
    return mark.removeprefix(_LATER) == "40000"


def differences(before: Mapping[str, Any], after: Inputs, kind: str) -> list[str]:
    """The names of one kind that are new, gone or not the same."""
    old, new = before.get(kind) or {}, after.get(kind) or {}
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
