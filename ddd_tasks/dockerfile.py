"""Stages of a Dockerfile, read without the engine: bases, descriptions, commands and the images that a target needs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.dockerfile_copies import copied
from ddd_tasks.dockerfile_words import Expansion, words
from ddd_tasks.errors import ConfigError, UnknownNameError

_INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_PRAGMA = re.compile(r"(?i)(syntax|escape|check)\s*=|hadolint\s|checkov:|trivy:|nosemgrep")
_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")
_FLAG = re.compile(r"--([a-z][a-z0-9-]*)(?:=(\S*))?\s*")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}
_DEFAULT_SHELL = ("/bin/sh", "-c")


class Step(NamedTuple):
    """An instruction of a stage: its keyword in upper case, its --name=value flags, the rest as written, its line."""

    keyword: str
    flags: tuple[tuple[str, str], ...]
    rest: str
    line: int


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it. base is expanded; base_stage is its name, if base is an earlier stage of this file.

    description is the comment directly above FROM; line is where FROM stands, counted from 1. command is what the
    stage's own ENTRYPOINT and CMD start, empty when it has neither; entrypoint is its first part. sources are the
    stages, indices, named contexts and images that its COPY --from, ADD --from and RUN --mount=from= name. copies are
    the paths of the build context that it reads, as in dockerfile_copies. steps are all its instructions below FROM.
    """

    name: str | None
    index: int
    base: str
    base_stage: str | None
    description: str
    line: int
    platform: str | None = None
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def has_command(self) -> bool:
        """Whether the stage says itself what to run, by CMD or ENTRYPOINT."""
        return bool(self.command)


@dataclass(frozen=True)
class Dockerfile:
    """The stages of a Dockerfile in order; syntax is the frontend image that its `# syntax=` line names, or None.

    build_args are the values given for build arguments; arguments those that the ARG lines above the first FROM have.
    """

    stages: tuple[Stage, ...]
    syntax: str | None = None
    where: str = "Dockerfile"
    build_args: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)

    def stage(self, name: str) -> Stage:
        """The last stage with this name, in any case: what BuildKit takes as a target. Raises UnknownNameError."""
        for stage in reversed(self.stages):
            if stage.name == name.lower():
                return stage
        names = {stage.name for stage in self.stages if stage.name}
        raise UnknownNameError("stage", name, names, where=self.where)

    def needed(self, target: str | None = None) -> tuple[Stage, ...]:
        """The stages that a build of target runs, in file order; None is the last stage, as for docker build."""
        waiting = [self.stage(target) if target else self.stages[-1]]
        seen: dict[int, Stage] = {}
        while waiting:
            stage = waiting.pop()
            if stage.index not in seen:
                seen[stage.index] = stage
                waiting += [found for found in self._inputs(stage) if isinstance(found, Stage)]
        return tuple(seen[index] for index in sorted(seen))

    def chain(self, target: str | None = None) -> tuple[Stage, ...]:
        """The stages of this file that target is built on by FROM, in file order, target included."""
        found = [self.stage(target) if target else self.stages[-1]]
        while (base := found[0].base_stage) and (below := self.find(base, found[0].index)):
            found.insert(0, below)
        return tuple(found)

    def external_images(self, target: str | None = None) -> tuple[str, ...]:
        """The images and named contexts from outside this file that a build of target needs, sorted."""
        inputs = {found for stage in self.needed(target) for found in self._inputs(stage) if isinstance(found, str)}
        return tuple(sorted(inputs - {"scratch"}))

    def _inputs(self, stage: Stage) -> Iterator[Stage | str]:
        """What a stage stands on: stages of this file, or the names of things outside it."""
        base = self.find(stage.base_stage, stage.index) if stage.base_stage else None
        yield base or stage.base
        for source in stage.sources:
            yield self.find(source, stage.index) or source

    def find(self, name: str, before: int) -> Stage | None:
        """What FROM and --from mean in the stage of that index: the last one of that name above it, or of that number.

        BuildKit lets a name be used again.
        """
        earlier = self.stages[:before]
        named = [stage for stage in earlier if stage.name == name.lower()]
        if named:
            return named[-1]
        return earlier[int(name)] if name.isdecimal() and int(name) < len(earlier) else None


def load(path: Path, build_args: Mapping[str, str] | None = None) -> Dockerfile:
    """Read and parse a Dockerfile. Raises ConfigError when it cannot be read or is not a Dockerfile."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"there is no Dockerfile at {path}", cause=str(error), hint=f"ls -a {path.parent}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read", cause=str(error), hint=f"ls -l {path}") from error
    return parse(text, build_args, where=str(path))


def parse(text: str, build_args: Mapping[str, str] | None = None, *, where: str = "Dockerfile") -> Dockerfile:
    """The stages of a Dockerfile's text. build_args are the values of `--build-arg`; where names the file in errors.

    Raises ConfigError, with the line, for what BuildKit would refuse about instructions, FROM, ARG and heredocs.
    """
    return _Parser(text, dict(build_args or {}), where).parse()


@dataclass(frozen=True)
class _Instruction:
    """One instruction: its keyword in upper case, the rest with continuation lines joined, and the comments above."""

    keyword: str
    rest: str
    line: int
    comments: tuple[str, ...]

    def flags(self) -> tuple[list[tuple[str, str]], str]:
        """The --name=value words in front, and what comes after them."""
        flags, rest = [], self.rest
        while match := _FLAG.match(rest):
            flags.append((match[1], match[2] or ""))
            rest = rest[match.end() :]
        return flags, rest


class _Parser:
    """Follows BuildKit's parser: directives, continuation lines and heredocs, then the instructions that we use."""

    def __init__(self, text: str, build_args: dict[str, str], where: str) -> None:
        self.lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        self.where = where
        self.build_args = build_args
        self.directives = self._read_directives()
        self.escape = self.directives.get("escape", "\\")
        if self.escape not in ("\\", "`"):
            raise self._error(1, f"the escape directive is {self.escape!r}", "it must be a backslash or a backtick")
        mark = re.escape(self.escape)
        self.continued = re.compile(rf"(?:(?<=[^{mark}])|^){mark}[ \t]*$")
        self.args = _platform_args(build_args)
        self.stages: list[Stage] = []
        self.shell: tuple[str, ...] = _DEFAULT_SHELL
        self.entrypoint: tuple[str, ...] = ()
        self.cmd: tuple[str, ...] = ()

    def parse(self) -> Dockerfile:
        """All stages. Raises ConfigError when there is none."""
        for instruction in self._instructions():
            self._take(instruction)
        if not self.stages:
            raise self._error(1, "there is no FROM in the file", "a Dockerfile needs at least one stage")
        return Dockerfile(
            tuple(self.stages), self.directives.get("syntax"), self.where, self.build_args, dict(self.args)
        )

    def _error(self, line: int, what: str, cause: str = "", **names: Sequence[str] | str) -> ConfigError:
        hint = f"${{EDITOR:-vi}} +{line} {self.where}"
        given, valid = names.get("given"), names.get("valid", ())
        return ConfigError(
            f"{self.where}:{line}: {what}",
            cause=cause,
            given=given if isinstance(given, str) else None,
            valid=valid,
            hint=hint,
        )

    def _read_directives(self) -> dict[str, str]:
        """The `# name=value` lines at the very top, up to the first line that is not a known directive."""
        found: dict[str, str] = {}
        for line in self.lines:
            match = _DIRECTIVE.match(line.strip())
            if match is None or match[1].lower() not in ("syntax", "escape", "check"):
                break
            found[match[1].lower()] = match[2]
        return found

    def _instructions(self) -> Iterator[_Instruction]:
        comments: list[str] = []
        number = 0
        while number < len(self.lines):
            start, line = number, self.lines[number].strip()
            number += 1
            if line.startswith("#"):
                comments.append(line[1:].strip())
                continue
            if line:
                text, number = self._joined(start)
                instruction = self._instruction(text, start + 1, tuple(comments))
                number = self._skip_heredocs(instruction, number)
                yield instruction
            comments = []

    def _joined(self, number: int) -> tuple[str, int]:
        """The instruction that starts here, with its continuation lines, and the index of the line after it."""
        text, more = self._without_continuation(self.lines[number].lstrip())
        number += 1
        while more and number < len(self.lines):
            line = self.lines[number]
            number += 1
            if not line.strip() or line.lstrip().startswith("#"):  # BuildKit skips both inside an instruction
                continue
            part, more = self._without_continuation(line)
            text += part
        return text.strip(), number

    def _without_continuation(self, line: str) -> tuple[str, bool]:
        match = self.continued.search(line)
        return (line[: match.start()], True) if match else (line, False)

    def _instruction(self, text: str, line: int, comments: tuple[str, ...]) -> _Instruction:
        keyword, _, rest = text.replace("\t", " ").partition(" ")
        rest = text[len(keyword) :].strip()
        # Another frontend may know further instructions.
        if keyword.upper() not in _INSTRUCTIONS and "syntax" not in self.directives:
            raise self._error(line, f"unknown instruction {keyword!r}", given=keyword, valid=_INSTRUCTIONS)
        return _Instruction(keyword.upper(), rest, line, comments)

    def _skip_heredocs(self, instruction: _Instruction, number: int) -> int:
        """The index of the line after the bodies of the instruction's heredocs."""
        for chomp, name in _heredocs(instruction, self.escape):
            while True:
                if number >= len(self.lines):
                    raise self._error(instruction.line, f"the heredoc {name!r} has no end", f"no line is just {name}")
                line = self.lines[number].lstrip("\t") if chomp else self.lines[number]
                number += 1
                if line == name:
                    break
        return number

    def _take(self, instruction: _Instruction) -> None:
        keyword = instruction.keyword
        if keyword == "FROM":
            self.stages.append(self._from(instruction))
            self.shell, self.entrypoint, self.cmd = _DEFAULT_SHELL, (), ()
        elif self.stages:
            self._add(instruction)
        elif keyword == "ARG":
            self._global_arg(instruction)
        else:
            raise self._error(instruction.line, f"{keyword} stands above the first FROM", "only ARG may stand there")

    def _add(self, instruction: _Instruction) -> None:
        """Add an instruction to the last stage."""
        keyword, stage, (flags, rest) = instruction.keyword, self.stages[-1], instruction.flags()
        stage = replace(stage, steps=(*stage.steps, Step(keyword, tuple(flags), rest, instruction.line)))
        if keyword in ("COPY", "ADD", "RUN", "ONBUILD"):
            copies = (*stage.copies, *copied(keyword, flags, rest, self.escape))
            stage = replace(stage, sources=(*stage.sources, *_sources(instruction)), copies=copies)
        self.stages[-1] = stage
        if keyword in ("CMD", "ENTRYPOINT", "SHELL"):
            self._command(instruction)

    def _from(self, instruction: _Instruction) -> Stage:
        flags, rest = instruction.flags()
        parts = rest.split()
        if len(parts) not in (1, 3) or (len(parts) == 3 and parts[1].lower() != "as"):
            raise self._error(instruction.line, f"FROM {rest!r} is not understood", "the form is: FROM IMAGE [AS NAME]")
        name = parts[2].lower() if len(parts) == 3 else None
        if name is not None and not _STAGE_NAME.fullmatch(name):
            cause = "a letter first, then letters, digits, - _ and ."
            raise self._error(instruction.line, f"{parts[2]!r} is no name for a stage", cause)
        base = self._expand(parts[0], instruction.line)
        if not base:
            raise self._error(instruction.line, f"the base {parts[0]!r} is empty", "no ARG above FROM gives it a value")
        platform = dict(flags).get("platform")
        return Stage(
            name=name,
            index=len(self.stages),
            base=base,
            base_stage=base.lower() if any(stage.name == base.lower() for stage in self.stages) else None,
            description=_description(instruction.comments, name),
            line=instruction.line,
            platform=self._expand(platform, instruction.line) if platform else None,
        )

    def _global_arg(self, instruction: _Instruction) -> None:
        for word in words(instruction.rest, self.escape):
            name, _, default = word.partition("=")
            if name in self.build_args:
                self.args[name] = self.build_args[name]
            else:  # BuildKit declares an argument without a default as empty
                self.args[name] = self._expand(default, instruction.line)

    def _command(self, instruction: _Instruction) -> None:
        exec_form = _exec_form(instruction.rest)
        if instruction.keyword == "SHELL":
            self.shell = exec_form or self.shell
            return
        command = (*self.shell, instruction.rest) if exec_form is None else exec_form
        if instruction.keyword == "CMD":
            self.cmd = command
        else:
            self.entrypoint = command
        self.stages[-1] = replace(self.stages[-1], command=(*self.entrypoint, *self.cmd), entrypoint=self.entrypoint)

    def _expand(self, text: str, line: int) -> str:
        try:
            return Expansion(text, self.args, self.escape).text()
        except ValueError as error:
            raise self._error(line, f"{text!r} cannot be expanded", str(error)) from error


def _heredocs(instruction: _Instruction, escape: str) -> list[tuple[bool, str]]:
    """(leading tabs are dropped, end marker) of each heredoc that the line announces."""
    keyword, rest = instruction.keyword, instruction.rest
    if keyword == "ONBUILD":
        keyword, _, rest = rest.partition(" ")
    if keyword.upper() not in ("RUN", "COPY", "ADD") or "<<" not in rest or _exec_form(rest) is not None:
        return []
    matches = (_HEREDOC.fullmatch(word) for word in words(rest, escape))
    return [(bool(match[1]), Expansion(match[2], {}, escape).text()) for match in matches if match]


def _sources(instruction: _Instruction) -> list[str]:
    """What the flags of COPY, ADD and RUN take files from."""
    sources = []
    for flag, value in instruction.flags()[0]:
        if flag == "from":
            sources.append(value)
        elif flag == "mount":
            fields = (field.partition("=") for field in value.split(","))
            sources += [origin for key, _, origin in fields if key.strip().lower() == "from"]
    return [source for source in sources if source]


def _exec_form(rest: str) -> tuple[str, ...] | None:
    """The words of a JSON list of strings, or None when it is not one: then it is shell text."""
    if not rest.startswith("["):
        return None
    try:
        command = json.loads(rest)
    except ValueError:
        return None
    return tuple(command) if all(isinstance(word, str) for word in command) else None


def _description(comments: Sequence[str], name: str | None) -> str:
    """BuildKit takes the comment line that starts with the stage's name; without one, the whole block is taken."""
    if name:
        for comment in comments:
            if comment.startswith(f"{name} "):
                return comment[len(name) + 1 :]
    lines = [comment for comment in comments if any(map(str.isalnum, comment)) and not _PRAGMA.match(comment)]
    return " ".join(lines)


def _platform_args(build_args: Mapping[str, str]) -> dict[str, str]:
    """The platform arguments that BuildKit predefines, for a Linux engine on this machine."""
    machine = os.uname().machine
    native = f"linux/{_MACHINES.get(machine, machine)}"
    args: dict[str, str] = {}
    for side in ("BUILD", "TARGET"):
        platform = build_args.get(f"{side}PLATFORM", native)
        system, _, rest = platform.partition("/")
        arch, _, variant = rest.partition("/")
        args |= {f"{side}PLATFORM": platform, f"{side}OS": system, f"{side}ARCH": arch, f"{side}VARIANT": variant}
    return args
