"""Configuration for editors: the registry, and writing all files of an editor or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import process
from ddd_tasks.debugging.editors import base, devcontainer, jetbrains, nvim, targets, vscode, zed
from ddd_tasks.debugging.editors.base import Draft, Result, Wanted, workspace_of
from ddd_tasks.errors import UnknownNameError, UnsupportedError
from ddd_tasks.project import Project, Service
from ddd_tasks.scaffold import writing
from ddd_tasks.scaffold.planning import Change


class Editor(NamedTuple):
    """An editor: what shows the folder that it opens, and what it gets."""

    name: str
    workspace: tuple[str, ...]
    files: Callable[[Wanted], Result]


EDITORS = (
    Editor(vscode.NAME, vscode.WORKSPACE, vscode.files),
    Editor(nvim.NAME, nvim.WORKSPACE, nvim.files),
    Editor(zed.NAME, zed.WORKSPACE, zed.files),
    Editor(jetbrains.NAME, jetbrains.WORKSPACE, jetbrains.files),
)


def get(name: str) -> Editor:
    """The editor of that name. Raises UnknownNameError."""
    for editor in EDITORS:
        if editor.name == name:
            return editor
    raise UnknownNameError("editor", name, [editor.name for editor in EDITORS], hint="ddd debug.config --editor vscode")


def configure(project: Project, services: Sequence[Service], editor: Editor, *, is_all: bool, debugger: str) -> Result:
    """Write the entries of these services. Raises ConfigError, then nothing has changed, and UnsupportedError.

    is_all: whether these are all services of the project. debugger: the name of the one that C# gets, "" for the usual.
    """
    found = targets.find(project, services)
    path = targets.debugger(found, debugger)
    workspace = workspace_of(project.directory, editor.workspace)
    result = editor.files(base.wanted(workspace, project.directory, found, is_all=is_all, debugger=path))
    if not result.drafts:
        raise UnsupportedError(
            f"there is nothing that could be written for {editor.name}",
            cause="\n".join(result.notes),
            valid=[other.name for other in EDITORS if other is not editor],
            hint=f"ddd debug.config --editor {vscode.NAME}",
        )
    save(workspace, result.drafts)
    return result


def container(project: Project, service: Service) -> Result:
    """Write devcontainer.json for a service. Raises ConfigError; then nothing has changed."""
    workspace = workspace_of(project.directory, vscode.WORKSPACE)
    draft = devcontainer.draft(workspace, project, service)
    save(workspace, [draft])
    return Result((draft,))


def diff(draft: Draft) -> str:
    """The change of a file as `git diff` would show it."""
    return Change(str(draft.file), draft.new, draft.old).diff()


def rows(result: Result, here: Path) -> list[dict[str, str]]:
    """A line for each entry of each file."""
    return [
        {"file": os.path.relpath(draft.file, here), "entry": name, "change": state}
        for draft in result.drafts
        for name, state in draft.entries.items()
    ]


def as_dict(result: Result, editor: str) -> dict[str, Any]:
    """The same for --json."""
    files = [
        {"file": str(draft.file), "changed": draft.is_changed, "entries": draft.entries} for draft in result.drafts
    ]
    return {"editor": editor, "files": files, "notes": list(result.notes)}


def save(workspace: Path, drafts: Sequence[Draft]) -> None:
    """Write all files that have changed, or none; in a dry run none. Raises ConfigError."""
    changes = [Change(str(draft.file), draft.new, draft.old) for draft in drafts if draft.is_changed]
    if changes and not process.is_dry():
        writing.write(workspace, changes)
