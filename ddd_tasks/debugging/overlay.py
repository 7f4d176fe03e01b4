"""The Compose overlay of debug.up: what differs while a service runs its debug stage, and the model of that."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ddd_tasks import build, compose
from ddd_tasks.compose import DEBUG_OVERLAY, DEBUG_PORT_LABEL, DEBUG_WAIT_LABEL, SERVICE_LABEL, STAGE_LABEL
from ddd_tasks.dockerfile import Dockerfile
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import Debug
from ddd_tasks.project import Port, Project, Service
from ddd_tasks.sessions.container import PROJECT_LABEL

STAGE = "debug"
BEFORE_LABEL = "ddd-tasks.before"
# Stands for what the image says itself, which JSON has no word for.
_RESET = "\ue000"
_BLANK = "\ue001"  # a blank within a word: no pattern takes it for one between words
_BRIDGED = (None, "bridge", "default")


class Wanted(NamedTuple):
    """How a service is to run under its debugger.

    port: host port of the debugger, 0 for none. waits: whether it stops before its first line. ran_before: whether the
    service ran from its declared stage before.
    """

    service: str
    port: int
    waits: bool = False
    ran_before: bool = False


class Command(NamedTuple):
    """What a container starts: overrides of the image's words, None for the image's own."""

    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None


def running(engine: Engine, project: Project) -> dict[str, Wanted]:
    """The services that have a container from their debug stage, and how it was started."""
    filters = {"label": [f"{compose.PROJECT_LABEL}={project.name}", f"{STAGE_LABEL}={STAGE}"]}
    found = {}
    for entry in engine.get("/containers/json", all=True, filters=filters):
        labels = entry["Labels"]
        name = labels.get(SERVICE_LABEL, "")
        if name in project.services:
            bound = engine.get(f"/containers/{entry['Id']}/json")["HostConfig"].get("PortBindings") or {}
            ports = [int(one["HostPort"] or 0) for one in bound.get(f"{labels.get(DEBUG_PORT_LABEL)}/tcp") or ()]
            port = ports[0] if ports else 0
            found[name] = Wanted(name, port, DEBUG_WAIT_LABEL in labels, BEFORE_LABEL in labels)
    return found


def applied(project: Project, wanted: Sequence[Wanted], debugs: Mapping[str, Debug]) -> Project:
    """The project with these services from their debug stages, its overlay written; itself where there are none.

    debugs: how each is debugged. Raises ConfigError, UnsupportedError.
    """
    config = build.configuration(project)["services"] if wanted else {}
    entries, changed = {}, {}
    for one in wanted:
        service = project.services[one.service]
        changed[one.service] = in_stage(project, service, one, debugs[one.service])
        parsed = build.dockerfile_of(project, service)
        entries[one.service] = entry(
            project, changed[one.service], one, config[one.service], parsed, debugs[one.service]
        )
    text = json.dumps({"services": entries}, indent=2, ensure_ascii=False) + "\n" if entries else ""
    text = text.replace("$", "$$").replace(f'"{_RESET}"', "!reset null")
    files = compose.write_overlay_text(project, DEBUG_OVERLAY, text)
    return project._replace(files=(*project.files, *files), services={**project.services, **changed})


def image(project: Project, service: Service) -> str:
    """The name of the debug stage's image: one of its own, so that the declared stage's stays what it is."""
    return f"{project.name}-{service.name}".lower() + f":{STAGE}"


def in_stage(project: Project, service: Service, wanted: Wanted, debug: Debug) -> Service:
    """The model of a service in its debug stage."""
    assert service.build is not None
    ports = service.ports
    if wanted.port and debug.port and all(port.target != debug.port for port in ports):
        ports = (*ports, Port(debug.port, str(wanted.port), "127.0.0.1", "tcp", "", is_chosen=True))
    target = service.build._replace(target=STAGE)
    return service._replace(build=target, image=image(project, service), ports=ports)


def entry(
    project: Project, service: Service, wanted: Wanted, config: Mapping[str, Any], parsed: Dockerfile, debug: Debug
) -> dict[str, Any]:
    """What the overlay says of a service. config: Compose's own view of it."""
    notes = {
        STAGE_LABEL: STAGE,
        DEBUG_PORT_LABEL: str(debug.port or ""),
        DEBUG_WAIT_LABEL: "yes" if wanted.waits else "",
        BEFORE_LABEL: "yes" if wanted.ran_before else "",
    }
    parts: dict[str, Any] = {
        "image": service.image,
        "build": {"target": STAGE, "labels": {PROJECT_LABEL: str(project.directory)}},
        "labels": {name: value for name, value in notes.items() if value},
    }
    chosen = [port for port in service.ports if port.is_chosen]
    if chosen:
        parts["ports"] = [
            {"target": port.target, "published": port.published, "host_ip": port.host_ip, "protocol": port.protocol}
            for port in chosen
        ]
    if is_loosened(config, debug):
        parts["read_only"] = False
    if _replicas(config) > 1:  # the debugger's port is one
        parts |= {"scale": 1, "deploy": {"replicas": 1}}
    return parts | command(service, config, parsed, debug.wait if wanted.waits else None)


def is_loosened(config: Mapping[str, Any], debug: Debug) -> bool:
    """Whether `read_only` of the Compose file is turned off: a compiled program is built in the debug stage."""
    return bool(config.get("read_only")) and debug.is_compiled


def command(
    service: Service, config: Mapping[str, Any], parsed: Dockerfile, wait: tuple[str, str] | None
) -> dict[str, Any]:
    """What the overlay says of the words that are started.

    The words of the debug stage itself start the debugger, and so come before those of the Compose file; without words
    of its own, the stage leaves the service its.
    """
    given = _given(config)
    kept = settled(given, parsed)
    parts: dict[str, Any] = {}
    if wait:
        kept = waiting(service, kept, parsed, wait)
    if kept.entrypoint != given.entrypoint:
        parts["entrypoint"] = _RESET if kept.entrypoint is None else list(kept.entrypoint)
    if kept.command != given.command:
        parts["command"] = _RESET if kept.command is None else list(kept.command)
    return parts


def replaced(config: Mapping[str, Any], parsed: Dockerfile) -> list[str]:
    """The keys of a service's entry, entrypoint and command, that the debug stage's own words come before."""
    given = _given(config)
    kept = settled(given, parsed)
    return [key for key in Command._fields if getattr(given, key) not in (None, getattr(kept, key))]


def settled(given: Command, parsed: Dockerfile) -> Command:
    """The Compose file's words as far as the debug stage leaves them in force."""
    stage = parsed.stage(STAGE)
    own = stage.command[len(stage.entrypoint) :]
    if not stage.has_command or given == Command():
        return given
    # An entrypoint without a command is all that is started; one with a command is a wrapper, which goes on to it.
    is_wrapper = given.entrypoint is not None and given.command is not None and not stage.entrypoint
    if is_wrapper:
        return Command(given.entrypoint, own)
    return Command(None, None if own else given.command)


def waiting(service: Service, kept: Command, parsed: Dockerfile, wait: tuple[str, str]) -> Command:
    """The words with the debugger told to wait for a client. Raises UnsupportedError where they start none."""
    chain = parsed.chain(STAGE)[::-1]
    entrypoint = kept.entrypoint
    if entrypoint is None:
        entrypoint = next((stage.entrypoint for stage in chain if stage.entrypoint), ())
    words = kept.command
    if words is None:
        started = next((stage for stage in chain if stage.has_command), None)
        words = started.command[len(started.entrypoint) :] if started and kept.entrypoint is None else ()
    if (changed := _substituted(words, *wait)) is not None:
        return Command(kept.entrypoint, changed)
    if (changed := _substituted(entrypoint, *wait)) is not None:
        return Command(changed, words)
    raise UnsupportedError(
        f"service {service.name!r} cannot be made to wait for a debugger",
        cause=f"nothing in the command of its debug stage matches {wait[0]!r}: {' '.join((*entrypoint, *words))}",
        hint=f"ddd debug.up --service {service.name}",
    )


def _substituted(words: Sequence[str], pattern: str, replacement: str) -> tuple[str, ...] | None:
    """The words with the pattern replaced once, within one of them (a shell's text) or across several; or None."""
    for number, word in enumerate(words):
        changed, count = re.subn(pattern, replacement, word, count=1)
        if count:
            return (*words[:number], changed, *words[number + 1 :])
    line = " ".join(word.replace(" ", _BLANK) for word in words)
    changed, count = re.subn(pattern, replacement, line, count=1)
    return tuple(word.replace(_BLANK, " ") for word in changed.split(" ")) if count else None


def check_network(service: Service, config: Mapping[str, Any]) -> bool:
    """Whether a port of the service can be published. Raises UnsupportedError for the network of this machine."""
    mode = config.get("network_mode")
    if mode == "host":
        raise UnsupportedError(
            f"service {service.name!r} has `network_mode: host`",
            cause="its debugger obeys whoever connects, and would listen on the addresses of this machine",
            hint=f"ddd debug.attach --service {service.name}",
        )
    return mode in _BRIDGED


def _given(config: Mapping[str, Any]) -> Command:
    return Command(_words(config.get("entrypoint")), _words(config.get("command")))


def _words(given: Any) -> tuple[str, ...] | None:
    return None if given is None else tuple(str(word).replace("$$", "$") for word in given)


def _replicas(config: Mapping[str, Any]) -> int:
    return int(config.get("scale") or (config.get("deploy") or {}).get("replicas") or 1)
