"""Start the engine of this machine, and stop it again if it was we who started it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ddd_tasks import console, process
from ddd_tasks.engine import endpoint, lock, processes, system, tools
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import Endpoint
from ddd_tasks.errors import EngineError

_ANSWER = 5.0  # seconds for one answer
_READY = 60.0  # seconds for an engine to come up: on a busy machine, and with many containers, it takes its time
_DYING = 2.0  # seconds until the processes of an engine that was killed have ended
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
    pid_file: Path = Path("/var/run/docker.pid")


MACHINE = Launch()


def answers(host: str | None = None) -> bool:
    """Whether an engine answers at host (default: where the CLI would look). Raises EngineError without permission."""
    try:
        with closing(Engine(Endpoint(host) if host else endpoint.resolve(), seconds=_ANSWER)) as engine:
            engine.get("/_ping")
    except EngineError as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        return False
    except OSError:
        return False
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
    return processes.mentioning(f"{launch.exec_root}/containerd")


def _start_service(launch: Launch) -> None:
    """systemctl; the main process is remembered, so that `down` knows that it is still this start."""
    done = process.capture(["systemctl", "start", "docker"], check=False)
    if done.status != 0:
        journal = process.capture(["journalctl", "--unit", "docker", "--lines", "8", "--output", "cat"], check=False)
        cause = f"{done.stderr}\n{journal.stdout}"
        raise EngineError("systemd could not start the engine", cause=cause, hint="systemctl status docker")
    shown = process.capture(["systemctl", "show", "--property", "MainPID", "--value", "docker"])
    _remember(launch, int(shown.stdout.strip() or 0), by="systemd")
    if not _until(lambda: answers(launch.host), _READY):
        cause = f"systemd started it, but it does not answer at {launch.host} within {_READY:.0f} s"
        raise EngineError("the engine did not start", cause=cause, hint="journalctl --unit docker")


def _start_by_hand(launch: Launch) -> None:
    """dockerd, which is tried once more when it ends by itself: on a busy machine it gives up on its containerd."""
    program = tools.on_path("dockerd")
    if program is None:
        raise EngineError("no engine is installed", cause="dockerd is not on PATH", hint="ddd engine.install")
    argv = [str(program), *launch.arguments]
    if process.is_dry():
        process.announce(argv)
        return
    began = launch.log.stat().st_size if launch.log.exists() else 0
    _forget_the_killed(launch)
    status = _try_to_start(launch, argv)
    if status is not None:
        console.note(f"the engine ended by itself, with status {status}: starting it once more")
        began = launch.log.stat().st_size
        status = _try_to_start(launch, argv)
    if status is not None:
        raise EngineError("the engine did not start", cause=_said(launch.log, began), hint=f"less {launch.log}")


def _forget_the_killed(launch: Launch) -> None:
    """Remove the pid files of an engine that was killed, unless a process of it still runs.

    dockerd takes a zombie, or a program that has got the number since, for the process that wrote the file: with its
    own file it refuses to start, and for its containerd it waits 10 seconds or, where init never reaps, in vain.
    """
    containerd = launch.exec_root / "containerd"
    for file, program, argument in (
        (launch.pid_file, "dockerd", None),
        (containerd / "containerd.pid", "containerd", containerd / "containerd.toml"),
    ):
        if _until(partial(processes.is_stale, file, program, argument), _DYING):
            file.unlink(missing_ok=True)


def _try_to_start(launch: Launch, argv: list[str]) -> int | None:
    """Start dockerd in a session of its own, so that neither Ctrl-C nor the end of this terminal reaches it.

    Returns None once it answers, its exit status when it ended by itself. Raises EngineError when it does neither.
    """
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
    try:
        _remember(launch, engine.pid, by="hand")
        ready = _until(lambda: engine.poll() is not None or answers(launch.host), _READY)
    except BaseException:
        _give_up(launch, engine)
        raise
    if engine.poll() is None and ready:
        engine.returncode = 0  # it outlives us on purpose: nobody waits for it, and Popen need not complain
        return None
    if ready:
        launch.state.unlink(missing_ok=True)
        return process.exit_status(engine.returncode)
    _give_up(launch, engine)
    cause = f"no answer at {launch.host} within {_READY:.0f} s\n{_said(launch.log, began)}"
    raise EngineError("the engine did not start", cause=cause, hint=f"less {launch.log}")


def _give_up(launch: Launch, engine: process.Process) -> None:
    """End an engine that is starting."""
    engine.terminate()
    if not _until(lambda: engine.poll() is not None, _STOPPED):
        engine.kill()
        engine.wait()
    launch.state.unlink(missing_ok=True)


def _stop(record: dict[str, Any]) -> None:
    if record["by"] == "systemd":
        process.run(_STOP_SERVICE, quiet=True)
        return
    pid = int(record["pid"])
    process.announce(["kill", str(pid)])
    if process.is_dry():
        return
    os.kill(pid, signal.SIGTERM)
    if not _until(lambda: processes.started(pid) != record["started"], _STOPPED):
        cause = f"process {pid} still runs {_STOPPED:.0f} s after SIGTERM"
        raise EngineError("the engine does not stop", cause=cause, hint=f"tail /var/log/ddd-dockerd.log; ps -fp {pid}")


def _remember(launch: Launch, pid: int, *, by: str) -> None:
    """Write down which process it is: a pid alone may belong to another program later."""
    launch.state.parent.mkdir(parents=True, exist_ok=True)
    record = {"by": by, "pid": pid, "started": processes.started(pid), "log": str(launch.log)}
    written = launch.state.with_suffix(".new")
    written.write_text(json.dumps(record), encoding="utf-8")
    written.replace(launch.state)  # at once: nobody reads half of it


def _read(launch: Launch) -> dict[str, Any] | None:
    """What was written down, if that process still runs."""
    try:
        record: dict[str, Any] = json.loads(launch.state.read_text(encoding="utf-8"))
        same = record["started"] is not None and processes.started(int(record["pid"])) == record["started"]
    except (OSError, ValueError, KeyError):
        return None
    return record if same else None


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
    return "\n".join((complaints or lines)[-8:])


def _alone(launch: Launch) -> AbstractContextManager[None]:
    """Two at once would start two engines on the same directories: the second waits and finds it running."""
    return lock.held(
        launch.state.with_name("lock"), waiting="another process starts or stops the engine: waiting for it"
    )
