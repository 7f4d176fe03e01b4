"""Stages that have a command of their own, so that a session can be made of each."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ddd_tasks import console
from ddd_tasks.sessions import source
from ddd_tasks.sessions.options import Options


@dataclass(frozen=True)
class StageCommand:
    """A stage, the comment above its FROM line, and its CMD: a list, or a line for the shell."""

    stage: str
    description: str
    command: tuple[str, ...] | str

    def argv(self, more: Sequence[str]) -> list[str]:
        """The command with further arguments at its end, as something that is looked up on PATH inside."""
        if isinstance(self.command, str):
            return ["sh", "-c", f'{self.command} "$@"' if more else self.command, "sh", *more]
        words = [*self.command, *more]
        # An absolute path is one of the image; only a name is looked up there, and env is in every image with a shell.
        return ["env", *words] if words[0].startswith("/") else words


def find(options: Options, here: Path) -> list[StageCommand]:
    """The stages with a command, for the noxfile in the folder here. Raises ConfigError.

    This happens whenever the noxfile is loaded, so it starts nothing but `docker compose config`, and that only when
    the Compose file has changed. On a machine without Docker there are no such sessions, and a warning says so.
    """
    if options.dockerfile is None and shutil.which("docker") is None:
        console.warning("docker is not installed here: sessions of Dockerfile stages are left out")
        return []
    stages = source.find(options, here).stages().stages
    return [
        StageCommand(stage.name, stage.description, stage.command)
        for stage in stages
        if stage.name and stage.has_command
    ]
