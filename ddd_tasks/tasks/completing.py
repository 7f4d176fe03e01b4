"""Completion of what flags may be given, on top of Invoke's own, which knows tasks and flags.

It is Invoke's `--complete`, so that `inv` and `ddd` have it alike.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from invoke import program
from invoke.completion.complete import complete as invokes_own
from invoke.exceptions import Exit, ParseError

from ddd_tasks import candidates


def install() -> None:
    """Have this process complete values, too, where it was started to complete."""
    if "--complete" in sys.argv:
        setattr(program, "complete", complete)  # noqa: B010 - a name of theirs that they do not export


def complete(names: list[str], core: Any, initial_context: Any, collection: Any, parser: Any) -> Exit:
    """Print the candidates for the last word, as Invoke's function of this name does; raises Exit as it does."""
    tokens = _tokens(core.remainder)
    # A blank at the end is a last word without a letter yet; Invoke's own scripts leave it out.
    last = "" if core.remainder.endswith(" ") or not tokens else tokens.pop()
    values = _values(tokens, last, parser)
    if values is None:
        return invokes_own(names, core, initial_context, collection, parser)
    for value in values:
        print(value)  # noqa: T201 - what the shell reads
    raise Exit


def _tokens(line: str) -> list[str]:
    """The words after the program's name."""
    try:
        words = shlex.split(line)
    except ValueError:  # an open quote
        words = line.split()
    return words[1:]


def _values(before: list[str], last: str, parser: Any) -> list[str] | None:
    """What the last word may be, after those before it; None where it is a task or a flag.

    A flag and its value come as --flag value, as --flag=value, and from bash as three words.
    """
    context = _context(before, parser)
    if context is None:
        return None
    flag, is_joined, _ = last.partition("=")
    if is_joined and _takes_value(context, flag):
        return [f"{flag}={one}" for one in _of(context.flags[flag])]
    if last == "=":
        last = ""
    elif before[-1] == "=":
        before = before[:-1]
    if _takes_value(context, before[-1]):
        return _of(context.flags[before[-1]])
    if _takes_value(context, last):  # a script of Invoke's, which leaves the blank out
        return _of(context.flags[last])
    left = [one for one in context.positional_args if one.value is None]
    return _of(left[0]) or None if left and not last.startswith("-") else None


def _context(tokens: list[str], parser: Any) -> Any:
    """The task that is being typed, None before one."""
    words = [word for word in tokens if word != "="]
    try:
        contexts = parser.parse_argv(words)
    except ParseError as error:
        return error.context if error.context and error.context.name else None
    return contexts[-1] if contexts and contexts[-1].name else None


def _takes_value(context: Any, word: str) -> bool:
    return word in context.flags and bool(context.flags[word].takes_value)


def _of(argument: Any) -> list[str]:
    return candidates.of(str(argument.name).replace("_", "-").strip("-"), Path.cwd())
