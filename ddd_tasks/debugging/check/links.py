"""Which link is broken when a breakpoint is refused or not hit: found from state, not from a debugger's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ddd_tasks.debugging import files
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.check.place import Place, short
from ddd_tasks.debugging.check.report import HIT, LINE, MAPPING, CheckError, Report
from ddd_tasks.debugging.check.wanted import Wanted
from ddd_tasks.debugging.clients.base import Breakpoint, Client
from ddd_tasks.debugging.mapping import to_remote
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.language import CodeLines, PathMapping

_NEAR = 50
_BESIDE = 10
_NEVER = "1 == 2"


class Subject(NamedTuple):
    """What is looked at. mappings: those in use; remote: what they make of the file."""

    engine: Engine
    client: Client
    attachment: Attachment
    mappings: Sequence[PathMapping]
    remote: str
    report: Report
    wanted: Wanted

    @property
    def place(self) -> Place:
        """The wanted line."""
        return self.wanted.place

    @property
    def lines(self) -> CodeLines | None:
        """The lines with code, where the language can tell."""
        debug = self.attachment.language.debug
        return debug.lines(self.place.file.read_bytes()) if debug and debug.lines else None

    @property
    def is_compiled(self) -> bool:
        """Whether the debugger knows the paths of another stage than that which runs."""
        debug = self.attachment.language.debug
        return bool(debug and debug.is_compiled)

    def has(self, path: str) -> bool:
        """Whether the container has this path."""
        return files.exists(self.engine, self.attachment.container, path)

    def content(self, path: str) -> bytes | None:
        """A file of the container, None where there is none."""
        return files.content(self.engine, self.attachment.container, path)


def remote_of(mappings: Sequence[PathMapping], place: Place) -> str:
    """What the debugger calls the file. Raises ConfigError where no mapping holds it."""
    remote = to_remote(mappings, place.file)
    if remote is None:
        raise ConfigError(
            f"{short(str(place.file))} is in no folder that the debugger knows",
            cause="none of the path mappings holds it" if mappings else "no mount and no COPY says where source is",
            valid=[f"{one.local} (as {one.remote})" for one in mappings],
            hint="ddd debug.doctor",
        )
    return remote


def refused(subject: Subject, told: Breakpoint) -> CheckError | None:
    """The link that is broken before anything has run, or None: a debugger may learn of the code only later."""
    lines, line = subject.lines, subject.place.line
    if told.is_verified and told.line != line:
        return _no_code(subject, lines.every if lines and line not in lines.every else {told.line})
    if lines and line not in lines.every:
        return _no_code(subject, lines.every)
    if told.is_verified or not told.message:
        return None
    sources = subject.client.sources()
    if subject.remote in sources:
        return _no_code(subject, _probed(subject), told.message)
    if not subject.is_compiled and subject.has(subject.remote):
        return None  # it may be loaded when the line is needed
    return _nowhere(subject, told.message, sources)


def _nowhere(subject: Subject, words: str, sources: Sequence[str]) -> CheckError:
    """The error for a file that is not where the mapping says: the mapping is wrong, or the file alone is missing."""
    found = _named_alike(subject, sources) or _elsewhere(subject)
    others = _siblings(subject, sources)
    if not others or (found and not subject.is_compiled):
        return _wrong_mapping(subject, words, found)
    what = f"{short(str(subject.place.file))} is not in the {'program' if subject.is_compiled else 'container'}"
    cause = f"{words}\nthe mapping holds for others: {', '.join(others)}"
    hint = f"ddd dev.up --service {subject.attachment.service}"
    return CheckError(LINE, subject.report, what, cause=cause, hint=hint)


def _siblings(subject: Subject, sources: Iterable[str]) -> list[str]:
    """Files beside the wanted one that the program was made from, or the container has, as the same mapping says."""
    folder, own = PurePosixPath(subject.remote).parent, subject.place.file
    if subject.is_compiled:
        names = [PurePosixPath(path).name for path in sources if PurePosixPath(path).parent == folder]
        return [name for name in names if (own.parent / name).is_file()][:3]
    beside = [one.name for one in sorted(own.parent.glob(f"*{own.suffix}")) if one != own]
    return [name for name in beside[:_BESIDE] if subject.has(str(folder / name))][:3]


def not_hit(subject: Subject, seconds: float, outcome: str) -> CheckError:
    """The link that is broken when the time is over and no error of the trigger explains it better."""
    sources = subject.client.sources()
    if sources and subject.remote not in sources and (found := _named_alike(subject, sources)):
        return _wrong_mapping(subject, "the program has not loaded that file", found)
    if not subject.is_compiled and not subject.has(subject.remote):
        return _nowhere(subject, "the container has no such file", ())
    causes = [outcome, *_reasons(subject, sources)]
    service = subject.attachment.service
    logs, anew = f"ddd dev.logs --service {service} --tail 20", f"ddd debug.up --service {service} --wait"
    what = f"{subject.place.shown} was not hit within {seconds:g} s"
    return CheckError(HIT, subject.report, what, cause="\n".join(causes), hint=anew if _is_once(subject) else logs)


def _is_once(subject: Subject) -> bool:
    """Whether the line runs only while its file is loaded."""
    return (lines := subject.lines) is not None and subject.place.line in lines.once


def _reasons(subject: Subject, sources: Sequence[str]) -> Iterable[str]:
    """What may be the reason that the line was not hit, beyond that nothing came along."""
    if sources and subject.remote not in sources:
        yield f"the program has not loaded {subject.remote}"
    if not subject.is_compiled and _differs(subject):
        yield f"{subject.remote} in the container is not the same as your file: it was built from another version"
    if _is_once(subject):
        yield "the line runs only while its file is loaded, which happens before a debugger attaches"


def _no_code(subject: Subject, candidates: Iterable[int], words: str = "") -> CheckError:
    line, name = subject.place.line, short(str(subject.place.file))
    before = [one for one in candidates if one < line]
    after = [one for one in candidates if one > line]
    near = [*([max(before)] if before else []), *([min(after)] if after else [])]
    where = f"the nearest lines with code: {' and '.join(map(str, near))}" if near else "no line near it has code"
    hint = subject.wanted.retry(line=(near or [line])[-1])
    cause = f"{words}\n{where}" if words else where
    return CheckError(LINE, subject.report, f"line {line} of {name} is not executable", cause=cause, hint=hint)


def _wrong_mapping(subject: Subject, words: str, found: Sequence[str]) -> CheckError:
    name = short(str(subject.place.file))
    one = next(one for one in subject.mappings if to_remote([one], subject.place.file) == subject.remote)
    cause = f"{words}\nthe mapping in use: {one.local} is {one.remote}"
    hint = f"ddd debug.doctor --service {subject.attachment.service}"
    if found:
        cause += f"\nthe file that exists: {', '.join(found)}"
        if pair := _mapping_for(subject.place.file, found[0]):
            hint = subject.wanted.retry(mapping=pair)
    what = f"the path mapping is wrong: {name} is not {subject.remote}"
    return CheckError(MAPPING, subject.report, what, cause=cause, hint=hint)


def _mapping_for(file: Path, remote: str) -> str:
    """HOST=CONTAINER under which the file is that path: folders without the names at the end that are the same."""
    local, inside = file.parent, PurePosixPath(remote).parent
    while local.name and local.name == inside.name:
        local, inside = local.parent, inside.parent
    return f"{short(str(local))}={inside}"


def _named_alike(subject: Subject, paths: Iterable[str]) -> list[str]:
    """Those paths that may be the file: of its name, and its content where the container has it; the likest first."""
    own = subject.place.file.parts
    alike = [path for path in dict.fromkeys(paths) if PurePosixPath(path).name == own[-1] and path != subject.remote]
    if not subject.is_compiled:
        content = subject.place.file.read_bytes()
        alike = [path for path in alike if subject.content(path) == content]

    def likeness(path: str) -> int:
        pairs = zip(reversed(PurePosixPath(path).parts), reversed(own), strict=False)
        return next((number for number, (a, b) in enumerate(pairs) if a != b), len(own))

    best = max(map(likeness, alike), default=0)
    return [path for path in alike if likeness(path) == best][:3]


def _elsewhere(subject: Subject) -> list[str]:
    """Where else the container has a file of that name and content."""
    if subject.is_compiled:
        return []
    info = subject.engine.get(f"/containers/{subject.attachment.container}/json")
    return _named_alike(subject, files.elsewhere(subject.engine, info, subject.place.file.parts[1:]))


def _probed(subject: Subject) -> set[int]:
    """The lines near the wanted one that the debugger takes, asked with a condition that never holds."""
    line, path = subject.place.line, str(subject.place.file)
    near = dict.fromkeys(range(max(1, line - _NEAR), line + _NEAR + 1), _NEVER)
    told = subject.client.set_breakpoints(path, near)
    subject.client.set_breakpoints(path, {})
    return {one.line for one in told if one.is_verified}


def _differs(subject: Subject) -> bool:
    content = subject.content(subject.remote)
    return content is not None and content != subject.place.file.read_bytes()
