"""The whole of it once, for CI: services, Prometheus, requests, the check; and what was not there before goes again."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import compose, process, services
from ddd_tasks import project as projects
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, NotRunningError
from ddd_tasks.monitoring import stack
from ddd_tasks.monitoring.api import Prometheus
from ddd_tasks.project import Project

SCRAPES = 2
"""Without a second one, no rate is known."""
_SECONDS = 60.0
_POLL_SECONDS = 0.5
_PAUSE = 0.1  # between two requests
_ANSWER_SECONDS = 10.0

Ddd = Callable[..., object]


class Before(NamedTuple):
    """What there is of a project. services: with a running container; volumes: their names."""

    services: frozenset[str]
    volumes: frozenset[str]
    has_containers: bool
    has_monitor: bool


def run(ddd: Ddd, urls: Sequence[str], directory: Path) -> None:
    """Start what does not run, ask the URLs until everything was scraped twice, check, and take away what was started.

    ddd: runs our program with the words that it is given, and raises where that fails. Raises ConfigError for what is
    no URL, NotRunningError where one does not answer.
    """
    for url in urls:
        if not url.startswith(("http://", "https://")):
            what, cause = f"{url!r} is no URL", "what stands behind -- are the URLs that requests go to"
            raise ConfigError(what, cause=cause, hint="nox -s monitor-check -- http://127.0.0.1:8000/")
    project = projects.load(directory)
    before = look(project)
    try:
        ddd("dev.up")
        ddd("monitor.up")
        with requests_to(urls):
            await_scrapes(project)
            ddd("monitor.check")
    finally:
        for word in clearing(before):
            ddd(word)
        _remove_new(project, before)


def look(project: Project) -> Before:
    """What there is at present."""
    with closing(Engine.connect()) as engine:
        states = services.states(engine, project)
        label = {"label": [f"{compose.PROJECT_LABEL}={project.name}"]}
        return Before(
            frozenset(state.service for state in states if state.state == "running"),
            frozenset(entry["Name"] for entry in engine.get("/volumes", filters=label)["Volumes"] or ()),
            bool(states),
            stack.running(engine, project) is not None,
        )


def clearing(before: Before) -> list[str]:
    """The tasks that take away what was not there."""
    if not before.has_containers:
        return ["dev.down"]
    return [] if before.has_monitor else ["monitor.down"]


def _remove_new(project: Project, before: Before) -> None:
    """Remove the containers of services that did not run where others did, and the volumes that are new."""
    now = look(project)
    if started := sorted(now.services - before.services - {*stack.NAMES}):
        command = compose.Compose(project, compose.monitor_overlays(project))
        process.run(command.argv("rm", "--stop", "--force", *started), env=command.environment, quiet=True)
    with closing(Engine.connect()) as engine:
        for name in now.volumes - before.volumes:
            engine.delete(f"/volumes/{name}")


def await_scrapes(project: Project, *, seconds: float = _SECONDS) -> None:
    """Wait until each target was scraped twice from now on. Raises NotRunningError where that takes too long."""
    with closing(Engine.connect()) as engine:
        running = stack.running(engine, project)
    if running is None:
        raise stack.not_running(project)
    prometheus = Prometheus(running.url)
    seen: dict[tuple[str, str], set[str]] = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for one in prometheus.targets():
            seen.setdefault((one.job, one.instance), set()).add(one.last_scrape)
        if seen and all(len(scrapes) > SCRAPES for scrapes in seen.values()):
            return
        time.sleep(_POLL_SECONDS)
    late = sorted(instance for (_, instance), scrapes in seen.items() if len(scrapes) <= SCRAPES)
    what = f"not everything was scraped {SCRAPES} times within {seconds:.0f} s: {', '.join(late) or 'no target at all'}"
    raise NotRunningError(what, hint="ddd monitor.targets")


@contextmanager
def requests_to(urls: Sequence[str]) -> Iterator[None]:
    """Send requests to the URLs in turn while the block lasts. Raises NotRunningError where one does not answer."""
    for url in urls:
        try:
            _ask(url)
        except OSError as error:
            raise NotRunningError(f"{url} does not answer", cause=str(error), hint="ddd dev.ps") from error
    over = threading.Event()
    sender = threading.Thread(target=_send, args=(urls, over), daemon=True)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join(_ANSWER_SECONDS)


def _send(urls: Sequence[str], over: threading.Event) -> None:
    number = 0
    while urls and not over.wait(_PAUSE):
        with suppress(OSError):  # a service that fails now and then is what a check is for
            _ask(urls[number % len(urls)])
        number += 1


def _ask(url: str) -> None:
    """One request; a status of an error is an answer as well. Raises OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=_ANSWER_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
