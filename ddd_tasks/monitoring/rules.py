"""The alert rules that Prometheus evaluates: ours, which hold for any service, and the project's in monitor/rules.

A file of the project with the name of one of ours takes its place.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import resources
from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring import config, placing, promtool
from ddd_tasks.monitoring.promtool import Promtool
from ddd_tasks.project import Project

FOLDER = "monitor/rules"
_SUFFIXES = (".yml", ".yaml")


class File(NamedTuple):
    """A file of rules, or of tests of rules. path: as it is shown; is_own: whether it is the project's."""

    name: str
    path: str
    text: str
    is_own: bool

    @property
    def placed(self) -> str:
        """Its name where Prometheus reads it."""
        return f"{Path(self.name).stem}.yml"


def collect(project: Project) -> list[File]:
    """The rules of the project, and those of ours that it has none of the name of. Raises ConfigError."""
    return _collect(project, "")


def tests(project: Project) -> list[File]:
    """The tests of those rules. Raises ConfigError."""
    replaced = {one.placed for one in collect(project) if one.is_own}
    return [one for one in _collect(project, "tests") if one.is_own or one.placed not in replaced]


def _collect(project: Project, part: str) -> list[File]:
    own = _read(project.directory / FOLDER / part, "/".join(filter(None, (FOLDER, part))), is_own=True)
    names = {one.placed for one in own}
    ours = _read(resources.docker("monitor", "rules") / part, "/".join(filter(None, ("ddd-tasks", "rules", part))))
    return [*(one for one in ours if one.placed not in names), *own]


def _read(folder: Path, shown: str, *, is_own: bool = False) -> list[File]:
    found: dict[str, File] = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file.suffix not in _SUFFIXES or file.name.startswith(".") or not file.is_file():
            continue
        one = File(file.name, f"{shown}/{file.name}", _text(file), is_own)
        if other := found.get(one.placed):
            hint = shlex.join(["diff", str(folder / other.name), str(file)])
            raise ConfigError(f"{other.path} and {one.path} have one name", cause="only their ends differ", hint=hint)
        found[one.placed] = one
    return list(found.values())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read", cause=str(error), hint=shlex.join(["ls", "-l", str(file)])
        ) from error


def folder(project: Project) -> Path:
    """Where Prometheus reads them."""
    return project.private / "monitor" / "prometheus" / "rules"


def place(project: Project, tool: Promtool) -> bool:
    """Give Prometheus the rules as they are now; whether that changed any. It has to be told then.

    tool: sees the folder of Prometheus' configuration. Raises ConfigError, with nothing changed, where a rule of the
    project is wrong.
    """
    wanted = {one.placed: one for one in collect(project)}
    before = placed(project)
    changed = [one for one in wanted.values() if before.get(one.placed) != one.text]
    if any(one.is_own for one in changed):
        refuse(project, [one for one in changed if one.is_own], tool)
    return restore(project, {name: one.text for name, one in wanted.items()})


def placed(project: Project) -> dict[str, str]:
    """What Prometheus reads now, by the names of the files."""
    where = folder(project)
    return {file.name: _text(file) for file in sorted(where.glob("*.yml"))} if where.is_dir() else {}


def restore(project: Project, texts: dict[str, str]) -> bool:
    """Have these files and no others; whether that changed anything."""
    where = placing.folder(folder(project))
    written = [placing.write(where / name, text) for name, text in texts.items()]
    gone = [file for file in where.glob("*.yml") if file.name not in texts]
    for file in gone:
        file.unlink()
    return any(written) or bool(gone)


def refuse(project: Project, files: Sequence[File], tool: Promtool) -> None:
    """Raise ConfigError where Prometheus would not take one of the files."""
    with draft(project, files) as laid:
        for one in files:
            done = tool.ask("check", "rules", "--lint=none", laid.inside(one))
            if done.status:
                raise ConfigError(
                    f"{one.path} has a rule that Prometheus does not take",
                    cause=laid.shown(promtool.complaint(done)),
                    hint=shlex.join(["cat", "-n", str(project.directory / one.path)]),
                )


class Draft(NamedTuple):
    """Files laid out for promtool in a folder that its container sees, tests beside their rules."""

    name: str
    files: Sequence[File]

    def inside(self, one: File) -> str:
        """The path of a file in the container."""
        return f"{config.INSIDE}/{self.name}/{one.path}"

    def shown(self, words: str) -> str:
        """promtool's words with the paths that the user knows."""
        for one in self.files:
            words = words.replace(f"{self.inside(one)}: ", "").replace(self.inside(one), one.path)
        return words.replace(f"{config.INSIDE}/{self.name}/", "")


@contextmanager
def draft(project: Project, files: Sequence[File]) -> Iterator[Draft]:
    """The files as a Draft, for the block only."""
    parent = placing.folder(folder(project).parent)
    made = Path(tempfile.mkdtemp(prefix="check-", dir=parent))
    try:
        made.chmod(0o755)
        for one in files:
            file = made / one.path
            for missing in reversed([up for up in file.parents if made in up.parents]):
                missing.mkdir(exist_ok=True, mode=0o755)
                missing.chmod(0o755)
            file.write_text(one.text, encoding="utf-8")
            file.chmod(0o644)
        yield Draft(made.name, files)
    finally:
        shutil.rmtree(made, ignore_errors=True)
