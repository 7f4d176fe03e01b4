"""The last refusals of commands, for ddd report: a small file in the project's .ddd folder, written when one fails."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

from ddd_tasks import masking, notebook
from ddd_tasks.errors import DddError

_FILE = "refusals.json"
_KEPT = 5
_LONGEST = 2000  # letters of a message


def remember(error: DddError) -> None:
    """Note a refusal, without what looks like a secret, where a .ddd folder is, here or above; nothing else is made.

    Of the command line the first word alone is kept: what comes behind it may be anything.
    """
    with suppress(OSError):
        file = _file(Path.cwd())
        if file is None:
            return
        task = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        said = masking.message(masking.text(error.render(), ()))[:_LONGEST]
        entry = {"at": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()), "task": task, "said": said}
        notebook.write(file, {"refusals": [*recent(Path.cwd()), entry][-_KEPT:]})


def recent(directory: Path) -> list[dict[str, str]]:
    """The last ones, the newest at the end: at, task and said."""
    file = _file(directory)
    found = notebook.read(file).get("refusals") if file else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _file(directory: Path) -> Path | None:
    folders = (folder / ".ddd" for folder in (directory, *directory.parents))
    return next((folder / _FILE for folder in folders if folder.is_dir()), None)
