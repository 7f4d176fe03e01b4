"""What Prometheus beside the services may do, and others with it: asked of the engine, of the kernel and of itself."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml

from ddd_tasks.engine.api import Engine
from tests import support
from tests.monitoring import page_service
from tests.support import Stack, wait_until

SOCKET = "docker.sock"
TOKEN = "correct-horse-battery"
PASSWORD = "tr0ub4dor-and-3"
COMPOSE = {
    "services": {
        "web": page_service(
            environment={"DATABASE_PASSWORD": PASSWORD},
            labels={"prometheus.io/scrape": "true", "prometheus.io/port": "8000", "owner": PASSWORD},
            secrets=["token"],
        )
    },
    "secrets": {"token": {"file": "./token"}},
}


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: dict[str, str]
    text: str


class Monitored(NamedTuple):
    """The running project: Prometheus' URL, and its container as inspected."""

    stack: Stack
    url: str
    info: dict[str, Any]

    def ask(self, path: str, *, method: str = "GET", origin: str = "") -> Answer:
        """One request; its answer, whatever the status."""
        request = urllib.request.Request(self.url + path, method=method, headers={"Origin": origin} if origin else {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def data(self, path: str) -> Any:
        """What its API answers."""
        return json.loads(self.ask(path).text)["data"]

    def inside(self, *words: str) -> support.Ran:
        """A program in Prometheus' container, with its rights."""
        return support.run("docker", "exec", self.info["Id"], *words)


@pytest.fixture(scope="module")
def monitored(bases: None, engine: Engine) -> Iterator[Monitored]:
    stack = support.make_stack({"compose.yaml": json.dumps(COMPOSE), "token": TOKEN})
    try:
        stack.ddd("dev.up", timeout=120).ok()
        said = json.loads(stack.ddd("monitor.up", "--no-grafana", "--json", timeout=600).ok().out)
        info = engine.get(f"/containers/{stack.name}-ddd-prometheus-1/json")
        found = Monitored(stack, said["url"], info)
        wait_until(lambda: [one for one in found.data("/api/v1/targets")["activeTargets"] if one["health"] == "up"])
        yield found
    finally:
        stack.down()


def test_only_this_machine_reaches_it(monitored: Monitored) -> None:
    bound = [one for each in monitored.info["HostConfig"]["PortBindings"].values() for one in each]
    assert [one["HostIp"] for one in bound] == ["127.0.0.1"]
    networks = monitored.info["NetworkSettings"]["Networks"].values()
    others = [one["Gateway"] for one in networks if one["Gateway"]]  # addresses of this machine, as containers see it
    assert others
    for address in others:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, int(bound[0]["HostPort"])), timeout=5)


def test_it_was_given_no_right_that_it_does_not_need(monitored: Monitored) -> None:
    host = monitored.info["HostConfig"]
    assert (host["Privileged"], host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"]) == (False, True, ["ALL"], None)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]  # and so the engine's own seccomp profile
    assert (host["PidMode"], host["IpcMode"], host["UsernsMode"], host["Devices"]) == ("", "private", "", None)
    assert not host["ExtraHosts"]  # no service is in the network of the host
    assert (host["Memory"], host["NanoCpus"]) == (512 << 20, 10**9)
    assert host["PidsLimit"] > 0
    assert not host["RestartPolicy"]["Name"] or host["RestartPolicy"]["Name"] == "no"


def test_the_kernel_holds_it_to_that(monitored: Monitored) -> None:
    status = dict(line.split(":\t", 1) for line in monitored.inside("cat", "/proc/1/status").ok().out.splitlines())
    assert [status[name].strip(" 0") for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == ["", "", "", ""]
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split() == ["65534"] * 4
    for place in (
        "/",
        "/usr/bin",
        "/etc/ddd-monitor",
        "/usr/share/ddd-monitor/web",
        "/usr/share/ddd-monitor/web/boards",
    ):
        refused = monitored.inside("touch", f"{place}/written")
        assert (refused.status, "Read-only file system" in refused.err) == (1, True), (place, refused.err)


def test_nothing_of_the_engine_and_no_file_of_the_project_is_in_reach(monitored: Monitored, engine: Engine) -> None:
    label = {"label": [f"com.docker.compose.project={monitored.stack.name}"]}
    containers = engine.get("/containers/json", all=1, filters=label)
    assert len(containers) == 2
    assert SOCKET not in json.dumps([engine.get(f"/containers/{one['Id']}/json") for one in containers])
    private = str(monitored.stack.directory / ".ddd" / "monitor")
    binds = [mount for mount in monitored.info["Mounts"] if mount["Type"] == "bind"]
    assert binds
    assert all(mount["Source"].startswith(private) and not mount["RW"] for mount in binds)
    volumes = [mount["Name"] for mount in monitored.info["Mounts"] if mount["Type"] == "volume"]
    assert volumes == [f"{monitored.stack.name}_ddd-prometheus-data"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://news.example",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}.news.example",
        "null",
    ],
)
def test_a_page_of_another_origin_reads_nothing(monitored: Monitored, origin: str) -> None:
    foreign = origin.format(port=monitored.url.rpartition(":")[2])
    for path in ("/api/v1/query?query=up", "/user/boards/index.json"):
        answer = monitored.ask(path, origin=foreign)
        assert answer.status == 200
        assert "access-control-allow-origin" not in {name.lower() for name in answer.headers}


def test_its_own_origin_is_the_one_that_may(monitored: Monitored) -> None:
    answer = monitored.ask("/api/v1/query?query=up", origin=monitored.url)
    assert answer.headers.get("Access-Control-Allow-Origin") == monitored.url


@pytest.mark.parametrize(
    "path",
    [
        "/-/reload",
        "/-/quit",
        "/api/v1/admin/tsdb/snapshot",
        "/api/v1/admin/tsdb/delete_series?match[]=up",
        "/api/v1/admin/tsdb/clean_tombstones",
        "/api/v1/write",
        "/api/v1/otlp/v1/metrics",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_nobody_ends_or_changes_it_over_http(monitored: Monitored, method: str, path: str) -> None:
    answer = monitored.ask(path, method=method, origin="https://news.example")
    assert answer.status in (403, 404, 405) or "admin APIs disabled" in answer.text, answer
    assert monitored.data("/api/v1/query?query=jobs_done_total")["result"]


def test_what_it_keeps_and_takes_is_limited(monitored: Monitored) -> None:
    flags = monitored.data("/api/v1/status/flags")
    assert flags["storage.tsdb.retention.time"] in ("1d", "24h")
    assert flags["storage.tsdb.retention.size"] == "512MiB"
    off = ("web.enable-lifecycle", "web.enable-admin-api", "web.enable-remote-write-receiver")
    assert [flags[name] for name in off] == ["false"] * 3
    config = yaml.safe_load(monitored.data("/api/v1/status/config")["yaml"])
    for scrape in config["scrape_configs"]:
        assert scrape["sample_limit"] == 20_000
        assert scrape["label_value_length_limit"] == 512
        assert str(scrape["body_size_limit"]).startswith("16M")
    assert not {"remote_write", "remote_read"} & {*config}


def test_it_knows_nothing_of_the_services_secrets(monitored: Monitored) -> None:
    stack = monitored.stack
    made = [stack.directory / ".ddd" / "compose" / "monitor.yaml", stack.directory / ".ddd" / "monitor.json"]
    made += [path for path in (stack.directory / ".ddd" / "monitor").rglob("*") if path.is_file()]
    assert len(made) > 4
    texts = {str(path): path.read_text() for path in made}
    texts["container"] = json.dumps(monitored.info)
    texts["configuration"] = monitored.ask("/api/v1/status/config").text + monitored.ask("/api/v1/targets").text
    texts["log"] = stack.ddd("monitor.logs", "--tail", "all").ok().out
    assert [name for name, text in texts.items() if TOKEN in text or PASSWORD in text] == []
