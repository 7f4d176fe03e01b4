"""What BuildKit says while it builds: which steps ran and how long each took, and which came from its cache.

Its plain form is the one that every version of Buildx has and that people can read while it runs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BUILT, CACHED, FAILED = "built", "cached", "failed"

_NAMED = re.compile(r"#(\d+) \[(?:\S+ )*?(?:(\S+) )?\s*(\d+)/(\d+)\] (\w*)")
_ENDED = re.compile(r"#(\d+) (CACHED|CANCELED|DONE|ERROR)(?: (\d+(?:\.\d+)?)s)?")


class Ran(NamedTuple):
    """One step of a build. state: built, cached or failed; seconds: 0.0 for a cached one; keyword: its first word."""

    state: str
    seconds: float
    keyword: str


def read(text: str) -> dict[str, Ran]:
    """The steps of a build by their key, "STAGE NUMBER", from what it wrote. Steps without an end are left out."""
    names: dict[str, tuple[str, str]] = {}
    found: dict[str, Ran] = {}
    for line in text.splitlines():
        if named := _NAMED.match(line):
            names[named[1]] = (f"{named[2] or ''} {named[3]}", named[5])
        elif (ended := _ENDED.match(line)) and ended[1] in names:
            state = {"CACHED": CACHED, "DONE": BUILT}.get(ended[2], FAILED)
            key, keyword = names[ended[1]]
            before = found.get(key)
            # A cached step is also told as DONE once its layer has been fetched.
            if before is None or before.state != CACHED:
                found[key] = Ran(state, float(ended[3] or 0), keyword)
    return found
