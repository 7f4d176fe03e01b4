"""The Nox surface: `venv_backend=stage("test")` runs a session, unchanged, in a container of a Dockerfile's stage.

Nox has no plugin API. What is used of it beside its documented names: virtualenv.ALL_VENVS, ProcessEnv (bin_paths,
_reused, _get_env), VirtualEnv, and for cache=True SessionRunner (func, manifest, global_config); all of them have been
there since nox 2025.2.9.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import inspect
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nox
import nox.command
import nox.registry
import nox.sessions
import nox.virtualenv
from nox.__main__ import main as nox_main

from ddd_tasks import console
from ddd_tasks.errors import DddError, UnsupportedError
from ddd_tasks.sessions import options as stage_options
from ddd_tasks.sessions.options import Options

if TYPE_CHECKING:
    from ddd_tasks.sessions import commands, results, session

__all__ = ["Stage", "monitor_check", "stage", "stage_sessions"]

OLDEST_NOX = (2025, 2, 9)

# How the Docker CLI, and with it a program of a session, finds its engine.
_ENGINE = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")

_open: list[session.Session] = []


class Stage(str):
    """A backend's name that can be called as the backend: Nox takes names today, and may take callables one day."""

    __slots__ = ()

    def __call__(self, *args: Any, **keywords: Any) -> nox.virtualenv.ProcessEnv:
        """What Nox calls to make the environment of one session."""
        return nox.virtualenv.ALL_VENVS[self](*args, **keywords)


def stage(
    name: str,
    *,
    service: str | None = None,
    dockerfile: str | os.PathLike[str] | None = None,
    context: str | os.PathLike[str] | None = None,
    build_args: Mapping[str, str] | None = None,
    network: str | None = None,
    env: Iterable[str] = (),
    user: str | None = None,
    volumes: Iterable[str] = (),
    cache: bool = False,
) -> Stage:
    """A venv_backend that runs its sessions in a container of the Dockerfile's stage of that name.

    The Dockerfile is that of the one Compose service with a build section, or of service=, or dockerfile= (built in
    its own folder, or in context=), or ./Dockerfile. env: more variables for every program, NAME (the value that Nox
    itself has) or NAME=VALUE. user: a user of the image instead of the caller. network: a network's name, host or
    none. volumes: SOURCE:PATH[:ro]. cache: a session that was successful is not run again before something that it
    depends on changes: image, noxfile, arguments, environment, files (docs/nox.md says which). Nothing is read or built
    before a session runs; a wrong name fails its session.
    """
    with _refusing():
        _check_nox()
    chosen = stage_options.make(
        name,
        service=service,
        dockerfile=dockerfile,
        context=context,
        build_args=build_args,
        network=network,
        env=env,
        user=user,
        volumes=volumes,
        cache=cache,
    )
    nox.virtualenv.ALL_VENVS[chosen.key] = functools.partial(ContainerEnv, options=chosen)
    return Stage(chosen.key)


def stage_sessions(
    service: str | None = None,
    dockerfile: str | os.PathLike[str] | None = None,
    *,
    tags: Sequence[str] = (),
    default: bool = False,
    **keywords: Any,
) -> None:
    """Register a session STAGE-in-container for each stage that has a command of its own.

    It runs that command, followed by what stands behind `--` on Nox's command line. Its description is the comment
    above the stage's FROM line. The sessions run only when they are named, unless default is set: a stage's command
    may be a server. Further keywords are those of stage().
    """
    from ddd_tasks.sessions import commands

    with _refusing():
        found = commands.find(stage_options.make("", service=service, dockerfile=dockerfile, **keywords), Path.cwd())
    for one in found:
        backend = stage(one.stage, service=service, dockerfile=dockerfile, **keywords)
        decorate = nox.session(name=f"{one.stage}-in-container", venv_backend=backend, tags=list(tags), default=default)
        decorate(_body(one))


def _body(command: commands.StageCommand) -> Any:
    def run(nox_session: nox.Session) -> None:
        nox_session.run(*command.argv(nox_session.posargs))

    run.__doc__ = command.description or f"Run the command of stage {command.stage}."
    return run


def monitor_check(name: str = "monitor-check", *, tags: Sequence[str] = (), default: bool = False) -> None:
    """Register a session that shows whether the dashboards have data, with services and Prometheus of its own.

    What does not run is started for it and taken away afterwards. Words behind `--` are URLs that requests go to, which
    the rates of most panels need. It runs only when it is named, unless default is set.
    """

    def run(nox_session: nox.Session) -> None:
        """Start the services and Prometheus, and see that every panel and rule is right."""
        from ddd_tasks.monitoring import rehearsal

        ddd = functools.partial(nox_session.run, sys.executable, "-m", "ddd_tasks", external=True)
        try:
            rehearsal.run(ddd, nox_session.posargs, Path.cwd())
        except DddError as error:
            console.error(error)
            nox_session.error(error.what)

    nox.session(name=name, venv_backend="none", tags=list(tags), default=default)(run)


class ContainerEnv(nox.virtualenv.VirtualEnv):
    """A session's environment in a container. A VirtualEnv only because Session.install asks for one."""

    is_sandboxed = True
    allowed_globals = ()

    def __init__(
        self,
        location: str,
        interpreter: str | None = None,
        *,
        options: Options,
        reuse_existing: bool = False,
        venv_params: Sequence[str] = (),
        **_: Any,
    ) -> None:
        self.location_name = location
        self.location = str(Path(location).absolute())
        self.interpreter = interpreter
        self.reuse_existing = reuse_existing
        self.venv_params = list(venv_params)
        self._options = options
        self._session: session.Session | None = None
        nox.virtualenv.ProcessEnv.__init__(self, env={"VIRTUAL_ENV": self.location, "CONDA_PREFIX": None})

    @property
    def venv_backend(self) -> str:
        """The backend's name; "uv" where the stage has uv and no pip, which makes session.install use it."""
        return "uv" if self._session is not None and self._session.uses_uv else self._options.key

    @property
    def bin_paths(self) -> list[str]:
        """The folder with the programs of the container."""
        if self._session is None:
            return [str(Path(self.location, "bin"))]
        self._session.refresh()
        return [str(self._session.programs)]

    def create(self) -> bool:
        """Start the container. Returns whether its venv is new; a refusal ends the session with our message."""
        from ddd_tasks.sessions import session  # listing sessions, or running others, needs nothing of this
        from ddd_tasks.sessions.venv import PythonNotFoundError

        _close_all()  # a process runs a session at a time, and Nox does not say when one has ended
        if "--parallel-worker" in sys.argv:
            from ddd_tasks.sessions import parent

            parent.follow()  # with -j, each session is a process that outlives a Nox that is killed
        request = session.Request(
            self._options, Path(self.location), self.interpreter, self.reuse_existing, tuple(self.venv_params)
        )
        try:
            prepared = session.prepare(request)
            profiled = _profiled(prepared)
            if self._options.cache and not profiled and _has_succeeded(prepared):
                return False
            self._session = session.open_session(prepared)
            if profiled:
                from ddd_tasks.profiling import sessions as profiles

                profiles.begin(prepared, self._session, profiled)
        except PythonNotFoundError as error:
            # Nox skips or fails the session by its own rules for a missing interpreter.
            raise nox.virtualenv.InterpreterNotFound(f"{self.interpreter} in stage {self._options.stage}") from error
        except DddError as error:
            console.error(error)
            raise nox.command.CommandFailed(error.what) from error
        _open.append(self._session)
        self.env = {**self._session.variables, **self.env}
        self._reused = self._session.reused
        return not self._reused

    def _get_env(self, /, env: Mapping[str, str | None], *, include_outer_env: bool = True) -> dict[str, str | None]:
        """Nox's environment for a program, with the names of the variables that it gets inside."""
        from ddd_tasks.sessions import environment, state

        computed = super()._get_env(env, include_outer_env=include_outer_env)
        outer = os.environ if include_outer_env else {}
        # Without Nox's own environment, too, the client has to reach the engine that has the container.
        engine = {name: os.environ[name] for name in _ENGINE if name in os.environ}
        return {**engine, **computed, state.COMMAND: environment.describe({**self.env, **env}, outer)}


def _profiled(prepared: session.Prepared) -> str:
    """The language of what is to be profiled, "" where --profile is not the first of the session's arguments."""
    if "--profile" not in sys.argv:
        return ""
    from ddd_tasks.profiling import sessions as profiles

    return profiles.language_of(prepared) if profiles.is_asked(_runner().posargs) else ""


def _has_succeeded(prepared: session.Prepared) -> bool:
    """Whether the session need not run; where it has to, its success will be remembered."""
    from ddd_tasks.sessions import replay, results

    runner = _runner()
    config = runner.global_config
    if config.install_only:
        return False  # its programs do not run: a success says nothing
    inputs = results.collect(prepared, _call(runner))
    overridden = os.environ.get(results.OVERRIDE) or config.reuse_venv == "never"
    found = None if overridden else inputs.find()
    if found:
        replay.success(runner, inputs, found)
        return True
    if changed := inputs.changed():
        console.note(f"{runner.friendly_name} runs: not as at its last success: {', '.join(changed)}")
    replay.recording(runner, prepared, inputs)
    return False


def _call(runner: nox.sessions.SessionRunner) -> results.Call:
    from ddd_tasks.sessions import results

    config = runner.global_config
    code = {config.noxfile, inspect.getsourcefile(inspect.unwrap(runner.func.func)) or config.noxfile}
    return results.Call(
        name=runner.friendly_name,
        parameters=repr(getattr(runner.func, "call_spec", {})),
        code=tuple(sorted(Path(file).resolve() for file in code)),
        arguments=tuple(runner.posargs),
        strict=bool(config.error_on_external_run),
    )


def _runner() -> nox.sessions.SessionRunner:
    """Whose environment is being made: Nox does not tell it to the environment. Raises UnsupportedError."""
    frame = inspect.currentframe()
    while frame:
        caller = frame.f_locals.get("self")
        if isinstance(caller, nox.sessions.SessionRunner):
            return caller
        frame = frame.f_back
    raise UnsupportedError(
        f"cache=True and --profile do not work with nox {metadata.version('nox')}",
        cause="it makes a session's environment in another way than the versions that are known",
        hint="python3 -m pip install --upgrade ddd-tasks",
    )


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """A noxfile is being loaded: show a refusal as it is, where Nox would show a traceback."""
    try:
        yield
    except DddError as error:
        console.error(error)
        raise SystemExit(int(error.exit_code)) from error


def _check_nox() -> None:
    """Raise UnsupportedError for a Nox that is too old."""
    installed = metadata.version("nox")
    numbers = tuple(int(part) for part in installed.split(".")[:3] if part.isdigit())
    if numbers < OLDEST_NOX:
        oldest = ".".join(str(number) for number in OLDEST_NOX)
        raise UnsupportedError(
            f"nox {installed} is too old for stage()",
            cause=f"it has to be {oldest} or newer",
            hint=f"python3 -m pip install 'nox>={oldest}'",
        )


def _close_all() -> None:
    while _open:
        try:
            _open.pop().close()
        except DddError as error:
            console.error(error)


atexit.register(_close_all)


def _listed() -> list[dict[str, Any]]:
    """The sessions in a container that Nox selects by its command line, and what stage() was told for each."""
    answer = io.StringIO()
    with contextlib.redirect_stdout(answer):
        try:
            nox_main()
        except SystemExit as ended:
            if ended.code:
                raise
    rows = json.loads(answer.getvalue() or "[]")
    return [{**row, "options": asdict(options)} for row in rows if (options := _options_of(row["name"]))]


def _options_of(name: str) -> Options | None:
    backend = nox.registry.get()[name].venv_backend or nox.options.default_venv_backend
    return getattr(nox.virtualenv.ALL_VENVS.get(str(backend)), "keywords", {}).get("options")


if __name__ == "__main__":  # python -m ddd_tasks.nox --list --json: ddd_tasks.ci asks this way
    console.result_json(_listed())
