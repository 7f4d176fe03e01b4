"""What the host knows about reaching the network: CA bundle, proxies, and package managers' configuration.

Builds need it and must not keep it. What only makes sense on the host (local folders, file:// and loopback addresses)
is left out, and so is everything that does not say where packages come from.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import userfolders
from ddd_tasks.hostconfig import go, npm, nuget, python
from ddd_tasks.hostconfig.common import CONTAINER_CA, is_loopback, readable

__all__ = ["CONTAINER_CA", "HostConfig", "ca_bundle", "find", "proxies"]

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_SYSTEM_BUNDLES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
)
# The build arguments that BuildKit knows without a declaration and keeps out of history and cache.
_PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")


class HostConfig(NamedTuple):
    """What was found. proxies: variable name -> value, as the environment has them; texts are "" when there is none.

    has_ssh_agent: whether SSH_AUTH_SOCK names a socket.
    """

    ca_bundle: Path | None = None
    proxies: Mapping[str, str] = {}
    pip_conf: str = ""
    uv_toml: str = ""
    npmrc: str = ""
    netrc: Path | None = None
    go_env: str = ""
    nuget_config: str = ""
    has_ssh_agent: bool = False


def find(env: Mapping[str, str] = os.environ, home: Path | None = None, root: Path = Path("/")) -> HostConfig:
    """Look at the environment and at the configuration files of this user and, below root, of the system."""
    home = Path(env.get("HOME") or userfolders.home()) if home is None else home
    names_bundle = any(env.get(name) for name in _CA_VARIABLES)
    pip = python.pip_settings(env, home, root, ca=names_bundle)
    netrc = Path(env.get("NETRC") or home / ".netrc")
    return HostConfig(
        ca_bundle=ca_bundle(env, home, root),
        proxies=proxies(env),
        pip_conf=python.ini(pip),
        uv_toml=python.uv_toml(env, home, root, pip=pip, ca=names_bundle),
        npmrc=npm.npmrc(env, home, root),
        netrc=netrc if readable(netrc) else None,
        go_env=go.go_env(env, home),
        nuget_config=nuget.nuget_config(env, home),
        has_ssh_agent=_is_socket(env.get("SSH_AUTH_SOCK", "")),
    )


def ca_bundle(env: Mapping[str, str], home: Path, root: Path) -> Path | None:
    """The bundle that the environment names, or the system's, with the certificates that Node is given on top."""
    named = (Path(env[name]) for name in _CA_VARIABLES if env.get(name))
    bundle = next((path for path in (*named, *(root / path for path in _SYSTEM_BUNDLES)) if readable(path)), None)
    extra = Path(env.get("NODE_EXTRA_CA_CERTS") or os.devnull)
    if bundle is None or not extra.is_file() or not readable(extra):
        return bundle
    whole, more = bundle.read_bytes(), extra.read_bytes()
    return bundle if more.strip() in whole else _joined(whole, more, env, home)


def proxies(env: Mapping[str, str]) -> dict[str, str]:
    """The proxy variables, in the spelling they have; an address that only the host can reach is left out."""
    found = {name: env[name] for low in _PROXY_NAMES for name in (low, low.upper()) if env.get(name)}
    return {name: value for name, value in found.items() if name.lower() == "no_proxy" or not is_loopback(value)}


def _joined(whole: bytes, more: bytes, env: Mapping[str, str], home: Path) -> Path:
    """Both in one file under the user's cache: certificates are public, and a build needs a file."""
    data = whole.rstrip(b"\n") + b"\n" + more
    cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "ddd-tasks"
    file = cache / f"ca-{hashlib.sha256(data).hexdigest()[:16]}.pem"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(data)
        fresh.replace(file)
    return file


def _is_socket(path: str) -> bool:
    try:
        return bool(path) and stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return False
