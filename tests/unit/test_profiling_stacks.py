"""Stacks as text, and what each function's share of a profile is."""

from __future__ import annotations

from typing import TypeAlias

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.profiling import stacks
from ddd_tasks.profiling.stacks import SAMPLES, Frame, Profile

Seen: TypeAlias = dict[tuple[Frame, ...], int]
MAIN = Frame("main", "/app/main.py", 3)
WORK = Frame("work", "/app/work.py", 12)
LATER = WORK._replace(line=14)
IDLE = Frame("wait")


def profile(seen: Seen) -> Profile:
    return Profile("python", SAMPLES, 100, 10.0, 0, seen)


def test_folded_text_says_frames_from_the_root_and_the_weight() -> None:
    seen: Seen = {(MAIN, WORK): 5, (MAIN, IDLE): 2}
    assert (
        stacks.folded(profile(seen)) == "main (/app/main.py:3);wait 2\nmain (/app/main.py:3);work (/app/work.py:12) 5\n"
    )
    assert stacks.parse(stacks.folded(profile(seen))) == seen


@pytest.mark.parametrize(
    "frame",
    [
        Frame("f", "/a b/(c).py", 7),
        Frame("lambda (x)", "/app/x.py", 1),
        Frame("(anonymous)"),
        Frame("C::g(int)"),
        Frame("main.(*Server).run", "/src/main.go", 9),
        Frame("read", "/lib/libc.so.6"),
        Frame("ünï", "/app/ü.py", 2),
    ],
)
def test_a_frame_comes_back_from_folded_text(frame: Frame) -> None:
    assert stacks.parse(f"{frame} 1") == {(frame,): 1}


def test_what_separates_stacks_is_taken_out_of_names() -> None:
    text = stacks.folded(profile({(Frame("a;b\nc"), WORK): 1}))
    assert text == "a,b c;work (/app/work.py:12) 1\n"


def test_equal_lines_count_together() -> None:
    assert stacks.parse("a;b 1\n\na;b 2\n") == {(Frame("a"), Frame("b")): 3}


@pytest.mark.parametrize("line", ["a;b", "a;b x", "a;b -1", "7"])
def test_a_line_without_a_weight_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(ConfigError, match="line 2 is no folded stack"):
        stacks.parse(f"a 1\n{line}\n")


def test_shares_are_of_the_whole_and_recursion_counts_once() -> None:
    seen = {(MAIN, WORK, WORK, WORK): 6, (MAIN, LATER): 1, (MAIN,): 1, (IDLE,): 2}
    found = {one.function: (one.own, one.whole) for one in stacks.totals(profile(seen))}
    assert found == {"work": (0.7, 0.7), "main": (0.1, 0.8), "wait": (0.2, 0.2)}


def test_the_line_is_the_one_where_the_function_itself_was_seen_most() -> None:
    deep = Frame("deep", "/app/deep.py", 1)
    seen = {(MAIN, WORK): 2, (MAIN, LATER): 3, (MAIN, WORK, deep): 9}
    lines = {one.function: one.line for one in stacks.totals(profile(seen))}
    assert lines == {"work": 14, "main": 3, "deep": 1}


def test_the_hottest_are_those_that_spent_most_themselves() -> None:
    seen: Seen = {(MAIN, WORK): 5, (MAIN, IDLE): 2}
    assert [one.function for one in stacks.hottest(profile(seen), 5)] == ["work", "wait"]
    assert [one.function for one in stacks.hottest(profile(seen), 1)] == ["work"]
    assert stacks.totals(profile({})) == []


def test_functions_of_the_same_name_in_two_files_are_two() -> None:
    other = Frame("work", "/app/other.py", 1)
    assert len(stacks.totals(profile({(WORK,): 1, (other,): 1}))) == 2


def test_each_file_is_named_once() -> None:
    assert list(stacks.files(profile({(MAIN, WORK): 1, (MAIN, LATER): 1, (IDLE,): 1}))) == [
        "/app/main.py",
        "/app/work.py",
    ]
