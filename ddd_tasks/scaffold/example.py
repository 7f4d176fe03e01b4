"""A language's example service as files of a new project, with its own name in the place of the example's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ddd_tasks import resources
from ddd_tasks.buildcontext import Ignore
from ddd_tasks.language import Language

_OLD = "visits"
# Where the name is the service's, and not the word for what it counts.
_NAME = re.compile(
    rf"""(\b(?:service|name|title)\b["'\])]*\s*[:=!]=?\s*["']){_OLD}(?=["'])|^(module\s+){_OLD}$""",
    re.IGNORECASE | re.MULTILINE,
)
_ABOUT_US = {"README.md"}


def files(language: Language, name: str) -> dict[str, bytes]:
    """Path -> content of the example's files. Raises ConfigError when they are missing from this installation."""
    root = resources.example(language.name)
    return {path: renamed(content, name) for path, content in _files(language, root)}


def _files(language: Language, root: Path) -> Iterator[tuple[str, bytes]]:
    """What a build could read of the example: in a checkout, tools have left files beside it."""
    ignored = Ignore(resources.docker(language.dockerfile, "Dockerfile.dockerignore").read_text(encoding="utf-8"))
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        if file.is_file() and path not in _ABOUT_US and not ignored.leaves_out(path):
            yield path, file.read_bytes()


def renamed(content: bytes, name: str) -> bytes:
    """The content with the example's name replaced; unchanged where it is no text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    return _NAME.sub(lambda match: f"{match[1] or match[2]}{name}", text).encode()
