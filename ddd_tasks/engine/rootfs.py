"""A Debian root file system from the host's own mirror, made by mmdebstrap: what a stand-in for debian starts from."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from ddd_tasks import console, process
from ddd_tasks.engine import apt
from ddd_tasks.errors import UnsupportedError

_MAIN = "http://deb.debian.org/debian"
_SECURITY = "http://deb.debian.org/debian-security"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Suites without a suite of updates or of security fixes beside them.
_ROLLING = ("sid", "unstable", "testing", "experimental")
_APT_KEYS = re.compile(r"Acquire::(?:(?:https?|ftp)::Proxy|Check-Valid-Until|Check-Date|Retries)\b")


class Mirrors(NamedTuple):
    """Where Debian's packages come from, without passwords: they would stay in the image."""

    main: str = _MAIN
    security: str = _SECURITY


def build(directory: Path, suite: str) -> Path:
    """Make rootfs.tar in the directory, which holds the recipe's dpkg.cfg, and return it.

    Raises UnsupportedError without mmdebstrap, CommandError when it fails.
    """
    _require_mmdebstrap()
    mirrors = find_mirrors()
    sources, settings = directory / "debian.sources", directory / "host-apt.conf"
    sources.write_text(sources_text(suite, mirrors))
    settings.touch(mode=0o600)
    settings.write_text(apt_configuration())
    target = directory / "rootfs.tar"
    process.run(_argv(suite, target, sources, settings, directory / "dpkg.cfg", mirrors), quiet=True)
    settings.unlink()
    return target


def sources_text(suite: str, mirrors: Mirrors) -> str:
    """The sources of a suite in the format and the file that the official image has: main only."""
    rolling = suite in _ROLLING
    stanzas = [(mirrors.main, suite if rolling else f"{suite} {suite}-updates")]
    if not rolling:
        stanzas.append((mirrors.security, f"{suite}-security"))
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {_KEYRING}\n"
        for uri, suites in stanzas
    )


def find_mirrors(etc: Path = Path("/etc/apt")) -> Mirrors:
    """The mirrors in apt's configuration of a Debian host; Debian's own elsewhere."""
    uris = [source.uri.rstrip("/") for source in apt.read_sources(etc) if "main" in source.components]
    main = next((uri for uri in uris if uri.endswith("/debian")), _MAIN)
    security = next((uri for uri in uris if uri.endswith("/debian-security")), _SECURITY)
    return Mirrors(_without_password(main), _without_password(security))


def apt_configuration(env: Mapping[str, str] = os.environ) -> str:
    """The host's proxy for apt and what else it needs to reach its mirror, as text for apt.conf; often empty.

    It may hold a password: it goes to builds as a secret, and to mmdebstrap in a file that is removed.
    """
    lines = []
    if shutil.which("apt-config"):
        dump = process.capture(["apt-config", "dump"], check=False).stdout
        lines = [line for line in dump.splitlines() if _APT_KEYS.match(line) and not line.endswith('"";')]
    if not any("::Proxy" in line for line in lines):
        lines += [
            f'Acquire::{scheme}::Proxy "{env[name]}";'
            for scheme in ("http", "https")
            for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())
            if env.get(name)
        ]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _argv(suite: str, target: Path, sources: Path, settings: Path, dpkg: Path, mirrors: Mirrors) -> list[str]:
    # The official image has no CA certificates; a mirror that is reached by https needs them in the image too.
    wanted = ["--include=ca-certificates"] if mirrors.main.startswith("https:") else []
    return [
        "mmdebstrap",
        *([] if sys.stderr.isatty() else ["--quiet"]),
        "--variant=minbase",
        *wanted,
        f"--dpkgopt={dpkg}",
        f"--aptopt={settings}",
        "--skip=output/dev",  # the engine gives every container its own /dev
        '--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list',
        '--customize-hook=rm -f "$1"/etc/apt/sources.list.d/*',
        f"--customize-hook=upload {sources} /etc/apt/sources.list.d/debian.sources",
        '--customize-hook=mv "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/docker',
        # mmdebstrap works with the host's own, and would leave them in the image.
        '--customize-hook=rm -f "$1"/etc/hostname "$1"/etc/resolv.conf',
        suite,
        str(target),
        str(sources),
    ]


def _require_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    packages = ["mmdebstrap", "debian-archive-keyring"]
    if not shutil.which("apt-get"):
        raise UnsupportedError(
            "a stand-in for a base image cannot be built on this system",
            cause="mmdebstrap is not installed, and it is Debian's and Ubuntu's",
            hint="docker pull debian:trixie-slim",
        )
    if os.geteuid() != 0:
        raise UnsupportedError("mmdebstrap is not installed", hint=f"sudo apt-get install -y {' '.join(packages)}")
    with console.step("install mmdebstrap"):
        apt.install(packages, {})


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
