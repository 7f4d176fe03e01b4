"""Files that a container of another user reads: whole at any moment, and readable for it."""

from __future__ import annotations

import errno
import os
import shlex
import tempfile
from pathlib import Path

from ddd_tasks.errors import ConfigError
from ddd_tasks.projectcache import make_private


def folder(path: Path) -> Path:
    """The folder, made where it is missing: those below .ddd/monitor may be read by others, .ddd itself may not."""
    top = next(parent for parent in (path, *path.parents) if parent.name == "monitor")
    try:
        make_private(top.parent)
        for one in (*reversed([parent for parent in path.parents if top in (parent, *parent.parents)]), path):
            one.mkdir(exist_ok=True)
            one.chmod(0o755)
    except OSError as error:
        hint = shlex.join(["ls", "-ld", str(top.parent)])
        raise ConfigError(f"{path} cannot be made", cause=str(error), hint=hint) from error
    return path


def write(file: Path, text: str) -> bool:
    """Replace a file in one step; whether that changed anything. Raises ConfigError where it cannot be written."""
    folder(file.parent)
    try:
        if file.exists() and file.read_text(encoding="utf-8") == text:
            return False
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=".draft-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
                writer.write(text)
                os.fchmod(writer.fileno(), 0o644)
            Path(draft).replace(file)
        except BaseException:
            Path(draft).unlink()
            raise
    except OSError as error:
        look = ["df", "-h"] if error.errno == errno.ENOSPC else ["ls", "-ld"]
        hint = shlex.join([*look, str(file.parent)])
        raise ConfigError(f"{file} cannot be written", cause=str(error), hint=hint) from error
    return True
