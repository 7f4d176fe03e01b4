"""A project name of its own for a second checkout, kept in .env, where a plain `docker compose` reads it as well."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import composefiles, console, ledger, portbook, process, services
from ddd_tasks import project as projects
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Project

VARIABLE = "COMPOSE_PROJECT_NAME"
_COMMENT = "# The Compose project of this checkout, written by ddd dev.up"
_LINE = re.compile(rf"^(export\s+)?{VARIABLE}\s*=.*$", re.MULTILINE)


def settle(engine: Engine, project: Project, *, isolate: bool = False) -> Project:
    """The project under the name that it is to have in this directory.

    A linked git worktree gets a name of its own where it would have that of another checkout; any other directory
    only when isolate is set. Raises ConfigError when the name cannot be written to .env.
    """
    if process.is_dry():
        return project
    where = place(project.directory)
    foreign = services.foreign_owner(engine, project) is not None
    by_hand = VARIABLE in os.environ or VARIABLE in composefiles.dotenv(project.directory / ".env")
    if by_hand and not foreign:
        return project
    if not isolate and (by_hand or not where.is_linked or (where.has_own_name(project.name) and not foreign)):
        return project
    if VARIABLE in os.environ:
        cause = "it comes before what .env says"
        raise ConfigError(f"{VARIABLE} is set in the environment", cause=cause, hint=f"unset {VARIABLE}")
    with ledger.opened() as taken:
        name = _free_name(engine, project, taken["names"])
        write_name(project.directory, name)
        taken["names"][name] = str(project.directory)
    console.note(f"this checkout is the project {name!r} from now on: {project.directory / '.env'}")
    renamed = projects.load(Path.cwd())
    portbook.remember_mode(renamed, portbook.OWN)
    return renamed


class Place(NamedTuple):
    """Where a project lies: its directory, and the roots of its worktree and of the main one (None: not linked)."""

    directory: Path
    root: Path | None = None
    main: Path | None = None

    @property
    def is_linked(self) -> bool:
        """Whether it is in a linked git worktree: one that `git worktree add` made."""
        return self.root is not None

    def has_own_name(self, name: str) -> bool:
        """Whether the name is the folder's, and no other worktree's folder has it."""
        is_folder = normalized(self.directory.name) == name
        return is_folder and self.directory == self.root and not (self.main and self.main.name == self.root.name)


def place(directory: Path) -> Place:
    """What git's files say about a directory; git itself is not asked."""
    for folder in (directory, *directory.parents):
        mark = folder / ".git"
        if mark.is_file():
            private = folder / mark.read_text(errors="replace").removeprefix("gitdir:").strip()
            try:
                common = (private / (private / "commondir").read_text().strip()).resolve()
            except OSError:
                return Place(directory)  # a submodule has no such file
            return Place(directory, folder, common.parent)
        if mark.exists():
            break
    return Place(directory)


def own_name(name: str, where: Place) -> str:
    """A readable name for another checkout of the project of that name: the project's, and the folder's."""
    folder = where.root or where.directory
    words = [normalized(part.name) for part in (folder, folder.parent)]
    word = next((word for word in words if word not in ("", name)), "2")
    return word if word.startswith(f"{name}-") else f"{name}-{word}"


def normalized(name: str) -> str:
    """The name as Compose makes a project name of a folder's: small letters, digits, - and _."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def write_name(directory: Path, name: str) -> None:
    """Set the project name in the directory's .env, which git must not track. Raises ConfigError."""
    file = directory / ".env"
    _make_ignored(file, name)
    text = file.read_text() if file.exists() else ""
    line = f"{VARIABLE}={name}"
    if _LINE.search(text):
        text = _LINE.sub(line, text)
    else:
        text += ("" if not text or text.endswith("\n") else "\n") + f"{_COMMENT}\n{line}\n"
    draft = file.with_name(f".env.{os.getpid()}")
    draft.touch(mode=file.stat().st_mode & 0o777 if file.exists() else 0o644)
    draft.write_text(text)
    draft.replace(file)


def _free_name(engine: Engine, project: Project, taken: dict[str, str]) -> str:
    first = own_name(project.name, place(project.directory))
    number = 1
    while True:
        name = first if number == 1 else f"{first}-{number}"
        by_another = taken.get(name, str(project.directory)) != str(project.directory)
        if not by_another and services.foreign_owner(engine, project._replace(name=name)) is None:
            return name
        number += 1


def _make_ignored(file: Path, name: str) -> None:
    """Have git ignore the file. Raises ConfigError where that would change something that is shared."""
    by_hand = f"export {VARIABLE}={name}"
    if file.is_symlink():
        raise ConfigError(f"{file} is a link to {file.resolve()}", cause="other checkouts may read it", hint=by_hand)
    if not any((folder / ".git").exists() for folder in file.parents):
        return
    if _git(file, "ls-files", "--error-unmatch", file.name).status == 0:
        raise ConfigError(f"{file} is tracked by git", cause="a name of this checkout alone must not be", hint=by_hand)
    if _git(file, "check-ignore", "--quiet", file.name).status == 0:
        return
    if file.exists():
        cause = "git does not ignore it, and so it is not ours to change"
        raise ConfigError(f"{file} exists already", cause=cause, hint=f"echo {VARIABLE}={name} >> {file}")
    answer = _git(file, "rev-parse", "--path-format=absolute", "--git-path", "info/exclude")
    if answer.status:
        raise ConfigError(f"git cannot be told to ignore {file}", cause=answer.stderr, hint=by_hand)
    exclude = Path(answer.stdout.strip())
    exclude.parent.mkdir(parents=True, exist_ok=True)
    with exclude.open("a") as rules:
        rules.write(".env\n")


def _git(file: Path, *words: str) -> process.Completed:
    # Without the variables that a git hook sets: they would mean its repository.
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return process.capture(["git", "-C", str(file.parent), *words], check=False, env=env)
