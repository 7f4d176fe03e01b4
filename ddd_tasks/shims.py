"""Shims: .ddd/bin/PROGRAM runs the container's program from any directory, for editors, git hooks and plain shells."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ddd_tasks import console, execplan, paths, services
from ddd_tasks import project as projects
from ddd_tasks.engine import exec as engine_exec
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, EngineError, ExitCode, NotRunningError
from ddd_tasks.execplan import Options
from ddd_tasks.project import Project, Service
from ddd_tasks.projectcache import make_private

# Inside the container the project's .ddd/bin is there too: the same line then means the program itself.
_SHIM = """\
#!/bin/sh
# {program} of service {service}, made by `ddd shims`.
if [ -n "${{{inside}-}}" ] || [ ! -x {python} ]; then
  here=$(cd "$(dirname "$0")" && pwd)
  PATH=$(printf %s ":$PATH:" | sed "s|:$here:|:|g; s|^:||; s|:$||")
  exec {program} "$@"
fi
exec {python} -I -S {launcher} exec --project {project} --service {service} --map-paths{map_output} -- {program} "$@"
"""


def write(programs: Sequence[str], options: Options) -> int:
    """Write a shim for each program of the service that the options mean here, and say where they are.

    Where the service runs, each program is looked for in it first. Raises ConfigError, and then writes nothing.
    """
    if execplan.is_inside():
        raise ConfigError("shims are written outside the container", cause="inside, the programs are there already")
    here = Path(options.project or ".").resolve()
    project = projects.load(here)
    service = paths.service_here(project, here, options.service)
    _check(project, service, programs)
    folder = project.private / "bin"
    make_private(folder)
    for program in programs:
        shim = folder / program
        shim.write_text(render(program, project, service, map_output=options.map_output))
        shim.chmod(0o755)
    names = ", ".join(programs)
    console.note(f"{names} of service {service.name}: export PATH={shlex.quote(str(folder))}:$PATH")
    return ExitCode.OK


def render(program: str, project: Project, service: Service, *, map_output: bool) -> str:
    """The text of one shim."""
    return _SHIM.format(
        program=shlex.quote(program),
        service=shlex.quote(service.name),
        inside=execplan.INSIDE,
        python=shlex.quote(sys.executable),
        launcher=shlex.quote(str(Path(__file__).with_name("launch.py"))),
        project=shlex.quote(str(project.directory)),
        map_output=" --map-output" if map_output else "",
    )


def _check(project: Project, service: Service, programs: Sequence[str]) -> None:
    for program in programs:
        if "/" in program or program.startswith("-") or not program.strip():
            raise ConfigError(
                f"{program!r} cannot be the name of a shim", cause="it is a program's name", hint="ddd shims pytest"
            )
    try:
        with closing(Engine.connect()) as engine:
            container = services.running(engine, project, service)
            for program in programs:
                found = engine_exec.capture(engine, container, ["sh", "-c", 'command -v "$1"', "sh", program])
                if found.status:
                    raise ConfigError(
                        f"service {service.name!r} has no program {program!r}",
                        cause="it is not on the PATH of its container",
                        hint=f"ddd exec --service {service.name} -- ls /usr/local/bin",
                    )
    except (NotRunningError, EngineError):
        console.note(f"service {service.name!r} is not running: whether it has the programs was not checked")
