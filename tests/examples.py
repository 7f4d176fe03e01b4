"""The example service of a language as a throw-away project of its own, and the ways in which its source is saved."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddd_tasks.language import Language
from tests import support
from tests.support import Stack

SERVICE = "visits"
# Each example answers GET / with its name under "service", and one source line says it.
NAME = re.compile(r"""(\bservice["']?\s*[:=]\s*)"visits\"""", re.IGNORECASE)
_MOUNTS = re.compile(r"^ +volumes:.*\n(?: +- .*\n)*", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A language's example as a project: source is the file that names the service, text what it says at first."""

    stack: Stack
    url: str
    source: Path
    text: str

    def named(self, name: str) -> str:
        """The source file with another name for the service."""
        return NAME.sub(rf'\1"{name}"', self.text)

    def answer(self) -> dict[str, Any]:
        """What GET / says; {} while the service does not answer."""
        try:
            with urllib.request.urlopen(self.url, timeout=5) as response:
                return dict(json.loads(response.read()))
        except (OSError, ValueError):
            return {}

    def wait_for(self, name: str, *, seconds: float = 60, what: str = "") -> None:
        """Wait until the service has this name. Raises AssertionError with its log when the time is over."""
        deadline = time.monotonic() + seconds
        while (said := self.answer().get("service")) != name:
            if time.monotonic() > deadline:
                log = self.stack.run("docker", "compose", "logs", "--tail", "30").out
                raise AssertionError(f"{what or name} does not show after {seconds:.0f} s, but {said!r}\n{log}")
            time.sleep(0.01)

    def wait_for_restart(self, what: str, *, seconds: float = 60) -> None:
        """Wait until the visits begin anew: they are counted in memory."""
        support.wait_until(lambda: self.answer().get("visits") == 1, seconds=seconds, what=f"a restart after {what}")


def by_rename(file: Path, text: str) -> None:
    """Save as editors do: as a new file in place of the old one."""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(text)
    draft.replace(file)


def in_place(file: Path, text: str) -> None:
    """Save by emptying the file and writing it again."""
    file.write_text(text)


def follows(process: subprocess.Popen[bytes]) -> bool:
    """Whether a program of the process's session has begun to follow files."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            open_files = {str(link.readlink()) for link in (entry / "fd").iterdir()}
            if os.getsid(int(entry.name)) == process.pid and "anon_inode:inotify" in open_files:
                return True
    return False


@contextmanager
def example_of(language: Language, stack: Stack | None = None, *, mount: bool = True) -> Iterator[Example]:
    """What `ddd init` makes in an empty folder, in a project of its own or this one, on a port that is free.

    mount: whether it keeps the mount of its source.
    """
    stack = stack or support.make_stack({})
    try:
        stack.write({".ddd/bases.json": json.dumps(support.stand_ins())})
        stack.ddd("init", "--language", language.name, "--name", SERVICE).ok()
        port = support.free_port()
        compose = stack.directory / "compose.yaml"
        stack.write({".env": f"{SERVICE.upper()}_PORT={port}\n"})
        if not mount:
            compose.write_text(_MOUNTS.sub("", compose.read_text()))
        source = _source(stack.directory)
        yield Example(stack, f"http://127.0.0.1:{port}/", source, source.read_text())
    finally:
        stack.down()


def _source(directory: Path) -> Path:
    """The one source file that names the service."""
    files = [path for path in directory.rglob("*") if path.is_file() and "test" not in str(path.relative_to(directory))]
    (file,) = [path for path in files if ".ddd" not in path.parts and NAME.search(path.read_text(errors="replace"))]
    return file
