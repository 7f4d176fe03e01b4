"""What the profiler of Python's memory says, as stacks; and what is taken out of memray's file."""

from __future__ import annotations

from ddd_tasks.profiling.samplers import memray
from ddd_tasks.profiling.stacks import Frame
from sidecar import memory

FRAMES = [["serve", "/app/main.py", 3], ["leak", "/app/main.py", 9]]
SERVE, LEAK = Frame("serve", "/app/main.py", 3), Frame("leak", "/app/main.py", 9)


def test_stacks_are_those_of_the_only_process() -> None:
    said = {"frames": FRAMES, "processes": [{"pid": 7, "stacks": [[[0, 1], 300], [[0], 100], [[], 9000]]}]}
    assert memray.stacks(said) == {(SERVE, LEAK): 300, (SERVE,): 100, (Frame("(outside Python)"),): 9000}


def test_several_processes_are_told_apart() -> None:
    processes = [{"pid": 7, "stacks": [[[0], 1]]}, {"pid": 8, "stacks": [[[0], 2]]}]
    said = {"frames": FRAMES, "processes": processes}
    assert memray.stacks(said) == {(Frame("process 7"), SERVE): 1, (Frame("process 8"), SERVE): 2}
    assert memray.most(said) == 8


def test_what_memray_has_itself_is_left_out() -> None:
    assert memray.stacks({"frames": [], "processes": [{"pid": 7, "stacks": [[[], 675]]}]}) == {}
    assert memray.most({"error": "gone"}) == 0


def test_the_command_line_is_taken_out_and_nothing_moves() -> None:
    content = b"memray\0\x01/app/main.py --password=hunter2\0rest"
    cleared = memory.without_command(content, "/app/main.py --password=hunter2")
    assert cleared == b"memray\0\x01/app/main.py" + b" " * 19 + b"\0rest"
    assert memory.without_command(content, "") == content
