"""Runs in a container beside the service: sends requests at a constant rate and counts what they take.

Each leaves at its planned moment, whether or not earlier ones have been answered, and its time counts from that moment:
a client that waits for one answer before it asks again would leave out just the requests that a stalled service kept
waiting ("coordinated omission": Gil Tene, https://github.com/giltene/wrk2#readme).

Standard library only. Lines on stdin: first JSON with host, port, path, header (of Host) and rps, then the name of each
phase as it begins; at the end of stdin or the line "end" it ends. Prints {"first": status} or {"error": why}, and
at the end {phase: what came of its requests}, one line of JSON each.
"""

from __future__ import annotations

import http.client
import json
import math
import socket
import sys
import threading
import time
from array import array
from collections import Counter
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

CONNECTIONS = 64  # what waits beyond them leaves late, and its time counts all the same
TIMEOUT = 10.0
_SECONDS_TO_END = 2.0
_SWITCH = 0.0005  # threads wait for each other ten times that long by default
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
NO_ANSWER, NOT_SENT, NO_CONNECTION = "no answer", "not sent", "connection failed"


def main() -> None:
    """Ask once, then steadily until told to end."""
    wanted = json.loads(sys.stdin.readline())
    sys.setswitchinterval(_SWITCH)
    target = Target(wanted["host"], wanted["port"], wanted["path"], wanted["header"])
    try:
        _say({"first": target.ask()})
    except (OSError, http.client.HTTPException) as error:
        _say({"error": f"{type(error).__name__}: {error}"})
        return
    traffic = Traffic(target, float(wanted["rps"]))
    for line in sys.stdin:
        if line.strip() == "end":
            break
        traffic.begin(line.strip())
    _say({name: phase.as_dict() for name, phase in traffic.end().items()})


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Target:
    """What is asked for, and the connections that are kept for the next request."""

    def __init__(self, host: str, port: int, path: str, header: str) -> None:
        self._place = (host, port)
        self._path, self._headers = path, {"Host": header, "User-Agent": "ddd-profile"}
        self._idle: list[http.client.HTTPConnection] = []

    def ask(self) -> int:
        """Send a request, read its whole answer, and return the status. Raises OSError, HTTPException."""
        try:
            connection = self._idle.pop()  # the one used last: the others may rest
        except IndexError:
            return self._on(http.client.HTTPConnection(*self._place, timeout=TIMEOUT))
        try:
            return self._on(connection)
        except _STALE:  # the service may close an idle connection at any time
            connection.close()
            return self._on(connection)

    def close(self) -> None:
        """Close the connections that wait for a request."""
        while self._idle:
            self._idle.pop().close()

    def _on(self, connection: http.client.HTTPConnection) -> int:
        try:
            connection.request("GET", self._path, headers=self._headers)
            answer = connection.getresponse()
            answer.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer.status


class Phase:
    """What came of the requests that were planned in it; seconds from the planned moments."""

    def __init__(self) -> None:
        self.taken, self.late = array("d"), array("d")
        self.failed: Counter[str] = Counter()

    def as_dict(self) -> dict[str, Any]:
        """Milliseconds, and how many requests failed for which reason. late: the median of how late they left."""
        taken = sorted(self.taken)
        names = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        return {
            "requests": len(taken) + self.failed[NO_CONNECTION],
            "failed": dict(self.failed),
            **{name: milliseconds(percentile(taken, share)) for name, share in names.items()},
            "late": milliseconds(percentile(sorted(self.late), 0.5)),
        }


class Traffic:
    """Requests at a constant rate. One thread waits for the next one's moment, the others for their turn."""

    def __init__(self, target: Target, rps: float) -> None:
        self._target, self._rps, self._began = target, rps, time.perf_counter()
        self._next, self._until = 0, math.inf
        self._turn, self._ended, self._lock = threading.Lock(), threading.Event(), threading.Lock()
        self._marks: list[tuple[float, Phase]] = []
        self._phases: dict[str, Phase] = {}
        self._open: set[float] = set()
        self.begin("")
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CONNECTIONS)]
        for thread in self._threads:
            thread.start()

    def begin(self, name: str) -> None:
        """Count what is planned from now on for the phase of this name."""
        phase = self._phases.setdefault(name, Phase())
        self._marks.append((time.perf_counter() if name else 0.0, phase))

    def end(self) -> dict[str, Phase]:
        """Plan nothing more, wait a moment for answers, and return what came of all requests.

        One without an answer counts with the time that it has waited: without it, the worst ones would be left out.
        """
        with self._lock:
            ended = self._until = time.perf_counter()
            self._ended.set()
        for thread in self._threads:
            thread.join(max(0.0, ended + _SECONDS_TO_END - time.perf_counter()))
        with self._lock:
            now = time.perf_counter()
            for planned in self._open:
                self._count(planned, now, NO_ANSWER)
            self._open.clear()
            self._until = 0.0
            for number in range(self._next, math.ceil((ended - self._began) * self._rps)):
                self._count(self._began + number / self._rps, ended, NOT_SENT)
            return {name: phase for name, phase in self._phases.items() if name}

    def _work(self) -> None:
        while True:
            with self._turn:
                planned = self._began + self._next / self._rps
                self._ended.wait(max(0.0, planned - time.perf_counter()))
                with self._lock:
                    if planned >= self._until:
                        return
                    self._next += 1
                    self._open.add(planned)
                    self._phase(planned).late.append(time.perf_counter() - planned)
            self._ask(planned)

    def _ask(self, planned: float) -> None:
        failure = ""
        try:
            status = self._target.ask()
            failure = str(status) if status >= 400 else ""
        except socket.timeout:  # noqa: UP041 - the same since Python 3.10
            failure = NO_ANSWER
        except (OSError, http.client.HTTPException):
            failure = NO_CONNECTION
        now = time.perf_counter()
        with self._lock, suppress(KeyError):  # the end has come first, and has counted it
            self._open.remove(planned)
            self._count(planned, now, failure)

    def _count(self, planned: float, now: float, failure: str) -> None:
        phase = self._phase(planned)
        if failure:
            phase.failed[failure] += 1
        if failure != NO_CONNECTION:  # it took no time of the service's
            phase.taken.append(now - planned)

    def _phase(self, planned: float) -> Phase:
        return next(phase for began, phase in reversed(self._marks) if began <= planned)


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The nearest rank of what is in order; None of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def milliseconds(seconds: float | None) -> float | None:
    """To the microsecond."""
    return None if seconds is None else round(seconds * 1000, 3)


if __name__ == "__main__":
    main()
