"""`ddd exec`, `run` and `shims` without Invoke, whose import takes longer than the engine needs for a command."""

from __future__ import annotations

import os
import sys

from ddd_tasks import execplan
from ddd_tasks.engine import terminal
from ddd_tasks.errors import ConfigError, DddError, NotRunningError, UnknownNameError
from ddd_tasks.execplan import Options

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGINT = 2
VERBS = ("exec", "run", "shims")
_USAGE = """\
Usage: ddd exec  [FLAGS] -- COMMAND...
       ddd run   [FLAGS] -- COMMAND...
       ddd shims [--service NAME] [--map-output] PROGRAM...

exec runs a command in a running service, in the directory that matches yours, as you;
run does so in a container of its own. The same as dev.exec and dev.run, faster.
shims writes .ddd/bin/PROGRAM, which runs the container's program from any directory.

  -s, --service NAME   service of the Compose file (default: the one whose code is here)
  -u, --user USER      user inside, as name or uid:gid (default: you)
  -i, --index N        which one of several containers
      --project DIR    a directory of the project (default: the current one)
      --map-paths      host paths in the command become container paths
      --map-output     container paths in what it writes become host paths
"""
_VALUES = {
    "--service": "service",
    "-s": "service",
    "--user": "user",
    "-u": "user",
    "--index": "index",
    "-i": "index",
    "--project": "project",
}
_SWITCHES = {"--map-paths": "map_paths", "--map-output": "map_output"}


def main(words: Sequence[str]) -> int:
    """Run a command line that begins with one of VERBS and return its exit status."""
    terminal.reserve_standard_streams()
    try:
        if any(word in ("-h", "--help") for word in _before_command(words)):
            os.write(terminal.STDOUT, _USAGE.encode())
            return 0
        options, argv = parse(words)
        return _run(words, argv, options)
    except DddError as error:
        from ddd_tasks import console, refusals  # only a refusal needs them

        refusals.remember(error)
        console.error(error)
        return int(error.exit_code)
    except KeyboardInterrupt as interruption:
        return 128 + getattr(interruption, "number", _SIGINT)


def parse(words: Sequence[str]) -> tuple[Options, list[str]]:
    """Flags and command of `exec FLAGS -- COMMAND`, or of `shims FLAGS PROGRAM...`.

    Raises ConfigError, UnknownNameError.
    """
    verb, given = words[0], list(_before_command(words))[1:]
    values: dict[str, str] = {}
    switches: set[str] = set()
    while given and (verb != "shims" or given[0].startswith("-")):
        flag, equals, value = given.pop(0).partition("=")
        if flag in _SWITCHES and not equals:
            switches.add(_SWITCHES[flag])
        elif flag not in _VALUES:
            names = [*_VALUES, *_SWITCHES]
            raise UnknownNameError("flag", flag, names, where=f"ddd {verb}", hint=f"ddd {verb} --help")
        elif not equals and not given:
            raise ConfigError(f"{flag} was given no value", cause="a value follows it", hint=f"ddd {verb} --help")
        else:
            values[_VALUES[flag]] = value if equals else given.pop(0)
    argv = given or (list(words[words.index("--") + 1 :]) if "--" in words else [])
    if not argv and verb != "run":
        example = "ddd exec -- pwd" if verb == "exec" else "ddd shims pytest"
        raise ConfigError(f"{verb} was given no command", cause=f"as in: {example}", hint=f"ddd {verb} --help")
    index = values.get("index", "0")
    if not index.isdigit():
        raise ConfigError(f"--index was given {index!r}", cause="it has to be a number", hint="ddd dev.ps")
    options = Options(values.get("service"), values.get("user"), int(index), project=values.get("project"))
    options.map_paths, options.map_output = "map_paths" in switches, "map_output" in switches
    return options, argv


def _before_command(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _run(words: Sequence[str], argv: list[str], options: Options) -> int:
    plan = execplan.read(os.getcwd(), options) if words[0] == "exec" and not execplan.is_inside() else None
    if plan:
        try:
            return execplan.run(plan, argv, options)
        except NotRunningError:
            pass  # that container is gone, but the service may have another one
    if sys.flags.no_site:  # a shim's interpreter: the rest needs packages
        os.execv(sys.executable, [sys.executable, "-m", "ddd_tasks", *words])
    from ddd_tasks import commands, oneoff, shims  # the whole project model: only where nothing is remembered

    if words[0] == "shims":
        return shims.write(argv, options)
    return commands.execute(argv, options, anew=plan is not None) if words[0] == "exec" else oneoff.run(argv, options)
