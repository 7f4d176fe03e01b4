"""Whether a command was killed because its container ended: the engine reports both as the same SIGKILL."""

from __future__ import annotations

import re
import time

from ddd_tasks.engine.api import ApiError, Engine

_TIME = re.compile(r"(?P<second>[\d-]+T[\d:]{8})(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)")

_SECONDS_TO_NOTICE = 0.5


def how(engine: Engine, container: str, began: float) -> str | None:
    """What became of a container since began (of time.monotonic), such as "was removed"; None: it still runs.

    The engine notices the end of a command before the end of its container, so None takes a moment. Raises EngineError.
    """
    deadline = time.monotonic() + _SECONDS_TO_NOTICE
    while True:
        answer = now(engine, container, time.monotonic() - began)
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.02)


def now(engine: Engine, container: str, seconds: float) -> str | None:
    """The same at once, for what began so many seconds ago."""
    try:
        state = engine.get(f"/containers/{container}/json")["State"]
    except ApiError as error:
        if error.status != 404:
            raise
        return "was removed"
    if not state["Running"]:
        return f"stopped with status {state['ExitCode']}"
    # Both times are the engine's own, whose clock may be another machine's.
    age = timestamp(engine.get("/info")["SystemTime"]) - timestamp(state["StartedAt"])
    return "was restarted" if age < seconds else None


def timestamp(text: str) -> float:
    """Seconds since 1970 of a time as the engine writes it, with up to nine digits after the second."""
    import datetime as dt  # only a command that was killed comes here

    found = _TIME.fullmatch(text)
    if found is None:
        return 0.0
    zone = found["zone"].replace("Z", "+00:00")
    return dt.datetime.fromisoformat(found["second"] + zone).timestamp() + float(found["fraction"] or 0)
