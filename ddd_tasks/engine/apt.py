"""apt: which archives a machine uses, the files that add one, and installing from it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ddd_tasks import console, process
from ddd_tasks.engine import lock
from ddd_tasks.errors import EngineError

LOG = Path("/var/log/ddd-tasks-apt.log")
_ONE_LINE_OPTIONS = {"signed-by": "Signed-By", "trusted": "Trusted", "arch": "Architectures"}


@dataclass(frozen=True)
class Source:
    """One archive of binary packages: options are further deb822 fields, such as Signed-By."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


def render(source: Source, *, comment: str) -> str:
    """The source as a deb822 file."""
    fields = {
        "Types": "deb",
        "URIs": source.uri,
        "Suites": " ".join(source.suites),
        "Components": " ".join(source.components),
        **source.options,
    }
    return f"# {comment}\n" + "".join(f"{name}: {value}\n" for name, value in fields.items())


def read_sources(etc: Path = Path("/etc/apt"), *, but: Path | None = None) -> list[Source]:
    """The archives of binary packages that this machine uses, in apt's two notations; but: a file to leave out."""
    listed = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]
    stanzas = [path for path in sorted((etc / "sources.list.d").glob("*.sources")) if path != but]
    found = [source for path in listed if path.is_file() for source in parse_list(path.read_text(encoding="utf-8"))]
    return found + [source for path in stanzas for source in parse_deb822(path.read_text(encoding="utf-8"))]


def parse_list(text: str) -> list[Source]:
    """The `deb [options] uri suite component...` lines of a .list file."""
    sources = []
    for line in text.splitlines():
        words = line.partition("#")[0].replace("[", " [ ").replace("]", " ] ").split()
        if not words or words[0] != "deb":
            continue
        options: dict[str, str] = {}
        if "[" in words and "]" in words:
            pairs = (word.partition("=") for word in words[words.index("[") + 1 : words.index("]")])
            options = {_ONE_LINE_OPTIONS[name]: value for name, _, value in pairs if name in _ONE_LINE_OPTIONS}
            words = ["deb", *words[words.index("]") + 1 :]]
        if len(words) >= 3:
            sources.append(Source(words[1], (words[2],), tuple(words[3:]), options))
    return sources


def parse_deb822(text: str) -> list[Source]:
    """The enabled stanzas of a .sources file; continuation lines (a key written out) stay as they are."""
    sources = []
    for stanza in _stanzas(text):
        fields = {name.lower(): value for name, value in stanza.items()}
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        options = {name: value for name, value in stanza.items() if name.lower() in ("signed-by", "trusted")}
        suites, components = tuple(fields.get("suites", "").split()), tuple(fields.get("components", "").split())
        sources += [Source(uri, suites, components, options) for uri in fields.get("uris", "").split()]
    return sources


def _stanzas(text: str) -> list[dict[str, str]]:
    stanzas: list[dict[str, str]] = [{}]
    name = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            stanzas.append({})
        elif line[0] in " \t" and name in stanzas[-1]:
            stanzas[-1][name] += "\n" + line
        elif ":" in line:
            name, _, value = line.partition(":")
            stanzas[-1][name] = value.strip()
    return [stanza for stanza in stanzas if stanza]


def install(packages: Sequence[str], files: Mapping[Path, str]) -> None:
    """Write the files, refresh apt's lists and install; the files are as before when that fails. Raises EngineError."""
    commands = (["update"], ["install", "--yes", "--no-install-recommends", *packages])
    if process.is_dry():
        for path in files:
            console.echo(f"# write {path}")
        for arguments in commands:
            process.announce(_argv(arguments))
        return
    # `update` does not wait for another one as `install` does.
    with lock.held(Path("/run/ddd-tasks/apt.lock"), waiting="another process installs packages: waiting for it"):
        before = {path: path.read_text(encoding="utf-8") if path.exists() else None for path in files}
        _write(files)
        LOG.unlink(missing_ok=True)
        try:
            for arguments in commands:
                _apt_get(arguments)
        except BaseException:
            _write(before)
            raise


def _apt_get(arguments: Sequence[str]) -> None:
    """apt-get with its output in a log. It has a session of its own: Ctrl-C must not leave dpkg half way."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    with LOG.open("ab") as log, Path(os.devnull).open("rb") as nothing:
        apt = process.start(_argv(arguments), env=env, stdin=nothing.fileno(), stdout=log.fileno(), stderr=log.fileno())
        try:
            status = apt.wait()
        except KeyboardInterrupt:
            console.note("apt-get is at work: it is left to finish first, so that no package is half installed")
            apt.wait()
            raise
    if status != 0:
        what = f"apt-get {arguments[0]} ended with status {process.exit_status(status)}"
        raise EngineError(what, cause=_complaints(), hint=f"less {LOG}")


def _argv(arguments: Sequence[str]) -> list[str]:
    # The timeout is for another apt that is at work, such as a second bootstrap or unattended upgrades.
    return ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0", *arguments]


def _complaints() -> str:
    """What apt-get said went wrong: an archive that `update` could not reach is why `install` finds nothing."""
    lines = [line.strip() for line in LOG.read_text(encoding="utf-8", errors="replace").splitlines()]
    complaints = [line for line in lines if line.startswith(("Err:", "W: Failed", "E:", "dpkg: error"))]
    return "\n".join((complaints or lines[-8:])[:8])


def _write(files: Mapping[Path, str | None]) -> None:
    """Write the files; None means none."""
    for path, text in files.items():
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text, encoding="utf-8")
