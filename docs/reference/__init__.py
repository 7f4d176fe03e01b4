"""The pages of the reference, made from the tasks and the errors themselves: `python -m docs.reference` writes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ddd_tasks import errors
from ddd_tasks.tasks.namespace import ns

FOLDER = Path(__file__).parent
_AFTER = """\
A command that runs inside passes its own status on; death by signal n is 128+n. With `--json`, a refusal is an object
with `error`, `cause`, `did_you_mean`, `valid`, `try` and `exit_code`, as far as there is something to say."""
_NOTE = "<!-- Made by `python -m docs.reference`; changes here are lost. -->\n"


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    return {"tasks.md": tasks(), "errors.md": exit_codes()}


def tasks() -> str:
    """Every task with its flags, by collection."""
    parts = ["# Tasks\n", _NOTE, "Each is `inv NAME` where a tasks.py has them, and `ddd NAME` anywhere.\n"]
    collection = ""
    for name in sorted(ns.task_names, key=lambda name: ("." in name, name)):
        first = name.rpartition(".")[0] or "At the top"
        if first != collection:
            collection = first
            parts.append(f"## {collection}\n")
        parts.append(_task(name))
    return "\n".join(parts)


def exit_codes() -> str:
    """The table of exit codes, with the words of errors.py."""
    parts = ["# Exit codes and errors\n", _NOTE, "| code | error | when |\n|---:|---|---|"]
    parts += [f"| {_code(kind)} | `{kind.__name__}` | {_first(kind)} |" for kind, _ in _kinds()]
    parts.append("| 130 | | Ctrl-C |")
    parts.append(f"\n{_AFTER}\n")
    return "\n".join(parts)


def _task(name: str) -> str:
    task = ns[name]
    rows = [f"| {_flags(argument)} | {argument.help or ''} |" for argument in task.get_arguments()]
    table = "\n".join(["| flag | |", "|---|---|", *rows, ""]) if rows else ""
    return f"### `{name}`\n\n{inspect.cleandoc(task.__doc__ or '')}\n\n{table}"


def _flags(argument: Any) -> str:
    names = sorted((f"--{name}" if len(name) > 1 else f"-{name}" for name in argument.names), key=len, reverse=True)
    shown = ", ".join(f"`{name.replace('_', '-')}`" for name in names)
    value = argument.name.upper().replace("_", "-").strip("-")
    if argument.positional:
        return f"`{value}`, {shown}"
    return f"{shown} `{value}`" if argument.takes_value else shown


def _kinds() -> Iterator[tuple[type[errors.DddError], int]]:
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.DddError)]
    yield from sorted(((one, int(one.exit_code)) for one in found), key=lambda one: (one[1], one[0].__name__))


def _code(kind: type[errors.DddError]) -> str:
    return "its own" if kind is errors.CommandError else str(int(kind.exit_code))


def _first(kind: type) -> str:
    return inspect.cleandoc(kind.__doc__ or "").splitlines()[0].rstrip(".")
