"""What a container beside a service may do: what the service's process may, and tracing only where it has to be given.

The kernel lets a process trace another one of the same user that has no capability which it lacks itself. So a sidecar
is the same user with the same capabilities, and needs nothing more; except where Yama restricts tracing further, or
the process has capabilities that cannot be mirrored.
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


class Rights(NamedTuple):
    """The user and the capabilities of a container beside a service. reason: why it may trace, "" where it need not."""

    user: tuple[int, int]
    drop: tuple[str, ...] = ("ALL",)
    add: tuple[str, ...] = ()
    security: tuple[str, ...] = ("no-new-privileges",)
    reason: str = ""

    @property
    def is_root(self) -> bool:
        """Whether it is root, whose programs have all capabilities of their container."""
        return self.user[0] == 0

    @property
    def arguments(self) -> list[str]:
        """What the sidecar is told of it: another user's program gets a capability only from the tracer."""
        return ["--tracer", TRACER] if self.reason and not self.is_root else []

    @property
    def host(self) -> dict[str, Any]:
        """The entries of a create call's HostConfig."""
        return {"CapDrop": list(self.drop), "CapAdd": list(self.add), "SecurityOpt": list(self.security)}

    def without_tracing(self) -> Rights:
        """The same for the forwarder. Of root it has to be able to do all that the sidecar can: it looks into it."""
        if not self.reason or self.is_root:
            return self
        return self._replace(add=(), security=(*self.security, "no-new-privileges"), reason="")


def of(engine: Engine, target: Target, debug: Debug | None) -> Rights:
    """The rights that a debugger of this target needs. Raises UnsupportedError where its user is not known."""
    config = target.info["HostConfig"]
    user = target.user(debug)
    # A confinement of the service's own has to be shared: what is confined otherwise may not be traced.
    own = tuple(one for one in config.get("SecurityOpt") or () if one.startswith(("apparmor", "label")))
    rights = Rights(user, security=("no-new-privileges", *own))
    if rights.is_root:
        rights = rights._replace(drop=tuple(config.get("CapDrop") or ()), add=tuple(config.get("CapAdd") or ()))
    reason = _reason(engine, target, debug, rights) if debug and debug.is_traced else ""
    if not reason:
        return rights
    security = rights.security if rights.is_root else own  # the tracer's capability is a new privilege
    return rights._replace(add=(*rights.add, PTRACE), security=security, reason=reason)


def _reason(engine: Engine, target: Target, debug: Debug, rights: Rights) -> str:
    if config_is_privileged(target):
        return "its container is privileged"
    process = target.process(debug)
    if process and process.capabilities and not rights.is_root:
        return "its process has capabilities that another user's program cannot be given"
    scope = yama() if engine.endpoint.is_local_socket else 0
    return f"the kernel's yama.ptrace_scope is {scope}" if scope else ""


def config_is_privileged(target: Target) -> bool:
    """Whether the service's container is privileged, which ours never are."""
    return bool(target.info["HostConfig"].get("Privileged"))


def yama() -> int:
    """Yama's restriction of tracing on this machine: 0 for none."""
    try:
        return int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text())
    except (OSError, ValueError):
        return 0
