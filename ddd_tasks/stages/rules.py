"""Our own rules for Dockerfiles: what hadolint does not look at, because it is about stages, caches and production."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ddd_tasks.dockerfile import Stage, Step
from ddd_tasks.stages.steps import Script, pairs

# The stages that our Dockerfiles have, in their order.
STAGES = ("base", "deps", "source", "build", "dev", "debug", "test", "lint", "prod")
ERROR, WARNING, INFO = "error", "warning", "info"

_FOR_PRODUCTION = ("prod", "production", "release", "runtime", "final")
_FOR_DEVELOPMENT = ("dev", "debug", "test", "tests", "lint")
_INSTALLS = re.compile(
    r"\b(pip3? install (?!.*\buv==)|uv (sync|pip install)|poetry install|pdm (sync|install)|pipenv (sync|install)"
    r"|npm (ci|install|i)\b(?!.*(--global|-g)\b)|pnpm (i|install)\b"
    r"|(?<![/@])yarn( install\b|(?=[ \t]*($|[;&|]|--)))|go mod download|dotnet restore"
    r"|bundle install|composer install|cargo fetch)",
    re.MULTILINE,
)
_SECRET = re.compile(
    r"(?i)(^|_)(passw(or)?d|passphrase|secret|(?<!max_)(?<!num_)token|api_?key|access_?key|private_?key|credentials?)s?$|_pwd$"
)
_DEVELOPMENT = re.compile(
    r"\b(debugpy|pydevd|ipdb|dlv|delve|vsdbg|nodemon|watchfiles|pytest|mypy|ruff|dotnet[ \",]+watch)\b"
    r"|--(inspect(-brk)?|reload|include=dev|group[ =]dev)\b"
)
_DEBUG_PORTS = {"2345": "Delve", "4024": "vsdbg", "5678": "debugpy", "9229": "the Node.js inspector"}


class Finding(NamedTuple):
    """What a rule has found. level: error, warning or info."""

    line: int
    level: str
    rule: str
    message: str


class Facts(NamedTuple):
    """What is known beside the file. contexts: names that Compose gives to further contexts.

    user: the user of an image from outside, None where the image is not here; reachable: why an image's registry does
    not answer, None when it does; ignored: whether .dockerignore leaves a path out.
    """

    contexts: frozenset[str]
    user: Callable[[str], str | None]
    reachable: Callable[[str], str | None]
    ignored: Callable[[str], bool]


def check(script: Script, facts: Facts) -> list[Finding]:
    """Everything that our rules have found, by line."""
    found = [finding for rule in _RULES for finding in rule(script, facts)]
    return sorted(found, key=lambda finding: (finding.line, finding.rule))


def _dependencies_first(script: Script, _: Facts) -> Iterator[Finding]:
    """DDD001: an install below a COPY of the source runs again after each edit."""
    for stage in script.parsed.stages:
        copied: Step | None = None
        for step in _steps_of_chain(script, stage):
            if step.keyword == "RUN" and _INSTALLS.search(script.source(step).replace("\\\n", " ")):
                if copied is None:
                    break  # whatever comes later only takes from what is installed
                if step in stage.steps:
                    message = f"installs dependencies below {copied.keyword} {copied.rest} of line {copied.line}"
                    cure = "each edit installs them again; copy the files that name them first, install, then the rest"
                    yield Finding(step.line, WARNING, "DDD001", f"{message}: {cure}")
                    break
            if _is_copy_of_everything(step):
                copied = copied or step


def _tagged(script: Script, facts: Facts) -> Iterator[Finding]:
    """DDD002: an image whose name says no version is another one tomorrow."""
    names = {stage.name for stage in script.parsed.stages if stage.name} | facts.contexts | {"scratch"}
    for stage in script.parsed.stages:
        used = [] if stage.base_stage else [(stage.line, stage.base)]
        used += [(step.line, name) for step in stage.steps for name in _images(step)]
        for line, image in used:
            if image.lower() in names or image.isdecimal() or "@" in image or "$" in image:
                continue
            tag = image.rpartition("/")[2].partition(":")[2]
            if tag in ("", "latest"):
                said = "has no tag" if not tag else "is whatever is the newest"
                yield Finding(line, ERROR, "DDD002", f"{image} {said}: name a version, such as {_versioned(image)}")


def _no_secrets(script: Script, _: Facts) -> Iterator[Finding]:
    """DDD003: values of ARG and ENV are in the image's history and configuration."""
    for line, keyword, name in _declared(script):
        if _SECRET.search(name):
            cure = f"RUN --mount=type=secret,id={name.lower().replace('_', '-')} keeps it out of the image"
            message = f"{keyword} {name} looks like a secret, and is in the image for everybody to read: {cure}"
            yield Finding(line, ERROR, "DDD003", message)


def _frontend(script: Script, facts: Facts) -> Iterator[Finding]:
    """DDD004: a `# syntax=` line makes each build ask a registry, also where every base image is here."""
    image = script.parsed.syntax
    if image:
        why = facts.reachable(image)
        line = next(number for number, text in enumerate(script.lines, 1) if re.match(r"(?i)\s*#\s*syntax", text))
        if why:
            message = f"no build works here: {image} cannot be fetched ({why}); the engine's own frontend needs no line"
            yield Finding(line, ERROR, "DDD004", message)
        else:
            yield Finding(line, INFO, "DDD004", f"each build asks a registry for {image}, and none works without one")


def _user(script: Script, facts: Facts) -> Iterator[Finding]:
    """DDD005: production does not need root, and orchestrators can only check a number."""
    for stage in _production(script):
        line, user = _user_of(script, stage, facts)
        name, _, _ = user.partition(":")
        if name in ("", "0", "root"):
            message = f"stage {stage.name} runs as root; USER 10001:10001 is enough for a service"
            yield Finding(line, ERROR, "DDD005", message)
        elif not name.isdecimal():
            message = f"stage {stage.name} runs as {name!r}: runAsNonRoot of Kubernetes needs a number, as USER 10001"
            yield Finding(line, WARNING, "DDD005", message)


def _no_tools(script: Script, _: Facts) -> Iterator[Finding]:
    """DDD006: what only developers need is size and a way in."""
    for stage in _production(script):
        for below in script.chain(stage)[:-1]:
            if below.name in _FOR_DEVELOPMENT:
                yield Finding(stage.line, ERROR, "DDD006", f"stage {stage.name} is built on stage {below.name}")
        for step in _steps_of_chain(script, stage):
            if tool := _tool(script, step):
                yield Finding(step.line, ERROR, "DDD006", f"stage {stage.name} gets {tool}, which is for development")


def _names(script: Script, _: Facts) -> Iterator[Finding]:
    """DDD007: tasks and sessions find stages by their names."""
    for stage in script.parsed.stages:
        if stage.name and stage.name not in STAGES:
            near = difflib.get_close_matches(stage.name, STAGES, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            message = f"{stage.name!r} is none of the usual stages ({', '.join(STAGES)}){hint}"
            yield Finding(stage.line, INFO, "DDD007", message)


def _ignore_file(script: Script, facts: Facts) -> Iterator[Finding]:
    """DDD008: a folder that changes by itself invalidates every COPY of everything."""
    copies = [step for stage in script.parsed.stages for step in stage.steps if _is_copy_of_everything(step)]
    missing = [folder for folder in (".ddd", ".git") if not facts.ignored(folder)]
    if copies and missing:
        what = " and ".join(missing)
        message = f".dockerignore does not leave out {what}: it changes without an edit, and the layer is built again"
        yield Finding(copies[0].line, WARNING, "DDD008", message)


_RULES = (_dependencies_first, _tagged, _no_secrets, _frontend, _user, _no_tools, _names, _ignore_file)


def _steps_of_chain(script: Script, stage: Stage) -> list[Step]:
    return [step for part in script.chain(stage) for step in part.steps]


def _is_copy_of_everything(step: Step) -> bool:
    from_elsewhere = any(flag == "from" for flag, _ in step.flags)
    first = step.rest.split()[0] if step.rest.split() else ""
    return step.keyword in ("COPY", "ADD") and not from_elsewhere and first.strip("\"'[,") in (".", "./", "/", "..")


def _images(step: Step) -> Iterator[str]:
    for flag, value in step.flags:
        if flag == "from":
            yield value
        elif flag == "mount" and (match := re.search(r"(?:^|,)\s*from=([^,]+)", value)):
            yield match[1]


def _versioned(image: str) -> str:
    return f"{image.partition(':')[0]}:1.2"


def _declared(script: Script) -> Iterator[tuple[int, str, str]]:
    """Line, keyword and name of each ARG and ENV, also of those above the first FROM."""
    for number, line in enumerate(script.lines[: script.parsed.stages[0].line - 1], 1):
        if match := re.match(r"(?i)\s*arg\s+(\w+)", line):
            yield number, "ARG", match[1]
    for stage in script.parsed.stages:
        for step in stage.steps:
            if step.keyword in ("ARG", "ENV"):
                named = pairs(step.rest, script.escape) if step.keyword == "ENV" else _arguments(step)
                yield from ((step.line, step.keyword, name) for name, _ in named)


def _arguments(step: Step) -> Iterator[tuple[str, str]]:
    for word in step.rest.split():
        name, _, value = word.partition("=")
        yield name, value


def _production(script: Script) -> list[Stage]:
    """The stage for production: the first of its usual names that there is."""
    named = {stage.name: stage for stage in script.parsed.stages}
    return [named[name] for name in _FOR_PRODUCTION if name in named][:1]


def _user_of(script: Script, stage: Stage, facts: Facts) -> tuple[int, str]:
    """Where the user of a stage is set, and who it is; without USER, that of its base image, root if it is not here."""
    said = [step for step in _steps_of_chain(script, stage) if step.keyword == "USER"]
    if said:
        return said[-1].line, script.settings_at_end(stage).get("USER", said[-1].rest)
    base = script.bottom(stage)
    return stage.line, "" if base.base == "scratch" else facts.user(base.base) or ""


def _tool(script: Script, step: Step) -> str:
    """What of a step only developers need, or ""."""
    if step.keyword == "EXPOSE":
        ports = [word.partition("/")[0] for word in step.rest.split()]
        return next((f"port {port} of {_DEBUG_PORTS[port]}" for port in ports if port in _DEBUG_PORTS), "")
    sources = [value for flag, value in step.flags if flag == "from" and value.lower() in _FOR_DEVELOPMENT]
    if sources:
        return f"files of stage {sources[0]}"
    text = script.source(step)
    if step.keyword in ("RUN", "CMD", "ENTRYPOINT") and (match := _DEVELOPMENT.search(text)):
        return match[0].strip()
    return ""
