"""The check in CI: what it takes away depends on what was there."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddd_tasks.errors import ConfigError, NotRunningError
from ddd_tasks.monitoring import rehearsal
from ddd_tasks.monitoring.rehearsal import Before
from tests.support import free_port, wait_until

NOTHING = Before(frozenset(), frozenset(), has_containers=False, has_monitor=False)
SERVICES = NOTHING._replace(services=frozenset({"api"}), has_containers=True)


@pytest.mark.parametrize(
    ("before", "tasks"),
    [
        (NOTHING, ["dev.down"]),
        (SERVICES, ["monitor.down"]),
        (SERVICES._replace(services=frozenset()), ["monitor.down"]),  # they are stopped
        (SERVICES._replace(has_monitor=True), []),
    ],
)
def test_only_what_was_not_there_goes(before: Before, tasks: list[str]) -> None:
    assert rehearsal.clearing(before) == tasks


def test_nothing_is_started_for_words_that_are_no_url(tmp_path: Path) -> None:
    called: list[str] = []
    with pytest.raises(ConfigError, match="'localhost:8000' is no URL"):
        rehearsal.run(called.append, ["http://127.0.0.1:1/", "localhost:8000"], tmp_path)
    assert called == []


PATHS: list[str] = []


class Service(http.server.BaseHTTPRequestHandler):
    """Fails each request, which is an answer."""

    def do_GET(self) -> None:
        PATHS.append(self.path)
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_requests_go_to_the_urls_in_turn_until_the_end(url: str) -> None:
    PATHS.clear()
    with rehearsal.requests_to([f"{url}/a", f"{url}/b"]):
        wait_until(lambda: len(PATHS) >= 6, what="six requests")
    sent = list(PATHS)
    assert sent[:6] == ["/a", "/b", "/a", "/b", "/a", "/b"]
    assert not [thread for thread in threading.enumerate() if thread.name.endswith("(_send)")]


def test_a_url_that_does_not_answer_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    with pytest.raises(NotRunningError, match=f"{url} does not answer"), rehearsal.requests_to([url]):
        pass
