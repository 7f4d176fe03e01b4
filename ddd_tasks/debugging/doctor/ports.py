"""Where debuggers listen, and who can reach them. Nothing is connected to: some debuggers do not survive that."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ddd_tasks.compose import STAGE_LABEL
from ddd_tasks.debugging.beside import DEBUG_LABEL
from ddd_tasks.debugging.doctor.subject import OK, PROBLEM, WARNING, Finding, Subject, command_of
from ddd_tasks.debugging.overlay import STAGE
from ddd_tasks.engine import ports
from ddd_tasks.sessions.container import PROJECT_LABEL

# Who of /proc/net/tcp is a debugger, although it does not listen on the language's usual port.
_DEBUGGER = re.compile(r"\bdebugpy\b|--inspect\b|\bdlv\b|\bnetcoredbg\b|\bvsdbg\b")


def listening(subject: Subject) -> Iterator[Finding]:
    """The debuggers that listen in the container, and where."""
    if subject.inside is None or subject.port is None:
        return
    by_pid = {one["pid"]: one for one in subject.inside.processes}
    found = [one for one in subject.inside.listeners if _is_debugger(subject, one, by_pid)]
    if not found:
        yield Finding("listening", OK, "no port of a debugger; debug.attach needs none")
    for one in found:
        holder = next((command_of(by_pid[pid]) for pid in one["pids"] if pid in by_pid), "a process")
        yield _listener(subject, one, holder)


def _listener(subject: Subject, one: Mapping[str, Any], holder: str) -> Finding:
    """Who reaches a debugger that listens. Where its port is published, published() judges the address."""
    where, port = f"{address(one['address'])}:{one['port']}", one["port"]
    hosts = [host for host, _, inside in subject.published if inside == port]
    open_to = [host for host in hosts if not is_loopback(host)] if port != subject.port else []
    if open_to:
        what = f"on {where}, {holder}, published on {open_to[0]}: whoever reaches this machine can run code in it"
        return Finding("listening", PROBLEM, what, f'ports: ["127.0.0.1:{port}:{port}"]')
    mode = subject.host_config.get("NetworkMode")
    if one["loopback"] or mode == "none":
        return Finding("listening", OK, f"on {where}, {holder}")
    if mode == "host":
        what = f"on {where} of this machine, {holder}: the network can run code through it"
        return Finding("listening", PROBLEM, what, f"listen on 127.0.0.1:{port}")
    aside = f", published on {hosts[0]}" if hosts else ""
    what = f"on {where}, {holder}{aside}: every container of its networks can run code through it"
    is_stage = (subject.container["Config"].get("Labels") or {}).get(STAGE_LABEL) == STAGE
    fix = f"listen on 127.0.0.1:{port}; debug.attach reaches that"
    if is_stage:
        what += "; through debug.attach none can"
        fix = f"ddd debug.down --service {subject.service.name}"
    return Finding("listening", WARNING, what, fix)


def published(subject: Subject) -> Iterator[Finding]:
    """The debug port as the host has it: on a loopback address, or not at all."""
    if subject.port is None:
        return
    now = [(host, str(port)) for host, port, inside in subject.published if inside == subject.port]
    declared = [(one.host_ip, one.published) for one in subject.service.ports if one.target == subject.port]
    for host, port in dict.fromkeys(now or declared):
        where = f"{host or '0.0.0.0'}:{port or '(any)'}"
        if is_loopback(host):
            yield Finding("published", OK, f"port {subject.port} on {where}")
        else:
            what = f"port {subject.port} on {where}: whoever reaches this machine can run code in the service"
            fix = f'ports: ["127.0.0.1:{port or subject.port}:{subject.port}"]'
            yield Finding("published", PROBLEM, what, fix)


def host_port(subject: Subject) -> Iterator[Finding]:
    """Whether the language's usual port of this machine is free for the service's debugger."""
    if subject.port is None:
        return
    holder = ports.holder(subject.engine, "127.0.0.1", subject.port)
    own = {subject.container.get("Id"), *_ours(subject)}
    if holder is None:
        yield Finding("host port", OK, f"127.0.0.1:{subject.port} is free")
    elif holder.container in own:
        yield Finding("host port", OK, f"127.0.0.1:{subject.port} is this service's")
    else:
        what = f"{holder.what} has {subject.port}; debug.attach takes another one and says which"
        yield Finding("host port", OK, what)


def _ours(subject: Subject) -> set[str]:
    """The containers that debug.attach has made for the service."""
    labels = [f"{PROJECT_LABEL}={subject.project.directory}", f"{DEBUG_LABEL}={subject.service.name}"]
    return {one["Id"] for one in subject.engine.get("/containers/json", filters={"label": labels})}


def _is_debugger(subject: Subject, one: Mapping[str, Any], by_pid: Mapping[int, Mapping[str, Any]]) -> bool:
    """By its port, or because the command line of its process starts a debugger and names the port."""
    commands = [" ".join(by_pid[pid]["argv"]) for pid in one["pids"] if pid in by_pid]
    named = re.compile(rf"(?<!\d){one['port']}(?!\d)")
    return one["port"] == subject.port or any(_DEBUGGER.search(said) and named.search(said) for said in commands)


def address(hexadecimal: str) -> str:
    """An address of /proc/net/tcp as people write it: words of 32 bits, each with its bytes in the machine's order."""
    words = [bytes.fromhex(hexadecimal[at : at + 8])[::-1] for at in range(0, len(hexadecimal), 8)]
    found = ipaddress.ip_address(b"".join(words))
    return f"[{found}]" if found.version == 6 else str(found)


def is_loopback(host: str) -> bool:
    """Whether a host address of a published port is this machine's own; "" is all of them."""
    return bool(host) and ipaddress.ip_address(host).is_loopback
