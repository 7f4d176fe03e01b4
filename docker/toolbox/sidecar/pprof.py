"""The pprof endpoint of a Go program: which of its ports has one, and a profile from it, which SIGINT ends early.

The commands: `find` says which port answers, as one JSON object; `get` writes what a URL answers to a file; `twice`
does so now and after some seconds, which SIGINT ends early.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from sidecar import proc
from sidecar.proc import Listener

_HOST = "127.0.0.1"
_USUAL = 6060
_SECONDS_TO_ANSWER = 3.0
_SHOWN = 300  # characters of an answer that is not what was asked for


def main(words: list[str] | None = None) -> int:
    """Run the command of the command line; the exit status is 1 where there is no answer as it was asked for."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("find", "get", "twice"):
        command = commands.add_parser(name)
        command.add_argument("--path", required=True)
        command.add_argument("--port", type=int, default=0)
    commands.choices["find"].add_argument("--pid", type=int, required=True)
    for name in ("get", "twice"):
        commands.choices[name].add_argument("--seconds", type=float, default=0)
        commands.choices[name].add_argument("--to", type=Path, required=True)
    given = parser.parse_args(words)
    if given.command == "find":
        sys.stdout.write(json.dumps(find(given.pid, given.path, given.port)))
        return 0
    problem = (get if given.command == "get" else twice)(given.port, given.path, given.to, given.seconds)
    if problem:
        sys.stderr.write(problem)
    return int(bool(problem))


def find(pid: int, path: str, port: int = 0) -> dict[str, object]:
    """{"port": the one that has the index of pprof at this path, or None, "asked": port -> what it answered}.

    Only what the process itself listens on is asked: its network may be shared with other programs. port: ask this one.
    """
    process = proc.process(pid)
    held = [one for one in proc.listeners([process] if process else []) if one.pids]
    asked: dict[int, str] = {}
    for number in [port] if port else order(held):
        answer = _index(number, path)
        asked[number] = answer
        if not answer:
            return {"port": number, "asked": asked}
    return {"port": None, "asked": asked}


def order(held: list[Listener]) -> list[int]:
    """The ports in the order in which they are asked: the usual one, those for the machine itself, then the others."""
    ranked = sorted(held, key=lambda one: (one.port != _USUAL, not one.is_loopback, one.port))
    return list(dict.fromkeys(one.port for one in ranked))


def get(port: int, path: str, to: Path, seconds: float = 0) -> str:
    """Write the answer, which may take so many seconds, to a file, and return "", or what went wrong.

    SIGINT says to the program that nothing more is asked: it ends a profile that runs, and answers with it.
    """
    return _got(port, path, to, seconds, is_ended_early=True)


def _got(port: int, path: str, to: Path, seconds: float = 0, *, is_ended_early: bool = False) -> str:
    connection = http.client.HTTPConnection(_HOST, port, timeout=seconds + 10 * _SECONDS_TO_ANSWER)
    try:
        connection.connect()
        if is_ended_early:
            signal.signal(signal.SIGINT, lambda *_: _end(connection))
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"port {port} does not answer: {str(error) or type(error).__name__}"
    if answer.status != http.client.OK:
        return f"status {answer.status}: {_words(content)}"
    to.write_bytes(content)
    return ""


def twice(port: int, path: str, to: Path, seconds: float) -> str:
    """Write what a page says now to a file that ends with .before, and what it says after so long to this one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        problem = _got(port, path, to.with_name(f"{to.name}.before"))
        if problem:
            return problem
        signal.sigtimedwait([signal.SIGINT], seconds)
        return _got(port, path, to)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(connection: http.client.HTTPConnection) -> None:
    # Half a close: Go's server takes it for the end of the request, and still sends its answer.
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_WR)


def _index(port: int, path: str) -> str:
    """What is wrong with the page that lists the profiles, "" where it is there."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=_SECONDS_TO_ANSWER)
    try:
        connection.request("GET", f"{path}/")
        answer = connection.getresponse()
        content = answer.read(1 << 16)
    except TimeoutError:
        return f"no answer in {_SECONDS_TO_ANSWER:.0f} s"
    except (OSError, http.client.HTTPException) as error:
        return f"no HTTP ({str(error) or type(error).__name__})"
    finally:
        connection.close()
    if answer.status != http.client.OK:
        return f"status {answer.status} at {path}/"
    return "" if b"goroutine" in content and b"heap" in content else f"another page at {path}/"


def _words(content: bytes) -> str:
    return " ".join(content[:_SHOWN].decode(errors="replace").split())


if __name__ == "__main__":
    sys.exit(main())
