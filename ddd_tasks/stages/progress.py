"""What BuildKit says while it builds: which steps ran and how long each took, and which came from its cache.

Its plain form is the one that every version of Buildx has and that people can read while it runs.
"""

from __future__ import annotations

import re
import time
from typing import NamedTuple

BUILT, CACHED, FAILED = "built", "cached", "failed"

_NAMED = re.compile(r"#(\d+) \[(?:\S+ )*?(?:(\S+) )?\s*(\d+)/(\d+)\] (\w*)")
_SAID = re.compile(r"#(\d+) \d+\.\d+ (.*\S)")
_ENDED = re.compile(r"#(\d+) (CACHED|CANCELED|DONE|ERROR)(?: (\d+(?:\.\d+)?)s)?")


class Ran(NamedTuple):
    """One step of a build. state: built, cached or failed; seconds: 0.0 for a cached one; keyword: its first word."""

    state: str
    seconds: float
    keyword: str


class Running(NamedTuple):
    """A step that has begun and not ended. began: seconds on the monotonic clock; said: its last line of output."""

    key: str
    text: str
    began: float
    said: str = ""


class Reader:
    """Takes lines as they come. Of steps that run side by side, BuildKit shows one after the other."""

    def __init__(self) -> None:
        self.running: dict[str, Running] = {}
        self.ended: dict[str, Ran] = {}
        self.known: dict[str, int] = {}  # stage -> how many steps it has
        self._names: dict[str, tuple[str, str]] = {}

    def take(self, line: str) -> None:
        """The next line."""
        if named := _NAMED.match(line):
            key = f"{named[2] or ''} {named[3]}"
            self._names[named[1]] = (key, named[5])
            self.known[named[2] or ""] = int(named[4])
            if key not in self.ended and named[1] not in self.running:
                self.running[named[1]] = Running(key, line.partition(" ")[2], time.monotonic())
        elif (ended := _ENDED.match(line)) and ended[1] in self._names:
            self.running.pop(ended[1], None)
            key, keyword = self._names[ended[1]]
            state = {"CACHED": CACHED, "DONE": BUILT}.get(ended[2], FAILED)
            before = self.ended.get(key)
            # A cached step is also told as DONE once its layer has been fetched.
            if before is None or before.state != CACHED:
                self.ended[key] = Ran(state, float(ended[3] or 0), keyword)
        elif (said := _SAID.match(line)) and said[1] in self.running:
            self.running[said[1]] = self.running[said[1]]._replace(said=said[2])


def read(text: str) -> dict[str, Ran]:
    """The steps of a build by their key, "STAGE NUMBER", from what it wrote. Steps without an end are left out."""
    reader = Reader()
    for line in text.splitlines():
        reader.take(line)
    return reader.ended
