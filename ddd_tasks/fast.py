"""`ddd exec` and `ddd run` without Invoke, whose import takes longer than the engine needs for the command."""

from __future__ import annotations

import os

from ddd_tasks import execplan
from ddd_tasks.engine import terminal
from ddd_tasks.errors import ConfigError, DddError, NotRunningError, UnknownNameError
from ddd_tasks.execplan import Options

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = ("exec", "run")
_USAGE = """\
Usage: ddd exec [--service NAME] [--user USER] [--index N] -- COMMAND...
       ddd run  [--service NAME] [--user USER] -- COMMAND...

exec runs a command in a running service, in the directory that matches yours, as you;
run does so in a container of its own. The same as dev.exec and dev.run, faster.
"""
_FLAGS = {"--service": "service", "-s": "service", "--user": "user", "-u": "user", "--index": "index", "-i": "index"}


def main(words: Sequence[str]) -> int:
    """Run a command line that begins with one of VERBS and return its exit status."""
    terminal.reserve_standard_streams()
    try:
        if any(word in ("-h", "--help") for word in _before_command(words)):
            os.write(terminal.STDOUT, _USAGE.encode())
            return 0
        options, argv = parse(words)
        return _exec(argv, options) if words[0] == "exec" else _run(argv, options)
    except DddError as error:
        from ddd_tasks import console  # only a refusal needs it

        console.error(error)
        return int(error.exit_code)
    except KeyboardInterrupt as interruption:
        return 128 + getattr(interruption, "number", 2)


def parse(words: Sequence[str]) -> tuple[Options, list[str]]:
    """Flags and command of `exec FLAGS -- COMMAND`. Raises ConfigError, UnknownNameError."""
    verb, given = words[0], list(_before_command(words))[1:]
    values: dict[str, str] = {}
    while given:
        flag, equals, value = given.pop(0).partition("=")
        if flag not in _FLAGS:
            raise UnknownNameError("flag", flag, _FLAGS, where=f"ddd {verb}", hint=f"ddd {verb} -- {flag}")
        if not equals and not given:
            raise ConfigError(f"{flag} was given no value", cause="a value follows it", hint=f"ddd {verb} --help")
        values[_FLAGS[flag]] = value if equals else given.pop(0)
    argv = list(words[words.index("--") + 1 :]) if "--" in words else []
    if not argv and verb == "exec":
        raise ConfigError("exec was given no command", cause="the command comes after --", hint="ddd exec -- pwd")
    index = values.get("index", "1")
    if not index.isdigit():
        raise ConfigError(f"--index was given {index!r}", cause="it has to be a number", hint="ddd dev.ps")
    return Options(values.get("service"), values.get("user"), int(index)), argv


def _before_command(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _exec(argv: list[str], options: Options) -> int:
    if not execplan.is_inside() and (plan := execplan.read(os.getcwd(), options)):
        try:
            return execplan.run(plan, argv)
        except NotRunningError:
            pass  # that container is gone, but the service may have another one
    from ddd_tasks import commands  # the whole project model: only where nothing is remembered

    return commands.execute(argv, options)


def _run(argv: list[str], options: Options) -> int:
    from ddd_tasks import oneoff

    return oneoff.run(argv, options)
