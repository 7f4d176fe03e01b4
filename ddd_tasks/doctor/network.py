"""What builds need of the network: certificates, a proxy that containers can reach, and a registry or stand-ins."""

from __future__ import annotations

import os
import shlex
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ddd_tasks import bases, build, hostconfig
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding
from ddd_tasks.doctor.limits import Asked
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.engine import bases as recipes
from ddd_tasks.hostconfig.common import is_loopback

_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080}
_PATIENCE = 3.0  # seconds in which a proxy has to accept a connection
_SILENCE = 15.0  # seconds: more than bases.reachable waits


class Address(NamedTuple):
    """Where a proxy listens, without the name and password that its URL may have."""

    host: str
    port: int

    def __str__(self) -> str:
        """As in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def certificates(subject: Subject) -> Iterator[Finding]:  # noqa: ARG001 - every check takes the subject
    """Are the bundles of certificates that the environment names there, and any good?"""
    wrong: dict[str, list[str]] = {}
    for name in _BUNDLES:
        path = os.environ.get(name)
        if path and (reason := _unusable(Path(path))):
            wrong.setdefault(f"{path}: {reason}", []).append(name)
    for reason, names in wrong.items():
        why = "programs here, and builds, cannot check whom they talk to"
        yield Finding("certificates", PROBLEM, f"{_list(names)} {reason}", why, f"unset {' '.join(names)}")
    if not wrong:
        bundle = hostconfig.find().ca_bundle
        found = f"builds get {bundle}" if bundle else "this machine has no bundle; builds use their image's"
        yield Finding("certificates", OK, found)


def proxy(subject: Subject) -> Iterator[Finding]:  # noqa: ARG001
    """Does the proxy of the environment answer, and can containers reach it?"""
    named: dict[Address | None, list[str]] = {}
    for name in _PROXIES:
        if value := os.environ.get(name):
            named.setdefault(address_of(value), []).append(name)
    wrong = [finding for address, names in named.items() if (finding := _of_proxy(address, names))]
    yield from wrong
    if not wrong:
        reached = " and ".join(f"{_list(names)} {address}" for address, names in named.items())
        yield Finding("proxy", OK, f"{reached}, which answers; builds get it" if named else "none is set")


def registry(subject: Subject) -> Iterator[Finding]:
    """Does the registry of the project's images answer, or do stand-ins take their place?"""
    if subject.engine is None or subject.project is None:
        return
    wanted = bases.images(subject.project.directory, subject.project)
    instead = build.stand_ins(subject.project)
    local = build.local_images()
    have = {image for image in wanted if image in local or (image not in instead and bases.has(subject.engine, image))}
    for image in sorted(wanted.keys() & instead.keys()):
        if recipes.familiar(instead[image]) not in local and not bases.has(subject.engine, instead[image]):
            what = f"x-ddd.images has {instead[image]} for {image}, and there is no such image"
            fix = f"docker pull {shlex.quote(instead[image])}"
            yield Finding("registry", PROBLEM, what, "builds begin with it", fix)
    by_host: dict[str, list[str]] = {}
    for image in sorted(wanted):
        by_host.setdefault(bases.registry_of(image), []).append(image)
    doubts = {host: _doubt(images[0]) for host, images in by_host.items()}
    for host, images in by_host.items():
        doubt = _answer(doubts[host])
        if doubt is None:
            yield Finding("registry", OK, f"{host} answers")
            continue
        lacking = [image for image in images if image not in have and image not in instead]
        for image in lacking:
            what = f"{host} does not answer ({_line(doubt)}), and {image} of {wanted[image].where} is not here"
            by_us = recipes.find(image) is not None
            fix = "ddd engine.bases" if by_us else f"docker pull {shlex.quote(image)}"
            state = PROBLEM if wanted[image].needed else WARNING
            yield Finding("registry", state, what, "builds begin with it", fix, is_safe=by_us)
        if not lacking:
            used = [f"{instead[image]} for {image}" for image in images if image in instead]
            stand = f"; stand-ins are used: {', '.join(used)}" if used else "; all its images are here"
            yield Finding("registry", OK, f"{host} does not answer{stand}")


def address_of(proxy: str) -> Address | None:
    """Where a proxy's variable leads; None where that cannot be told."""
    try:
        found = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = found.hostname, found.port
    except ValueError:
        return None
    return Address(host, port or _PORTS.get(found.scheme, 80)) if host else None


def _of_proxy(address: Address | None, names: list[str]) -> Finding | None:
    """What is wrong with a proxy, or None."""
    unset = f"unset {' '.join(names)}"
    why = "downloads fail, here and in builds"
    if address is None:
        return Finding("proxy", PROBLEM, f"{_list(names)} no address of a proxy", why, unset)
    doubt = _refusal(address)
    if doubt:
        return Finding("proxy", PROBLEM, f"{_list(names)} {address}, where nothing answers: {doubt}", why, unset)
    if not is_loopback(str(address)):
        return None
    what = f"{_list(names)} {address}, this machine's loopback, which containers cannot reach: builds go without it"
    why = "downloads in a build fail where the network is only to be had through the proxy"
    ours = _own_address()
    if ours and not _refusal(Address(ours, address.port)):
        written = f"[{address.host}]" if ":" in address.host else address.host
        pattern = written.replace(".", r"\.").replace("[", r"\[").replace("]", r"\]")
        # By name, so that a password in the value is not shown.
        fix = " && ".join(f"""export {name}="$(printf %s "${name}" | sed 's/{pattern}/{ours}/')\"""" for name in names)
        return Finding("proxy", WARNING, what, why, fix)
    what += f". It listens there alone: let it listen on {ours or 'another address'} as well, and name that one"
    return Finding("proxy", WARNING, what, why)


def _refusal(address: Address) -> str:
    """Why no connection can be made, or ""."""
    try:
        with socket.create_connection(address, timeout=_PATIENCE):
            return ""
    except (OSError, UnicodeError) as error:
        return str(error)


def _own_address() -> str:
    """The address of this machine on the way to others, or "" where there is no way; nothing is sent."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # of nobody (RFC 5737)
        return str(probe.getsockname()[0])
    return ""


def _unusable(file: Path) -> str:
    """Why this is no bundle of certificates, or ""."""
    try:
        with file.open("rb") as opened:
            opened.read(1)
        ssl.create_default_context(cafile=str(file))
    except FileNotFoundError:
        return "there is no such file"
    except IsADirectoryError:
        return "it is a folder, and builds get one file"
    except ssl.SSLError:
        return "there is no certificate in it"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return ""


def _doubt(image: str) -> Asked[str | None]:
    return Asked(lambda: bases.reachable(image))


def _answer(asked: Asked[str | None]) -> str | None:
    try:
        return asked.answer(_SILENCE)
    except TimeoutError:
        return "no answer"


def _list(names: list[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _line(text: str) -> str:
    return " ".join(text.split())[:120]
