"""What py-spy writes: its speedscope file as stacks, and its words about how it went."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ddd_tasks.profiling.dumping import Call, Thread
from ddd_tasks.profiling.stacks import Frame

# With --subprocesses each stack begins with its process, whose command line may hold anything, passwords too.
_PROCESS = re.compile(r'process (\d+):".*', re.DOTALL)
_LOST = re.compile(r"Errors: (\d+)")
_BEHIND = re.compile(r"[\d.]+s behind in sampling")
_ENDED = "because process exited"
_INTERRUPTED = "because Control-C pressed"
_ADDRESS = re.compile(r"0x[0-9a-f]+")
_DENIED = re.compile(r"permission denied|operation not permitted|EPERM", re.IGNORECASE)


def without_commands(content: bytes) -> dict[str, Any]:
    """Its file with the numbers of processes for their command lines. Raises ValueError, KeyError, TypeError."""
    document: dict[str, Any] = json.loads(content)
    for frame in document["shared"]["frames"]:
        if not frame.get("file") and (found := _PROCESS.fullmatch(frame["name"])):
            frame["name"] = f"process {found[1]}"
    return document


def stacks(document: dict[str, Any]) -> dict[tuple[Frame, ...], int]:
    """How often each stack was seen, in all threads. Processes are told apart only where there is more than one."""
    frames = [_frame(one) for one in document["shared"]["frames"]]
    seen: Counter[tuple[Frame, ...]] = Counter()
    for thread in document["profiles"]:
        for sample in thread["samples"]:
            seen[tuple(_joined(frames[index] for index in sample))] += 1
    if len({stack[:1] for stack in seen}) == 1 and all(_is_process(stack[0]) for stack in seen if stack):
        seen = Counter({stack[1:]: weight for stack, weight in seen.items()})
    return dict(seen)


def threads(said: Sequence[Any]) -> list[Thread]:
    """The threads in the words of `py-spy dump --json`, the innermost call first."""
    return [
        Thread(
            int(one["pid"]),
            str(one.get("thread_name") or one.get("os_thread_id") or one["thread_id"]),
            bool(one["active"]),
            [_call(frame) for frame in one["frames"]],
        )
        for one in said
    ]


def lost(said: str) -> int:
    """How many samples it could not take."""
    return sum(int(number) for number in _LOST.findall(said))


def is_vague(said: str) -> bool:
    """Whether it hides why: with --subprocesses it only says that it found no process, whatever kept it out."""
    return "No python processes found" in said


def is_denied(said: str) -> bool:
    """Whether the kernel did not let it look into the process."""
    return bool(_DENIED.search(said))


def remarks(said: str) -> list[str]:
    """What to tell of a run that was not as it was asked for."""
    found = []
    if _INTERRUPTED in said:
        found.append("ended early: what was sampled until then is kept")
    if _ENDED in said:
        found.append("the process ended while it was sampled: what was sampled until then is kept")
    if behind := _BEHIND.search(said):
        found.append(f"py-spy was {behind[0]}: a lower --rate is more exact")
    return found


def _frame(one: Mapping[str, Any]) -> Frame:
    """A frame as py-spy has it. In a library without symbols each address is one: the library is all that is known."""
    name, file = one["name"], one.get("file") or ""
    if _ADDRESS.fullmatch(name) and file:
        return Frame(f"[{file.rpartition('/')[2]}]", file)
    return Frame(name, file, one.get("line") or 0)


def _joined(stack: Iterable[Frame]) -> Iterator[Frame]:
    """The stack with calls within a library that has no symbols as one."""
    before = None
    for frame in stack:
        if frame != before or frame.line or not frame.function.startswith("["):
            yield frame
        before = frame


def _is_process(frame: Frame) -> bool:
    return frame.function.startswith("process ") and not frame.file


def _call(frame: Any) -> Call:
    local = {str(one["name"]): str(one.get("repr")) for one in frame.get("locals") or ()}
    return Call(str(frame["name"]), str(frame["filename"]), int(frame["line"]), local)
