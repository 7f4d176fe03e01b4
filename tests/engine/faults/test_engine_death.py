"""The engine goes away under a command: one of our own, in a network namespace of its own, never the machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ddd_tasks.engine import lifecycle, tools
from ddd_tasks.engine.lifecycle import Launch
from tests.engine.faults import tiny
from tests.support import ddd_argv, make_stack, run

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or tools.on_path("dockerd") is None, reason="starting an engine needs root and dockerd"
)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """A running engine without a bridge, apart from the machine's: it would remove the docker0 that it finds."""
    directory = Path(tempfile.mkdtemp(prefix="ddd-"))
    apart = directory / "bin" / "dockerd"
    apart.parent.mkdir()
    apart.write_text(f'#!/bin/sh\nexec unshare --net {tools.on_path("dockerd")} "$@"\n')
    apart.chmod(0o755)
    monkeypatch.setenv("PATH", f"{apart.parent}{os.pathsep}{os.environ['PATH']}")
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    arguments = [f"--{name}={directory}/{place}" for name, place in places.items()]
    host = f"unix://{directory}/sock"
    arguments += [f"--host={host}", "--bridge=none", "--iptables=false", "--ip6tables=false"]
    own = Launch(tuple(arguments), host, directory / "exec", directory / "log", directory / "state" / "engine.json")
    lifecycle.up(own)
    yield own
    lifecycle.down(own)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=True)
    shutil.rmtree(directory)


def test_an_engine_that_stops_during_exec(launch: Launch) -> None:
    image = tiny.make("sleep", "echo", host=launch.host)
    stack = make_stack({"compose.yaml": f"services: {{api: {{image: '{image}', network_mode: none}}}}\n"})
    env = {"DOCKER_HOST": launch.host}
    try:
        stack.ddd("dev.up", env=env).ok()
        client = stack.popen(*ddd_argv("exec", "--", "sleep", "600"), env=env)
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(2)
        lifecycle.down(launch)
        _, err = client.communicate(timeout=20)
        assert client.returncode in (69, 75), err
        assert b"error: " in err
        assert b"try: ddd " in err
        assert b"Traceback" not in err
        lifecycle.up(launch)
        stack.ddd("dev.up", env=env).ok()
        assert stack.ddd("exec", "--", "echo", "well", env=env).ok().out == "well\n"
        run("docker", "compose", "down", "--timeout", "1", cwd=stack.directory, env=env).ok()
    finally:
        shutil.rmtree(stack.directory)
