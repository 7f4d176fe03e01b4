"""VS Code: .vscode/launch.json and .vscode/tasks.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddd_tasks.debugging.editors.base import MARK, Result, Target, Wanted, outside, real, within
from ddd_tasks.debugging.editors.entries import File

NAME = "vscode"
WORKSPACE = (".vscode", ".git")
_FOLDER = "${workspaceFolder}"
_PROGRAM = Path(".venv", "bin", "ddd")


def files(wanted: Wanted) -> Result:
    """Entries that attach, the tasks that they run first, and one for all services. Raises ConfigError."""
    folder = wanted.workspace / ".vscode"
    launch = File(real(folder / "launch.json"), {"version": "0.2.0", "configurations": []})
    for target in wanted.targets:
        there = launch.entry(target.name, within="configurations", by="name")
        launch.put(entry(wanted, target, there), within="configurations", by="name")
    names = [target.name for target in wanted.targets]
    everything = f"{MARK}all services" + (f" of {wanted.targets[0].place}" if wanted.targets[0].place else "")
    if wanted.is_all and (len(names) > 1 or launch.entry(everything, within="compounds", by="name")):
        compound = {"name": everything, "configurations": names, "stopAll": True}
        launch.put(compound, within="compounds", by="name")
    drafts = [launch.draft]
    if any(_is_armed(target) for target in wanted.targets):
        tasks = File(real(folder / "tasks.json"), {"version": "2.0.0", "tasks": []})
        for target in filter(_is_armed, wanted.targets):
            tasks.put(task(wanted, target), within="tasks", by="label")
        drafts.append(tasks.draft)
    return Result(tuple(drafts), (*outside(wanted), *_not_verified(wanted)))


def entry(wanted: Wanted, target: Target, there: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of launch.json for a service. there: as it is; it keeps its debugger where none is asked for."""
    debug = target.language.debug
    assert debug is not None
    found: dict[str, Any] = {"name": target.name, "type": debug.adapter, "request": "attach"}
    found |= target.arguments(wanted.workspace, _FOLDER)
    if pipe := found.get("pipeTransport"):
        now = there.get("pipeTransport")
        kept = now.get("debuggerPath") if isinstance(now, dict) else None
        found["pipeTransport"] = {**pipe, "debuggerPath": wanted.debugger or kept or pipe["debuggerPath"]}
    return found | ({"preLaunchTask": target.task} if _is_armed(target) else {})


def task(wanted: Wanted, target: Target) -> dict[str, Any]:
    """The task that the entry of a service runs first."""
    has_own = (wanted.workspace / _PROGRAM).is_file()
    return {
        "label": target.task,
        "type": "shell",
        "command": f"{_FOLDER}/{_PROGRAM.as_posix()}" if has_own else "ddd",
        "args": target.command,
        "options": {"cwd": within(wanted.workspace, wanted.directory, _FOLDER)},
        "presentation": {"reveal": "silent"},
        "problemMatcher": [],
    }


def _is_armed(target: Target) -> bool:
    """Whether something has to be done before an editor can attach; a program of the container is simply started."""
    return bool(target.language.debug and target.language.debug.port)


def _not_verified(wanted: Wanted) -> tuple[str, ...]:
    """What a person has to know of a debugger that no test has started."""
    names = [target.service for target in wanted.targets if not _is_armed(target)]
    if not names:
        return ()
    notes = [
        f"{' and '.join(names)}: its debugger runs in the container (debug stage); "
        "ddd's own tests have not verified breakpoints in C#"
    ]
    if "vsdbg" in wanted.debugger:
        notes.append(
            f"vsdbg: the licence allows Microsoft's editors only; the image has to have it as {wanted.debugger}"
        )
    return tuple(notes)
