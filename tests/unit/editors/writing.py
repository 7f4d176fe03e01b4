"""What these tests share: services that were found, and their entries, written and read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ddd_tasks import languages
from ddd_tasks.debugging import editors
from ddd_tasks.debugging.editors import base, jsonc
from ddd_tasks.debugging.editors.base import Result, Target
from ddd_tasks.language import PathMapping

PORTS = {"python": 5678, "node": 9229, "go": 2345}


def target(workspace: Path, language: str = "python", service: str = "api") -> Target:
    """A service whose folder of code lies within another one of it."""
    folder = workspace / "stack" / service
    mappings = (PathMapping(folder / "lib", "/lib"), PathMapping(folder, "/app"))
    place = ("127.0.0.1", PORTS[language]) if language in PORTS else ("stack-api-1", 0)
    return Target(service, languages.get(language), *place, mappings, "stack-api-1")


def write(
    workspace: Path, editor: str, *wanted: Target, is_all: bool = True, debugger: str = "", project: str = "stack"
) -> Result:
    """What `debug.config` does with targets that it has found."""
    chosen = editors.get(editor)
    directory = workspace / project
    folder = base.workspace_of(directory, chosen.workspace)
    result = chosen.files(base.wanted(folder, directory, wanted, is_all=is_all, debugger=debugger))
    editors.save(folder, result.drafts)
    return result


def loaded(file: Path) -> Any:
    return jsonc.parse(file.read_text()).value


def states(result: Result) -> dict[str, str]:
    return {name: state for draft in result.drafts for name, state in draft.entries.items()}
