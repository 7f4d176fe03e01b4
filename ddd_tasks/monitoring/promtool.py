"""promtool, which comes with Prometheus and knows what it takes: in its container, or in one of its image."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import process
from ddd_tasks.errors import EngineError
from ddd_tasks.monitoring import config
from ddd_tasks.process import Completed

_ENGINE_SAID = ("Error response from daemon", "Cannot connect to", "error during connect", "docker:")
_LOCKED = ("--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")


class Promtool(NamedTuple):
    """argv: what stands before promtool's own words."""

    argv: tuple[str, ...]

    def ask(self, *words: str, stdin: str | None = None) -> Completed:
        """Run it; its status is 0, 1 where something is wrong, 3 for what it advises. Raises EngineError."""
        done = process.capture([*self.argv, *words], check=False, stdin=stdin)
        if done.status >= 125 or done.stderr.startswith(_ENGINE_SAID):
            raise EngineError("promtool could not be run", cause=done.stderr, hint="ddd engine.info")
        return done


def beside(container: str) -> Promtool:
    """In the container of a running Prometheus."""
    return Promtool(("docker", "exec", "--interactive", container, "promtool"))


def of_image(image: str, folder: Path) -> Promtool:
    """In a container for each question, without a network. folder: what Prometheus sees as its configuration."""
    bind = f"--mount=type=bind,source={folder},target={config.INSIDE},readonly"
    return Promtool(("docker", "run", "--rm", "--interactive", *_LOCKED, bind, "--entrypoint=promtool", image))


def complaint(done: Completed) -> str:
    """What it says is wrong, without the heads around it; "" where nothing is."""
    if done.status == 0 and "WARNING" not in done.stderr + done.stdout:
        return ""
    lines = (done.stderr + "\n" + done.stdout).splitlines()
    heads = ("FAILED:", "SUCCESS", "Checking ", "SUCCESS:")
    said = dict.fromkeys(line.rstrip() for line in lines if line.strip() and not line.strip().startswith(heads))
    return textwrap.dedent("\n".join(said)) or f"promtool ended with status {done.status}"
