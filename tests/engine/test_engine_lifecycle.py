"""Starting and stopping an engine, with one of our own beside the machine's: other directories, no bridge."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ddd_tasks import process
from ddd_tasks.engine import apt, info, install, lifecycle, processes, tools
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import Endpoint
from ddd_tasks.engine.lifecycle import Launch
from ddd_tasks.errors import EngineError
from tests import support

DOCKERD = tools.on_path("dockerd")
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or DOCKERD is None, reason="starting an engine needs root and dockerd"
)


@pytest.fixture
def launch() -> Iterator[Launch]:
    """An engine of the test's own, which is not started yet."""
    with _apart() as own:
        yield own


@pytest.fixture(scope="module")
def running() -> Iterator[Launch]:
    """An engine that tests share which only look at it."""
    with _apart() as own:
        lifecycle.up(own)
        yield own


@pytest.fixture
def nobody_reaps() -> Iterator[None]:
    """Orphans become zombies of this process, as they are under an init that is slow to ask for their status."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
    yield
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 0) == 0


@contextmanager
def _apart() -> Iterator[Launch]:
    """An engine that shares nothing with the machine's; short paths, as a socket's has at most 107 bytes.

    It gets a network namespace of its own: an engine without a bridge removes the docker0 that it finds, which would
    be the other engine's.
    """
    directory = Path(tempfile.mkdtemp(prefix="ddd-"))
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
        pid_file=directory / "pid",
    )
    _wrap(own, "")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{directory}/bin{os.pathsep}{os.environ['PATH']}")
            yield own
    finally:
        _kill(directory)
        _unmount(directory)
        shutil.rmtree(directory)


def _wrap(launch: Launch, before: str) -> None:
    """Have dockerd do this first, in sh."""
    program = launch.log.with_name("bin") / "dockerd"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\n{before}\nexec unshare --net {DOCKERD} "$@"\n')
    program.chmod(0o755)


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
    both = [support.popen(sys.executable, "-c", UP, *_words(launch)) for _ in range(2)]
    said = sorted(one.communicate(timeout=60)[0].decode().strip() for one in both)
    assert said == ["False", "True"]


def test_an_engine_that_was_not_started_by_us_is_left_alone(running: Launch) -> None:
    said = running.state.read_text()
    running.state.write_text(json.dumps({**json.loads(said), "started": "1"}))  # another process with the same number
    try:
        with pytest.raises(EngineError, match="was not started by ddd-tasks"):
            lifecycle.down(running)
        assert lifecycle.answers(running.host)
    finally:
        running.state.write_text(said)


def test_an_engine_is_ours_from_its_first_moment(launch: Launch) -> None:
    # A process has the name and the arguments of the one that starts it until it has become another program.
    _wrap(launch, f'exec {sys.executable} -c "import time; time.sleep(60)" "$@"')
    starting = support.popen(sys.executable, "-c", UP, *_words(launch))
    try:
        support.wait_until(launch.state.exists, what="the start is remembered")
        assert lifecycle.started_by_us(launch)
    finally:
        support.kill_group(starting)
        starting.communicate()


def test_the_pid_of_another_program_is_not_the_engine(launch: Launch) -> None:
    other = support.popen("sleep", "60")
    try:
        launch.state.parent.mkdir()
        launch.state.write_text(json.dumps({"by": "hand", "pid": other.pid, "started": "1"}))
        assert not lifecycle.started_by_us(launch)
        assert lifecycle.down(launch) == []
        assert other.poll() is None
    finally:
        other.kill()
        other.communicate()


@pytest.mark.usefixtures("nobody_reaps")
def test_an_engine_that_was_killed_starts_again(launch: Launch) -> None:
    lifecycle.up(launch)
    os.kill(_pid(launch), signal.SIGKILL)
    support.wait_until(lambda: not lifecycle.started_by_us(launch), what="its end")
    assert not lifecycle.answers(launch.host)
    support.wait_until(lambda: lifecycle.down(launch) == [], what="the end of its containerd, which is killed with it")

    assert lifecycle.up(launch) is True
    assert "is still running" not in launch.log.read_text(), "the engine took a zombie for a process of its own"
    assert lifecycle.down(launch) == []


def test_an_engine_that_gives_up_is_started_once_more(launch: Launch, capfd: pytest.CaptureFixture[str]) -> None:
    _wrap(launch, f"mkdir {launch.exec_root}.tried 2>/dev/null && exit 3")
    assert lifecycle.up(launch) is True
    assert "the engine ended by itself, with status 3: starting it once more" in capfd.readouterr().err
    assert lifecycle.started_by_us(launch)


def test_processes_that_outlive_the_engine_are_named(launch: Launch) -> None:
    # Named like the shim of a container, whose argument is what ties it to an engine.
    address = f"{launch.exec_root}/containerd/containerd.sock"
    shim = support.popen("sh", "-c", "echo started; read forever", "-address", address)
    try:
        assert shim.stdout is not None
        assert shim.stdout.readline() == b"started\n"  # before that it may still have our command line
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


def test_a_user_without_permission_on_the_socket_is_told_how_to_get_it(running: Launch) -> None:
    running.log.parent.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(EngineError, match="may not open the engine's socket") as caught:
            lifecycle.up(running)
    finally:
        os.seteuid(0)
    assert caught.value.hint == "sudo usermod -aG docker $USER && newgrp docker"


def test_the_engine_in_use_is_described(engine: Engine) -> None:
    facts = info.collect()
    assert facts["engine"] == engine.get("/version")["Version"]
    assert facts["compose"] in support.run("docker", "compose", "version").ok().out
    assert facts["buildx"] in support.run("docker", "buildx", "version").ok().out
    assert facts["root_dir"] == engine.get("/info")["DockerRootDir"]


def test_a_failed_installation_leaves_apts_files_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _apt_without_archives(tmp_path, monkeypatch)
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("as it was")
    with pytest.raises(EngineError, match="apt-get install ended with status 100") as caught:
        apt.install(["ddd-tasks-no-such-package"], {new: "text", old: "text"})
    assert "Unable to locate package ddd-tasks-no-such-package" in caught.value.cause
    assert not new.exists()
    assert old.read_text() == "as it was"


def test_ensure_does_nothing_where_all_is_there() -> None:
    assert install.ensure() == []


UP = """
import sys
from pathlib import Path
from ddd_tasks.engine import lifecycle
arguments, host, base = sys.argv[1].split("|"), sys.argv[2], Path(sys.argv[3])
state = base / "state" / "engine.json"
print(lifecycle.up(lifecycle.Launch(tuple(arguments), host, base / "exec", base / "log", state, base / "pid")))
"""


def _words(launch: Launch) -> list[str]:
    """The arguments of UP."""
    return ["|".join(launch.arguments), launch.host, str(launch.log.parent)]


def _pid(launch: Launch) -> int:
    return int(json.loads(launch.state.read_text())["pid"])


def _apt_without_archives(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """apt-get knows no package, needs no network, and leaves the machine's lists and locks to others."""
    (directory / "lists").mkdir()
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": f"{directory}/lists",
        "Debug::NoLocking": "true",
    }
    (directory / "apt.conf").write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
    monkeypatch.setenv("APT_CONFIG", str(directory / "apt.conf"))


def _kill(directory: Path) -> None:
    """End everything that runs for an engine in this directory, and take the status of what is our child.

    The engine stops in a second, at its leisure, and one that could not be remembered would not be stopped at all.
    """

    def none_runs() -> bool:
        words = (f"{directory}/", f"unix://{directory}/", f"--data-root={directory}/")
        pids = {int(found.split()[0]) for word in words for found in processes.mentioning(word)}
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    support.wait_until(none_runs, what=f"the end of what runs in {directory}")
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _unmount(directory: Path) -> None:
    """The engine mounts its network namespaces and containers below its directories."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=True)
