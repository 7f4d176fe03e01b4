"""What project files, settings and C# code say about a service, read without a build."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ddd_tasks.errors import ConfigError
from ddd_tasks.language import HEALTH_PATHS

_NOT_OURS = {"bin", "obj", "artifacts", "node_modules", "packages", "TestResults"}
_DEEPEST = 4
_MOST_FILES = 500
_WEB = "Microsoft.NET.Sdk.Web"
_PROGRAMS = {_WEB, "Microsoft.NET.Sdk.Worker"}
_TEST_PACKAGES = {"microsoft.net.test.sdk", "xunit", "xunit.v3", "nunit", "mstest", "mstest.testframework", "tunit"}
_ANYWHERE = r"(?:\*|\+|0\.0\.0\.0|\[::\])"
_HERE = r"(?:localhost|127\.0\.0\.1|\[::1\])"
_LISTENS = re.compile(
    rf'(?:UseUrls|\bRun|Urls\.Add|Prefixes\.Add)\s*\(\s*\$?@?"https?://(?:{_ANYWHERE}|{_HERE}):(\d+)'
    r"|\.Listen(?:AnyIP|Localhost)\s*\(\s*(\d+)"
    r"|\b(?:TcpListener|IPEndPoint|Listen)\s*\(\s*IPAddress\.(?:IPv6)?Any\s*,\s*(\d+)"
)
_FROM_ENVIRONMENT = re.compile(r'GetEnvironmentVariable\(\s*"PORT"\s*\)(?:\s*\?\?\s*"(\d+)")?')
_MAPPED_HEALTH = re.compile(r'(?:Map|Use)HealthChecks\s*\(\s*"(/[^"]*)"')
_URL = re.compile(r"http://[^/;\s]*:(\d+)")


@dataclass(frozen=True)
class Project:
    """One *.csproj file by its path in the folder. packages are in small letters."""

    file: str
    sdk: str
    properties: dict[str, str] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()

    @property
    def is_web(self) -> bool:
        """Whether it uses ASP.NET Core."""
        return self.sdk == _WEB

    @property
    def is_program(self) -> bool:
        """Whether it can be started. Project files without an Sdk are of the .NET Framework, which runs on Windows."""
        return bool(self.sdk) and (self.sdk in _PROGRAMS or self.properties.get("OutputType", "").lower() == "exe")

    @property
    def has_platform(self) -> bool:
        """Whether its tests are run by `dotnet test`."""
        is_declared = self.properties.get("IsTestProject", "").lower() == "true"
        return is_declared or self.sdk.startswith("MSTest.Sdk") or bool(self.packages & _TEST_PACKAGES)

    @property
    def is_test(self) -> bool:
        """Whether it holds tests: by its packages, or by the name of its folder or file."""
        path = PurePosixPath(self.file)
        names = (path.stem, *path.parent.parts)
        return self.has_platform or any(re.search(r"(?:^|\.)tests?$", name, re.IGNORECASE) for name in names)


def projects(directory: Path) -> list[Project]:
    """Every C# project of a folder and below it, by path. Raises ConfigError for one that is no XML."""
    return [_project(directory, file) for file in sorted(_files(directory, ".csproj"))]


def solutions(directory: Path) -> list[str]:
    """The solution files of a folder."""
    return sorted(path.name for glob in ("*.sln", "*.slnx") for path in directory.glob(glob))


class Source:
    """The code and the settings of one project."""

    def __init__(self, directory: Path, project: Project) -> None:
        self.folder = (directory / project.file).parent
        self._below = PurePosixPath(project.file).parent
        files = (file for file in _files(self.folder, ".cs") if not _is_of_tests(file))
        self.texts = {file: _uncommented(_read(self.folder / file)) for file in sorted(files)}

    @property
    def reads_port(self) -> bool:
        """Whether the code asks for the variable PORT."""
        return any(_FROM_ENVIRONMENT.search(text) for text in self.texts.values())

    def port(self) -> tuple[int | None, str]:
        """The port that code, appsettings.json or launchSettings.json name, and where; (None, "") when none does."""
        for pattern in (_LISTENS, _FROM_ENVIRONMENT):
            for file, text in self.texts.items():
                if (match := pattern.search(text)) and any(match.groups()):
                    return int(next(filter(None, match.groups()))), f"{self._below / file} names its port"
        for file, urls in (("appsettings.json", _setting_urls), ("Properties/launchSettings.json", _profile_urls)):
            for url in urls(_json(self.folder / file)):
                if match := _URL.search(url):
                    return int(match[1]), f"{self._below / file} names its port"
        return None, ""

    def health(self) -> str | None:
        """The path of its health checks, or one of the usual paths where the code has it."""
        code = "\n".join(self.texts.values())
        if match := _MAPPED_HEALTH.search(code):
            return match[1]
        return next((path for path in HEALTH_PATHS if f'"{path}"' in code), None)


def _project(directory: Path, file: str) -> Project:
    import xml.etree.ElementTree as ET  # most commands read no project file

    try:
        root = ET.fromstring(_read(directory / file))
    except ET.ParseError as error:
        raise ConfigError(
            f"{directory / file} is no XML", cause=str(error), hint=f"${{EDITOR:-vi}} {directory / file}"
        ) from error
    properties: dict[str, str] = {}
    packages = set()
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name == "PackageReference":
            packages.add(element.get("Include", "").lower())
        elif name in ("OutputType", "IsTestProject"):
            properties.setdefault(name, (element.text or "").strip())
    return Project(file, root.get("Sdk", ""), properties, frozenset(packages))


def _files(directory: Path, suffix: str) -> Iterator[str]:
    """Paths below a folder, without what builds and tools write."""
    found = 0
    for folder, names, files in os.walk(directory):
        depth = len(Path(folder).relative_to(directory).parts)
        names[:] = [name for name in names if depth < _DEEPEST and name not in _NOT_OURS and not name.startswith(".")]
        for name in files:
            if name.endswith(suffix) and found < _MOST_FILES:
                found += 1
                yield (Path(folder) / name).relative_to(directory).as_posix()


def _is_of_tests(file: str) -> bool:
    return any(re.search(r"(?:^|\.)tests?$", part, re.IGNORECASE) for part in PurePosixPath(file).parent.parts)


def _uncommented(text: str) -> str:
    """The text without comments that fill a line, where examples of addresses like to stand."""
    return re.sub(r"(?m)^\s*//.*$", "", text)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _json(path: Path) -> Any:
    """What a settings file holds; comments are usual there. {} for one that is missing or no JSON."""
    try:
        return json.loads(_uncommented(_read(path)))
    except (OSError, json.JSONDecodeError):
        return {}


def _setting_urls(settings: Any) -> Iterator[str]:
    """Addresses of Kestrel, then those of any server."""
    if not isinstance(settings, dict):
        return
    kestrel = settings.get("Kestrel")
    endpoints = kestrel.get("Endpoints") if isinstance(kestrel, dict) else None
    for endpoint in endpoints.values() if isinstance(endpoints, dict) else ():
        if isinstance(endpoint, dict):
            yield str(endpoint.get("Url", ""))
    yield str(settings.get("Urls") or settings.get("urls") or "")


def _profile_urls(settings: Any) -> Iterator[str]:
    """Addresses of the profiles that start the project itself."""
    profiles = settings.get("profiles") if isinstance(settings, dict) else None
    for profile in profiles.values() if isinstance(profiles, dict) else ():
        if isinstance(profile, dict) and profile.get("commandName") == "Project":
            yield str(profile.get("applicationUrl", ""))
