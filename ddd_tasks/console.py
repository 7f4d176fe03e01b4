"""The only place that prints: our words to stderr, results to stdout, colour only on a terminal that wants it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ddd_tasks.errors import DddError

STDERR_FILENO = 2
_SECONDS_A_FRAME = 0.1

# What would move the cursor, change colours or do worse: others' words may have it, a service's labels for example.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_CELL = {**_CONTROL, ord("\n"): "\\n", ord("\t"): "\\t"}
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}


def colour(text: str, name: str, stream: Any = None) -> str:
    """The text in a colour, or unchanged where the stream is no terminal or NO_COLOR is set."""
    target = sys.stderr if stream is None else stream
    wanted = bool(os.environ.get("FORCE_COLOR")) or target.isatty()
    if not wanted or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{_COLOURS[name]}m{text}\033[0m"


def is_quiet() -> bool:
    """Whether results, warnings and errors alone are wanted: `ddd --quiet`, or DDD_QUIET=1 for inv and nox."""
    return bool(os.environ.get("DDD_QUIET"))


def is_live() -> bool:
    """Whether what is in progress may be drawn over on stderr: a terminal, and nobody's log."""
    is_drawn = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return is_drawn and not is_quiet() and not os.environ.get("CI")


def visible(text: str) -> str:
    """The text with its control characters spelt out, so that a terminal shows them instead of obeying them."""
    return text.replace("\r\n", "\n").translate(_CONTROL)


def result(text: str) -> None:
    """What a task was asked for, to stdout; unchanged where that is no terminal."""
    print(visible(text) if sys.stdout.isatty() else text, flush=True)


def result_json(value: Any, *, is_line: bool = False) -> None:
    """What a task was asked for, as JSON to stdout; is_line: in one line, one of many such answers."""
    print(json.dumps(value, indent=None if is_line else 2, ensure_ascii=False), flush=True)


def note(text: str) -> None:
    """Something worth knowing, to stderr."""
    print(visible(text), file=sys.stderr, flush=True)


def echo(command: str) -> None:
    """A command that is about to run, ready to paste."""
    print(colour(command, "bold"), file=sys.stderr, flush=True)


def warning(text: str) -> None:
    """Something that went on, but not as it should."""
    print(colour("warning: ", "yellow") + visible(text), file=sys.stderr, flush=True)


def error(problem: DddError) -> None:
    """A refusal in its full shape, to stderr."""
    first, *rest = visible(problem.render()).splitlines()
    word, _, what = first.partition(" ")
    print("\n".join([f"{colour(word, 'red')} {what}", *rest]), file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took once it is."""
    if is_quiet():
        yield
        return
    began = time.monotonic()
    print(f"{colour('==>', 'cyan')} {what}", file=sys.stderr, flush=True)
    yield
    print(colour(f"    {what}: {time.monotonic() - began:.1f} s", "dim"), file=sys.stderr, flush=True)


@contextmanager
def progress(what: str, seconds: float) -> Iterator[None]:
    """Say what takes so many seconds: as a bar that grows on a terminal, in one line elsewhere."""
    if not is_live():
        _plain_progress(what)
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        row = shown.add_task(what, total=seconds)
        with _again(lambda: shown.update(row, completed=min(time.monotonic() - began, seconds))):
            yield


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what is waited for, nobody knows how long: with the seconds on a terminal, in one line elsewhere."""
    if not is_live():
        _plain_progress(what)
        yield
        return
    began = time.monotonic()
    with live_lines() as draw, _again(lambda: draw([f"==> {what}  {time.monotonic() - began:.0f} s"])):
        yield


@contextmanager
def live_lines() -> Iterator[Callable[[Sequence[str]], None]]:
    """Within the block, the lines given to the function take the place of those before, on stderr; then they are gone.

    Lines longer than the terminal is wide are cut, and those that it has no rows for left out. Where nothing may be
    drawn over, nothing is shown.
    """
    if not is_live():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        shown, latest, when = "", "", 0.0

        def draw(lines: Sequence[str], *, now: bool = False) -> None:
            nonlocal shown, latest, when
            latest = "\n".join(line.translate(_CELL) for line in lines)
            if latest != shown and (now or time.monotonic() - when >= _SECONDS_A_FRAME):
                shown, when = latest, time.monotonic()
                live.update(Text(latest, no_wrap=True, overflow="ellipsis"), refresh=True)

        yield draw
        draw(latest.split("\n"), now=True)


@contextmanager
def _again(draw: Callable[[], None]) -> Iterator[None]:
    """Within the block, draw ten times a second, on a thread of its own."""
    import threading

    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(_SECONDS_A_FRAME):
            draw()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _plain_progress(what: str) -> None:
    if not is_quiet():
        print(f"==> {what}", file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Sequence[Mapping[str, str]], *, title: str = "") -> None:
    """Rows as a table on stdout: drawn on a terminal, plain aligned columns elsewhere. Cells are rows[i][column]."""
    if not sys.stdout.isatty():
        _plain_table(columns, rows)
        return
    from rich.console import Console  # not needed, and slow to import, off a terminal

    Console().print(_drawn(columns, rows, title))


@contextmanager
def live_table() -> Iterator[Callable[..., None]]:
    """Within the block, each table given to the function takes the place of the one before it. For a terminal.

    It takes columns, rows and title as table does, and lines to stand below them.
    """
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(), auto_refresh=False) as live:

        def draw(
            columns: Sequence[str], rows: Sequence[Mapping[str, str]], title: str = "", below: Sequence[str] = ()
        ) -> None:
            lines = [Text(line.translate(_CELL)) for line in below]
            live.update(Group(_drawn(columns, rows, title), *lines), refresh=True)

        yield draw


def _drawn(columns: Sequence[str], rows: Sequence[Mapping[str, str]], title: str = "") -> Any:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(_cell(row, column)) for column in columns))
    return drawn


def _plain_table(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    widths = {column: max([len(column), *(len(_cell(row, column)) for row in rows)]) for column in columns}
    for row in [{column: column.upper() for column in columns}, *rows]:
        print("  ".join(_cell(row, column).ljust(widths[column]) for column in columns).rstrip(), flush=True)


def _cell(row: Mapping[str, str], column: str) -> str:
    return row.get(column, "").translate(_CELL)
