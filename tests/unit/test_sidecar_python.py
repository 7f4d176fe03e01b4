"""What gdb's words say of a process that it was to be brought into; they are gdb 16.3's own."""

from __future__ import annotations

import os

import pytest

from sidecar import injection, proc
from sidecar.proc import Process

NOT_PERMITTED = """\
ptrace: Operation not permitted.
No symbol table is loaded.  Use the "file" command.
"""
TRACED = "warning: process 1 is already traced by process 72\n" + NOT_PERMITTED
NO_PYTHON = """\
[Thread debugging using libthread_db enabled]
Using host libthread_db library "/lib/x86_64-linux-gnu/libthread_db.so.1".
0x00007f1e3fe7a3a7 in ?? () from /proc/1/root/lib/x86_64-linux-gnu/libc.so.6
No symbol "PyGILState_Ensure" in current context.
[Inferior 1 (process 1) detached]
"""


@pytest.fixture
def alive() -> Process:
    """A process that runs: this one."""
    found = proc.process(os.getpid())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (NOT_PERMITTED, "permission"),
        (TRACED, "busy"),
        (NO_PYTHON, "unsupported"),
        ("ptrace: No such process.\n", "gone"),
        ("ddd-ran = -1\n", "failed"),
    ],
)
def test_kind_is_what_stands_in_the_way(alive: Process, said: str, kind: str) -> None:
    assert injection._kind(alive, said) == kind


def test_essence_is_what_gdb_says_of_this_process() -> None:
    assert injection._essence(NO_PYTHON) == 'No symbol "PyGILState_Ensure" in current context.'
    assert injection._essence(TRACED).startswith("warning: process 1 is already traced by process 72 / ptrace: Op")
    assert injection._essence("\n") == "no word"
