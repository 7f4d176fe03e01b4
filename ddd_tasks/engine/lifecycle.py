"""Start the engine of this machine, and stop it again if it was we who started it."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddd_tasks import console, process
from ddd_tasks.engine import endpoint, lock, system, tools
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import Endpoint
from ddd_tasks.errors import EngineError

_ANSWER = 5.0  # seconds for one answer
_READY = 30.0  # seconds for an engine to come up
_STOP_SERVICE = ("systemctl", "stop", "docker.service", "docker.socket")  # the socket would start it again
_STOPPED = 60.0  # seconds to go: it gives its containers 10 to 15


@dataclass(frozen=True)
class Launch:
    """How an engine is started by hand, and where we remember it; the defaults are the machine's one engine."""

    arguments: tuple[str, ...] = ()
    host: str = endpoint.DEFAULT_HOST
    exec_root: Path = Path("/var/run/docker")
    log: Path = Path("/var/log/ddd-dockerd.log")
    state: Path = Path("/run/ddd-tasks/engine.json")


MACHINE = Launch()


def answers(host: str | None = None) -> bool:
    """Whether an engine answers at host (default: where the CLI would look). Raises EngineError without permission."""
    socket.setdefaulttimeout(_ANSWER)
    try:
        with closing(Engine(Endpoint(host) if host else endpoint.resolve())) as engine:
            engine.get("/_ping")
    except EngineError as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        return False
    except OSError:
        return False
    finally:
        socket.setdefaulttimeout(None)
    return True


def refuse_foreign_endpoint(launch: Launch = MACHINE) -> None:
    """Raise EngineError when DOCKER_HOST or a context names an engine that is not ours to start."""
    wanted = endpoint.resolve().host
    if launch is MACHINE and wanted not in (launch.host, "unix:///run/docker.sock"):
        cause = (
            "DOCKER_HOST or the Docker context names it, and only this machine's own engine can be started from here"
        )
        raise EngineError(f"no engine answers at {wanted}", cause=cause, hint="unset DOCKER_HOST DOCKER_CONTEXT")


def up(launch: Launch = MACHINE) -> bool:
    """Start the engine unless it answers; systemd does it where it runs. Returns whether it was started by this call.

    Raises EngineError, with the engine's last words as the cause, when it does not come up.
    """
    refuse_foreign_endpoint(launch)
    if answers(launch.host):
        return False
    this = system.this_system()
    if not this.root:
        cause = f"nothing listens at {launch.host}, and starting an engine needs root"
        raise EngineError(
            "the Docker engine is not running", cause=cause, hint=this.guide.start or this.as_root("engine.up")
        )
    start = _start_service if this.systemd and launch is MACHINE else _start_by_hand
    with _alone(launch):
        if answers(launch.host):
            return False
        with console.step("start the engine"):
            start(launch)
    return True


def down(launch: Launch = MACHINE) -> list[str]:
    """Stop the engine that we started and wait until it has gone; returns the engine's processes that are left.

    Raises EngineError when the engine that runs is not ours, or does not stop.
    """
    record = _read(launch)
    if record is None:
        if answers(launch.host):
            by_systemd = system.this_system().systemd
            raise EngineError(
                f"the engine at {launch.host} was not started by ddd-tasks, so it is left alone",
                cause=f"{launch.state} names no process that runs",
                hint=f"sudo {' '.join(_STOP_SERVICE)}" if by_systemd else "sudo kill $(cat /var/run/docker.pid)",
            )
        return leftovers(launch)
    with _alone(launch), console.step("stop the engine"):
        _stop(record)
        if not process.is_dry():
            launch.state.unlink(missing_ok=True)
    return leftovers(launch)


def started_by_us(launch: Launch = MACHINE) -> bool:
    """Whether the engine that runs is one that we started."""
    return _read(launch) is not None


def leftovers(launch: Launch = MACHINE) -> list[str]:
    """What is left of an engine that has gone: containerd and the shims of containers, as `pid name`."""
    if process.is_dry() or answers(launch.host):
        return []
    needle = f"{launch.exec_root}/containerd".encode()
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(needle) for word in words):
            found.append(f"{directory.name} {Path(words[0].decode(errors='replace')).name}")
    return found


def _start_service(launch: Launch) -> None:
    """systemctl; the main process is remembered, so that `down` knows that it is still this start."""
    done = process.capture(["systemctl", "start", "docker"], check=False)
    if done.status != 0:
        journal = process.capture(["journalctl", "--unit", "docker", "--lines", "8", "--output", "cat"], check=False)
        cause = f"{done.stderr}\n{journal.stdout}"
        raise EngineError("systemd could not start the engine", cause=cause, hint="systemctl status docker")
    shown = process.capture(["systemctl", "show", "--property", "MainPID", "--value", "docker"])
    _remember(launch, int(shown.stdout.strip() or 0), by="systemd")
    _until(lambda: answers(launch.host), _READY)


def _start_by_hand(launch: Launch) -> None:
    """dockerd in a session of its own, so that neither Ctrl-C nor the end of this terminal reaches it."""
    program = tools.on_path("dockerd")
    if program is None:
        raise EngineError("no engine is installed", cause="dockerd is not on PATH", hint="ddd engine.install")
    argv = [str(program), *launch.arguments]
    if process.is_dry():
        process.announce(argv)
        return
    with launch.log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
        began = launch.log.stat().st_size
        engine = process.start(
            argv,
            cwd=Path("/"),
            env={**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), *tools.ADMINISTRATION])},
            stdin=nothing.fileno(),
            stdout=log.fileno(),
            stderr=log.fileno(),
        )
    _remember(launch, engine.pid, by="hand")
    ready = _until(lambda: answers(launch.host) or engine.poll() is not None, _READY)
    if engine.poll() is not None or not ready:
        engine.terminate()
        engine.wait()
        launch.state.unlink(missing_ok=True)
        raise EngineError("the engine did not start", cause=_said(launch.log, began), hint=f"less {launch.log}")
    engine.returncode = 0  # it outlives us on purpose: nobody waits for it, and Popen need not complain


def _stop(record: dict[str, Any]) -> None:
    if record["by"] == "systemd":
        process.run(_STOP_SERVICE, quiet=True)
        return
    pid = int(record["pid"])
    process.announce(["kill", str(pid)])
    if process.is_dry():
        return
    os.kill(pid, signal.SIGTERM)
    if not _until(lambda: _start_time(pid) != record["started"], _STOPPED):
        cause = f"process {pid} still runs {_STOPPED:.0f} s after SIGTERM"
        raise EngineError("the engine does not stop", cause=cause, hint=f"tail /var/log/ddd-dockerd.log; ps -fp {pid}")


def _remember(launch: Launch, pid: int, *, by: str) -> None:
    """Write down which process it is: a pid alone may belong to another program later."""
    launch.state.parent.mkdir(parents=True, exist_ok=True)
    record = {"by": by, "pid": pid, "started": _start_time(pid), "log": str(launch.log)}
    launch.state.write_text(json.dumps(record), encoding="utf-8")


def _read(launch: Launch) -> dict[str, Any] | None:
    """What was written down, if that process still runs."""
    try:
        record: dict[str, Any] = json.loads(launch.state.read_text(encoding="utf-8"))
        same = record["started"] is not None and _start_time(int(record["pid"])) == record["started"]
    except (OSError, ValueError, KeyError):
        return None
    return record if same else None


def _start_time(pid: int) -> str | None:
    """When dockerd with this pid was started, in clock ticks since boot; None when that is no running dockerd."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()  # proc(5): the third field, the state, is the first here; starttime is the 22nd
    return fields[19] if name == "dockerd" and fields[0] not in "ZX" else None


def _until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _said(log: Path, began: int) -> str:
    with log.open("rb") as file:
        file.seek(began)
        lines = file.read().decode(errors="replace").splitlines()
    complaints = [line for line in lines if "level=" not in line or "level=error" in line or "level=fatal" in line]
    return "\n".join((complaints or lines)[-8:]) or f"no answer within {_READY:.0f} s"


def _alone(launch: Launch) -> AbstractContextManager[None]:
    """Two at once would start two engines on the same directories: the second waits and finds it running."""
    return lock.held(
        launch.state.with_name("lock"), waiting="another process starts or stops the engine: waiting for it"
    )
