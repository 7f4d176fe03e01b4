"""What was found out about an image, for the next session on it: an image's id stands for all that is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ddd_tasks import notebook

_FORMAT = 1
# Notes in a folder: enough for going back and forth between branches and stages.
_KEPT = 100


class Memory:
    """What is known of one image, for one user. lasting: whether it may be remembered and recalled at all."""

    def __init__(self, folder: Path, image: str, user: str, *, lasting: bool = True) -> None:
        self._folder, self._key, self._lasting = folder, [_FORMAT, image, user], lasting

    def recall(self, what: str, ask: Callable[[], Any], *, when: Callable[[Any], bool] = lambda _: True) -> Any:
        """The answer to a question, as JSON has it: from memory, or asked now. when: whether an answer may be kept."""
        known = self.known(what)
        if known is not None:
            return known
        answer = ask()
        if self._lasting and when(answer):
            notebook.write(self._file(what), {"key": self._key, "answer": answer})
            self._forget()
        return answer

    def known(self, what: str) -> Any | None:
        """The answer that is in memory, or None."""
        stored = notebook.read(self._file(what)) if self._lasting else {}
        return stored.get("answer") if stored.get("key") == self._key else None

    def _file(self, what: str) -> Path:
        digest = hashlib.sha256(json.dumps([*self._key, what]).encode()).hexdigest()[:16]
        return self._folder / f"{digest}.json"

    def _forget(self) -> None:
        with suppress(OSError):  # another session is tidying up
            notes = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
            for note in notes[_KEPT:]:
                note.unlink(missing_ok=True)
