"""What the host knows about reaching the network: CA bundle, proxies, and package managers' configuration.

Builds need it and must not keep it. What only makes sense on the host (local folders, file:// and loopback addresses)
is left out, and so is everything that does not say where packages come from.
"""

from __future__ import annotations

import configparser
import hashlib
import importlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

# Where a Dockerfile mounts the bundle: the place where Debian's own lies.
CONTAINER_CA = "/etc/ssl/certs/ca-certificates.crt"

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_SYSTEM_BUNDLES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
)
# The build arguments that BuildKit knows without a declaration and keeps out of history and cache.
_PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_PIP_SINGLE = ("index-url", "proxy", "timeout", "default-timeout", "retries")
_PIP_LISTS = ("extra-index-url", "find-links", "trusted-host")
_NPM_KEYS = re.compile(
    r"(//.*|(@[^:]+:)?registry|_auth|_authtoken|_password|username|email|always-auth|strict-ssl|https?-proxy|proxy"
    r"|noproxy|ca|fetch-retries|fetch-timeout|replace-registry-host|omit-lockfile-registry-resolved)",
    re.IGNORECASE,
)
_NPM_ADDRESS = re.compile(r"(registry|proxy)$", re.IGNORECASE)


class HostConfig(NamedTuple):
    """What was found. proxies: variable name -> value, as the environment has them; texts are "" when there is none."""

    ca_bundle: Path | None = None
    proxies: Mapping[str, str] = {}
    pip_conf: str = ""
    uv_toml: str = ""
    npmrc: str = ""
    netrc: Path | None = None


def find(env: Mapping[str, str] = os.environ, home: Path | None = None, root: Path = Path("/")) -> HostConfig:
    """Look at the environment and at the configuration files of this user and, below root, of the system."""
    home = Path(env.get("HOME") or Path.home()) if home is None else home
    names_bundle = any(env.get(name) for name in _CA_VARIABLES)
    pip = pip_settings(env, home, root, ca=names_bundle)
    netrc = Path(env.get("NETRC") or home / ".netrc")
    return HostConfig(
        ca_bundle=ca_bundle(env, home, root),
        proxies=proxies(env),
        pip_conf=_ini(pip),
        uv_toml=uv_toml(env, home, root, pip=pip, ca=names_bundle),
        npmrc=npmrc(env, home, root),
        netrc=netrc if _readable(netrc) else None,
    )


def ca_bundle(env: Mapping[str, str], home: Path, root: Path) -> Path | None:
    """The bundle that the environment names, or the system's, with the certificates that Node is given on top."""
    named = (Path(env[name]) for name in _CA_VARIABLES if env.get(name))
    bundle = next((path for path in (*named, *(root / path for path in _SYSTEM_BUNDLES)) if _readable(path)), None)
    extra = Path(env.get("NODE_EXTRA_CA_CERTS") or os.devnull)
    if bundle is None or not extra.is_file() or not _readable(extra):
        return bundle
    whole, more = bundle.read_bytes(), extra.read_bytes()
    return bundle if more.strip() in whole else _joined(whole, more, env, home)


def proxies(env: Mapping[str, str]) -> dict[str, str]:
    """The proxy variables, in the spelling they have; an address that only the host can reach is left out."""
    found = {name: env[name] for low in _PROXY_NAMES for name in (low, low.upper()) if env.get(name)}
    return {name: value for name, value in found.items() if name.lower() == "no_proxy" or not _is_loopback(value)}


def pip_settings(env: Mapping[str, str], home: Path, root: Path, *, ca: bool) -> dict[str, dict[str, str]]:
    """Section -> option -> value, as pip would merge its files and its variables. ca: the host names a CA bundle."""
    merged: dict[str, dict[str, str]] = {}
    for section, option, value in _pip_values(env, home, root):
        if section == ":env:":  # beats every section of every file
            for options in merged.values():
                options.pop(option, None)
            section = "global"
        merged.setdefault(section, {})[option] = value
    kept = {name: dict(_pip_kept(options)) for name, options in merged.items()}
    if ca:
        kept.setdefault("global", {})["cert"] = CONTAINER_CA
    return {name: options for name, options in kept.items() if options}


def uv_toml(env: Mapping[str, str], home: Path, root: Path, *, pip: Mapping[str, Mapping[str, str]], ca: bool) -> str:
    """What uv's files and variables say about indexes; without any, what pip's do, because uv does not read those."""
    found: dict[str, Any] = {}
    for file in _uv_files(env, home, root):
        found.update(_toml(file))
    indexes = [index for index in found.get("index", []) if _is_remote(index.get("url", ""))]
    indexes = [*_uv_indexes(env), *indexes]
    settings: dict[str, Any] = {
        key: found[key] for key in ("index-url", "extra-index-url", "find-links") if key in found
    }
    settings.update(_uv_variables(env))
    if not indexes and not settings:
        settings = _uv_from_pip(pip.get("global", {}))
    for key in ("allow-insecure-host", "native-tls", "system-certs"):
        if key in found:
            settings[key] = found[key]
    if ca and "system-certs" not in settings:
        settings["native-tls"] = True
    return _render_uv(settings, indexes)


def npmrc(env: Mapping[str, str], home: Path, root: Path) -> str:
    """The lines of npm's files that say where packages come from, with ${NAME} replaced as npm would."""
    files = [root / "etc/npmrc", root / "usr/etc/npmrc", root / "usr/local/etc/npmrc"]
    files.append(Path(env.get("NPM_CONFIG_USERCONFIG") or env.get("npm_config_userconfig") or home / ".npmrc"))
    values = {key: value for file in files for key, value in _npm_lines(file, env)}
    for name, value in env.items():
        if name.lower() in ("npm_config_registry", "npm_config_proxy", "npm_config_https_proxy"):
            values[name.lower().removeprefix("npm_config_").replace("_", "-")] = value
    # Only an address can be the host's own; a token may well begin with a slash.
    kept = {key: value for key, value in values.items() if not (_NPM_ADDRESS.search(key) and _is_host_only(value))}
    return "".join(f"{key}={value}\n" for key, value in kept.items())


def _pip_values(env: Mapping[str, str], home: Path, root: Path) -> Iterator[tuple[str, str, str]]:
    """(section, option, value) in the order in which pip reads them: later ones win."""
    for file in _pip_files(env, home, root):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        for section in parser.sections():
            for option, value in parser.items(section):
                yield section, option.lower().replace("_", "-"), value
    for name, value in env.items():
        if name.startswith("PIP_") and value:
            yield ":env:", name[4:].lower().replace("_", "-"), value


def _pip_files(env: Mapping[str, str], home: Path, root: Path) -> Iterator[Path]:
    named = env.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    if named:
        yield Path(named)
    for directory in reversed((env.get("XDG_CONFIG_DIRS") or str(root / "etc/xdg")).split(":")):
        yield Path(directory) / "pip" / "pip.conf"
    yield root / "etc/pip.conf"
    if not (named and Path(named).exists()):
        yield home / ".pip" / "pip.conf"
        yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    if env.get("VIRTUAL_ENV"):
        yield Path(env["VIRTUAL_ENV"]) / "pip.conf"


def _pip_kept(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for option, value in options.items():
        if option in _PIP_SINGLE and not _is_host_only(value):
            yield option, value
        elif option in _PIP_LISTS:
            words = [word for word in value.split() if option == "trusted-host" or _is_remote(word)]
            if words:
                yield option, "\n    ".join(words)
        elif option == "cert":
            yield option, CONTAINER_CA


def _ini(sections: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for name, options in sections.items():
        lines += [f"[{name}]", *(f"{option} = {value}" for option, value in options.items())]
    return "".join(f"{line}\n" for line in lines)


def _uv_files(env: Mapping[str, str], home: Path, root: Path) -> list[Path]:
    if env.get("UV_NO_CONFIG"):
        return []
    if env.get("UV_CONFIG_FILE"):
        return [Path(env["UV_CONFIG_FILE"])]
    return [root / "etc/uv/uv.toml", Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "uv" / "uv.toml"]


def _toml(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    # Python 3.10 has none of its own; Nox brings tomli there.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return dict(toml.loads(text))
    except toml.TOMLDecodeError:
        return {}


def _uv_indexes(env: Mapping[str, str]) -> list[dict[str, Any]]:
    """UV_INDEX and UV_DEFAULT_INDEX, whose entries may carry a name: NAME=URL."""
    indexes: list[dict[str, Any]] = []
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        for word in env.get(variable, "").split():
            name, found, url = word.partition("=")
            named = bool(found) and re.fullmatch(r"[\w.-]+", name)
            index: dict[str, Any] = {"name": name, "url": url} if named else {"url": word}
            if _is_remote(index["url"]):
                indexes.append(index | ({"default": True} if variable == "UV_DEFAULT_INDEX" else {}))
    return indexes


def _uv_variables(env: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if env.get("UV_INDEX_URL"):
        settings["index-url"] = env["UV_INDEX_URL"]
    for variable, key in (("UV_EXTRA_INDEX_URL", "extra-index-url"), ("UV_FIND_LINKS", "find-links")):
        if env.get(variable):
            settings[key] = re.split(r"[\s,]+", env[variable].strip())
    if env.get("UV_INSECURE_HOST"):
        settings["allow-insecure-host"] = env["UV_INSECURE_HOST"].split()
    return settings


def _uv_from_pip(options: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {"index-url": options["index-url"]} if "index-url" in options else {}
    for option, key in (("extra-index-url",) * 2, ("find-links",) * 2, ("trusted-host", "allow-insecure-host")):
        if option in options:
            settings[key] = options[option].split()
    return settings


def _render_uv(settings: Mapping[str, Any], indexes: Iterable[Mapping[str, Any]]) -> str:
    """As TOML. A JSON string, list of strings or boolean is one in TOML as well."""
    lines = []
    for key, value in settings.items():
        if key in ("extra-index-url", "find-links"):
            value = [word for word in value if _is_remote(word)]
        if value and not (key == "index-url" and not _is_remote(value)):
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    for index in indexes:
        lines.append("[[index]]")
        lines += [
            f"{key} = {json.dumps(index[key], ensure_ascii=False)}"
            for key in ("name", "url", "default", "explicit", "authenticate")
            if key in index
        ]
    return "".join(f"{line}\n" for line in lines)


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


def _readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)


def _is_remote(value: str) -> bool:
    """Whether it is a URL that a container can reach as well."""
    return bool(re.match(r"(?:[a-z+]+\+)?https?://", value)) and not _is_loopback(value)


def _is_host_only(value: str) -> bool:
    return value.startswith(("file:", "/", "~", "./", "../")) or ("://" in value and _is_loopback(value))


def _is_loopback(value: str) -> bool:
    """Whether an address, with or without a scheme, is the host's own: in a container it would be the container's."""
    host = urlsplit(value if "://" in value else f"//{value}").hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
