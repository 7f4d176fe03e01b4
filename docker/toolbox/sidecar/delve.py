"""One run of Delve beside a process: it attaches, serves clients on a Unix socket, and lets the process go again."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sidecar import machinecode
from sidecar.arms import ArmError, Options
from sidecar.proc import process

_PAUSE = 0.005
_SECONDS_TO_HALT = 1.0
_SECONDS_TO_END = 8.0
_LISTENS = "00010000"  # a flag in /proc/net/unix
_NOISE = re.compile(r"API server listening|^\s*$")


class Delve:
    """A running Delve. path: of its socket."""

    def __init__(
        self, child: subprocess.Popen[bytes], pid: int, path: Path, log: Path, tracer: tuple[str, ...]
    ) -> None:
        self._child, self._pid, self._log, self._tracer = child, pid, log, tracer
        self.path = path
        self._end = threading.Thread(target=self._clean, daemon=True)
        self._end.start()

    @classmethod
    def start(cls, pid: int, options: Options) -> Delve:
        """Attach to a process, which runs on. Raises ArmError with Delve's words; then it is left alone."""
        path, log = options.scratch / "delve.sock", options.scratch / "delve.log"
        path.unlink(missing_ok=True)
        argv = [*options.tracer, "dlv", "attach", str(pid), f"--listen=unix:{path}", "--headless", "--api-version=2"]
        argv += ["--accept-multiclient", "--continue"]
        with log.open("wb") as out:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=options.scratch, start_new_session=True
            )
        delve = cls(child, pid, path, log, options.tracer)
        try:
            delve._await(options.seconds)
        except BaseException:
            delve.end()
            raise
        return delve

    @property
    def is_attached(self) -> bool:
        """Whether it still has a process that runs or stands at a breakpoint."""
        return self._child.poll() is None and process(self._pid) is not None

    def dial(self) -> socket.socket:
        """A new connection to it. Raises OSError."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self.path))
        except OSError:
            connection.close()
            raise
        return connection

    def end(self) -> None:
        """Let the process go, wherever it stands: it runs on, without breakpoints. A second call does nothing.

        Asked by a signal, Delve takes its breakpoints out; one that was killed has left them.
        """
        if self._child.poll() is None:
            self._ask_to_end()
        if self._child.poll() is None:
            sys.stderr.write(f"Delve did not let process {self._pid} go in {_SECONDS_TO_END:.0f} s\n")
            self._child.kill()
        self._end.join()
        self.path.unlink(missing_ok=True)

    def _ask_to_end(self) -> None:
        """Delve halts the process first, if it runs; one that goes on at that moment, it waits for until it halts."""
        with suppress(OSError), self.dial() as connection:  # once it is asked to end, it takes no new one
            self._child.send_signal(signal.SIGINT)
            self._end.join(_SECONDS_TO_HALT)
            if self._child.poll() is None:
                connection.sendall(_call("Command", name="halt"))
                self._end.join(_SECONDS_TO_END)
            return
        self._child.send_signal(signal.SIGINT)
        self._end.join(_SECONDS_TO_END)

    def _clean(self) -> None:
        """Wait for the end. Where it was killed, whether by us or not, its breakpoints have to go at once."""
        if self._child.wait() < 0:
            restore(self._pid, self._tracer)

    def _await(self, seconds: float) -> None:
        """Wait until the process runs under it. Raises ArmError."""
        deadline = time.monotonic() + seconds
        while not (self._listens() and self._runs()):
            if self._child.poll() is not None:
                raise self._error()
            if time.monotonic() > deadline:
                words = f": {said}" if (said := self._said()) else ""
                raise ArmError("timeout", f"Delve did not attach to process {self._pid} in {seconds:.0f} s{words}")
            time.sleep(_PAUSE)

    def _listens(self) -> bool:
        rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
        return any(row[-1] == str(self.path) and row[3] == _LISTENS for row in rows)

    def _runs(self) -> bool:
        """Whether the process runs under it: it listens before it has attached, and then lets the process go on."""
        with suppress(OSError, ValueError):
            return bool(self._ask("State", NonBlocking=True)["State"]["Running"])
        return False

    def _ask(self, method: str, **argument: Any) -> dict[str, Any]:
        """The answer to one call of its API. Raises OSError, ValueError."""
        with self.dial() as connection:
            connection.settimeout(1.0)
            connection.sendall(_call(method, **argument))
            with connection.makefile() as answers:
                return dict(json.loads(answers.readline())["result"])

    def _error(self) -> ArmError:
        said = self._said() or f"Delve ended with status {self._child.returncode}"
        one = process(self._pid)
        if one is None or "no such process" in said:
            return ArmError("gone", said)
        if "not permitted" in said or "ermission denied" in said:
            return ArmError("permission", said)
        return ArmError("unsupported" if "ersion of Delve is too" in said else "failed", said)

    def _said(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines if not _NOISE.search(line))[-600:]


def _call(method: str, **argument: Any) -> bytes:
    """One call of Delve's API."""
    return json.dumps({"method": f"RPCServer.{method}", "params": [argument], "id": 1}).encode()


def restore(pid: int, tracer: tuple[str, ...]) -> None:
    """Take breakpoints out of a process that a killed Delve has left in it, as far as it still runs."""
    if process(pid) is None:
        return
    try:
        if tracer:
            argv = [*tracer, sys.executable, "-m", "sidecar.machinecode", str(pid)]
            subprocess.run(argv, stdout=subprocess.DEVNULL, timeout=_SECONDS_TO_END, check=True)
        else:
            machinecode.restore(pid)
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"breakpoints may be left in process {pid}: {error}\n")
