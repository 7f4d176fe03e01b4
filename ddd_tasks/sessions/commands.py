"""Stages that have a command of their own, so that a session can be made of each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ddd_tasks import console
from ddd_tasks.errors import EngineError
from ddd_tasks.sessions import source
from ddd_tasks.sessions.options import Options

_SHELL = re.compile(r"sh|ash|bash|dash|ksh|zsh")


@dataclass(frozen=True)
class StageCommand:
    """A stage, the comment above its FROM line, and what its ENTRYPOINT and CMD start."""

    stage: str
    description: str
    command: tuple[str, ...]

    def argv(self, more: Sequence[str]) -> list[str]:
        """The command with further arguments at its end, as something that is looked up on PATH inside."""
        words = [*self.command, *more]
        if more and self._is_shell_line():
            *shell, line = self.command
            words = [*shell, f'{line} "$@"', PurePosixPath(shell[0]).name, *more]
        # A session runner would take an absolute path for one of the host. env is in every image that has a shell.
        return ["env", *words] if words[0].startswith("/") else words

    def _is_shell_line(self) -> bool:
        """Whether it is a shell with -c and one line: what the shell form of CMD is."""
        shell, *flags = self.command[:-1] or ("",)
        is_shell = _SHELL.fullmatch(PurePosixPath(shell).name) is not None
        return is_shell and bool(flags) and re.fullmatch(r"-\w*c", flags[-1]) is not None


def find(options: Options, here: Path) -> list[StageCommand]:
    """The stages with a command, for the noxfile in the folder here. Raises ConfigError.

    This happens whenever the noxfile is loaded, so it starts nothing but `docker compose config`, and that only when
    the Compose file has changed. On a machine without Docker there are no such sessions, and a warning says so.
    """
    try:
        origin = source.find(options, here) if shutil.which("docker") else None
    except EngineError:
        origin = None
    if origin is None:
        console.warning("Docker or its Compose is not installed here: sessions of Dockerfile stages are left out")
        return []
    own = [stage for stage in origin.stages().stages if stage.name and stage.has_command]
    return [StageCommand(stage.name or "", stage.description, stage.command) for stage in own]
