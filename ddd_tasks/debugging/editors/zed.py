"""Zed: .zed/debug.json. Its fields are those of Zed's documentation and source; they were not tried in Zed."""

from __future__ import annotations

from typing import Any

from ddd_tasks.debugging.editors.base import Result, Target, Wanted, outside, real, within
from ddd_tasks.debugging.editors.entries import File

NAME = "zed"
WORKSPACE = (".zed", ".git")
_FOLDER = "$ZED_WORKTREE_ROOT"
# Zed's name for the adapter of a language, and what it needs beside the fields that the adapter takes from VS Code.
_ADAPTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "python": ("Debugpy", {}),
    "node": ("JavaScript", {"type": "pwa-node"}),
    "go": ("Delve", {}),
}


def files(wanted: Wanted) -> Result:
    """An entry for each service; debug.attach is its build step. Raises ConfigError."""
    able = [target for target in wanted.targets if target.language.name in _ADAPTERS]
    notes = tuple(
        f"{target.service}: nothing was written for {target.language.name}: use --editor vscode"
        for target in wanted.targets
        if target not in able
    )
    if not able:
        return Result((), notes)
    debug = File(real(wanted.workspace / ".zed" / "debug.json"), [])
    for target in able:
        debug.put(entry(wanted, target), within=None, by="label")
    return Result((debug.draft,), (*outside(wanted), *notes))


def entry(wanted: Wanted, target: Target) -> dict[str, Any]:
    """The entry for a service."""
    adapter, more = _ADAPTERS[target.language.name]
    fields = target.arguments(wanted.workspace, _FOLDER)
    if adapter == "Delve":  # what listens speaks DAP by itself: Zed starts no adapter of its own
        place = {"host": fields.pop("host"), "port": fields.pop("port")}
        fields = {"mode": fields.pop("mode"), "tcp_connection": place, "substitutePath": fields["substitutePath"]}
    folder = within(wanted.workspace, wanted.directory, _FOLDER)
    build = {"command": "ddd", "args": target.command, "cwd": folder}
    return {"label": target.name, "adapter": adapter, **more, "request": "attach", **fields, "build": build}
