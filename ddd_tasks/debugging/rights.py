"""What a container beside a service may do: what the service's process may, and tracing only where it has to be given.

The kernel lets a process trace another one of the same user that has no capability which it lacks itself. So a sidecar
is the same user with the same capabilities, and needs nothing more, except where Yama restricts tracing further. Then
only the command in the sidecar that traces may: its main program, the forwarder and the doctor's container never do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import Debug

PTRACE = "SYS_PTRACE"
# In the toolbox: a program with this one capability, which gives it to what it starts.
TRACER = "/opt/ddd/tracer"
_NOTHING_NEW = "no-new-privileges"
_NOBODY = 3  # of Yama: nothing may trace, with or without the capability


class Rights(NamedTuple):
    """The user and the capabilities of a container beside a service. reason: why it may trace, "" where it need not.

    drop, add: as a create call has them, without what the reason adds. confinement: of AppArmor and SELinux.
    """

    user: tuple[int, int]
    drop: tuple[str, ...] = ("ALL",)
    add: tuple[str, ...] = ()
    confinement: tuple[str, ...] = ()
    reason: str = ""

    @property
    def arguments(self) -> list[str]:
        """What the sidecar is told of it: the tracer is put before each command that traces."""
        return ["--tracer", TRACER] if self.reason else []

    @property
    def host(self) -> dict[str, Any]:
        """The entries of a create call's HostConfig."""
        # The tracer's capability is a new privilege, also for root's main program, which has given it up.
        security = (*(() if self.reason else (_NOTHING_NEW,)), *self.confinement)
        add = dict.fromkeys((*self.add, *((PTRACE,) if self.reason else ())))
        return {"CapDrop": list(self.drop), "CapAdd": list(add), "SecurityOpt": list(security)}

    def without_tracing(self) -> Rights:
        """The same for a container that looks, and traces nothing."""
        return self._replace(reason="")


def of(engine: Engine, target: Target, debug: Debug | None) -> Rights:
    """The rights that a debugger of this target needs. Raises UnsupportedError where its user is not known."""
    return decide(target, debug, scope(engine))


def decide(target: Target, debug: Debug | None, restriction: int) -> Rights:
    """The same for a kernel with this restriction by Yama. Raises UnsupportedError."""
    config = target.info["HostConfig"]
    # A confinement of the service's own has to be shared: what is confined otherwise may not be traced.
    own = tuple(one for one in config.get("SecurityOpt") or () if one.startswith(("apparmor", "label")))
    rights = Rights(target.user(debug), confinement=own)
    if rights.user[0] == 0:
        rights = rights._replace(drop=tuple(config.get("CapDrop") or ()), add=tuple(config.get("CapAdd") or ()))
    if debug and debug.is_traced and 0 < restriction < _NOBODY:
        return rights._replace(reason=f"the kernel's yama.ptrace_scope is {restriction}")
    return rights


def obstacle(target: Target, restriction: int) -> str:
    """What keeps every container of ours out, with or without the right to trace; "" where nothing known does."""
    if target.info["HostConfig"].get("Privileged") and any(one.uid == 0 for one in target.processes):
        return "its container is privileged: ours never is, and so has not all capabilities of its root"
    if any(one.uid and one.capabilities for one in target.processes):
        return "it has capabilities of its own, which a program of its user in another container cannot be given"
    return f"the kernel's yama.ptrace_scope is {restriction}: nothing may trace" if restriction >= _NOBODY else ""


def scope(engine: Engine) -> int:
    """Yama's restriction of tracing on the engine's machine: 0 for none, or where this machine cannot tell."""
    return yama() if engine.endpoint.is_local_socket else 0


def yama() -> int:
    """The same on this machine."""
    try:
        return int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text())
    except (OSError, ValueError):
        return 0
