"""The service that is profiled: which process, what is noted of it, and the words that all samplers share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ddd_tasks import console, process
from ddd_tasks.compose import ONEOFF_LABEL, PROJECT_LABEL, SERVICE_LABEL
from ddd_tasks.debugging import beside, rights, shell
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import NotRunningError, UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.stacks import Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project

# What a container runs for itself: alone for the moment before its program begins, and after that has ended.
_INITS = re.compile(r"docker-init|tini(-static)?|dumb-init|catatonit")


def pid(found: Target, language: Language) -> int:
    """The topmost process that runs the language, as its container numbers it.

    Raises UnsupportedError for none, NotRunningError where no program has begun yet, or all have ended.
    """
    pattern = language.debug.programs if language.debug else ""
    fitting = [one for one in found.processes if re.fullmatch(pattern, one.name)]
    if found.processes and found.listening is not None and not fitting:
        running = ", ".join(sorted({one.name for one in found.processes}))
        if all(_INITS.fullmatch(one.name) for one in found.processes):
            raise NotRunningError(
                f"service {found.service.name!r} runs no program at this moment",
                cause=f"it has only just begun, or ends: there is {running} alone",
                hint=f"ddd dev.logs --service {found.service.name}",
            )
        raise UnsupportedError(
            f"no process of service {found.service.name!r} runs {language.name}",
            cause=f"its programs are: {running}",
            hint=f"ddd debug.toolbox --service {found.service.name} -- ps -ef",
        )
    pids = {one.pid for one in fitting}
    tops = [one for one in fitting if one.ppid not in pids]
    return min(tops, key=lambda one: one.pid).inner if tops else 1


def announce(project: Project, found: Target, image: str, allowed: Rights, argv: Sequence[str]) -> None:
    """Print about what would be run beside the service, as a command that can be pasted."""
    first, *rest = argv
    body = beside.specification(project, found, image, allowed, shell.ROLE) | {"Entrypoint": [first], "Cmd": rest}
    body["HostConfig"]["NetworkMode"] = f"container:{found.id}"
    process.announce(beside.command(body))


def say_which(engine: Engine, found: Target) -> None:
    """Say which container it is, where the service has several."""
    labels = found.info["Config"]["Labels"]
    same = [f"{name}={labels[name]}" for name in (PROJECT_LABEL, SERVICE_LABEL) if name in labels]
    rows = engine.get("/containers/json", filters={"label": [*same, f"{ONEOFF_LABEL}=False"]})
    if len(same) == 2 and len(rows) > 1:  # one that was not started by Compose has no such labels
        name = str(found.info["Name"]).lstrip("/")
        console.note(f"service {found.service.name!r} has {len(rows)} containers: this is {name}")


def recorded(found: Target, kind: str, profile: Profile, native: tuple[str, bytes]) -> Recorded:
    """The profile with what its container runs. kind: cpu or memory; native: see Recorded."""
    command = (found.info["Path"], *found.info["Args"])
    image = str(found.info["Config"]["Image"])
    return Recorded(found.service.name, kind, profile, native, image, tuple(map(str, command)))


class IdleError(NotRunningError):
    """Nothing was seen in these seconds."""

    seconds = 0.0


def idle(found: Target, wanted: Wanted, seconds: float, why: str, kind: str = "cpu") -> IdleError:
    """The refusal where nothing was seen in these seconds."""
    name = found.service.name
    error = IdleError(
        f"nothing was sampled: service {name!r} was idle for {seconds:.1f} s",
        cause=f"{why}; what waits is not counted",
        hint=f"ddd profile.{kind} --service {name} --seconds {max(30, wanted.seconds * 3)}  # and send it requests",
    )
    error.seconds = seconds
    return error


def missing(engine: Engine, found: Target, allowed: Rights) -> str:
    """What the profiler lacks to be let in."""
    if obstacle := rights.obstacle(found, rights.scope(engine)):
        return obstacle
    if closed := [str(one.inner) for one in found.processes if one.is_closed]:
        return (
            f"process {closed[0]} keeps others of its own user out (it dropped privileges, or asked for that): "
            f"looking into it takes the capability {rights.PTRACE}"
        )
    ours = "{}:{}".format(*allowed.user)
    theirs = sorted({f"{one.uid}:{one.gid}" for one in found.processes} - {ours})
    if theirs:
        return f"the profiler is uid:gid {ours}, and the service also runs as {', '.join(theirs)}: both have to match"
    return f"the profiler is uid:gid {ours} as the service is: what is missing is the capability {rights.PTRACE}"
