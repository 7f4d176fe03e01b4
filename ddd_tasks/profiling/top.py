"""What a running service does on the CPU while one looks: in the last seconds, and since the start of looking."""

from __future__ import annotations

import io
import sys
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import console
from ddd_tasks.engine import terminal
from ddd_tasks.language import PathMapping
from ddd_tasks.profiling import diff, keys, stacks, summary, windows
from ddd_tasks.profiling.stacks import Function, Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.profiling.windows import Window, Windows
from ddd_tasks.project import Project, Service

COLUMNS = ("self", "total", "self s", "total s", "function", "where")
_NARROW, _LEFT_OUT = 80, ("self s", "total s")
RECENT = 5.0
_COUNT, _FRAME = 20, 6  # rows of the table, and of the terminal those that are not its
_LOOK, _FIRST = 0.1, 1.0
_QUIT = frozenset("qQ\x04")


class Entry(NamedTuple):
    """A function. own and whole: how many cores it takes, alone and with what it calls; the others: seconds so far."""

    row: summary.Row
    own: float
    whole: float
    own_seconds: float
    whole_seconds: float

    def cells(self, here: Path) -> dict[str, str]:
        """The cells of the table, a path within this folder as seen from it."""
        so_far = {"self s": f"{self.own_seconds:.1f}", "total s": f"{self.whole_seconds:.1f}"}
        return {**self.row.cells(here), "self": f"{self.own:.1%}", "total": f"{self.whole:.1%}", **so_far}

    def as_dict(self) -> dict[str, Any]:
        """The fields for --json."""
        numbers = {"self": self.own, "total": self.whole}
        so_far = {"self_seconds": self.own_seconds, "total_seconds": self.whole_seconds}
        return {**self.row.as_dict(), **{key: round(value, 4) for key, value in {**numbers, **so_far}.items()}}


class Seen:
    """All windows so far. recent: how many seconds count as the last ones."""

    def __init__(self, recent: float = RECENT) -> None:
        self.seconds = 0.0
        self._recent = recent
        self._last: deque[Profile] = deque()
        self._own: defaultdict[Function, float] = defaultdict(float)
        self._whole: defaultdict[Function, float] = defaultdict(float)

    def add(self, window: Window) -> None:
        """One more. What ran between it and the one before is taken to be as what ran in it."""
        profile = window.profile
        self.seconds += window.seconds
        spent = diff.per_second(profile) * window.seconds
        for one in stacks.totals(profile):
            self._own[one.function, one.file] += one.own * spent
            self._whole[one.function, one.file] += one.whole * spent
        self._last.append(profile)
        while sum(one.seconds for one in self._last) - self._last[0].seconds >= self._recent:
            self._last.popleft()

    @property
    def cores(self) -> float:
        """How many cores were busy in the last seconds."""
        return diff.per_second(self._merged())

    def entries(self, known: Sequence[PathMapping], count: int) -> list[Entry]:
        """The functions that took most in the last seconds."""
        merged = self._merged()
        return [self._entry(row, diff.per_second(merged)) for row in summary.rows(merged, known, count)]

    def _entry(self, row: summary.Row, cores: float) -> Entry:
        one, key = row.total, (row.total.function, row.total.file)
        return Entry(row, one.own * cores, one.whole * cores, self._own[key], self._whole[key])

    def _merged(self) -> Profile:
        merged: defaultdict[tuple[stacks.Frame, ...], int] = defaultdict(int)
        for profile in self._last:
            for stack, weight in profile.stacks.items():
                merged[stack] += weight
        first = self._last[0]
        return Profile(first.language, first.unit, first.rate, sum(one.seconds for one in self._last), 0, merged)


def show(project: Project, service: Service, wanted: Wanted, *, json: bool) -> None:
    """A table that is anew each second, until q or Ctrl-C; off a terminal and for JSON one of wanted.seconds.

    Raises as sampling.record does.
    """
    is_live = sys.stdout.isatty() and not json
    with windows.opened(project, service, wanted) as found:
        if found is None:
            return
        if is_live:
            _live(found, service.name)
            return
        seen = _once(found, service.name, wanted)
    entries = seen.entries(found.known, _COUNT)
    if json:
        console.result_json(_document(service.name, found, seen, entries))
    else:
        console.table(COLUMNS, [one.cells(Path.cwd()) for one in entries])
        console.note(_title(service.name, seen))


def _once(found: Windows, name: str, wanted: Wanted) -> Seen:
    seen = Seen(wanted.seconds)
    console.note(f"==> sample {name}, {wanted.seconds} s at {wanted.rate} Hz")
    with _silence(found):
        try:
            while seen.seconds < wanted.seconds:
                if window := found.next(_FIRST):
                    seen.add(window)
        except KeyboardInterrupt as interruption:
            if type(interruption) is not KeyboardInterrupt or not seen.seconds:
                raise
    return seen


def _live(found: Windows, name: str) -> None:
    """Until q or Ctrl-C; another signal ends the task."""
    try:
        while not (window := found.next(_FIRST)):
            pass
        # Once for the table, which takes what is said to stderr for itself, and once for what comes after it.
        with _silence(found), console.live_table() as draw, redirect_stderr(io.StringIO()), keys.pressed() as pressed:
            seen = Seen()
            while not _QUIT & set(pressed(_LOOK)):
                if window:
                    seen.add(window)
                    size = terminal.size() or (_COUNT, _NARROW)
                    entries = seen.entries(found.known, max(1, min(_COUNT, size[0] - _FRAME)))
                    cells = [one.cells(Path.cwd()) for one in entries]
                    draw(columns(size[1]), cells, f"{_title(name, seen)}; q ends")
                window = found.next(0)
    except KeyboardInterrupt as interruption:
        if type(interruption) is not KeyboardInterrupt:
            raise


@contextmanager
def _silence(found: Windows) -> Iterator[None]:
    """Keep what samplers say of each window from the terminal, up to the end of the last one."""
    with redirect_stderr(io.StringIO()):
        try:
            yield
        finally:
            found.end()


def columns(width: int) -> Sequence[str]:
    """Those that a terminal of this width has room for."""
    return [one for one in COLUMNS if width >= _NARROW or one not in _LEFT_OUT]


def _title(name: str, seen: Seen) -> str:
    return f"{name}: {seen.cores:.2f} cores busy, {seen.seconds:.0f} s seen"


def _document(name: str, found: Windows, seen: Seen, entries: Sequence[Entry]) -> dict[str, Any]:
    told = {"service": name, "language": found.language, "seconds": round(seen.seconds, 3)}
    return {**told, "cores": round(seen.cores, 4), "functions": [one.as_dict() for one in entries]}
