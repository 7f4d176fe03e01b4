"""A command line that Invoke cannot read, as a refusal of ours: what was given, the nearest name, what to try."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection
from typing import Any

from invoke.exceptions import ParseError

from ddd_tasks.errors import ConfigError, UnknownNameError

# The words of Invoke's parser, which raises nothing else to tell them apart by.
_UNKNOWN = re.compile(r"No idea what (?P<word>['\"].*['\"]) is!", re.DOTALL)
_NO_VALUE = re.compile(r"Flag <Argument: (?P<name>[\w-]+).*> needed value")
_NO_ARGUMENT = re.compile(r"'.*' did not receive required positional arguments: (?P<names>.+)")


def refusal(error: ParseError, tasks: Collection[str]) -> ConfigError:
    """The refusal of what Invoke's parser refused. tasks: the names of all tasks that there are."""
    context = error.context
    task = str(context.name or "") if context else ""
    hint = f"ddd --help {task}".strip()
    if found := _UNKNOWN.fullmatch(str(error)):
        word = str(ast.literal_eval(found["word"]))
        return _unknown_flag(word, context, task, hint) if word.startswith("-") else _unknown_task(word, task, tasks)
    if found := _NO_VALUE.match(str(error)):
        what = f"--{found['name'].replace('_', '-')} was given no value"
        return ConfigError(what, cause=_meaning(context, found["name"]), hint=hint)
    if found := _NO_ARGUMENT.fullmatch(str(error)):
        names = found["names"].replace("'", "")
        return ConfigError(f"{task} was given no {names}", cause=_meaning(context, *names.split(", ")), hint=hint)
    return ConfigError(str(error), hint=hint)


def _meaning(context: Any, *names: str) -> str:
    """What the arguments of these names are for, as the help of the task says it."""
    said = [str(context.args[name].help or "") for name in names if context and name in context.args]
    return "\n".join(f"expected: {text}" for text in said if text)


def _unknown_flag(word: str, context: Any, task: str, hint: str) -> ConfigError:
    flags = [name for name in context.flag_names() if name.startswith("--")] if context else []
    return UnknownNameError("flag", word.partition("=")[0], flags, where=task, hint=hint)


def _unknown_task(word: str, after: str, tasks: Collection[str]) -> ConfigError:
    cause = f"{after} takes no word of its own, so that what comes behind it is the next task" if after else ""
    hint = f"ddd --help {after}" if after else "ddd --list"
    return ConfigError(f"no task named {word!r}", cause=cause, given=word, valid=_alike(word, tasks), hint=hint)


def _alike(word: str, tasks: Collection[str]) -> list[str]:
    """Those of its collection, or whose last part is like it: sixty names would hide the one that was meant."""
    collection, dot, name = word.rpartition(".")
    if same := [task for task in tasks if dot and task.startswith(f"{collection}.")]:
        return same
    ends = {task.rpartition(".")[2] for task in tasks}
    close = difflib.get_close_matches(name, ends, n=3, cutoff=0.7)
    found = [task for task in tasks if task.rpartition(".")[2] in close]
    return found or difflib.get_close_matches(word, tasks, n=3)
