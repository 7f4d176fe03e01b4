"""Python: pip's files and variables, and uv's, which gets pip's indexes when it has none of its own."""

from __future__ import annotations

import configparser
import importlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ddd_tasks.hostconfig.common import CONTAINER_CA, is_host_only, is_remote

_PIP_SINGLE = ("index-url", "proxy", "timeout", "default-timeout", "retries")
_PIP_LISTS = ("extra-index-url", "find-links", "trusted-host")


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
    indexes = [index for index in found.get("index", []) if is_remote(index.get("url", ""))]
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


def ini(sections: Mapping[str, Mapping[str, str]]) -> str:
    """The settings as a pip.conf."""
    lines = []
    for name, options in sections.items():
        lines += [f"[{name}]", *(f"{option} = {value}" for option, value in options.items())]
    return "".join(f"{line}\n" for line in lines)


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
        if option in _PIP_SINGLE and not is_host_only(value):
            yield option, value
        elif option in _PIP_LISTS:
            words = [word for word in value.split() if option == "trusted-host" or is_remote(word)]
            if words:
                yield option, "\n    ".join(words)
        elif option == "cert":
            yield option, CONTAINER_CA


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
            if is_remote(index["url"]):
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
            value = [word for word in value if is_remote(word)]
        if value and not (key == "index-url" and not is_remote(value)):
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    for index in indexes:
        lines.append("[[index]]")
        lines += [
            f"{key} = {json.dumps(index[key], ensure_ascii=False)}"
            for key in ("name", "url", "default", "explicit", "authenticate")
            if key in index
        ]
    return "".join(f"{line}\n" for line in lines)
