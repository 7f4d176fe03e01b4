"""What a run of a profiler leaves: one folder below .ddd/profiles, there as a whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import process, projectcache
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.profiling import flamegraph, speedscope, stacks
from ddd_tasks.profiling.stacks import Profile
from ddd_tasks.project import Project

COLUMNS = ("profile", "kind", "language", "seconds", "seen", "commit")
FLAMEGRAPH, SPEEDSCOPE, FOLDED, META = "flamegraph.html", "speedscope.json", "folded.txt", "meta.json"
_LATEST, _PREVIOUS = "latest", "previous"
_FOLDER, _SOURCES = "profiles", "sources"
_TIME = "%Y%m%dT%H%M%SZ"
_DRAFT = ".draft-"
_MAY_BE = 100  # runs of one service in one second
_NAMED = 20  # in a refusal


class Recorded(NamedTuple):
    """A profile and where it comes from. kind: cpu or memory; image and command: those of the container.

    native: name and content of the file that the profiler itself wrote. load: what requests took meanwhile, see
    profiling.load.latency; None where none were sent.
    """

    service: str
    kind: str
    profile: Profile
    native: tuple[str, bytes]
    image: str = ""
    command: tuple[str, ...] = ()
    load: Mapping[str, Any] | None = None


class Artefact(NamedTuple):
    """A run's folder, and what its meta.json says."""

    folder: Path
    meta: Mapping[str, Any]

    @property
    def name(self) -> str:
        """SERVICE/TIME: what find takes."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def row(self) -> dict[str, str]:
        """The cells of profile.list."""
        unit = self.meta.get("unit", "")
        return {
            "profile": self.name,
            "kind": str(self.meta.get("kind", "")),
            "language": str(self.meta.get("language", "")),
            "seconds": f"{self.meta.get('seconds', 0):.1f}",
            "seen": f"{self.meta.get('weight', 0)} {unit}",
            "commit": str(self.meta.get("commit") or "-")[:12],
        }

    def as_dict(self) -> dict[str, Any]:
        """The fields of profile.list --json."""
        told = {key: value for key, value in self.meta.items() if key != _SOURCES}
        return {"profile": self.name, "folder": str(self.folder), **told}

    @property
    def sources(self) -> dict[str, str]:
        """File in the container -> its path in the project, for those that were there."""
        found = self.meta.get(_SOURCES)
        return {str(file): str(path) for file, path in found.items()} if isinstance(found, dict) else {}


def write(
    project: Project, recorded: Recorded, sources: Mapping[str, str] | None = None, *, now: datetime | None = None
) -> Artefact:
    """Make the folder of a run. sources: file in the container -> its path in the project, where it is there.

    Raises ConfigError where it cannot be written; then nothing of it is left.
    """
    moment = now or datetime.now(timezone.utc)
    place = _place(project) / recorded.service
    meta = {**_meta(project, recorded, moment), _SOURCES: dict(sources or {})}
    files = _files(recorded, meta)
    try:
        projectcache.make_private(place)
        draft = Path(tempfile.mkdtemp(dir=place, prefix=_DRAFT))
        try:
            for name, content in files.items():
                (draft / name).write_bytes(content)
            draft.chmod(0o755)
            return Artefact(_renamed(draft, place, moment.strftime(_TIME)), meta)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        folder, full = shlex.quote(str(place.parent)), error.errno == errno.ENOSPC
        hint = f"df -h {shlex.quote(str(project.directory))}" if full else f"ls -ld {folder}"
        raise ConfigError(f"the profile cannot be written below {place}", cause=str(error), hint=hint) from error


def check(project: Project) -> None:
    """Raise ConfigError where no profile can be written: better before one is made. Nothing is made for it."""
    place = _place(project)
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        cause = f"{there} may not be written to" if there.is_dir() else f"{there} is no folder"
        what, hint = f"no profile can be written below {place}", f"ls -ld {shlex.quote(str(there))}"
        raise ConfigError(what, cause=cause, hint=hint)


def every(project: Project, service: str | None = None) -> list[Artefact]:
    """The runs of a service, or of all, the newest last. Folders without a meta.json of ours are left out."""
    folders = _place(project).glob(f"*/*/{META}")
    found = (_read(file) for file in folders if service in (None, file.parent.parent.name))
    return sorted(filter(None, found), key=lambda one: (one.folder.name, one.name))


def listed(project: Project, name: str | None) -> list[Artefact]:
    """The runs of a service or session, or of all. Raises UnknownNameError for a name that is neither."""
    found = every(project, name)
    if name and not found:
        project.service(name)
    return found


def latest(project: Project, service: str | None = None) -> Artefact:
    """The newest run. Raises ConfigError where there is none."""
    found = every(project, service)
    if not found:
        of = f"of service {service!r} " if service else ""
        raise ConfigError(
            f"there is no profile {of}yet",
            cause=f"nothing is in {_place(project)}",
            hint=f"ddd profile.cpu{f' --service {service}' if service else ''}",
        )
    return found[-1]


def find(project: Project, name: str) -> Artefact:
    """The run that is meant: SERVICE/TIME, TIME, or its folder; the newest of SERVICE, or latest of all.

    previous is the one before it, of the same service and kind: previous alone, or SERVICE/previous. Raises
    UnknownNameError, with the names that exist, or ConfigError.
    """
    service, _, which = name.rpartition("/")
    if which in (_LATEST, _PREVIOUS) and service in ("", *_services(project)):
        newest = latest(project, service or None)
        return _before(project, newest) if which == _PREVIOUS else newest
    found = every(project)
    here = Path(name).resolve()
    fitting = [
        one
        for one in found
        if name in (one.name, one.folder.name, one.folder.parent.name) or one.folder.resolve() == here
    ]
    if not fitting:
        names = [one.name for one in found][-_NAMED:]
        valid = [*names, *_services(project), *([_LATEST, _PREVIOUS] if names else [])]
        hint = "ddd profile.list" if names else "ddd profile.cpu"
        raise UnknownNameError("profile", name, valid, where=str(_place(project)), hint=hint)
    return fitting[-1]


def profile_of(artefact: Artefact) -> Profile:
    """The stacks of a run. Raises ConfigError where its files are not as they were written."""
    file = artefact.folder / FOLDED
    try:
        seen = stacks.parse(file.read_text(encoding="utf-8"))
        meta = artefact.meta
        return Profile(
            str(meta["language"]), str(meta["unit"]), int(meta["rate"]), float(meta["seconds"]), int(meta["lost"]), seen
        )
    except (ConfigError, OSError, KeyError, TypeError, ValueError) as error:
        what = f"the profile {artefact.name} cannot be read"
        cause = error.what if isinstance(error, ConfigError) else error
        raise ConfigError(what, cause=f"{file}: {cause}", hint="ddd profile.list") from error


def _services(project: Project) -> list[str]:
    """The services and sessions that have runs."""
    return sorted({one.folder.parent.name for one in every(project)})


def _before(project: Project, newest: Artefact) -> Artefact:
    """The run before this one. Raises ConfigError where there is none."""
    service, kind = newest.folder.parent.name, newest.meta.get("kind")
    found = [one for one in every(project, service) if one.meta.get("kind") == kind and one.folder != newest.folder]
    if not found:
        what = f"there is no profile of service {service!r} before {newest.name}"
        command = newest.meta.get("command") or []
        is_session = command[:2] == ["nox", "-s"]
        hint = f"nox -s {service} -- --profile" if is_session else f"ddd profile.{kind} --service {service}"
        raise ConfigError(what, cause=f"it is the only one of {kind}", hint=hint)
    return found[-1]


def _place(project: Project) -> Path:
    return project.private / _FOLDER


def _files(recorded: Recorded, meta: Mapping[str, Any]) -> dict[str, bytes]:
    profile, title = recorded.profile, _title(recorded)
    name, native = recorded.native
    return {
        name: native,
        FOLDED: _bytes(stacks.folded(profile)),
        SPEEDSCOPE: _bytes(speedscope.render(profile, title)),
        FLAMEGRAPH: _bytes(flamegraph.render(profile, title, meta[_SOURCES])),
        META: _bytes(json.dumps(meta, indent=2, ensure_ascii=False) + "\n"),
    }


def _bytes(text: str) -> bytes:
    # JavaScript knows halves of letters, UTF-8 does not.
    return text.encode(errors="replace")


def _title(recorded: Recorded) -> str:
    profile = recorded.profile
    rate = f" at {profile.rate} Hz" if profile.rate else ""
    return f"{recorded.service}, {recorded.kind}, {profile.seconds:.0f} s{rate}"


def _meta(project: Project, recorded: Recorded, moment: datetime) -> dict[str, Any]:
    profile = recorded.profile
    return {
        "service": recorded.service,
        "kind": recorded.kind,
        "language": profile.language,
        "time": moment.isoformat(timespec="seconds"),
        "seconds": round(profile.seconds, 3),
        "rate": profile.rate,
        "unit": profile.unit,
        "weight": profile.weight,
        "lost": profile.lost,
        "image": recorded.image,
        # A command line may hold a password.
        "command": process.redacted(recorded.command),
        "commit": _commit(project),
        "native": recorded.native[0],
        **({"load": dict(recorded.load)} if recorded.load else {}),
    }


def _commit(project: Project) -> str | None:
    """The commit that is checked out, with "-dirty" where files differ from it; None outside git."""
    git = ["git", "-C", str(project.directory)]
    try:
        head = process.capture([*git, "rev-parse", "HEAD"], check=False)
        changed = process.capture([*git, "status", "--porcelain", "--untracked-files=no"], check=False)
    except ConfigError:  # there is no git
        return None
    return head.stdout.strip() + ("-dirty" if changed.stdout.strip() else "") if head.status == 0 else None


def _renamed(draft: Path, place: Path, time: str) -> Path:
    """The draft under its own name: a rename never replaces a folder with files in it."""
    for number in range(1, _MAY_BE):
        target = place / (time if number == 1 else f"{time}-{number:02}")
        try:
            return draft.rename(target)
        except OSError:
            if not target.exists():
                raise
    raise FileExistsError(f"{place / time} and {_MAY_BE - 2} more of that second exist")


def _read(file: Path) -> Artefact | None:
    if file.parent.name.startswith(_DRAFT):
        return None
    try:
        meta = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return Artefact(file.parent, meta) if isinstance(meta, dict) and "unit" in meta else None
