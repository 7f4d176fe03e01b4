"""Requests at a constant rate: what is asked for, where they go, when they leave, and what is said of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.debugging.target import Target as Service
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import Endpoint
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.profiling.load import address, client, latency, wanted
from ddd_tasks.profiling.load.wanted import Load
from ddd_tasks.project import Port, Project
from ddd_tasks.project import Service as Declared
from tests import support

NO_ENGINE = Engine(Endpoint("unix:///nowhere"))


class Subject:
    """A service on a free port: /stall holds up all requests for so many seconds, once; /fail answers 500."""

    def __init__(self) -> None:
        self.gate, self.connections, self.stall = threading.Lock(), 0, 0.0
        subject = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                subject.connections += 1

            def do_GET(self) -> None:
                with subject.gate:
                    seconds, subject.stall = subject.stall, 0.0
                    time.sleep(seconds)
                self.send_response(500 if self.path == "/fail" else 200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")
                self.close_connection = self.path == "/close"

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def target(self, path: str) -> client.Target:
        return client.Target("127.0.0.1", self.server.server_address[1], path, "here")


@pytest.fixture
def subject() -> Iterator[Subject]:
    made = Subject()
    yield made
    made.server.shutdown()
    made.server.server_close()


def sent(target: client.Target, rps: float, seconds: float) -> dict[str, Any]:
    """What came of requests for so long; expected is how many that were, on a busy machine more than were asked for."""
    traffic = client.Traffic(target, rps)
    traffic.begin("phase")
    began = time.perf_counter()
    time.sleep(seconds)
    elapsed = time.perf_counter() - began
    phase = traffic.end()["phase"].as_dict() | {"expected": elapsed * rps}
    for thread in traffic._threads:  # those that still wait for an answer
        thread.join(10)
    target.close()
    return phase


def test_requests_leave_at_the_rate(subject: Subject) -> None:
    phase = sent(subject.target("/"), 100, 0.5)
    assert abs(phase["requests"] - phase["expected"]) <= 5 + phase["expected"] / 10
    assert phase["failed"] == {}
    assert 0 < phase["p50"] <= phase["p90"] <= phase["p99"] <= phase["max"]


def test_a_connection_is_kept_for_the_next_request(subject: Subject) -> None:
    target = subject.target("/")
    assert [target.ask() for _ in range(5)] == [200] * 5
    assert subject.connections == 1
    target.close()


def test_each_request_that_a_stall_holds_up_counts_from_its_planned_moment(subject: Subject) -> None:
    subject.stall = 0.6
    phase = sent(subject.target("/"), 100, 1.0)
    # 60 of 100 were planned meanwhile: a quarter of all waited for 0.35 s or more. A client that waits sees one.
    assert phase["p90"] > 200
    assert phase["max"] > 400


def test_what_fails_is_counted_by_its_reason(subject: Subject) -> None:
    assert sent(subject.target("/fail"), 50, 0.2)["failed"].keys() == {"500"}
    nobody = client.Target("127.0.0.1", support.free_port(), "/", "here")
    phase = sent(nobody, 50, 0.2)
    assert phase["failed"] == {client.NO_CONNECTION: phase["requests"]}
    assert phase["p50"] is None


def test_a_connection_that_the_service_has_closed_is_opened_again(subject: Subject) -> None:
    target = subject.target("/close")
    assert [target.ask() for _ in range(5)] == [200] * 5
    assert subject.connections == 5
    target.close()


def test_what_is_not_answered_at_the_end_counts_with_the_time_it_waited(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CONNECTIONS", 3)
    monkeypatch.setattr(client, "_SECONDS_TO_END", 0.1)
    subject.stall = 0.9
    phase = sent(subject.target("/"), 20, 0.5)
    # Of the three that left, the first did so before the phase began.
    unanswered = phase["failed"][client.NO_ANSWER]
    assert unanswered <= 2
    assert phase["failed"][client.NOT_SENT] == phase["requests"] - unanswered > 4
    assert phase["max"] > 300


def test_requests_belong_to_the_phase_that_they_were_planned_in(subject: Subject) -> None:
    target = subject.target("/")
    traffic = client.Traffic(target, 100)
    elapsed = {"one": 0.0, "two": 0.0}
    for name in ("one", "two", "one"):
        traffic.begin(name)
        began = time.perf_counter()
        time.sleep(0.2)
        elapsed[name] += time.perf_counter() - began
    phases = {name: phase.as_dict()["requests"] for name, phase in traffic.end().items()}
    target.close()
    assert phases.keys() == {"one", "two"}
    assert all(abs(phases[name] - seconds * 100) <= 10 for name, seconds in elapsed.items())


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.9, 4), (0.25, 1), (1, 4), (0.01, 1)])
def test_percentiles_are_nearest_ranks(share: float, expected: float) -> None:
    assert client.percentile([1, 2, 3, 4], share) == expected
    assert client.percentile([], share) is None


def test_what_is_asked_for() -> None:
    assert wanted.checked(None, None) is None
    assert wanted.checked("/work?n=3", None) == Load("/work?n=3", wanted.RPS)
    assert wanted.checked("http://localhost:8000/", "1000") == Load("http://localhost:8000/", 1000)


@pytest.mark.parametrize("rps", ["0", "1001", "-1", "2.5", "many", ""])
def test_a_rate_out_of_range_is_refused(rps: str) -> None:
    with pytest.raises(ConfigError, match="from 1 to 1000"):
        wanted.checked("/", rps)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://localhost/", "has to be an http URL"),
        ("ftp://localhost/", "has to be an http URL"),
        ("localhost:8000", "has to be an http URL"),
        ("work", "has to be an http URL"),
        ("", "has to be an http URL"),
        ("//localhost/", "has to be an http URL"),
        ("http:///work", "has to be an http URL"),
        ("http://api:port/", "is no URL"),
        ("http://[::1/", "is no URL"),
        ("http://api:0/", "no port 0"),
        ("/a b", "%XX"),
        ("/a\r\nHost: b", "%XX"),
        ("http://me:pass@api/", "name and password"),
    ],
)
def test_what_is_no_url_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refusal:
        wanted.checked(text, None)
    assert "me:pass@" not in str(refusal.value)


def declared(name: str, *ports: int, extension: dict[str, Any] | None = None) -> Declared:
    published = tuple(Port(port, "", "", "tcp", "") for port in ports)
    return Declared(name, None, None, (), published, None, None, False, (), (), extension or {})


def found(
    service: Declared, *, exposed: tuple[int, ...] = (), listening: tuple[int, ...] = (), network: str = "bridge"
) -> Service:
    info = {
        "Config": {"ExposedPorts": {f"{port}/tcp": {} for port in exposed}},
        "HostConfig": {"NetworkMode": network},
    }
    return Service("id", service, info, (), dict.fromkeys(listening, False))


def project(*services: Declared) -> Project:
    return Project("shop", Path("/shop"), (Path("/shop/compose.yaml"),), {one.name: one for one in services}, {})


@pytest.mark.parametrize(
    ("service", "port"),
    [
        (found(declared("api", 8000, 9000), exposed=(7000,)), 8000),
        (found(declared("api", extension={"metrics": {"port": 8001}}), exposed=(7000, 7001)), 8001),
        (found(declared("api", extension={"metrics": {"port": 9100}}), exposed=(8002,), listening=(9229, 8002)), 8002),
        (found(declared("api"), listening=(8003, 41234)), 8003),
    ],
)
def test_a_path_is_of_the_port_where_the_service_answers(service: Service, port: int) -> None:
    place = address.of(NO_ENGINE, project(service.service), service, "/work?n=3")
    assert place == ("127.0.0.1", port, "/work?n=3", f"localhost:{port}", f"http://api:{port}/work?n=3")


@pytest.mark.parametrize("listening", [(), (8000, 8001)])
def test_a_path_without_a_port_that_is_known_is_refused(listening: tuple[int, ...]) -> None:
    service = found(declared("api"), listening=listening)
    with pytest.raises(ConfigError) as refusal:
        address.of(NO_ENGINE, project(service.service), service, "/")
    assert list(refusal.value.valid) == [f"http://api:{port}/" for port in listening]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://api:8001/a", ("127.0.0.1", 8001, "/a", "api:8001")),
        ("http://api", ("127.0.0.1", 8000, "/", "api")),
        ("http://front/b#there", ("front", 8080, "/b", "front")),
        ("http://db?x=1", ("db", 80, "/?x=1", "db")),
    ],
)
def test_a_url_may_be_of_any_service(text: str, place: tuple[str, int, str, str]) -> None:
    service = found(declared("api", 8000))
    shop = project(service.service, declared("front", 8080), declared("db"))
    assert address.of(NO_ENGINE, shop, service, text)[:4] == place


def test_localhost_is_the_service_where_it_has_the_network_of_this_machine() -> None:
    service = found(declared("api"), network="host")
    assert address.of(NO_ENGINE, project(service.service), service, "http://localhost:8000/")[:2] == ("127.0.0.1", 8000)


def test_a_host_that_the_project_does_not_have_is_refused_and_a_secret_not_kept() -> None:
    service = found(declared("api", 8000))
    with pytest.raises(UnknownNameError) as refusal:
        address.of(NO_ENGINE, project(service.service), service, "http://apy/")
    assert refusal.value.nearest == "api"
    assert "hunter2" not in address.of(NO_ENGINE, project(service.service), service, "/?token=hunter2").url


def test_the_table_has_both_phases_and_their_ratio() -> None:
    times = {"requests": 200, "failed": {}, "p50": 2.0, "p90": 3.0, "p99": 4.0, "max": 5.0}
    load = latency.fields("/", 20, {"without": times, "with": {**times, "p50": 2.2, "failed": {"503": 4}}})
    rows = latency.rows(load)
    assert [row["requests"] for row in rows] == ["without profiler", "with profiler", "ratio"]
    assert [row["p50 ms"] for row in rows] == ["2.00", "2.20", "1.10"]
    assert [row.get("failed") for row in rows] == ["0", "4", None]
    assert list(latency.remarks(load)) == ["with the profiler 4 of 200 requests failed: 4 answered 503"]


def test_a_service_that_does_not_keep_up_is_said() -> None:
    times = {"requests": 100, "failed": {client.NOT_SENT: 40, client.NO_ANSWER: 1}, "p50": 900.0, "late": 840.0}
    load = latency.fields("/", 500, {"without": times})
    assert load["ratio"]["p50"] is None
    said = list(latency.remarks(load))
    assert "did not keep up with 500 requests a second" in said[0]
    assert "they left 0.8 s late" in said[0]
    assert said[1].endswith("41 of 100 requests failed: 40 not sent, 1 no answer")
