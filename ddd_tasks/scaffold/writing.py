"""Writing all files of a plan or none: under other names first, then moved into place, and back when one fails."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ddd_tasks.errors import ConfigError
from ddd_tasks.scaffold.planning import Change

_DRAFTS = ".ddd-init-"


def write(directory: Path, changes: Sequence[Change]) -> None:
    """Write the files below the folder. Raises ConfigError when one cannot be: then all is as before."""
    undo: list[Callable[[], object]] = []
    try:
        drafts = Path(tempfile.mkdtemp(prefix=_DRAFTS, dir=directory))
        undo.append(lambda: shutil.rmtree(drafts, ignore_errors=True))
        for number, change in enumerate(changes):
            (drafts / f"{number}.new").write_bytes(change.new)
        for number, change in enumerate(changes):
            target = directory / change.path
            _make_folders(target.parent, undo)
            if change.old is None:
                _place(drafts / f"{number}.new", target, undo)
            else:
                _replace(drafts / f"{number}.new", target, drafts / f"{number}.old", undo)
        shutil.rmtree(drafts, ignore_errors=True)
    except BaseException as error:
        while undo:
            undo.pop()()
        if isinstance(error, OSError):
            what = f"{error.filename or directory} cannot be written, and nothing was changed"
            raise ConfigError(what, cause=str(error), hint=f"ls -ld {directory}") from error
        raise


def _make_folders(folder: Path, undo: list[Callable[[], object]]) -> None:
    if not folder.is_dir():
        _make_folders(folder.parent, undo)
        folder.mkdir()
        undo.append(folder.rmdir)


def _place(draft: Path, target: Path, undo: list[Callable[[], object]]) -> None:
    """A file that did not exist; one that has come since then is not written over. Raises FileExistsError."""
    if target.exists() or target.is_symlink():
        raise FileExistsError(errno.EEXIST, "something else of that name is there", str(target))
    undo.append(lambda: _remove(target))
    draft.rename(target)


def _remove(target: Path) -> None:
    with suppress(OSError):  # on a file system that may not be written there is nothing either
        target.unlink(missing_ok=True)


def _replace(draft: Path, target: Path, backup: Path, undo: list[Callable[[], object]]) -> None:
    shutil.copy2(target, backup)
    shutil.copymode(target, draft)
    undo.append(lambda: backup.replace(target))
    draft.replace(target)
