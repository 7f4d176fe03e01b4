"""A session's place: the stage's image, a container of it, a venv in that, and its programs as files on the host."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from ddd_tasks import hostconfig
from ddd_tasks.engine import identity
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.identity import Identity, Introduction
from ddd_tasks.errors import ConfigError, UnsupportedError
from ddd_tasks.sessions import access, container, current, shims, source, venv
from ddd_tasks.sessions import state as states
from ddd_tasks.sessions.container import Container, Plan
from ddd_tasks.sessions.memory import Memory
from ddd_tasks.sessions.offer import Offer
from ddd_tasks.sessions.options import Options
from ddd_tasks.sessions.source import Source
from ddd_tasks.sessions.state import State


@dataclass(frozen=True)
class Request:
    """What a session runner asks for. location: the session's folder; interpreter: python=; params: venv_params=."""

    options: Options
    location: Path
    interpreter: str | None = None
    reuse: bool = False
    params: tuple[str, ...] = ()


class Session:
    """An open session. programs: the folder of links to look programs up in; reused: its venv is an earlier one.

    variables: values of the host that its programs get; they may be secret, so they are in no file.
    at_end: what is done before its container goes.
    """

    def __init__(self, request: Request, held: Container, offer: Offer, state: State, *, reused: bool) -> None:
        self.variables: dict[str, str] = {}
        self.at_end: list[Callable[[], None]] = []
        self.programs = Path(state.shims)
        self.reused = reused
        self.uses_uv = bool(state.python) and not state.has_pip and "uv" in offer.programs
        self._held = held
        self._bin = request.location / "bin"
        self._location = request.location
        self._state = state

    @property
    def container(self) -> str:
        """The id of its container."""
        return self._held.id

    def wrap(self, words: Sequence[str]) -> None:
        """Put words before every command of the session. Raises EngineError where its container never started."""
        self._held.wait()
        self._state.wrapper = words
        self._state.write(self._location)

    def refresh(self) -> None:
        """Take in programs that were installed since the last look."""
        shims.add(self.programs, self._bin)

    def close(self) -> None:
        """Let the container go; the venv stays for the next time. Raises EngineError where it never started."""
        try:
            for action in self.at_end:
                action()
        finally:
            self._held.stop()
        self._held.check()


@dataclass(frozen=True)
class Prepared:
    """A session whose image is built. volumes: those of its options, with absolute host paths."""

    request: Request
    origin: Source
    image: str
    volumes: tuple[str, ...]


def prepare(request: Request) -> Prepared:
    """Find and build the image of a session. Raises DddError of every kind."""
    if sys.platform == "win32":
        raise UnsupportedError(
            "sessions in a container do not run on Windows itself",
            cause="they share the project's folder at the same path, and start programs through sh",
            hint="wsl",
        )
    _make_folder(request.location.parent)
    here = Path.cwd().resolve()
    origin = source.find(request.options, here)
    volumes = tuple(_absolute(volume, origin.directory) for volume in request.options.volumes)
    if request.options.cache:
        _check_comparable(volumes)
    return Prepared(request, origin, current.image(origin, request.options), volumes)


def open_session(prepared: Prepared) -> Session:
    """Make, fill and start the container of a session. Raises DddError of every kind; nothing is left then.

    Where everything about the image is known already, the container may still be starting afterwards: a program of the
    session waits for it.
    """
    with closing(Engine.connect()) as engine:
        held = container.make(engine, _plan(prepared))
        try:
            return _fill(engine, prepared, held)
        except BaseException:
            held.stop()
            raise


def _plan(prepared: Prepared) -> Plan:
    request, origin = prepared.request, prepared.origin
    return Plan(
        image=prepared.image,
        session=request.location.name,
        project=origin.slug,
        directory=origin.directory,
        shared=_shared(request, origin),
        volumes=prepared.volumes,
        network=request.options.network,
    )


def _fill(engine: Engine, prepared: Prepared, held: Container) -> Session:
    """Put the caller and the way to packages into the container, start it, and make the session's folder."""
    request, location, options = prepared.request, prepared.request.location, prepared.request.options
    shared = _shared(request, prepared.origin)
    memory = _memory(prepared)
    arrival = None if options.user else _arrival(engine, held.id, shared, memory)
    who = arrival.who if arrival else None
    config = hostconfig.find()
    mounted = [*map(str, shared), *_mounted(options.volumes)]
    uploads = access.uploads(config, who, mounted)
    if uploads or (arrival and arrival.files):
        identity.unpack(engine, held.id, (arrival or Introduction(identity.caller())).archive(uploads))
    held.start()
    user = who.user if who else str(options.user)
    offer = _offer(engine, held, user, shared, memory, options)
    python = venv.choose(request.interpreter, offer.programs) or ""
    image_env = memory.recall("env", lambda: _names(engine.get(f"/images/{prepared.image}/json")["Config"].get("Env")))
    state = State(
        stage=options.stage,
        image=prepared.image,
        interpreter=request.interpreter or "",
        params=request.params,
        python=python,
        has_pip=False,
        container=held.id,
        user=user,
        env=_env(request, offer, who, python),
        image_env=image_env,
        shared=mounted,
        shims=states.path(location, "bin"),
    )
    before = states.read(states.path(location)) if request.reuse else None
    reused = before is not None and state.fits(before)
    has_pip = before.has_pip if before and reused else _make_venv(engine, held, request, state, memory)
    state.has_pip = has_pip
    shims.write(Path(state.shims), Path(states.path(location)), offer.programs | _always(python))
    state.write(location)
    session = Session(request, held, offer, state, reused=reused)
    session.variables = {**config.proxies, **_asked(options)}
    session.refresh()
    return session


def _memory(prepared: Prepared) -> Memory:
    """What is known of the image for this user. A volume may hide what is in the image."""
    who, options = identity.caller(), prepared.request.options
    folder = prepared.origin.project.private / "cache" / "images"
    return Memory(folder, prepared.image, options.user or repr(who), lasting=not options.volumes)


def _arrival(engine: Engine, container: str, shared: Sequence[Path], memory: Memory) -> Introduction:
    """What makes the caller known in the container."""
    found = memory.recall("caller", lambda: identity.introduction(engine, container, identity.caller()))
    who, files, needs_home = found
    arrival = Introduction(Identity(*who), files, needs_home)
    # The engine makes the folders above a shared one, and they are root's: a home among them has to be the caller's.
    above = {str(folder) for path in shared for folder in path.parents}
    return arrival._replace(needs_home=needs_home or (bool(files) and arrival.who.home in above))


def _offer(
    engine: Engine, held: Container, user: str, shared: Sequence[Path], memory: Memory, options: Options
) -> Offer:
    """The PATH inside and the programs on it."""

    def ask() -> tuple[str, list[str]]:
        from ddd_tasks.sessions.offer import look  # an image that is known is not asked

        held.wait()
        found = look(engine, held.id, user=user, stage=options.stage)
        return found.path, sorted(found.programs)

    def is_the_images(answer: tuple[str, list[str]]) -> bool:
        places = [Path(entry) for entry in answer[0].split(":")]
        return all(place.is_absolute() and not any(map(place.is_relative_to, shared)) for place in places)

    path, programs = memory.recall("offer", ask, when=is_the_images)
    return Offer(path, frozenset(programs))


def _make_venv(engine: Engine, held: Container, request: Request, state: State, memory: Memory) -> bool:
    """Make the venv, where the stage has Python, in an empty folder; returns whether it has pip.

    Raises PythonNotFoundError where its version is not the one asked for.
    """
    _clear(request.location, keep_links=not request.options.user)
    if not state.python:
        return False
    env = {name: value for name, value in state.env.items() if name != "PATH"}
    # Where the programs are not all the image's, nor is the venv.
    lasting = memory.known("offer") is not None and not request.options.user
    question = [state.python, request.params, env]
    made = venv.recall(memory, request.location, question) if lasting else None
    if made is None:
        held.wait()
        made = venv.make(
            engine,
            held.id,
            python=state.python,
            location=request.location,
            user=state.user,
            params=request.params,
            env=env,
        )
        if lasting:
            venv.remember(memory, made, request.location, question)
    if not venv.fits(request.interpreter, made.version):
        raise venv.not_found(str(request.interpreter), [f"python{made.version}"])
    return made.pip


def _always(python: str) -> frozenset[str]:
    """Where there is Python, pip is made available when it is first used: the host's must never stand in for it."""
    return frozenset({"python", "python3", "pip"} if python else ())


def _env(request: Request, offer: Offer, who: identity.Identity | None, python: str) -> dict[str, str]:
    """The variables of every program of the session that are no values of the host."""
    given = {name: value for name, found, value in (entry.partition("=") for entry in request.options.env) if found}
    path = f"{request.location / 'bin'}:{offer.path}" if python else offer.path
    return {**(who.env if who else {}), shims.INSIDE: "1", **given, "PATH": path}


def _asked(options: Options) -> dict[str, str]:
    return {name: os.environ[name] for name in options.env if name in os.environ}


def _shared(request: Request, origin: Source) -> tuple[Path, ...]:
    """Folders that are the same inside: the project's, and the one for session folders where that lies elsewhere."""
    folders = request.location.parent
    return (origin.directory,) if folders.is_relative_to(origin.directory) else (origin.directory, folders)


def _make_folder(folder: Path) -> None:
    """Make the folder of all sessions as Nox makes it: git does not see what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("*\n")


def _absolute(volume: str, directory: Path) -> str:
    """The volume with a relative host path made absolute: the engine knows nothing of our directory."""
    place, found, rest = volume.partition(":")
    if not found or not rest.startswith("/"):
        raise ConfigError(f"{volume!r} is no volume", cause="it has to be SOURCE:/PATH or SOURCE:/PATH:ro")
    return f"{(directory / Path(place).expanduser()).resolve()}:{rest}" if place.startswith((".", "/", "~")) else volume


def _check_comparable(volumes: Sequence[str]) -> None:
    """Raise ConfigError for a volume that only the engine can look into."""
    named = next((volume for volume in volumes if not volume.startswith("/")), None)
    if named:
        raise ConfigError(
            f"cache=True cannot be had with the volume {named!r}",
            cause="the content of a named volume cannot be compared: mount a folder, or leave cache=True out",
            hint="nox --list",
        )


def _mounted(volumes: Sequence[str]) -> list[str]:
    return [volume.split(":")[1] for volume in volumes]


def _names(env: Sequence[str] | None) -> list[str]:
    return [entry.partition("=")[0] for entry in env or ()]


def _clear(location: Path, *, keep_links: bool) -> None:
    """Remove what an earlier run left. Links to programs may stay: they are brought up to date, which is faster.

    Raises ConfigError where it belongs to somebody else.
    """
    links = Path(states.path(location, "bin"))
    keep_links = keep_links and all(_is_ours(folder) for folder in (location, links.parent, links))
    kept = links.parent if keep_links else None
    if kept:
        Path(states.path(location)).unlink(missing_ok=True)  # whoever reads it takes the venv for a whole one
    else:
        shutil.rmtree(location, ignore_errors=True)
    for path in _others(location, kept):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    if _others(location, kept):
        raise ConfigError(
            f"the session's folder {location} cannot be removed",
            cause="files in it belong to another user: an earlier run as root, or with user=",
            hint=f"sudo rm -rf {location}",
        )


def _others(location: Path, kept: Path | None) -> list[Path]:
    """What is in a folder beside the one to keep: nothing where there is none, itself where it cannot be listed."""
    try:
        return [path for path in location.iterdir() if path != kept]
    except FileNotFoundError:
        return []
    except OSError:
        return [location]


def _is_ours(folder: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISDIR(folder.lstat().st_mode) and folder.lstat().st_uid == os.getuid()
    return False
