"""Which system this is, and the commands by which its users install and start an engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Guide(NamedTuple):
    """What to paste on a system where we do not install or start an engine ourselves."""

    install: str
    start: str = ""
    remark: str = ""

    def commands(self, *, engine: bool) -> list[str]:
        """The command that installs, and with engine the one that starts it."""
        return [self.install, self.start] if engine and self.start else [self.install]


@dataclass(frozen=True)
class System:
    """A machine: id and like as in os-release (macOS: macos), name for people, codename such as bookworm."""

    id: str
    name: str
    like: tuple[str, ...] = ()
    codename: str = ""
    root: bool = False
    systemd: bool = False
    apparmor: bool = False

    @property
    def family(self) -> str:
        """debian, ubuntu, another name that has a guide, or the id: Mint is ubuntu, Rocky is rhel."""
        return next((name for name in (self.id, *self.like) if name in _FAMILIES), self.id)

    @property
    def guide(self) -> Guide:
        """The commands for this system."""
        return _GUIDES.get(self.family, _ELSEWHERE)

    def as_root(self, task: str) -> str:
        """The command that runs one of our tasks as root."""
        return f"sudo {Path(sys.executable).with_name('ddd')} {task}"


_SYSTEMCTL = "sudo systemctl enable --now docker"
_ELSEWHERE = Guide("see https://docs.docker.com/engine/install/")
_RHEL = (
    "sudo dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo"
    " && sudo dnf install -y docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin"
)
# Debian's and Ubuntu's commands are for users without root: as root we run them ourselves.
_GUIDES: Mapping[str, Guide] = {
    "fedora": Guide("sudo dnf install -y moby-engine docker-cli docker-compose docker-buildx", _SYSTEMCTL),
    "rhel": Guide(_RHEL, _SYSTEMCTL),
    "arch": Guide("sudo pacman -S --needed docker docker-compose docker-buildx", _SYSTEMCTL),
    "suse": Guide("sudo zypper install -y docker docker-compose docker-buildx", _SYSTEMCTL),
    "alpine": Guide(
        "sudo apk add docker docker-cli-compose docker-cli-buildx",
        "sudo rc-update add docker && sudo service docker start",
    ),
    "macos": Guide(
        "brew install colima docker docker-compose docker-buildx",
        "colima start",
        "; Docker Desktop is as good as colima",
    ),
}
_FAMILIES = {"debian", "ubuntu", *_GUIDES}


def this_system() -> System:
    """The machine that we run on."""
    root = os.geteuid() == 0
    if sys.platform == "darwin":
        return System("macos", "macOS", root=root)
    facts = parse_os_release(_first("/etc/os-release", "/usr/lib/os-release"))
    return System(
        id=facts.get("ID", sys.platform),
        name=facts.get("PRETTY_NAME", facts.get("ID", sys.platform)),
        like=tuple(facts.get("ID_LIKE", "").split()),
        codename=facts.get("UBUNTU_CODENAME") or facts.get("DEBIAN_CODENAME") or facts.get("VERSION_CODENAME", ""),
        root=root,
        systemd=Path("/run/systemd/system").is_dir(),
        apparmor=_first("/sys/module/apparmor/parameters/enabled").strip() == "Y",
    )


def parse_os_release(text: str) -> dict[str, str]:
    """The assignments of an os-release file, without their quotes (os-release(5))."""
    import shlex

    words = (line.partition("=") for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): "".join(shlex.split(value)[:1]) for name, _, value in words}


def _first(*paths: str) -> str:
    for path in paths:
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return ""
