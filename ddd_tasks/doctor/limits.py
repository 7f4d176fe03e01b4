"""Questions that may stay without an answer: each is asked in a thread of its own, and given up after a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, TypeVar

T = TypeVar("T")


class Asked(Generic[T]):
    """A question that is being asked. One that is given up goes on by itself, and ends with this process."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._answers: list[T] = []
        self._errors: list[Exception] = []
        self._began = time.monotonic()
        # A thread begins without the caller's mode of echo and dry run.
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), daemon=True)
        self._thread.start()

    def answer(self, seconds: float) -> T:
        """The answer within so many seconds since it was asked. Raises what asking raised, TimeoutError."""
        self._thread.join(max(0.0, self._began + seconds - time.monotonic()))
        if self._errors:
            raise self._errors[0]
        if not self._answers:
            raise TimeoutError
        return self._answers[0]

    def _run(self) -> None:
        try:
            self._answers.append(self._ask())
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is wanted
            self._errors.append(error)
