"""The four example services as they run in production, in one project that Prometheus has to find its way in."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ddd_tasks import languages
from ddd_tasks.languages import LANGUAGES
from tests import support
from tests.support import REPO, Stack

SERVICES = tuple(language.name for language in LANGUAGES)
HIDDEN = "node"
"""The service without a port on this machine: only containers of its network reach it."""
APART = "csharp"
"""The service in a network of its own."""
IDLE = {("node", "nodejs_active_requests")}
"""The only panels without data while all are at work: it has series while a request to elsewhere is under way."""
_ASKING = "python"
_HARDENED: dict[str, Any] = {
    "init": True,
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "tmpfs": ["/tmp:mode=1777"],
    "healthcheck": {"interval": "1s", "start_period": "60s", "start_interval": "200ms"},  # with the image's own test
}
# From inside a network, for what this machine does not reach; the number of answers is what it prints.
_ASK = """
import sys, time, urllib.request
count, rate, *urls = sys.argv[1:]
began, answered = time.monotonic(), 0
for number in range(int(count)):
    if float(rate):
        time.sleep(max(0, began + number / float(rate) - time.monotonic()))
    with urllib.request.urlopen(urls[number % len(urls)], timeout=5) as answer:
        answered += len(answer.read()) > 0
print(answered)
"""
# The smallest service with a metrics page. {seen} in its text are the requests to other pages than that one.
_PAGE = """
import http.server, sys

seen = 0

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global seen
        seen += self.path != "/metrics"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(sys.argv[2].replace("{seen}", str(seen)).encode())

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Page).serve_forever()
"""
JOBS = "# TYPE jobs_done_total counter\njobs_done_total 7\n"


def page_service(port: int = 8000, text: str = JOBS, /, **more: Any) -> dict[str, Any]:
    """A service of a Compose file that shows this text as its metrics page. more: of its entry."""
    command = ["python3", "-c", _PAGE, str(port), text]
    return {"image": support.base("python:3.13-slim-trixie"), "init": True, "command": command, **more}


def prometheus_url(stack: Stack) -> str:
    """Where this machine reaches the Prometheus of a project."""
    return stack.ddd("monitor.open", "--print").ok().out.strip().removesuffix("/user/")


@dataclass(frozen=True)
class Services:
    """The running project. urls: service -> where this machine reaches it; HIDDEN has none."""

    stack: Stack
    urls: dict[str, str]

    def inside(self, service: str, number: int = 1) -> str:
        """The URL of one container of a service for those in its network."""
        return f"http://{self.stack.name}-{service}-{number}:{port_of(service)}"

    def ask(self, urls: str | Sequence[str], count: int, *, rps: float = 0) -> int:
        """Send requests from a container of the common network, to each URL in turn; how many were answered.

        rps: how many a second, 0 for as fast as they are answered. Raises AssertionError where one was not.
        """
        targets = [urls] if isinstance(urls, str) else urls
        words = ("python", "-c", _ASK, str(count), str(rps), *targets)
        ran = self.stack.run("docker", "exec", f"{self.stack.name}-{_ASKING}-1", *words, timeout=60 + count).ok()
        return int(ran.out)

    def visit(self, count: int = 3) -> None:
        """Send this many requests to GET / of each service."""
        for url in self.urls.values():
            for _ in range(count):
                get(url)
        self.ask(self.inside(HIDDEN) + "/", count)


def port_of(service: str) -> int:
    """The port in the container."""
    metrics = languages.get(service).metrics
    assert metrics
    return metrics.port


def get(url: str) -> tuple[int, str]:
    """Status and text of an answer, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def compose(ports: dict[str, int]) -> dict[str, Any]:
    """The project's Compose file: prod stages without rights. ports: service -> its port on this machine."""
    services = {service: _service(service, ports.get(service)) for service in SERVICES}
    return {"services": services, "networks": {"apart": {}}}


def _service(service: str, port: int | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "build": {
            # In the checkout itself: what was built for other tests is in the cache.
            "context": str(REPO / "examples" / service),
            "dockerfile": str(REPO / "docker" / service / "Dockerfile"),
            "target": "prod",
        },
        **_HARDENED,
    }
    # Both ways to say that it has metrics. Neither names the port: the image exposes only that one.
    if service in ("go", APART):
        entry["labels"] = {"prometheus.io/scrape": "true"}
    else:
        entry["x-ddd"] = {"metrics": {}}
    if port:
        entry["ports"] = [f"127.0.0.1:{port}:{port_of(service)}"]
    if service == APART:
        entry["networks"] = ["apart"]
    return entry


@contextmanager
def example_services() -> Iterator[Services]:
    """The four services, healthy; the project and everything of it on the engine is removed at the end."""
    ports = {service: support.free_port() for service in SERVICES if service != HIDDEN}
    stack = support.make_stack({"compose.yaml": json.dumps(compose(ports), indent=2)})
    try:
        stack.ddd("dev.up", timeout=900).ok()
        yield Services(stack, {service: f"http://127.0.0.1:{port}/" for service, port in ports.items()})
    finally:
        stack.down()


class Steady(threading.Thread):
    """Requests at a constant rate, until stopped or for so many seconds; to each URL in turn, one after the other.

    sent: those that were answered, whatever the status; failed: those that were not.
    """

    def __init__(self, urls: Sequence[str], rps: float, seconds: float) -> None:
        super().__init__(daemon=True)
        self.sent = self.failed = 0
        self._urls, self._rps, self._seconds = urls, rps, seconds
        self._stopped = threading.Event()

    def run(self) -> None:
        """Send each request at its own moment: one that takes long is made up for and does not move the others."""
        began, number = time.monotonic(), 0
        while number < self._seconds * self._rps:
            if self._stopped.wait(max(0.0, began + number / self._rps - time.monotonic())):
                return
            try:
                get(self._urls[number % len(self._urls)])
                self.sent += 1
            except OSError:
                self.failed += 1
            number += 1

    def stop(self) -> int:
        """End it after the request that is on its way; how many were answered."""
        self._stopped.set()
        self.join()
        return self.sent


@contextmanager
def steady(url: str | Sequence[str], rps: float, seconds: float = 600) -> Iterator[Steady]:
    """Traffic in the background while the block runs, and for no longer than so many seconds."""
    traffic = Steady([url] if isinstance(url, str) else url, rps, seconds)
    traffic.start()
    try:
        yield traffic
    finally:
        traffic.stop()
