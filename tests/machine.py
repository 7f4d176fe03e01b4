"""A machine of a test's own: this one's files, but what is written to /etc, /usr and /var is gone with it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests import support
from tests.support import Ran

# What is written goes to memory. The engine of the outer machine is not seen: its files, its socket, its processes.
SETUP = """\
set -e
layers=$(mktemp -d)
mount -t tmpfs tmpfs "$layers"
for folder in etc usr var; do
    mkdir "$layers/$folder" "$layers/$folder.work"
    mount -t overlay -o "lowerdir=/$folder,upperdir=$layers/$folder,workdir=$layers/$folder.work" overlay "/$folder"
done
umount --lazy "$layers"
rmdir "$layers"
mkdir -p /var/lib/docker /var/lib/containerd
mount -t tmpfs -o "size=$DISK" tmpfs /var/lib/docker
mount -t tmpfs tmpfs /var/lib/containerd
"""
APART = """\
mount -t tmpfs tmpfs /run
ip link set lo up 2>/dev/null || true
"""
# The first process: it takes the status of those whose parents have gone, as an init does.
WAIT = """\
echo ready
while sleep 1; do :; done
"""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="a machine of its own needs root and Linux's namespaces"
)


@dataclass(frozen=True)
class Machine:
    """A machine that runs. pid: of its first process, as this machine numbers it."""

    pid: int

    def enter(self, *argv: str) -> tuple[str, ...]:
        """The command line that runs a program there, in the folder where it is started."""
        spaces = (f"--{name}=/proc/{self.pid}/ns/{space}" for name, space in _SPACES.items())
        return ("nsenter", *spaces, f"--wdns={Path.cwd()}", "--", *argv)

    def run(self, *argv: str, cwd: Path | None = None, **options: Any) -> Ran:
        """Run a program there to its end, with the options of support.run."""
        inside = ("sh", "-c", 'cd "$0" && exec "$@"', str(cwd or Path.cwd()), *argv)
        return support.run(*self.enter(*inside), **options)

    def spawn(self, *argv: str, env: Mapping[str, str], timeout: float = 60) -> pexpect.spawn[str]:
        """Start a program there on a terminal of its own."""
        words = self.enter("env", "-i", *(f"{name}={value}" for name, value in env.items()), *argv)
        return pexpect.spawn(words[0], list(words[1:]), timeout=timeout, encoding="utf-8")


_SPACES = {"mount": "mnt", "pid": "pid", "net": "net"}


@contextlib.contextmanager
def machine(*, apart: bool, disk: int = 2_000_000_000) -> Iterator[Machine]:
    """A machine; apart: without network and without the engine that answers here. disk: bytes for an engine's files.

    The test is skipped where namespaces cannot be had, inside most containers for example.
    """
    setup = SETUP + (APART if apart else "") + WAIT
    flags = ("--mount", "--pid", "--fork", "--mount-proc", "--kill-child", *(["--net"] if apart else []))
    holder = support.popen("unshare", *flags, "sh", "-c", setup, env={"DISK": str(disk)})
    try:
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != b"ready\n":
            pytest.skip(f"no machine of its own: {holder.stderr.read().decode(errors='replace').strip()}")
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        yield Machine(int(children[0]))
    finally:
        support.kill_group(holder)
        support.end_of(holder)
