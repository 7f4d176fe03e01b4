"""Which packages a system needs, from where, and what a system that we do not install on is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ddd_tasks.engine import apt, install
from ddd_tasks.engine.system import System, parse_os_release
from ddd_tasks.errors import EngineError

EVERYTHING = ("engine", "docker", "compose", "buildx")
BOOKWORM = System("debian", "Debian GNU/Linux 12 (bookworm)", codename="bookworm", root=True)
TRIXIE = System("debian", "Debian GNU/Linux 13 (trixie)", codename="trixie", root=True)
NOBLE = System("ubuntu", "Ubuntu 24.04 LTS", like=("debian",), codename="noble", root=True)
MINT = System("linuxmint", "Linux Mint 22", like=("ubuntu", "debian"), codename="noble", root=True)
MIRROR = apt.Source(
    "http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main",), {"Signed-By": "/k.gpg"}
)
SECURITY = apt.Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",))


def test_bookworm_takes_dockers_packages_and_nothing_else_from_trixie_of_its_own_mirror() -> None:
    plan = install.plan_for(BOOKWORM, EVERYTHING, sources=[SECURITY, MIRROR])
    wanted = ("docker.io", "docker-cli", "docker-compose", "docker-buildx", "iptables", "ca-certificates")
    assert plan.packages == wanted
    assert apt.parse_deb822(plan.files[install.SOURCE]) == [
        apt.Source("http://mirror.example/debian", ("trixie",), ("main",), {"Signed-By": "/k.gpg"})
    ]
    assert _pins(plan.files[install.PIN]) == {"docker.io docker-cli docker-compose docker-buildx": 600, "*": 100}


def test_a_trixie_archive_that_is_there_already_is_not_added_nor_held_back() -> None:
    there = apt.Source("http://other.example/debian", ("trixie",), ("main",))
    plan = install.plan_for(BOOKWORM, EVERYTHING, sources=[MIRROR, there])
    assert set(plan.files) == {install.PIN}
    assert "*" not in _pins(plan.files[install.PIN])


def test_bookworm_without_an_archive_is_refused() -> None:
    with pytest.raises(EngineError, match="no archive for bookworm"):
        install.plan_for(BOOKWORM, EVERYTHING, sources=[SECURITY])


@pytest.mark.parametrize("system", [TRIXIE, replace(TRIXIE, codename="forky")])
def test_trixie_and_newer_use_their_own_packages(system: System) -> None:
    plan = install.plan_for(system, EVERYTHING)
    assert plan.packages[:4] == ("docker.io", "docker-cli", "docker-compose", "docker-buildx")
    assert not plan.files


@pytest.mark.parametrize("system", [NOBLE, MINT])
def test_ubuntu_and_its_derivatives_have_other_names(system: System) -> None:
    plan = install.plan_for(system, EVERYTHING)
    wanted = ("docker.io", "docker-compose-v2", "docker-buildx", "iptables", "ca-certificates")
    assert plan.packages == wanted
    assert not plan.files


def test_only_what_is_missing_is_installed() -> None:
    assert install.plan_for(TRIXIE, ["buildx"]).packages == ("docker-buildx",)
    assert install.plan_for(BOOKWORM, ["compose"], sources=[MIRROR]).packages == ("docker-compose",)


def test_apparmor_comes_along_where_the_kernel_uses_it() -> None:
    assert "apparmor" in install.plan_for(replace(TRIXIE, apparmor=True), EVERYTHING).packages
    assert "apparmor" not in install.plan_for(replace(TRIXIE, apparmor=True), ["compose"]).packages


def test_plugins_for_docker_coms_cli_come_from_docker_com() -> None:
    plan = install.plan_for(BOOKWORM, ["compose", "buildx"], sources=[MIRROR], docker_com=True)
    assert plan == install.Plan(("docker-compose-plugin", "docker-buildx-plugin"))


def test_without_root_the_command_with_sudo_is_named() -> None:
    with pytest.raises(EngineError, match="missing: a Docker engine, Compose") as caught:
        install.plan_for(replace(TRIXIE, root=False), ["engine", "compose"])
    assert caught.value.hint.startswith("sudo /")
    assert caught.value.hint.endswith("ddd engine.install")
    assert caught.value.exit_code == 69


@pytest.mark.parametrize(
    ("system", "command"),
    [
        (System("fedora", "Fedora Linux 42"), "dnf install -y moby-engine"),
        (System("rocky", "Rocky Linux 9", like=("rhel", "centos", "fedora")), "docker-ce"),
        (System("arch", "Arch Linux"), "pacman -S --needed docker"),
        (System("alpine", "Alpine Linux v3.22"), "apk add docker"),
        (System("opensuse-leap", "openSUSE Leap 15.6", like=("suse", "opensuse")), "zypper install"),
        (System("macos", "macOS"), "brew install colima docker"),
        (System("plan9", "Plan 9"), "https://docs.docker.com/engine/install/"),
        (replace(BOOKWORM, codename="bullseye", name="Debian 11"), "https://docs.docker.com/engine/install/"),
    ],
)
def test_other_systems_are_told_their_own_command(system: System, command: str) -> None:
    with pytest.raises(EngineError) as caught:
        install.plan_for(replace(system, root=True), EVERYTHING)
    assert command in caught.value.hint
    assert ("systemctl enable" in caught.value.hint) == (system.id in ("fedora", "rocky", "arch", "opensuse-leap"))
    assert system.name in caught.value.cause


def test_os_release_is_read_as_a_shell_would() -> None:
    text = "# a remark\nID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID_LIKE='a b'\nEMPTY=\n\n"
    assert parse_os_release(text) == {
        "ID": "debian",
        "PRETTY_NAME": "Debian GNU/Linux 13 (trixie)",
        "ID_LIKE": "a b",
        "EMPTY": "",
    }


def _pins(preferences: str) -> dict[str, int]:
    lines = [line.partition(": ")[::2] for line in preferences.splitlines()]
    packages = [value for name, value in lines if name == "Package"]
    return dict(zip(packages, [int(value) for name, value in lines if name == "Pin-Priority"], strict=True))
