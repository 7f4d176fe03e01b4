"""The windows of profile.top put together: the last seconds, and all since the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks.profiling import top, windows
from ddd_tasks.profiling.stacks import SAMPLES, Frame, Profile
from ddd_tasks.profiling.top import Entry, Seen
from ddd_tasks.profiling.windows import Window

MAIN, HOT, MILD = Frame("main", "/app/main.py", 9), Frame("hot", "/app/main.py", 3), Frame("mild", "/app/main.py", 6)


def window(hot: int, mild: int = 0, *, took: float = 1.0) -> Window:
    seen = {(MAIN, HOT): hot, (MAIN, MILD): mild}
    return Window(Profile("python", SAMPLES, 100, 1.0, 0, {stack: one for stack, one in seen.items() if one}), took)


def entries(seen: Seen) -> dict[str, Entry]:
    return {one.row.total.function: one for one in seen.entries((), 20)}


def test_shares_are_of_one_core_and_seconds_add_up() -> None:
    seen = Seen()
    seen.add(window(60, 20))
    seen.add(window(20, 20))
    found = entries(seen)
    assert list(found) == ["hot", "mild"]
    assert (found["hot"].own, found["hot"].own_seconds) == pytest.approx((0.4, 0.8))
    assert seen.cores == pytest.approx(0.6)


def test_what_is_long_ago_counts_only_in_the_seconds() -> None:
    seen = Seen(recent=2)
    for _ in range(5):
        seen.add(window(50))
    for _ in range(2):
        seen.add(window(0, 50))
    assert list(entries(seen)) == ["mild"]
    seen.add(window(10))
    assert entries(seen)["hot"].own == pytest.approx(0.05)
    assert entries(seen)["hot"].own_seconds == pytest.approx(2.6)


def test_what_lies_between_windows_is_taken_to_be_alike() -> None:
    seen = Seen()
    seen.add(window(50, took=1.0))
    seen.add(window(50, took=1.5))
    found = entries(seen)["hot"]
    assert (found.own, found.own_seconds, seen.seconds) == pytest.approx((0.5, 1.25, 2.5))


def test_an_idle_service_has_no_entries() -> None:
    seen = Seen()
    seen.add(window(0))
    assert (entries(seen), seen.cores, seen.seconds) == ({}, 0, 1)


def test_a_narrow_terminal_gets_fewer_columns() -> None:
    assert top.columns(60) == ["self", "total", "function", "where"]
    assert top.columns(80) == list(top.COLUMNS)
    seen = Seen()
    seen.add(window(100))
    assert set(entries(seen)["hot"].cells(Path.cwd())) == set(top.COLUMNS)


def test_what_goes_wrong_in_the_thread_is_raised_where_it_is_waited_for() -> None:
    from ddd_tasks import languages

    answers = [window(1).profile]
    made = windows.Windows(languages.LANGUAGES[0], (), answers.pop, lambda: None)
    made.thread.start()
    first = made.next(5)
    assert first
    assert first.profile.weight == 1
    with pytest.raises(IndexError):
        made.next(5)
    made.end()
