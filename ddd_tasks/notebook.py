"""Small JSON files that several processes read and write at once: a reader sees one whole version, or nothing."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from ddd_tasks import projectcache


def read(file: Path) -> dict[str, Any]:
    """What is in the file; {} where there is none, or nothing that can be read."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(file: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step, readable for its owner only; where that cannot be, nothing is remembered."""
    with suppress(OSError):
        projectcache.make_private(file.parent)
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=".draft-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
                json.dump(content, writer)
            Path(draft).replace(file)
        except BaseException:
            Path(draft).unlink()
            raise
