"""Dockerfiles checked: by hadolint where it is installed, and by our own rules."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import bases, build, buildcontext, console, dockerfile, process
from ddd_tasks.dockerfile import Dockerfile
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.bases import familiar
from ddd_tasks.errors import ConfigError, DddError
from ddd_tasks.project import Project
from ddd_tasks.sessions import options
from ddd_tasks.sessions import source as sources
from ddd_tasks.stages import rules, steps
from ddd_tasks.stages.rules import ERROR, INFO, WARNING, Facts, Finding
from ddd_tasks.stages.steps import Script

INSTALL = "python3 -m pip install 'ddd-tasks[lint]'"
_LEVELS = {"error": ERROR, "warning": WARNING, "info": INFO, "style": INFO}
# What both say, we say with more: the name of an image from a stage, and of one that is copied from.
_SAID_BY_US = {"DL3006": "DDD002", "DL3007": "DDD002"}
_HEREDOC = re.compile(r"""<<-?["']?(\w+)["']?""")
_IGNORE = re.compile(r"\s*#\s*hadolint\s+(global\s+)?ignore\s*=\s*([\w\s,]+)", re.IGNORECASE)


class Subject(NamedTuple):
    """A Dockerfile to check, with the context that it is built in."""

    file: Path
    context: Path
    project: Project | None = None
    service: str = ""


class Problem(NamedTuple):
    """A finding in a file, named as seen from here."""

    file: str
    finding: Finding

    @property
    def is_error(self) -> bool:
        """Whether it makes the check fail."""
        return self.finding.level == ERROR

    @property
    def row(self) -> dict[str, str]:
        """The cells of stage.lint."""
        line, level, rule, message = self.finding
        return {"where": f"{self.file}:{line}", "level": level, "rule": rule, "message": message}

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        return {"file": self.file, **self.finding._asdict()}


def subjects(here: Path, files: Sequence[str], service: str | None) -> list[Subject]:
    """The named files, or the Dockerfiles of the services that are built here, or ./Dockerfile. Raises ConfigError."""
    if files:
        return [Subject(here / file, (here / file).parent) for file in files]
    project = sources.find(options.make("", dockerfile="Dockerfile"), here).project
    chosen = [project.service(service)] if service else list(project.services.values())
    found: dict[Path, Subject] = {}
    for one in chosen:
        if one.build and not one.build.is_remote:
            found.setdefault(one.build.dockerfile, Subject(one.build.dockerfile, one.build.context, project, one.name))
    if service and not found:
        raise ConfigError(f"service {service!r} is not built here", cause="it has an image", hint="ddd stage.lint")
    return list(found.values()) or [Subject(here / "Dockerfile", here)]


def check(chosen: Sequence[Subject], here: Path) -> list[Problem]:
    """Everything found in the Dockerfiles, in their order. Raises ConfigError for one that cannot be read."""
    parsed = [(subject, _parsed(subject)) for subject in chosen]
    found = []
    for subject, one in parsed:
        script = steps.read(subject.file, one)
        ours = rules.check(script, _facts(subject))
        told = {(finding.line, finding.rule) for finding in ours}
        theirs = [
            finding
            for finding in _hadolint(script, here)
            if (finding.line, _SAID_BY_US.get(finding.rule, "")) not in told
        ]
        found += [(subject, finding) for finding in _kept(script, sorted([*ours, *theirs]))]
    return [Problem(_name(subject.file, here), finding) for subject, finding in found]


def program() -> str | None:
    """Where hadolint is: beside our own Python, which is where pip puts it, or on PATH; None where it is not."""
    beside = Path(sys.executable).parent / "hadolint"
    return str(beside) if beside.is_file() else shutil.which("hadolint")


def _parsed(subject: Subject) -> Dockerfile:
    if subject.project and subject.service:
        return build.dockerfile_of(subject.project, subject.project.services[subject.service])
    return dockerfile.load(subject.file)


def _hadolint(script: Script, here: Path) -> Iterator[Finding]:
    """What hadolint says. Its exit status is no matter: it depends on its own settings."""
    found = program()
    if not found:
        return
    answer = process.capture(
        [found, "--no-fail", "--format", "json", "-"], cwd=here, check=False, stdin=_readable(script)
    )
    try:
        rows = json.loads(answer.stdout)
    except ValueError:
        console.warning(f"hadolint did not work: {answer.stderr.strip() or answer.stdout.strip()}")
        return
    for row in rows:
        level = _LEVELS.get(row["level"], INFO)
        yield Finding(int(row["line"]), level, str(row["code"]), str(row["message"]))


def _readable(script: Script) -> str:
    """The file for hadolint, which does not understand COPY with a heredoc: its text becomes empty lines."""
    lines = list(script.lines)
    for step in (step for stage in script.parsed.stages for step in stage.steps if step.keyword in ("COPY", "ADD")):
        at = step.line  # the index of the line below it
        for match in _HEREDOC.finditer(step.rest):
            while lines[at].lstrip("\t") != match[1]:
                lines[at], at = "", at + 1
            lines[at], at = "", at + 1
        lines[step.line - 1] = _HEREDOC.sub("heredoc", lines[step.line - 1])
    return "\n".join(lines)


def _facts(subject: Subject) -> Facts:
    project, named = subject.project, frozenset[str]()
    if project:
        own, _ = build.declared(project)
        named = own[subject.service].contexts if subject.service in own else named
    tree = buildcontext.tree(subject.context, subject.file, ["."])
    ignore = buildcontext.Ignore(Path(tree.ignore).read_text(errors="replace") if tree.ignore else "")

    def is_ignored(folder: str) -> bool:
        return ignore.leaves_out(folder) or (folder == ".git" and not (subject.context / folder).exists())

    return Facts(named, lambda image: _user(image, project), _unreachable, is_ignored)


def _user(image: str, project: Project | None) -> str | None:
    """The user of an image, or of its stand-in; None where it is not here, or no engine answers."""
    try:
        stand_ins: Mapping[str, str] = build.stand_ins(project) if project else {}
        with closing(Engine.connect()) as engine:
            entry = engine.get(f"/images/{stand_ins.get(familiar(image), image)}/json")
    except DddError:
        return None
    return str((entry.get("Config") or {}).get("User") or "")


def _unreachable(image: str) -> str | None:
    """Why the image of a frontend cannot be fetched; None when it can, or is not known to be out of reach."""
    why = bases.reachable(image)
    return why.splitlines()[0] if why else None


def _kept(script: Script, found: Sequence[Finding]) -> Iterator[Finding]:
    """Without what a comment above the instruction, or one for the whole file, says to ignore: in hadolint's way."""
    everywhere: set[str] = set()
    at: dict[int, set[str]] = {}
    starts = sorted(
        [stage.line for stage in script.parsed.stages]
        + [step.line for stage in script.parsed.stages for step in stage.steps]
        + [number for number, line in enumerate(script.lines, 1) if re.match(r"(?i)\s*arg\s", line)]
    )
    for number, line in enumerate(script.lines, 1):
        if match := _IGNORE.match(line):
            codes = {code.strip().upper() for code in match[2].split(",")}
            below = next((start for start in starts if start > number), 0)
            (everywhere if match[1] else at.setdefault(below, set())).update(codes)
    for finding in found:
        if finding.rule not in everywhere | at.get(finding.line, set()):
            yield finding


def _name(file: Path, here: Path) -> str:
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)
