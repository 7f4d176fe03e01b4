"""The last refusals of commands, for ddd report: a small file in the project's .ddd folder, written when one fails."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

from ddd_tasks import masking, notebook
from ddd_tasks.composefiles import NAMES
from ddd_tasks.errors import DddError

_FILE = "refusals.json"
_MARKS = (*NAMES, "tasks.py", "noxfile.py")
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
        said = _shortened(masking.message(masking.text(error.render(), ())))
        entry = {"at": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()), "task": task, "said": said}
        notebook.write(file, {"refusals": [*recent(Path.cwd()), entry][-_KEPT:]})


def _shortened(text: str) -> str:
    """The first line and the last ones: whole lines, half a secret would be known by nobody for one."""
    first, *rest = text.splitlines()
    kept: list[str] = []
    for line in reversed(rest):
        if sum(map(len, kept)) + len(line) > _LONGEST:
            kept.append("...")
            break
        kept.append(line)
    return "\n".join([first if len(first) <= _LONGEST else "...", *reversed(kept)])


def recent(directory: Path) -> list[dict[str, str]]:
    """The last ones, the newest at the end: at, task and said."""
    file = _file(directory)
    found = notebook.read(file).get("refusals") if file else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _file(directory: Path) -> Path | None:
    """That of the project here or above: a .ddd that lies elsewhere, in a home say, is somebody else's."""
    projects = (one for one in (directory, *directory.parents) if any((one / name).exists() for name in _MARKS))
    found = next(projects, None)
    return found / ".ddd" / _FILE if found and (found / ".ddd").is_dir() else None
