"""What makes the program run into a breakpoint: a request, a command, or somebody else."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import threading
import time
import urllib.error
import urllib.request
from typing import Protocol
from urllib.parse import urlsplit

from ddd_tasks import console, process

_MOMENT = 3.0


class Trigger(Protocol):
    """Started once the breakpoint stands; it does not wait, since the program will stand still."""

    @property
    def command(self) -> list[str]:
        """About the same as a command that can be pasted; [] where nothing is done."""
        ...

    def start(self) -> None:
        """Begin. Raises ConfigError for a command that does not exist."""
        ...

    def outcome(self) -> str:
        """What has become of it so far, for people."""
        ...

    def end(self) -> None:
        """Wait a moment for its end now that the program goes on, then give it up."""
        ...


class Request:
    """A GET request."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds
        self._outcome = "has not been answered"
        self._thread = threading.Thread(target=self._ask, daemon=True)

    @property
    def command(self) -> list[str]:
        """See Trigger."""
        return ["curl", self._url]

    def start(self) -> None:
        """See Trigger."""
        console.note(f"GET {self._url}")
        self._thread.start()

    def outcome(self) -> str:
        """See Trigger."""
        return f"the request GET {self._url} {self._outcome}"

    def end(self) -> None:
        """See Trigger."""
        if self._thread.ident is not None:  # it has begun
            self._thread.join(_MOMENT)

    def _ask(self) -> None:
        is_here = urlsplit(self._url).hostname in ("127.0.0.1", "localhost", "::1")
        opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_here else []))
        try:
            with opener.open(self._url, timeout=self._seconds + _MOMENT) as answer:
                self._outcome = f"was answered with status {answer.status}"
        except urllib.error.HTTPError as error:
            self._outcome = f"was answered with status {error.code}"
        except (OSError, ValueError) as error:
            self._outcome = f"failed: {getattr(error, 'reason', None) or error}"


class Command:
    """A program on this machine; what it writes goes to stderr."""

    def __init__(self, argv: list[str]) -> None:
        self._argv = argv
        self._process: process.Process | None = None

    @property
    def command(self) -> list[str]:
        """See Trigger."""
        return self._argv

    def start(self) -> None:
        """See Trigger."""
        console.note(shlex.join(self._argv))
        self._process = process.start(self._argv, stdout=console.STDERR_FILENO, stderr=None)
        if self._process.stdin:
            self._process.stdin.close()

    def outcome(self) -> str:
        """See Trigger."""
        status = self._process.poll() if self._process else None
        said = "is still running" if status is None else f"ended with status {process.exit_status(status)}"
        return f"the command {shlex.join(self._argv)} {said}"

    def end(self) -> None:
        """See Trigger."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process is None or self._has_ended():
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)  # what it has started goes with it
        self._has_ended()

    def _has_ended(self) -> bool:
        """Whether it ends within a moment."""
        deadline = time.monotonic() + _MOMENT
        while self._process and self._process.poll() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


class Nothing:
    """Somebody else makes the program run into the breakpoint."""

    def __init__(self, shown: str, seconds: float) -> None:
        self._shown = shown
        self._seconds = seconds

    @property
    def command(self) -> list[str]:
        """See Trigger."""
        return []

    def start(self) -> None:
        """See Trigger."""
        console.note(f"waiting up to {self._seconds:g} s for the program to reach {self._shown}")

    def outcome(self) -> str:
        """See Trigger."""
        return "neither --request nor --run was given, so nothing was sent to it"

    def end(self) -> None:
        """See Trigger."""
