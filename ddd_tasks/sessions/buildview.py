"""A build as a person sees it: on a terminal the steps that run, elsewhere BuildKit's own lines, unless it is short."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from ddd_tasks import console
from ddd_tasks.engine.streams import write
from ddd_tasks.engine.terminal import STDERR
from ddd_tasks.stages import progress

# A build whose layers are all cached ends sooner: it has nothing to say. A longer one is shown as it goes.
_SECONDS_OF_SILENCE = 3.0
_SECONDS_UNSEEN = 0.5  # on a terminal
_SECONDS_A_PICTURE = 0.1


def follow(descriptor: int, what: str) -> tuple[str, bool]:
    """All that a build writes (in BuildKit's plain form) up to its end, and whether it was shown as it is.

    what: the name of it all. What a terminal showed meanwhile is gone at the end, but for one line.
    """
    if not console.is_live():
        return _follow_plain(descriptor)
    began = time.monotonic()
    reader = progress.Reader()
    with console.live_lines() as draw:
        said = _follow_live(descriptor, reader, lambda: draw(lines(reader, what, time.monotonic() - began)))
    seconds = time.monotonic() - began
    if seconds > _SECONDS_UNSEEN and reader.ended:
        console.note(f"{what}: {len(reader.ended)} steps, {_cached(reader)} cached, {seconds:.1f} s")
    return said, False


def lines(reader: progress.Reader, what: str, seconds: float) -> list[str]:
    """The picture at a moment: the sum, then each step that runs with its seconds, and its last line of output."""
    now = time.monotonic()
    total = max(sum(reader.known.values()), len(reader.ended))
    found = [f"{what}: {len(reader.ended)} of {total} steps, {_cached(reader)} cached, {seconds:.1f} s"]
    for one in reader.running.values():
        found.append(f" => {now - one.began:4.1f} s  {one.text}")
        found += [f"            {one.said}"] if one.said else []
    return found


def _cached(reader: progress.Reader) -> int:
    return sum(one.state == progress.CACHED for one in reader.ended.values())


def _follow_live(descriptor: int, reader: progress.Reader, draw: Callable[[], None]) -> str:
    held, line, shown_at = b"", b"", time.monotonic() + _SECONDS_UNSEEN
    while True:
        ready, _, _ = select.select([descriptor], [], [], _SECONDS_A_PICTURE)
        data = os.read(descriptor, 65536) if ready else b""
        if ready and not data:
            return held.decode(errors="replace")
        held += data
        *whole, line = (line + data).split(b"\n")
        for one in whole:
            reader.take(one.decode(errors="replace"))
        if time.monotonic() >= shown_at:
            draw()
            shown_at = time.monotonic() + _SECONDS_A_PICTURE


def _follow_plain(descriptor: int) -> tuple[str, bool]:
    held, shown, deadline = b"", False, time.monotonic() + _SECONDS_OF_SILENCE
    while True:
        waits = None if shown or console.is_quiet() else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([descriptor], [], [], waits)
        data = os.read(descriptor, 65536) if ready else b""
        if ready and not data:
            return held.decode(errors="replace"), shown
        held += data
        if shown:
            write(STDERR, data)
        elif time.monotonic() >= deadline and not console.is_quiet():
            shown = True
            write(STDERR, held)
