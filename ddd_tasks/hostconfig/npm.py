"""Node: what npm, pnpm and yarn read of .npmrc files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ddd_tasks.hostconfig.common import CONTAINER_CA, is_host_only

_NPM_KEYS = re.compile(
    r"(//.*|(@[^:]+:)?registry|_auth|_authtoken|_password|username|email|always-auth|strict-ssl|https?-proxy|proxy"
    r"|noproxy|ca|fetch-retries|fetch-timeout|replace-registry-host|omit-lockfile-registry-resolved)",
    re.IGNORECASE,
)
_NPM_ADDRESS = re.compile(r"(registry|proxy)$", re.IGNORECASE)


def npmrc(env: Mapping[str, str], home: Path, root: Path) -> str:
    """The lines of npm's files that say where packages come from, with ${NAME} replaced as npm would."""
    files = [root / "etc/npmrc", root / "usr/etc/npmrc", root / "usr/local/etc/npmrc"]
    files.append(Path(env.get("NPM_CONFIG_USERCONFIG") or env.get("npm_config_userconfig") or home / ".npmrc"))
    values = {key: value for file in files for key, value in _npm_lines(file, env)}
    for name, value in env.items():
        if name.lower() in ("npm_config_registry", "npm_config_proxy", "npm_config_https_proxy"):
            values[name.lower().removeprefix("npm_config_").replace("_", "-")] = value
    # Only an address can be the host's own; a token may well begin with a slash.
    kept = {key: value for key, value in values.items() if not (_NPM_ADDRESS.search(key) and is_host_only(value))}
    return "".join(f"{key}={value}\n" for key, value in kept.items())


def _npm_lines(file: Path, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        key, _, value = (part.strip() for part in line.partition("="))
        if not key or key[0] in "#;":
            continue
        value = re.sub(r"\$\{(\w+)\}", lambda match: env.get(match[1], match[0]), value)
        if key == "cafile":
            yield key, CONTAINER_CA
        elif _NPM_KEYS.fullmatch(key):
            yield key, value
