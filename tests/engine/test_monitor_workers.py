"""Several workers of a Python service count together: each scrape says what all have counted since the start."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from ddd_tasks.languages.python import PYTHON
from ddd_tasks.scaffold import rendering
from tests import support
from tests.monitoring import get
from tests.support import REPO, Stack

pytestmark = pytest.mark.usefixtures("bases")

WORKERS = 3
# One more metric than in the page: each worker that lives says 1.
GAUGE = """
from prometheus_client import Gauge

Gauge("workers_up", "Workers that live.", multiprocess_mode="livesum").set(1)
"""
KILL = """
import os, pathlib, signal
workers = [pid for file in pathlib.Path("/proc/1/task").glob("*/children") for pid in file.read_text().split()]
os.kill(int(workers[0]), signal.SIGKILL)
print(len(workers))
"""


class Service(NamedTuple):
    """A service of the stack, at a URL that ends with /; folder: where its workers keep their numbers."""

    stack: Stack
    name: str
    url: str
    folder: str

    def send(self, count: int) -> None:
        """Send requests that are answered, several at once, so that no worker gets them all."""
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(lambda _: get(self.url)[0], range(count)))
        assert statuses == [200] * count

    def counted(self, metric: str = 'http_requests_total{method="GET",route="/",status="200"}') -> list[float]:
        """What several scrapes in a row say: of three workers, chance would choose the same one too seldom."""
        return [_value(get(self.url + "metrics")[1], metric) for _ in range(8)]

    def inside(self, program: str) -> str:
        """What a Python program says in the container."""
        return self.stack.run("docker", "compose", "exec", "-T", self.name, "python", "-c", program).ok().out

    def wait(self) -> None:
        """Wait until it answers."""
        support.wait_until(self._answers, what=f"an answer of {self.name}")

    def _answers(self) -> bool:
        try:
            return get(self.url + "metrics")[0] == 200
        except OSError:
            return False

    def files(self) -> list[str]:
        """The counters' files, one for each worker that has counted."""
        return self.inside(f"import pathlib; print(*pathlib.Path('{self.folder}').glob('counter_*.db'))").split()


def _value(page: str, metric: str) -> float:
    found = re.search(rf"^{re.escape(metric)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def block_of_the_page() -> str:
    """The Flask application in docs/metrics-in-your-service.md."""
    page = (REPO / "docs" / "metrics-in-your-service.md").read_text()
    (block,) = [text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "Flask(" in text]
    return f'{block}\n\n@app.get("/")\ndef index():\n    return "hello"\n'


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Service]]:
    """uvicorn with the example in prod; gunicorn with the page's application in prod, and in dev under watchfiles."""
    ports = {name: support.free_port() for name in ("uvicorn", "gunicorn", "saved")}
    needs = "flask\nprometheus-client\n"
    stack = support.make_stack({"app.py": block_of_the_page() + GAUGE, "requirements.txt": needs})
    try:
        _write(stack, ports)
        stack.ddd("dev.up", timeout=600).ok()
        folders = {"uvicorn": "/dev/shm/metrics", "gunicorn": "/tmp/numbers", "saved": "/dev/shm/metrics"}
        yield {name: Service(stack, name, f"http://127.0.0.1:{ports[name]}/", folders[name]) for name in ports}
    finally:
        stack.down()


def _write(stack: Stack, ports: dict[str, int]) -> None:
    stack.ddd("init", "--language", "python", "--name", "gunicorn").ok()
    assert PYTHON.entries
    (entry,) = PYTHON.entries(stack.directory, None)
    # As for an application of another framework: Flask's own server, which has one process, serves its dev stage.
    text = rendering.render(PYTHON, PYTHON.managers[-1], replace(entry, variants=("wsgi",)))
    stack.write({"plain.Dockerfile": text})
    example, dockerfile = REPO / "examples" / "python", REPO / "docker" / "python" / "Dockerfile"
    prod = {"context": str(example), "dockerfile": str(dockerfile), "target": "prod"}
    plain = {"context": ".", "dockerfile": "plain.Dockerfile", "target": "dev"}
    services: dict[str, dict[str, Any]] = {
        "uvicorn": {"build": prod, "read_only": True, "cap_drop": ["ALL"]},
        # Its folder outlives a restart of the container.
        "gunicorn": {
            "build": {"context": ".", "target": "prod"},
            "environment": {"PROMETHEUS_MULTIPROC_DIR": "/tmp/numbers"},
        },
        "saved": {"build": plain, "volumes": [".:/app"]},
    }
    for name, service in services.items():
        service["ports"] = [f"127.0.0.1:{ports[name]}:8000"]
        service.setdefault("environment", {})["WEB_CONCURRENCY"] = str(WORKERS)
    stack.write({"compose.yaml": json.dumps({"services": services}, indent=2)})


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_each_scrape_says_what_all_have_counted_since_the_start(running: dict[str, Service], name: str) -> None:
    service = running[name]
    service.wait()
    service.send(200)
    assert service.counted() == [200.0] * 8
    before = service.files()
    assert len(before) > 1, "one worker alone has answered: the test says nothing"

    service.stack.run("docker", "compose", "restart", name).ok()
    service.wait()
    service.send(100)
    assert service.counted() == [100.0] * 8
    assert len(service.files()) <= WORKERS


def test_a_worker_that_dies_leaves_its_counts_and_nothing_else(running: dict[str, Service]) -> None:
    service = running["gunicorn"]
    service.wait()
    counted = set(service.counted())
    assert service.counted("workers_up") == [WORKERS] * 8
    assert int(service.inside(KILL)) == WORKERS
    # The next one says 1 as well; the dead one would make it 4.
    support.wait_until(lambda: "Booting worker" in _last_words(service), what="the next worker")
    time.sleep(0.5)
    assert service.counted("workers_up") == [WORKERS] * 8
    assert set(service.counted()) == counted


def _last_words(service: Service) -> str:
    log = service.stack.run("docker", "compose", "logs", "--no-log-prefix", service.name).ok()
    return (log.out + log.err).partition("SIGKILL")[2]


def test_a_save_begins_anew(running: dict[str, Service]) -> None:
    service = running["saved"]
    service.wait()
    service.send(30)
    assert service.counted() == [30.0] * 8
    source = service.stack.directory / "app.py"
    source.write_text(source.read_text().replace('"hello"', '"saved"'))
    support.wait_until(lambda: service._answers() and get(service.url)[1] == "saved", what="the save")
    at_first = set(service.counted()).pop()
    assert at_first < 30
    service.send(20)
    assert service.counted() == [at_first + 20] * 8
