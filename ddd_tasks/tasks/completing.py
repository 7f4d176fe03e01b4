"""Completion of flags and what they may be given, on top of Invoke's own, which knows tasks.

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

from ddd_tasks import candidates, fast

_END = "--"


def install() -> None:
    """Have this process complete values, too, where it was started to complete."""
    if "--complete" in sys.argv:
        setattr(program, "complete", complete)  # noqa: B010 - a name of theirs that they do not export


def complete(names: list[str], core: Any, initial_context: Any, collection: Any, parser: Any) -> Exit:
    """Print the candidates for the last word, as Invoke's function of this name does; raises Exit as it does."""
    tokens = _tokens(core.remainder)
    # A blank at the end is a last word without a letter yet; Invoke's own scripts leave it out.
    last = "" if core.remainder.endswith(" ") or not tokens else tokens.pop()
    if _END in tokens:  # what comes behind it is another program's
        raise Exit
    if not tokens:
        for verb in _verbs(core.remainder):
            print(verb)  # noqa: T201 - what the shell reads
        return invokes_own(names, core, initial_context, collection, parser)
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
    if before[0] == "shims" and last.startswith("-"):
        return ["--map-output", "--service"]
    context = _context(_of_tasks(before), parser)
    if context is None:
        return None
    if last in ("-", "--") or (last.startswith("-") and "=" not in last and last not in context.flags):
        return _flags(context, before, last)
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
    return _of(left[0]) if left and not last.startswith("-") else None


def _context(tokens: list[str], parser: Any) -> Any:
    """The task that is being typed, None before one."""
    words = [word for word in tokens if word != "="]
    try:
        contexts = parser.parse_argv(words)
    except ParseError as error:
        return error.context if error.context and error.context.name else None
    return contexts[-1] if contexts and contexts[-1].name else None


def _verbs(line: str) -> tuple[str, ...]:
    """The words that `ddd` takes beside tasks."""
    return fast.VERBS if Path(line.partition(" ")[0]).name == "ddd" else ()


def _of_tasks(tokens: list[str]) -> list[str]:
    """The same line with the task whose flags such a word takes."""
    task = {"run": "dev.run"}.get(tokens[0], "dev.exec")
    return [task, *tokens[1:]] if tokens[0] in fast.VERBS else tokens


def _flags(context: Any, before: list[str], last: str) -> list[str]:
    """The flags of the task but for those that were given; the short ones after one dash alone."""
    begins = max((at for at, word in enumerate(before) if word in (context.name, *context.aliases)), default=-1) + 1

    def meant(word: str) -> Any:
        flag = word.partition("=")[0]
        flag = context.inverse_flags.get(flag, flag)
        return context.flags[flag] if flag in context.flags else None  # noqa: SIM401 - get() knows no short ones

    given = {id(one) for one in map(meant, before[begins:]) if one and one.kind is not list}
    left = [name for name in context.flag_names() if id(meant(name)) not in given]
    return sorted(name for name in left if name.startswith("--") or last == "-")


def _takes_value(context: Any, word: str) -> bool:
    return word in context.flags and bool(context.flags[word].takes_value)


def _of(argument: Any) -> list[str]:
    name = str(argument.name).replace("_", "-").strip("-")
    # The name of init is one that nobody has yet.
    return candidates.of("secret" if name == "name" and argument.positional else name, Path.cwd())
