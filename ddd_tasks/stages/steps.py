"""The instructions of a Dockerfile that make layers, numbered as BuildKit's progress numbers them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.dockerfile import Dockerfile, Stage, Step
from ddd_tasks.dockerfile_words import Expansion, words

# BuildKit counts these; all others only change an image's settings.
_MAKE_LAYERS = ("ADD", "COPY", "RUN", "WORKDIR")
_ESCAPE = re.compile(r"(?i)#\s*escape\s*=\s*(\S)")
_FROM = re.compile(r"(?:^|,)\s*from=([^,]+)")
_GLOBAL = re.compile(r"(?i)arg\s+(.+)")


class Layer(NamedTuple):
    """One instruction that makes a layer. key: its stage and its number there; step: None for FROM an image."""

    key: str
    stage: Stage
    step: Step | None
    text: str

    @property
    def label(self) -> str:
        """What BuildKit calls its stage: the name, or stage-NUMBER where it has none."""
        return self.key.rpartition(" ")[0]

    @property
    def line(self) -> int:
        """Where it stands in the Dockerfile."""
        return self.step.line if self.step else self.stage.line

    @property
    def is_base(self) -> bool:
        """Whether it is an image from outside, which is fetched and not built."""
        return self.step is None


class Script(NamedTuple):
    """A Dockerfile with its text. build_args: the values that its ARG instructions get from outside."""

    parsed: Dockerfile
    lines: tuple[str, ...]
    build_args: Mapping[str, str] = {}

    @property
    def escape(self) -> str:
        """The character that continues a line."""
        match = _ESCAPE.match(self.lines[0]) if self.lines else None
        return match[1] if match else "\\"

    def layers(self, target: str | None = None) -> list[Layer]:
        """The layers that a build of target makes, in the order of the file; None: those of all stages."""
        stages = self.parsed.needed(target) if target else self.parsed.stages
        return [layer for stage in stages for layer in self._of(stage)]

    def source(self, step: Step) -> str:
        """An instruction as it is written, with its continuation lines and heredocs, without comments."""
        starts = [later.line for stage in self.parsed.stages for later in stage.steps]
        starts += [stage.line for stage in self.parsed.stages]
        end = min((start for start in starts if start > step.line), default=len(self.lines) + 1)
        lines = [line.rstrip() for line in self.lines[step.line - 1 : end - 1]]
        keep = "<<" in lines[0]  # a heredoc may have lines that only look like comments
        return "\n".join(line for line in lines if line and (keep or not line.lstrip().startswith("#")))

    def settings(self, layer: Layer) -> dict[str, str]:
        """What holds where an instruction runs: "ENV NAME", "ARG NAME", "USER", "WORKDIR", "SHELL" -> the value."""
        return self._settings(layer.stage, layer.step) if layer.step else {}

    def settings_at_end(self, stage: Stage) -> dict[str, str]:
        """The same below the last instruction of a stage."""
        return self._settings(stage, None)

    def _settings(self, stage: Stage, end: Step | None) -> dict[str, str]:
        found: dict[str, str] = {}
        for step in (step for part in self.chain(stage) for step in part.steps):
            if step is end:
                break
            found.update(self._set(step, found))
        return found

    def upstream(self, layer: Layer) -> list[str]:
        """The keys of the layers that one is directly built on, or copies from."""
        below = [other for stage in self.chain(layer.stage) for other in self._of(stage)]
        place = [other.key for other in below].index(layer.key)
        named = layer.step.flags if layer.step else ()
        origins = [value for flag, value in named if flag == "from"]
        origins += [match[1] for flag, value in named if flag == "mount" for match in _FROM.finditer(value)]
        earlier = self.parsed.stages[: layer.stage.index]
        tops = [self._top(stage) for stage in earlier if {stage.name, str(stage.index)} & {*map(str.lower, origins)}]
        return [*(other.key for other in below[max(0, place - 1) : place]), *(key for key in tops if key)]

    def _top(self, stage: Stage) -> str:
        """The key of a stage's last layer, or of the last one below it."""
        return next((layer.key for part in reversed(self.chain(stage)) for layer in reversed([*self._of(part)])), "")

    def bottom(self, stage: Stage) -> Stage:
        """The stage whose FROM names the image that a stage stands on in the end."""
        return self.chain(stage)[0]

    def chain(self, stage: Stage) -> tuple[Stage, ...]:
        """The stages of the file that a stage is built on by FROM, itself the last."""
        if stage is self.parsed.stages[-1]:
            return self.parsed.chain()
        return self.parsed.chain(stage.name) if stage.name else (stage,)

    def _of(self, stage: Stage) -> Iterator[Layer]:
        label = stage.name or (f"stage-{stage.index}" if len(self.parsed.stages) > 1 else "")
        number = 0
        if stage.base_stage is None and stage.base != "scratch":
            number = 1
            yield Layer(f"{label} 1", stage, None, f"FROM {stage.base}")
        for step in stage.steps:
            if step.keyword in _MAKE_LAYERS:
                number += 1
                yield Layer(f"{label} {number}", stage, step, self._line(step))

    def _line(self, step: Step) -> str:
        """An instruction in one line, without mounts: they say little about what it does."""
        text = self.source(step).replace(f"{self.escape}\n", " ")
        return " ".join(word for word in text.split() if not word.startswith("--mount="))

    def _set(self, step: Step, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        known = {name.partition(" ")[2]: value for name, value in found.items() if " " in name}
        if step.keyword in ("USER", "WORKDIR", "SHELL"):
            yield step.keyword, self.expanded(step.rest, known)
        elif step.keyword == "ENV":
            for name, value in pairs(step.rest, self.escape):
                yield f"ENV {name}", self.expanded(value, known)
        elif step.keyword == "ARG":
            for word in words(step.rest, self.escape):
                name, given, default = word.partition("=")
                value = self.build_args.get(name, default if given else self._outer().get(name, ""))
                yield f"ARG {name}", self.expanded(value, known)

    def _outer(self) -> dict[str, str]:
        """The arguments above the first FROM."""
        lines = self.lines[: self.parsed.stages[0].line - 1]
        matches = (_GLOBAL.match(line.strip()) for line in lines)
        found = [word for match in matches if match for word in words(match[1], self.escape)]
        pairs = (word.partition("=") for word in found)
        return {name: self.build_args.get(name, value) for name, _, value in pairs}

    def expanded(self, text: str, known: Mapping[str, str]) -> str:
        """A word with its variables replaced."""
        try:
            return Expansion(text, known, self.escape).text()
        except ValueError:
            return text  # BuildKit will refuse it


def read(path: Path, parsed: Dockerfile, build_args: Mapping[str, str] | None = None) -> Script:
    """A parsed Dockerfile with its text."""
    text = path.read_bytes().decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    return Script(parsed, tuple(text.split("\n")), dict(build_args or {}))


def pairs(rest: str, escape: str) -> Iterator[tuple[str, str]]:
    """The names and values of ENV, also of its old form without an equals sign."""
    found = words(rest, escape)
    if found and "=" not in found[0]:
        yield found[0], rest[len(found[0]) :].strip()
        return
    for word in found:
        name, _, value = word.partition("=")
        yield name, value
