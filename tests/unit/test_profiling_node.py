"""What V8's profilers write, as stacks; places in compiled TypeScript, as places in its source."""

from __future__ import annotations

from typing import Any

import pytest

from ddd_tasks.profiling import v8
from ddd_tasks.profiling.stacks import Frame


def node(number: int, function: str, line: int, hits: int = 0, children: tuple[int, ...] = (), **more: Any) -> Any:
    url = "" if function.startswith("(") else "file:///app/a%20b.js"
    frame = {"functionName": function, "url": url, "lineNumber": line, "columnNumber": 0}
    return {"id": number, "callFrame": frame, "hitCount": hits, "children": list(children), **more}


def framed(stacks: Any) -> dict[tuple[Frame, ...], int]:
    return {tuple(map(v8.frame, stack)): weight for stack, weight in stacks.items()}


def test_hits_are_told_by_the_line_that_ran() -> None:
    ticks = [{"line": 5, "ticks": 3}, {"line": 6, "ticks": 1}]
    profile = {
        "nodes": [
            node(1, "(root)", -1, 9, (2, 4)),
            node(2, "", 0, 0, (3,)),
            node(3, "work", 2, 6, positionTicks=ticks),
            node(4, "(idle)", -1, 50),
        ],
        "samples": [3, 3, 3],  # of which more may be there than were counted
    }
    caller = Frame("(anonymous)", "/app/a b.js", 1)
    assert framed(v8.of_cpu(profile)) == {
        (caller, Frame("work", "/app/a b.js", 5)): 3,
        (caller, Frame("work", "/app/a b.js", 6)): 1,
        (caller, Frame("work", "/app/a b.js", 3)): 2,
    }


def test_what_the_engine_does_itself_has_no_place() -> None:
    profile = {"nodes": [node(1, "(root)", -1, 0, (2,)), node(2, "(garbage collector)", -1, 2)]}
    assert framed(v8.of_cpu(profile)) == {(Frame("(garbage collector)"),): 2}


def test_bytes_are_summed_by_stack() -> None:
    def heap(function: str, size: int, *children: Any) -> Any:
        return {"callFrame": node(1, function, 3)["callFrame"], "selfSize": size, "children": list(children)}

    profile = {"head": heap("(root)", 0, heap("load", 10, heap("parse", 30)), heap("load", 2))}
    load, parse = Frame("load", "/app/a b.js", 4), Frame("parse", "/app/a b.js", 4)
    assert framed(v8.of_heap(profile)) == {(load,): 12, (load, parse): 30}


@pytest.mark.parametrize("broken", [{}, {"nodes": [{}]}, {"nodes": [{"id": 1, "hitCount": 1}]}])
def test_what_is_no_profile_raises(broken: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        v8.of_cpu(broken)


@pytest.mark.parametrize(
    ("url", "path"),
    [("file:///app/x.js", "/app/x.js"), ("node:internal/timers", "node:internal/timers"), ("", "")],
)
def test_the_path_of_a_script(url: str, path: str) -> None:
    assert v8.path_of(url) == path
