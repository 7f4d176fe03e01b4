"""The source files that a debugger of the Debug Adapter Protocol knows, asked in its own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from ddd_tasks.debugging.clients.dapsession import Session
from ddd_tasks.debugging.clients.dialects import spoken


def ask(session: Session, forget: Callable[[], None], *, is_standing: bool, seconds: float) -> list[str]:
    """Their paths; [] of a debugger that does not tell. Raises DebuggerError.

    is_standing: whether the program stands still, and is to stay so. forget: called before a program that stood only
    for this goes on: what it stopped at meanwhile is over.
    """
    dialect = spoken(session.arguments)
    if not dialect.sources:
        return []
    with nullcontext() if is_standing or dialect.answers_running else _standing(session, forget, seconds):
        question = {"expression": dialect.sources, "context": "repl"}
        return str(session.request("evaluate", question, seconds=seconds).get("result", "")).splitlines()


@contextmanager
def _standing(session: Session, forget: Callable[[], None], seconds: float) -> Iterator[None]:
    """Have the program stand for a moment: Delve answers nothing while it runs."""
    session.paused.clear()
    session.request("pause", {"threadId": 1}, seconds=seconds)
    session.paused.wait(seconds)
    try:
        yield
    finally:
        forget()
        session.request("continue", {"threadId": 1}, seconds=seconds)
