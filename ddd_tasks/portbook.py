"""Host ports of a checkout: the declared ones where they are free, others where they are not, remembered in .ddd/."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from ddd_tasks import compose, console, ledger, process
from ddd_tasks.engine import ports
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, PortTakenError
from ddd_tasks.project import Port, Project, Service
from ddd_tasks.projectcache import make_private

# Free ones where the declared ones are taken; the declared ones or none; others than the declared ones, which stay free
# for the checkout that the file was written for.
AUTO, DECLARED, OWN = "auto", "declared", "own"
MODES = (AUTO, DECLARED, OWN)
ADDRESS = "127.0.0.1"
# Below the range that Linux takes for outgoing connections.
_FIRST, _LAST = 20000, 32767


class Book(NamedTuple):
    """What is remembered. chosen: "SERVICE ADDRESS:PORT:TARGET/PROTOCOL" as declared -> the host port instead."""

    mode: str = DECLARED
    chosen: Mapping[str, int] = {}


def settle(
    engine: Engine, project: Project, wanted: Sequence[Service], ours: Collection[str], mode: str | None = None
) -> list[Service]:
    """The services with the host ports that they get here. ours: ids of our own containers, which may hold theirs.

    mode: one of MODES from now on, None for what it was before. Raises ConfigError, PortTakenError.
    """
    if mode not in (None, *MODES):
        raise ConfigError(f"--ports was given {mode!r}", given=mode, valid=MODES, hint="ddd dev.up --ports auto")
    book = read(project)
    mode = mode or book.mode
    if mode == DECLARED:
        _write(project, Book())
        return list(wanted)
    here = str(project.directory)
    with ledger.opened() as taken:
        foreign = {int(number) for number, at in taken["ports"].items() if at != here}
        known = {_key(service, port) for service in project.services.values() for port in service.ports}
        chosen = {key: number for key, number in book.chosen.items() if key in known}
        for service in wanted:
            for port in filter(_is_fixed, service.ports):
                key = _key(service, port)
                others = _others(project, service, port, {*chosen.values()})
                candidates = chain(_first(port, book.chosen.get(key), mode), others)
                chosen[key] = _choose(engine, service, port, (n for n in candidates if n not in foreign), ours)
                if chosen[key] not in (int(port.published), book.chosen.get(key)):
                    console.note(f"port {port.published} of service {service.name!r} is {chosen[key]} in this checkout")
        taken["ports"] = {number: at for number, at in taken["ports"].items() if at != here}
        taken["ports"] |= {str(number): here for number in chosen.values()}
        _write(project, Book(mode, chosen))
    return [with_chosen(service, chosen) for service in wanted]


def with_chosen(service: Service, chosen: Mapping[str, int]) -> Service:
    """The service with the ports that were chosen for it."""
    return service._replace(
        ports=tuple(
            port._replace(published=str(chosen.get(_key(service, port), port.published))) for port in service.ports
        )
    )


def overlay(project: Project) -> tuple[Path, ...]:
    """The Compose file that publishes the chosen ports; () where they are the declared ones."""
    chosen = read(project).chosen
    parts = []
    for service in project.services.values():
        changed = with_chosen(service, chosen)
        if changed != service:
            entries = json.dumps([_entry(port) for port in changed.ports])
            parts.append(f"  {json.dumps(service.name)}:\n    ports: !override {entries}\n")
    text = "services:\n" + "".join(parts) if parts else ""
    return compose.write_overlay_text(project, "ports", text)


def read(project: Project) -> Book:
    """What is remembered for this checkout."""
    try:
        stored = json.loads(_file(project).read_text())
        return Book(str(stored["mode"]), {str(key): int(number) for key, number in stored["chosen"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Book()


def remember_mode(project: Project, mode: str) -> None:
    """Have the next start choose ports in this mode."""
    _write(project, read(project)._replace(mode=mode))


def _choose(engine: Engine, service: Service, port: Port, candidates: Iterable[int], ours: Collection[str]) -> int:
    """The first of the candidates that is free, or held by one of ours. Raises PortTakenError."""
    for number in candidates:
        held = ports.holder(engine, port.host_ip, number, port.protocol)
        if held is None or held.container in ours:
            return number
    raise PortTakenError(
        f"no port is free for port {port.published} of service {service.name!r}",
        cause=f"all from {_FIRST} to {_LAST} are taken",
        hint="ddd dev.up --ports declared",
    )


def _first(port: Port, before: int | None, mode: str) -> list[int]:
    """The remembered port and the declared one, as far as the mode wants them."""
    found = [number for number in (before, int(port.published)) if number is not None]
    return found if mode == AUTO else [number for number in found if number != int(port.published)]


def _others(project: Project, service: Service, port: Port, used: Collection[int]) -> Iterator[int]:
    """Ports that the project neither declares nor uses, in the same order each time.

    So a checkout that has lost its .ddd/ finds its ports again.
    """
    declared = {other.published for each in project.services.values() for other in each.ports}
    for number in numbers(f"{project.directory} {_key(service, port)}"):
        if number not in used and str(number) not in declared:
            yield number


def free(
    engine: Engine,
    project: Project,
    purpose: str,
    first: Iterable[int],
    others: Collection[int] = (),
    ours: Collection[str] = (),
) -> Iterator[int]:
    """Ports of 127.0.0.1 for a purpose of our own: the first ones (0: none) where they are free, then any other.

    others: ports that are in use for something else; ours: ids of the containers that may hold theirs already.
    """
    with ledger.opened() as taken:
        foreign = {int(port) for port, at in taken["ports"].items() if at != str(project.directory)}
    for port in filter(None, dict.fromkeys((*first, *numbers(f"{project.directory} {purpose}")))):
        if port not in others and port not in foreign:
            held = ports.holder(engine, ADDRESS, port)
            if held is None or held.container in ours:
                yield port


def take(taken: dict[str, dict[str, str]], project: Project, port: int, before: int) -> None:
    """Note in the ledger that this checkout has a port, and no longer the one that it had before."""
    here = str(project.directory)
    if taken["ports"].get(str(before)) == here:
        del taken["ports"][str(before)]
    taken["ports"].setdefault(str(port), here)


def numbers(purpose: str) -> Iterator[int]:
    """All ports that are ours to choose from, in an order that is the purpose's own and the same each time."""
    start, size = crc32(purpose.encode()), _LAST - _FIRST + 1
    yield from (_FIRST + (start + offset) % size for offset in range(size))


def _is_fixed(port: Port) -> bool:
    """Whether it is one port that the file names: not a range, not left to the engine, and not chosen elsewhere."""
    return not port.is_chosen and port.published.isdigit() and int(port.published) > 0


def _key(service: Service, port: Port) -> str:
    return f"{service.name} {port.host_ip}:{port.published}:{port.target}/{port.protocol}"


def _entry(port: Port) -> dict[str, str | int]:
    fields: dict[str, str | int] = {"target": port.target, "published": port.published, "host_ip": port.host_ip}
    fields |= {"protocol": port.protocol, "app_protocol": port.app_protocol, "mode": "ingress"}
    return {name: value for name, value in fields.items() if value != ""}


def _write(project: Project, book: Book) -> None:
    if process.is_dry() or book == read(project):
        return
    file = _file(project)
    make_private(file.parent)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(book._asdict(), indent=2) + "\n")
    draft.replace(file)


def _file(project: Project) -> Path:
    return project.private / "ports.json"
