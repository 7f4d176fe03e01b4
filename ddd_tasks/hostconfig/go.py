"""Go: where modules come from, of the variables and of the file that `go env -w` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ddd_tasks.hostconfig.common import is_host_only, is_loopback

_KEYS = (*("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH", "GOFLAGS"),)
# The ways to a password that a container has as well: others run a program or ask a folder of the host.
_AUTH = ("netrc", "off")


def go_env(env: Mapping[str, str], home: Path) -> str:
    """The settings as the file that Go reads at $HOME/.config/go/env; a variable comes before the host's own file."""
    found = {**dict(_lines(_file(env, home))), **{name: env[name] for name in _KEYS if env.get(name)}}
    kept = ((name, _kept(name, found[name])) for name in _KEYS if name in found)
    return "".join(f"{name}={value}\n" for name, value in kept if value)


def _file(env: Mapping[str, str], home: Path) -> Path:
    return Path(env.get("GOENV") or Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "go" / "env")


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # also GOENV=off
        return
    for line in lines:
        name, found, value = line.strip().partition("=")
        if found and name in _KEYS and value:
            yield name, value


def _kept(name: str, value: str) -> str:
    if name == "GOPROXY":
        return _proxies(value)
    if name == "GOAUTH":
        return ";".join(part.strip() for part in value.split(";") if part.strip() in _AUTH)
    if name == "GOFLAGS":
        return " ".join(word for word in value.split() if not re.search(r"=[/~]", word))
    return "" if name == "GOSUMDB" and any(is_loopback(word) for word in value.split() if "://" in word) else value


def _proxies(value: str) -> str:
    """The list with its separators, which say when the next one is asked, without the host's own addresses."""
    parts = re.findall(r"([^,|]+)([,|]?)", value)
    kept = [(address, separator) for address, separator in parts if not is_host_only(address.strip())]
    return "".join(address + separator for address, separator in kept).rstrip(",|")
