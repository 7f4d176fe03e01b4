"""End together with the process that started us: for workers that nobody else ends when that one is killed."""

from __future__ import annotations

import os
import signal
import threading
import time

_SECONDS = 0.3
_following: list[threading.Thread] = []


def follow() -> None:
    """From now on, when our parent has gone, end our process group by SIGTERM. A second call does nothing."""
    if _following:
        return
    thread = threading.Thread(target=_watch, args=(os.getppid(),), daemon=True, name="parent")
    _following.append(thread)
    thread.start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    leader = os.getpgrp() == os.getpid()
    (os.killpg if leader else os.kill)(os.getpid(), signal.SIGTERM)
