"""Grafana beside Prometheus: what a program in its place finds there, and Grafana itself where it is to be had."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from ddd_tasks import bases as images
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ExitCode
from ddd_tasks.monitoring import grafana
from tests import support
from tests.monitoring import page_service
from tests.support import Stack, wait_until

# It answers as Grafana does when it is ready, with what it has found: in /tmp and in its folder of data it writes.
PROBE = """\
import http.server, json, os, pathlib, urllib.parse, urllib.request

def written(place):
    try:
        pathlib.Path(place, "probe").write_text("x")
        return True
    except OSError:
        return False

def asked(url, query):
    with urllib.request.urlopen(url, urllib.parse.urlencode({"query": query}).encode(), timeout=5) as answer:
        return json.load(answer)["data"]["result"]

def seen():
    home = pathlib.Path(os.environ["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    secret = pathlib.Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"])
    provisioning = pathlib.Path(os.environ["GF_PATHS_PROVISIONING"])
    source = (provisioning / "datasources/ddd.yml").read_text()
    provider = (provisioning / "dashboards/ddd.yml").read_text()
    url = source.partition("url: ")[2].split()[0]
    boards = provider.partition(" path: ")[2].split()[0]
    return {
        "ids": [os.getuid(), os.getgid()],
        "rights": dict(line.split()[:2] for line in open("/proc/self/status") if len(line.split()) > 1),
        "written": {one: written(one) for one in ("/", "/etc", "/tmp", "/var/lib/grafana", "/run/secrets", boards)},
        "secret": [secret.read_text(), oct(secret.stat().st_mode & 0o777)],
        "home": json.loads(home.read_text())["title"],
        "boards": sorted(os.listdir(boards)),
        "answer": asked(url + "/api/v1/query", "jobs_done_total"),
        "root": os.environ["GF_SERVER_ROOT_URL"],
    }

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"{}" if self.path == "/api/health" else json.dumps(seen()).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("0.0.0.0", 3000), Page).serve_forever()
"""


class Shown(NamedTuple):
    """The running project, and what monitor.up said."""

    stack: Stack
    said: dict[str, Any]

    def ask(self, path: str, body: Any = None, *, login: str = "", host: str = "") -> tuple[int, Any]:
        """Status and answer of Grafana; a body is posted. login: user:password."""
        headers = {"Content-Type": "application/json"}
        if login:
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        if host:
            headers["Host"] = host
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(urllib.request.Request(self.said["grafana"] + path, data, headers), timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *words: Any) -> None:
        return None


@contextmanager
def shown(image: str) -> Iterator[Shown]:
    """A project with a service that has metrics, Prometheus, and this image as Grafana."""
    service = page_service()
    service |= {"ports": ["127.0.0.1::8000"], "x-ddd": {"metrics": {"port": 8000}}}
    content = {"services": {"web": service}, "x-ddd": {"monitor": {"grafana": image}}}
    stack = support.make_stack({"compose.yaml": json.dumps(content)})
    try:
        stack.ddd("dev.up", timeout=120).ok()
        yield Shown(stack, json.loads(stack.ddd("monitor.up", "--grafana", "--json", timeout=600).ok().out))
    finally:
        stack.down()


@pytest.fixture(scope="module")
def probe(bases: None, engine: Engine) -> Iterator[str]:
    """An image of a program that finds out what Grafana would find."""
    name = support.unique("grafana")
    base = support.base("python:3.13-slim-trixie")
    dockerfile = f'FROM {base}\nCOPY probe.py /\nUSER 472\nENTRYPOINT ["python3", "/probe.py"]\n'
    files = support.make_stack({"probe.py": PROBE, "Dockerfile": dockerfile})
    try:
        files.run("docker", "build", "--quiet", "--tag", name, ".", timeout=120).ok()
        yield name
    finally:
        files.down()
        engine.delete(f"/images/{name}", force=True)


@pytest.fixture(scope="module")
def placed(probe: str) -> Iterator[Shown]:
    with shown(probe) as found:
        yield found


@pytest.fixture(scope="module")
def real(bases: None, engine: Engine) -> Iterator[Shown]:
    if not images.has(engine, grafana.IMAGE) and (why := images.reachable(grafana.IMAGE)):
        pytest.skip(f"{grafana.IMAGE} is neither here nor to be had: {why}")
    with shown(grafana.IMAGE) as found:
        yield found


def test_what_is_in_grafanas_place_finds_all_it_needs_and_no_right_more(placed: Shown) -> None:
    _, seen = wait_until(lambda: [got for got in [placed.ask("")] if got[1]["answer"]], what="a scrape")[0]
    assert seen["ids"] == [472, 0]
    assert [seen["rights"][f"{name}:"] for name in ("CapEff", "NoNewPrivs", "Seccomp")] == ["0" * 16, "1", "2"]
    assert {place for place, could in seen["written"].items() if could} == {"/tmp", "/var/lib/grafana"}
    assert len(seen["written"]) == 6
    assert seen["boards"] == ["web.json"]
    assert (seen["home"], seen["root"]) == ("Services", placed.said["grafana"])
    assert seen["answer"][0]["metric"]["job"] == "web"


def test_its_password_is_in_one_file_and_nowhere_else(placed: Shown, engine: Engine) -> None:
    password, mode = placed.ask("")[1]["secret"]
    private = placed.stack.directory / ".ddd"
    known = [path for path in private.rglob("*") if path.is_file() and password in path.read_text(errors="replace")]
    assert [(path.name, oct(path.stat().st_mode & 0o777)) for path in known] == [("grafana-password", "0o600")]
    assert mode == "0o400"
    info = engine.get(f"/containers/{placed.stack.name}-ddd-grafana-1/json")
    assert password not in json.dumps(info)
    assert password not in placed.stack.run("docker", "logs", info["Id"]).err
    host = info["HostConfig"]
    assert [one["HostIp"] for each in host["PortBindings"].values() for one in each] == ["127.0.0.1"]
    assert (host["Memory"], host["NanoCpus"], host["Privileged"]) == (512 << 20, 10**9, False)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert "docker.sock" not in json.dumps(info)


def test_it_stays_where_nothing_has_changed_and_goes_where_it_is_not_wanted(placed: Shown, engine: Engine) -> None:
    name = f"{placed.stack.name}-ddd-grafana-1"
    before = engine.get(f"/containers/{name}/json")["Id"]
    again = json.loads(placed.stack.ddd("monitor.up", "--json", timeout=60).ok().out)
    assert (again["grafana"], engine.get(f"/containers/{name}/json")["Id"]) == (placed.said["grafana"], before)
    without = json.loads(placed.stack.ddd("monitor.up", "--no-grafana", "--json", timeout=60).ok().out)
    assert (without["grafana"], without["url"]) == (None, placed.said["url"])
    back = json.loads(placed.stack.ddd("monitor.up", "--json", timeout=60).ok().out)
    assert back["grafana"] == placed.said["grafana"]
    placed.stack.ddd("monitor.down", timeout=60).ok()
    assert [item for item in support.leftovers(engine, placed.stack.name) if "grafana" in item.text] == []


def test_an_image_that_cannot_be_had_is_an_error_only_where_it_was_asked_for(bases: None) -> None:
    service = page_service()
    content = {"services": {"web": {**service, "x-ddd": {"metrics": {"port": 8000}}}}}
    named = "localhost:9/ddd/grafana:none"
    stack = support.make_stack({"compose.yaml": json.dumps({**content, "x-ddd": {"monitor": {"grafana": named}}})})
    try:
        refused = stack.ddd("monitor.up", "--grafana", timeout=120)
        assert (refused.status, "try: ddd monitor.up --no-grafana" in refused.err) == (ExitCode.ENGINE, True), (
            refused.err
        )
        went_on = stack.ddd("monitor.up", timeout=120).ok()
        assert f"no Grafana: the image {named!r}" in went_on.err
    finally:
        stack.down()


def test_one_that_ends_at_once_is_told_with_its_words_and_leaves_nothing(bases: None, engine: Engine) -> None:
    python = support.base("python:3.13-slim-trixie")  # its own program ends, because its input does
    service = page_service(**{"x-ddd": {"metrics": {"port": 8000}}})
    stack = support.make_stack({"compose.yaml": json.dumps({"services": {"web": service}})})
    try:
        refused = stack.ddd("monitor.up", env={grafana.VARIABLE: python}, timeout=120)
        assert (refused.status, "error: Grafana does not answer" in refused.err) == (ExitCode.ENGINE, True), refused.err
        assert "\x1b" not in refused.err.partition("error:")[2]
        left = [str(item).replace(support.RUN, "") for item in support.leftovers(engine, stack.name)]
        assert not [text for text in left if "ddd-grafana" in text or "ddd-monitor" in text]
    finally:
        stack.down()


def test_grafana_itself_answers_with_our_dashboards_and_data(real: Shown) -> None:
    status, health = real.ask("api/health")
    assert (status, health["database"]) == (200, "ok")
    status, board = wait_until(lambda: [got for got in [real.ask("api/dashboards/uid/ddd-web")] if got[0] == 200])[0]
    assert board["dashboard"]["title"] == "web"
    assert board["meta"]["provisioned"]
    source = {"type": "prometheus", "uid": "ddd-prometheus"}
    query = {"refId": "A", "datasource": source, "expr": "jobs_done_total", "instant": True}

    def values() -> list[Any]:
        status, answer = real.ask("api/ds/query", {"queries": [query], "from": "now-5m", "to": "now"})
        assert status == 200, answer
        return [frame["data"]["values"][-1] for frame in answer["results"]["A"]["frames"] if frame["data"]["values"]]

    assert wait_until(values) == [[7]]
    assert real.ask("api/dashboards/home")[1]["dashboard"]["title"] == "Services"


def test_grafana_itself_lets_everybody_look_and_nobody_change(real: Shown) -> None:
    password = (real.stack.directory / ".ddd" / "monitor" / "grafana-password").read_text()
    assert real.ask("api/admin/settings", login=f"admin:{password}")[0] == 200
    assert real.ask("api/admin/settings", login="admin:admin")[0] == 401
    assert real.ask("api/admin/settings")[0] in (401, 403)
    assert real.ask("api/dashboards/db", {"dashboard": {"title": "mine"}})[0] in (401, 403)
    assert real.ask("api/search", host="news.example")[0] in (301, 302)
    said = real.stack.run("docker", "logs", f"{real.stack.name}-ddd-grafana-1")
    assert password not in said.out + said.err
    assert "read-only file system" not in said.out + said.err
