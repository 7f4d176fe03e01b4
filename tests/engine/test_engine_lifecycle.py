"""Starting and stopping an engine, with one of our own beside the machine's: other directories, no bridge."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ddd_tasks import process
from ddd_tasks.engine import apt, info, install, lifecycle, tools
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import Endpoint
from ddd_tasks.engine.lifecycle import Launch
from ddd_tasks.errors import EngineError
from tests import support

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or tools.on_path("dockerd") is None, reason="starting an engine needs root and dockerd"
)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """An engine that shares nothing with the machine's; short paths, as a socket's has at most 107 bytes.

    It gets a network namespace of its own: an engine without a bridge removes the docker0 that it finds, which would
    be the other engine's.
    """
    directory = Path(tempfile.mkdtemp(prefix="ddd-"))
    apart = directory / "bin" / "dockerd"
    apart.parent.mkdir()
    apart.write_text(f'#!/bin/sh\nexec unshare --net {tools.on_path("dockerd")} "$@"\n')
    apart.chmod(0o755)
    monkeypatch.setenv("PATH", f"{apart.parent}{os.pathsep}{os.environ['PATH']}")
    own = Launch(
        arguments=(
            f"--data-root={directory}/data",
            f"--exec-root={directory}/exec",
            f"--pidfile={directory}/pid",
            f"--host=unix://{directory}/sock",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ),
        host=f"unix://{directory}/sock",
        exec_root=directory / "exec",
        log=directory / "log",
        state=directory / "state" / "engine.json",
    )
    yield own
    if lifecycle.started_by_us(own):
        lifecycle.down(own)
    _reap()
    _unmount(directory)
    shutil.rmtree(directory)


def test_up_starts_once_and_down_leaves_nothing(launch: Launch) -> None:
    assert not lifecycle.answers(launch.host)
    assert lifecycle.up(launch) is True
    with closing(Engine(Endpoint(launch.host))) as started:
        assert started.get("/_ping") == b"OK"
    assert lifecycle.started_by_us(launch)
    assert lifecycle.up(launch) is False
    pid = _pid(launch)
    assert os.getsid(pid) == pid, "the engine must not share a session with the terminal that it was started from"

    assert lifecycle.down(launch) == []
    assert not lifecycle.answers(launch.host)
    assert not lifecycle.started_by_us(launch)
    assert not launch.state.exists()
    assert lifecycle.down(launch) == [], "a second down has nothing to do"


def test_two_at_once_start_one_engine(launch: Launch) -> None:
    code = (
        "import sys; from pathlib import Path; from ddd_tasks.engine import lifecycle as l;"
        "a, host, base = sys.argv[1].split('|'), sys.argv[2], Path(sys.argv[3]);"
        "print(l.up(l.Launch(tuple(a), host, base / 'exec', base / 'log', base / 'state' / 'engine.json')))"
    )
    words = ["|".join(launch.arguments), launch.host, str(launch.log.parent)]
    both = [support.popen(sys.executable, "-c", code, *words) for _ in range(2)]
    said = sorted(one.communicate(timeout=60)[0].decode().strip() for one in both)
    assert said == ["False", "True"]


def test_an_engine_that_was_not_started_by_us_is_left_alone(launch: Launch) -> None:
    lifecycle.up(launch)
    record = json.loads(launch.state.read_text())
    launch.state.write_text(json.dumps({**record, "started": "1"}))  # another process with the same number
    with pytest.raises(EngineError, match="was not started by ddd-tasks"):
        lifecycle.down(launch)
    assert lifecycle.answers(launch.host)
    launch.state.write_text(json.dumps(record))


def test_the_pid_of_another_program_is_not_the_engine(launch: Launch) -> None:
    other = support.popen("sleep", "60")
    try:
        launch.state.parent.mkdir()
        launch.state.write_text(json.dumps({"by": "hand", "pid": other.pid, "started": None}))
        assert not lifecycle.started_by_us(launch)
        assert lifecycle.down(launch) == []
        assert other.poll() is None
    finally:
        other.kill()
        other.communicate()


def test_an_engine_that_was_killed_starts_again(launch: Launch) -> None:
    lifecycle.up(launch)
    os.kill(pid := _pid(launch), signal.SIGKILL)
    os.waitpid(pid, 0)  # as init would: the engine counts a zombie with its old number as running
    assert not lifecycle.started_by_us(launch)
    assert lifecycle.down(launch) == []
    assert lifecycle.up(launch) is True
    assert lifecycle.down(launch) == []


def test_processes_that_outlive_the_engine_are_named(launch: Launch) -> None:
    # Named like the shim of a container, whose argument is what ties it to an engine.
    shim = support.popen("sh", "-c", "sleep 60; true", "-address", f"{launch.exec_root}/containerd/containerd.sock")
    try:
        assert lifecycle.down(launch) == [f"{shim.pid} sh"]
    finally:
        support.kill_group(shim)
        shim.communicate()


def test_an_engine_that_cannot_start_says_why(launch: Launch) -> None:
    broken = replace(launch, arguments=(*launch.arguments, "--storage-driver=nonsense"))
    with pytest.raises(EngineError, match="the engine did not start") as caught:
        lifecycle.up(broken)
    assert "nonsense" in caught.value.cause
    assert str(launch.log) in caught.value.hint
    assert not lifecycle.started_by_us(broken)
    assert not broken.state.exists()


def test_a_dry_run_starts_nothing(launch: Launch, capfd: pytest.CaptureFixture[str]) -> None:
    with process.mode(dry=True):
        lifecycle.up(launch)
    assert "dockerd --data-root=" in capfd.readouterr().err
    assert not lifecycle.answers(launch.host)


def test_an_address_of_another_machine_is_not_ours_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    for refused in (lifecycle.up, install.ensure):
        with pytest.raises(EngineError, match="no engine answers at unix:///nonexistent/"):
            refused()


def test_a_user_without_permission_on_the_socket_is_told_how_to_get_it(launch: Launch) -> None:
    lifecycle.up(launch)
    launch.log.parent.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(EngineError, match="may not open the engine's socket") as caught:
            lifecycle.up(launch)
    finally:
        os.seteuid(0)
    assert caught.value.hint == "sudo usermod -aG docker $USER && newgrp docker"


def test_the_engine_in_use_is_described(engine: Engine) -> None:
    facts = info.collect()
    assert facts["engine"] == engine.get("/version")["Version"]
    assert facts["compose"] in support.run("docker", "compose", "version").ok().out
    assert facts["buildx"] in support.run("docker", "buildx", "version").ok().out
    assert facts["root_dir"] == engine.get("/info")["DockerRootDir"]


def test_a_failed_installation_leaves_apts_files_as_they_were(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("as it was")
    with pytest.raises(EngineError, match="apt-get install ended with status 100") as caught:
        apt.install(["ddd-tasks-no-such-package"], {new: "text", old: "text"})
    assert "Unable to locate package ddd-tasks-no-such-package" in caught.value.cause
    assert not new.exists()
    assert old.read_text() == "as it was"


def test_ensure_does_nothing_where_all_is_there() -> None:
    assert install.ensure() == []


def _pid(launch: Launch) -> int:
    return int(json.loads(launch.state.read_text())["pid"])


def _reap() -> None:
    """Take the status of engines that this process started: elsewhere they outlive the process, here they do not."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _unmount(directory: Path) -> None:
    """The engine mounts its network namespaces and containers below its directories."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=True)
