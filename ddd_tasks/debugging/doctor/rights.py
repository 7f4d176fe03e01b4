"""Whether a container of ours may look into the service's processes, and which of its rights need not be."""

from __future__ import annotations

from collections.abc import Iterator

from ddd_tasks.debugging.doctor.subject import OK, PROBLEM, WARNING, Finding, Subject

_SECCOMP = {0: "no seccomp filter", 1: "strict seccomp", 2: "the seccomp filter"}


def running(subject: Subject) -> Iterator[Finding]:
    """Is there a container, and does it run?"""
    name = subject.service.name
    if not subject.container:
        yield Finding("running", PROBLEM, subject.state or "it has not been started", f"ddd dev.up --service {name}")
    elif subject.container["State"].get("Paused"):
        container = subject.container["Name"].lstrip("/")
        yield Finding("running", PROBLEM, "it is paused: no process of it runs", f"docker unpause {container}")
    else:
        yield Finding("running", OK, f"as {subject.container['Id'][:12]}")


def user(subject: Subject) -> Iterator[Finding]:
    """Can the sidecar be the user that the debugged process is?"""
    process = subject.inside.process if subject.inside else None
    if process is None:
        return
    own, others = (process["uid"], process["gid"]), set()
    if subject.inside:
        others = {(one["uid"], one["gid"]) for one in subject.inside.processes} - {own}
    aside = f"; other processes of it are {', '.join(f'{uid}:{gid}' for uid, gid in sorted(others))}" if others else ""
    yield Finding("user", OK, f"{own[0]}:{own[1]}, and so is the sidecar{aside}")


def capabilities(subject: Subject) -> Iterator[Finding]:
    """What the process may do, and what of it no debugger of ours needs."""
    process = subject.inside.process if subject.inside else None
    if process is None:
        return
    count = int(process["cap_eff"] or "0", 16).bit_count()
    parts = [f"{count} capabilities" if count else "no capabilities", _SECCOMP.get(process["seccomp"], "seccomp")]
    parts += ["no new privileges"] if process["no_new_privs"] else []
    said, is_traced = ", ".join(parts), subject.language and subject.language.debug and subject.language.debug.is_traced
    why = "ours never has all of a privileged root's"
    if process["uid"]:
        why = "a program of its user in another container cannot be given them"
    if is_traced and (subject.host_config.get("Privileged") if process["uid"] == 0 else count):
        fix = f"ddd debug.up --service {subject.service.name}"
        yield Finding("capabilities", PROBLEM, f"{said}; debug.attach does not get in: {why}", fix)
    else:
        yield Finding("capabilities", OK, said)


def needless(subject: Subject) -> Iterator[Finding]:
    """Rights that are often given for debuggers, and that this way of debugging needs nowhere."""
    host = subject.host_config
    if host.get("Privileged"):
        yield _needless("it is privileged", "privileged: true")
    for option in host.get("SecurityOpt") or ():
        if option.replace("=", ":") in ("seccomp:unconfined", "apparmor:unconfined"):
            yield _needless(f"it runs with {option}", f"{option} in security_opt")
    for name in host.get("CapAdd") or ():
        if name.removeprefix("CAP_") in ("SYS_PTRACE", "SYS_ADMIN", "ALL"):
            yield _needless(f"it has the capability {name}", f"{name} in cap_add")


def _needless(what: str, line: str) -> Finding:
    return Finding("rights", WARNING, f"{what}, which no debugger of ddd needs", f"remove {line}")


def tracing(subject: Subject) -> Iterator[Finding]:
    """Yama, and whoever traces the process already."""
    if subject.inside is None:
        return
    scope = subject.inside.facts["ptraceScope"]
    if scope is None or scope == 0:
        says = "the kernel has no Yama" if scope is None else "Yama's ptrace_scope is 0"
        yield Finding("yama", OK, f"{says}: the same user may trace")
    elif scope < 3:
        what = f"Yama's ptrace_scope is {scope}: what traces in the sidecar gets SYS_PTRACE, the service does not"
        yield Finding("yama", WARNING, what, "sudo sysctl kernel.yama.ptrace_scope=0")
    else:
        what = "Yama's ptrace_scope is 3: nothing may trace until the machine starts again"
        yield Finding("yama", PROBLEM, what, "ddd debug.up")
    process = subject.inside.process
    if process and process["tracer"]:
        what = f"process {process['pid']} is traced already, by process {process['tracer']}"
        yield Finding("tracer", WARNING, what, f"ddd debug.detach --service {subject.service.name}")


def read_only(subject: Subject) -> Iterator[Finding]:
    """A read-only root is no obstacle, unless the runtime wants to write what a debugger finds it by."""
    if not subject.container:
        return
    host = subject.host_config
    says_so = subject.inside.facts["readOnly"] if subject.inside else None
    if not (host.get("ReadonlyRootfs") if says_so is None else says_so):
        yield Finding("root", OK, "writable; a live debugger writes nothing to it")
        return
    has_tmp = "/tmp" in (host.get("Tmpfs") or {}) or any(
        mount["Destination"] == "/tmp" for mount in subject.container.get("Mounts") or ()
    )
    if subject.language and subject.language.name == "csharp" and not has_tmp:
        what = "read-only, without a /tmp for the runtime's diagnostic socket"
        yield Finding("root", PROBLEM, what, f"services.{subject.service.name}: tmpfs: [/tmp]")
    else:
        yield Finding("root", OK, "read-only; a live debugger writes nothing to it")
