"""When a profiler is at work: its sampler says so, and what measures meanwhile hears it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ddd_tasks import console

_Listener = Callable[[bool], None]
_listener: ContextVar[_Listener] = ContextVar("listener", default=lambda _: None)


@contextmanager
def meanwhile(what: str, seconds: float) -> Iterator[None]:
    """Around the seconds in which a profiler samples: a bar that says what, and a word to what listens."""
    listener = _listener.get()
    with console.progress(what, seconds):
        listener(True)
        try:
            yield
        finally:
            listener(False)


@contextmanager
def listened(listener: _Listener) -> Iterator[None]:
    """Within the block, listener(True) is called when sampling begins, and listener(False) when it ends."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
