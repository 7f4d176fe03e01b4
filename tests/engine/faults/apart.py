"""An engine of a test's own, in a network namespace of its own: for what must never happen to the machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ddd_tasks.engine import lifecycle, tools
from ddd_tasks.engine.lifecycle import Launch

possible = pytest.mark.skipif(
    os.geteuid() != 0 or tools.on_path("dockerd") is None, reason="starting an engine needs root and dockerd"
)


@contextmanager
def running(disk: str = "") -> Iterator[Launch]:
    """A running engine without a bridge, gone afterwards. disk: the size of the file system that is all it has.

    It is apart from the machine's, because an engine without a bridge removes the docker0 that it finds.
    """
    directory = Path(tempfile.mkdtemp(prefix="ddd-"))
    own = _launch(directory)
    try:
        if disk:
            (directory / "data").mkdir()
            argv = ["mount", "-t", "tmpfs", "-o", f"size={disk}", "tmpfs", str(directory / "data")]
            subprocess.run(argv, check=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{_wrapper(directory)}{os.pathsep}{os.environ['PATH']}")
            lifecycle.up(own)
            yield own
    finally:
        lifecycle.down(own)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        _unmount(directory)
        shutil.rmtree(directory)


def _launch(directory: Path) -> Launch:
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    arguments = [f"--{name}={directory}/{place}" for name, place in places.items()]
    host = f"unix://{directory}/sock"
    arguments += [f"--host={host}", "--bridge=none", "--iptables=false", "--ip6tables=false"]
    state, pid_file = directory / "state" / "engine.json", directory / "pid"
    return Launch(tuple(arguments), host, directory / "exec", directory / "log", state, pid_file)


def _wrapper(directory: Path) -> Path:
    """A folder with a dockerd that enters a network namespace of its own first."""
    program = directory / "bin" / "dockerd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec unshare --net {tools.on_path("dockerd")} "$@"\n')
    program.chmod(0o755)
    return program.parent


def _unmount(directory: Path) -> None:
    """The engine mounts its network namespaces and containers below its directories."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=True)
