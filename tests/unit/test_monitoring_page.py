"""Pages over HTTP: what is asked for, and each way in which no page comes back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ddd_tasks.errors import DddError, NotRunningError, UnsupportedError
from ddd_tasks.monitoring import page as pages

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """serve(answer): a URL that the function answers."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *words: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}/metrics"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def answer(status: int = 200, body: bytes = b"", *, length: int | None = None, **headers: str) -> Answer:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def refusal(url: str, **limits: float) -> DddError:
    with pytest.raises(DddError) as refused:
        pages.fetch("api", url, **limits)  # type: ignore[arg-type]
    assert "service 'api'" in refused.value.what
    assert refused.value.hint
    return refused.value


def test_a_page_comes_as_it_is(serve: Callable[[Answer], str]) -> None:
    asked: list[str] = []

    def send(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["Accept"])
        answer(200, "ä 1\n".encode(), Content_Type="text/plain; version=0.0.4; charset=utf-8")(handler)

    url = serve(send)
    assert pages.fetch("api", url) == ("api", url, "text/plain", "ä 1\n")
    assert asked[0].startswith("application/openmetrics-text")


def test_a_page_without_a_content_type(serve: Callable[[Answer], str]) -> None:
    assert pages.fetch("api", serve(answer(200, b"a 1\n"))).content_type == ""


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "behind a login"), (403, "behind a login"), (404, "elsewhere"), (500, "500 Internal"), (204, "204 No")],
)
def test_another_status_is_refused(serve: Callable[[Answer], str], status: int, said: str) -> None:
    refused = refusal(serve(answer(status)))
    assert isinstance(refused, UnsupportedError)
    assert f"status {status}" in refused.what
    assert said in refused.cause


def test_a_login_that_the_page_leads_to_is_what_is_read(serve: Callable[[Answer], str]) -> None:
    login = serve(answer(200, b"<html>", Content_Type="text/html"))
    assert pages.fetch("api", serve(answer(302, Location=login))).content_type == "text/html"


def test_a_page_that_is_too_large(serve: Callable[[Answer], str]) -> None:
    url = serve(answer(200, b"a 1\n" * 1000))
    assert pages.fetch("api", url, largest=4000).text.count("\n") == 1000
    assert "too large" in refusal(url, largest=3999).what


def test_a_page_that_is_cut_off(serve: Callable[[Answer], str]) -> None:
    refused = refusal(serve(answer(200, b"a 1\n", length=10)))
    assert isinstance(refused, UnsupportedError)
    assert "cut off" in refused.what
    assert refused.cause == "6 bytes of it did not come"


def test_a_page_that_is_no_text(serve: Callable[[Answer], str]) -> None:
    assert "UTF-8" in refusal(serve(answer(200, b"\xff\xfe"))).what


def test_a_page_that_comes_too_late(serve: Callable[[Answer], str]) -> None:
    def late(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)

    def drops(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):  # the client has gone
            for _ in range(10):
                handler.wfile.write(b"a 1\n")
                time.sleep(0.05)

    for slow in (late, drops):
        refused = refusal(serve(slow), seconds=0.2)
        assert isinstance(refused, NotRunningError)
        assert "in time" in refused.what
        assert "0.2 s" in refused.cause


def test_a_port_where_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        refused = refusal(f"http://127.0.0.1:{taken.getsockname()[1]}/metrics")
    assert isinstance(refused, NotRunningError)
    assert "refused" in refused.cause
    assert refused.hint == "ddd dev.logs --service api"


def test_a_port_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            other, _ = server.accept()
            with other:
                other.recv(1000)
                other.sendall(b"220 mail.test ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        refused = refusal(f"http://127.0.0.1:{server.getsockname()[1]}/metrics")
        thread.join()
    assert "does not speak HTTP" in refused.what
