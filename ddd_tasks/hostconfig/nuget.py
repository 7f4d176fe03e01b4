"""NuGet: package sources and what they ask for, of the user's NuGet.Config."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ddd_tasks.hostconfig.common import is_host_only, is_remote

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_FILES = (".nuget/NuGet/NuGet.Config", ".config/NuGet/NuGet.Config")
_SETTINGS = ("http_proxy", "http_proxy.user", "no_proxy")
# An encrypted password (the key "Password") can only be read on the machine that wrote it.
_CREDENTIALS = ("Username", "ClearTextPassword", "ValidAuthenticationTypes")
_VARIABLE = "NuGetPackageSourceCredentials_"


def nuget_config(env: Mapping[str, str], home: Path) -> str:
    """The file without what only the host has: local folders, caches, encrypted passwords; "" when nothing is left.

    %NAME% is replaced as NuGet would, and credentials of variables are written into it.
    """
    if not any((home / name).is_file() for name in _FILES):
        return ""
    from xml.etree import ElementTree as ET  # slow to import, and few hosts have such a file

    root = _read(home)
    if root is None:
        return ""
    for name, section in [(child.tag, child) for child in root]:
        if name not in _KEPT:
            root.remove(section)
        else:
            _KEPT[name](section, env)
    _add_credentials(root, env)
    if not any(
        entry.tag == "add" for section in root if section.tag in ("packageSources", "config") for entry in section
    ):
        return ""
    return ET.tostring(root, encoding="unicode") + "\n"


def _read(home: Path) -> Element | None:
    from xml.etree import ElementTree as ET

    for name in _FILES:
        try:
            return ET.fromstring((home / name).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, ET.ParseError):
            continue
    return None


def _sources(section: Element, env: Mapping[str, str]) -> None:
    _keep(section, env, lambda entry: entry.tag == "clear" or is_remote(entry.get("value", "")))


def _settings(section: Element, env: Mapping[str, str]) -> None:
    _keep(section, env, lambda entry: entry.get("key") in _SETTINGS and not is_host_only(entry.get("value", "")))


def _credentials(section: Element, env: Mapping[str, str]) -> None:
    for source in section:
        _keep(source, env, lambda entry: entry.get("key") in _CREDENTIALS)


def _as_it_is(section: Element, env: Mapping[str, str]) -> None:
    _keep(section, env, lambda _: True)


_KEPT: Mapping[str, Callable[[Element, Mapping[str, str]], None]] = {
    "packageSources": _sources,
    "packageSourceCredentials": _credentials,
    "packageSourceMapping": _as_it_is,
    "disabledPackageSources": _as_it_is,
    "config": _settings,
}


def _keep(section: Element, env: Mapping[str, str], wanted: Callable[[Element], bool]) -> None:
    for entry in list(section):
        if "value" in entry.attrib:
            entry.set("value", re.sub(r"%(\w+)%", lambda match: env.get(match[1], match[0]), entry.attrib["value"]))
        if not wanted(entry):
            section.remove(entry)


def _add_credentials(root: Element, env: Mapping[str, str]) -> None:
    """NuGetPackageSourceCredentials_NAME holds "Username=...;Password=...;ValidAuthenticationTypes=..."."""
    from xml.etree.ElementTree import SubElement

    given = {_element(name[len(_VARIABLE) :]): value for name, value in env.items() if name.startswith(_VARIABLE)}
    if not given:
        return
    section = root.find("packageSourceCredentials")
    section = SubElement(root, "packageSourceCredentials") if section is None else section
    for source, text in given.items():
        for old in section.findall(source):
            section.remove(old)
        entry = SubElement(section, source)
        for key, found, value in (part.partition("=") for part in text.split(";")):
            if found:
                written = "ClearTextPassword" if key.strip() == "Password" else key.strip()
                SubElement(entry, "add", key=written, value=value)


def _element(source: str) -> str:
    """A source's name as NuGet writes it as an element: my_x0020_feed for "my feed"."""
    return re.sub(r"^[^A-Za-z_]|[^\w.-]", lambda match: f"_x{ord(match[0]):04X}_", source)
