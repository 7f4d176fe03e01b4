"""debug.attach, debug.detach and debug.toolbox on services of a hardened, slim image; the target stays as it is."""

from __future__ import annotations

import json
import signal
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ddd_tasks.debugging import toolbox
from ddd_tasks.engine.api import Engine
from sidecar import bridge
from tests import debugging, support
from tests.support import Stack

FILES = {
    "compose.yaml": """\
x-hardened: &hardened
  build: {context: ., target: prod}
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  stop_grace_period: 0s
services:
  api: {<<: *hardened}
  alone: {<<: *hardened, network_mode: none}
  shared: {<<: *hardened, pid: host}
  quiet:
    image: node:24-trixie-slim
    command: [sleep, infinity]
    init: true
""",
    "Dockerfile": """\
FROM node:24-trixie-slim AS prod
WORKDIR /app
COPY . .
USER 10001:10002
CMD ["node", "server.js"]
""",
    "server.js": "require('http').createServer((_, answer) => answer.end('hello')).listen(8000)\n",
    "package.json": '{"name": "service", "version": "1.0.0"}\n',
}


class Services:
    """The running project of this module."""

    def __init__(self, stack: Stack, engine: Engine) -> None:
        self.stack = stack
        self.engine = engine

    def attach(self, *words: str, **options: Any) -> dict[str, Any]:
        """What debug.attach --json says of a service, api unless one is named."""
        named = [] if "--service" in words else ["--service", "api"]
        answer = self.stack.ddd("debug.attach", *named, "--json", *words, **options).ok()
        said: dict[str, Any] = json.loads(answer.out)
        return said

    def ours(self, role: str = "") -> set[str]:
        """The ids of our containers beside the services."""
        labels = [f"ddd-tasks.project={self.stack.directory}", "ddd-tasks.debug"]
        rows = self.engine.get("/containers/json", all=True, filters={"label": labels})
        return {row["Id"] for row in rows if row["Labels"]["ddd-tasks.role"].startswith(role)}

    def container(self, service: str = "api") -> str:
        """The id of a service's container."""
        return self.stack.run("docker", "compose", "ps", "-aq", service).ok().out.strip()

    def facts(self, service: str = "api") -> tuple[Any, ...]:
        """What must not change: when it was started, its image, and its changed files."""
        container = self.container(service)
        info = self.engine.get(f"/containers/{container}/json")
        diff = self.engine.get(f"/containers/{container}/changes")
        return container, info["State"]["StartedAt"], info["Image"], info["RestartCount"], diff

    def processes(self, service: str = "api") -> list[str]:
        """The command lines of all in its process namespace, those of containers beside it too."""
        return debugging.processes(self.container(service))


@pytest.fixture(scope="module")
def project(engine: Engine, bases: None) -> Iterator[Services]:
    stack = support.make_stack(FILES)
    try:
        stack.ddd("dev.up", timeout=300).ok()
        yield Services(stack, engine)
    finally:
        stack.down()


@pytest.fixture
def services(project: Services) -> Iterator[Services]:
    """The project with all its services running, and without a debugger before and after the test."""
    yield project
    for name in ("api", "alone"):
        info = project.engine.get(f"/containers/{project.container(name)}/json")
        if not info["State"]["Running"]:
            project.engine.post(f"/containers/{info['Id']}/start")
    if project.ours():
        project.stack.ddd("debug.detach").ok()
    assert project.ours() == set()


@pytest.fixture
def fresh(stack: Callable[[Mapping[str, str]], Stack], engine: Engine, bases: None) -> Services:
    """A project of the test's own, whose containers it may replace."""
    compose = "services:\n  api:\n    build: .\n    stop_grace_period: 0s\n"
    own = stack({**FILES, "compose.yaml": compose})
    own.ddd("dev.up", timeout=300).ok()
    return Services(own, engine)


def answers(said: dict[str, Any]) -> bool:
    """Whether the inspector answers where debug.attach said."""
    with urllib.request.urlopen(f"http://{said['host']}:{said['port']}/json/list", timeout=20) as response:
        return bool(json.loads(response.read())[0]["webSocketDebuggerUrl"])


def test_the_same_debugger_is_found_again_and_the_target_stays_as_it_is(services: Services) -> None:
    before = services.facts()
    said = services.attach()
    assert list(said) == ["service", "language", "protocol", "host", "port", "pid", "pathMappings"]
    assert (said["service"], said["language"], said["protocol"], said["pid"]) == ("api", "node", "cdp", 1)
    assert said["pathMappings"] == [{"localRoot": str(services.stack.directory), "remoteRoot": "/app"}]
    assert answers(said)
    first = services.ours()
    assert len(first) == 2
    assert len(services.processes()) == 3  # with the sidecar's and the forwarder's
    assert services.attach() == said
    assert services.ours() == first
    assert services.facts() == before
    services.stack.ddd("debug.detach").ok()
    assert services.ours() == set()
    assert services.processes() == ["node server.js"]
    assert services.facts() == before


def test_no_other_container_reaches_the_debugger(services: Services) -> None:
    said = services.attach()
    assert answers(said)
    (forwarder,) = services.ours("forwarder")
    info = services.engine.get(f"/containers/{forwarder}/json")
    address = info["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    (inside,) = (port.partition("/")[0] for port in info["NetworkSettings"]["Ports"])
    asked = (
        f"fetch('http://{address}:{inside}/json/list').then(() => console.log('in'), (e) => console.log(e.cause.code))"
    )
    image = support.base("node:24-trixie-slim")
    answer = support.run("docker", "run", "--rm", "--name", support.unique(), image, "node", "-e", asked).ok()
    assert answer.out.strip() in ("UND_ERR_SOCKET", "ECONNRESET")  # accepted, and hung up


def test_two_at_once_end_with_one_debugger(services: Services) -> None:
    both = [services.stack.popen(*support.ddd_argv("debug.attach", "--service", "api", "--json")) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert len(services.ours()) == 2


def test_after_a_restart_and_after_a_new_container_it_attaches_again(fresh: Services) -> None:
    first = fresh.attach()
    before = fresh.ours()
    fresh.stack.run("docker", "compose", "restart", "api").ok()
    assert fresh.attach() == first
    assert answers(first)
    restarted = fresh.ours()
    assert len(restarted) == 2
    assert not restarted & before
    fresh.stack.run("docker", "compose", "up", "-d", "--no-build", "--force-recreate").ok()
    assert fresh.attach() == first
    assert answers(first)
    assert len(fresh.ours()) == 2
    assert not fresh.ours() & restarted
    fresh.stack.ddd("dev.down").ok()
    support.wait_until(lambda: not fresh.ours(), what="the end of both containers")


@pytest.mark.parametrize("broken", ["sidecar", "forwarder"])
def test_what_is_broken_is_repaired(services: Services, broken: str) -> None:
    first, kept = services.attach(), "forwarder" if broken == "sidecar" else "sidecar"
    (victim,), (other,) = services.ours(broken), services.ours(kept)
    services.engine.post(f"/containers/{victim}/kill")
    assert services.attach() == first
    assert answers(first)
    assert services.ours(broken) != {victim}
    assert services.ours(kept) == {other}


def test_a_debugger_left_by_a_killed_sidecar_is_taken_away_all_the_same(services: Services) -> None:
    services.attach()
    for victim in services.ours():
        services.engine.post(f"/containers/{victim}/kill")
    services.attach()
    services.stack.ddd("debug.detach", "--service", "api").ok()
    assert listening(services) == {8000}


def test_a_target_killed_while_a_debugger_is_brought_is_said_and_leaves_nothing(services: Services) -> None:
    container = services.container()
    services.engine.post(f"/containers/{container}/kill", signal="SIGSTOP")  # it opens no inspector while it stands
    attaching = services.stack.popen(*support.ddd_argv("debug.attach", "--service", "api"))
    support.wait_until(lambda: services.ours("sidecar"), what="the sidecar")
    services.engine.post(f"/containers/{container}/kill")
    _, err = attaching.communicate(timeout=60)
    assert attaching.returncode == 75, err
    assert "service 'api' ended while a debugger was brought to it" in err.decode()
    assert "try: ddd dev.up" in err.decode()
    support.wait_until(lambda: not services.ours(), what="the end of both containers")


def test_ctrl_c_leaves_nothing(services: Services) -> None:
    services.engine.post(f"/containers/{services.container()}/kill", signal="SIGSTOP")
    attaching = services.stack.popen(*support.ddd_argv("debug.attach", "--service", "api"))
    support.wait_until(lambda: services.ours("sidecar"), what="the sidecar")
    attaching.send_signal(signal.SIGINT)
    assert support.end_of(attaching) == 130
    assert services.ours() == set()
    services.engine.post(f"/containers/{services.container()}/kill", signal="SIGCONT")
    assert answers(services.attach())


def test_a_process_that_does_not_answer_is_said_and_leaves_nothing(services: Services) -> None:
    services.engine.post(f"/containers/{services.container()}/kill", signal="SIGSTOP")
    said = services.stack.ddd("debug.attach", "--service", "api")
    services.engine.post(f"/containers/{services.container()}/kill", signal="SIGCONT")
    assert said.status != 0
    assert "cause: " in said.err
    assert services.ours() == set()


def test_a_taken_port_is_named_with_its_holder_or_gone_around(services: Services) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        refused = services.stack.ddd("debug.attach", "--service", "api", "--port", str(taken))
        assert refused.status == 73
        assert f"error: port {taken} is taken" in refused.err
        assert "process" in refused.err
        assert services.ours() == set()
    assert services.attach("--port", str(taken))["port"] == taken
    assert services.attach()["port"] == taken
    services.stack.ddd("debug.detach").ok()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", taken))
        holder.listen()
        other = services.attach()
        assert other["port"] != taken
        assert answers(other)
    assert services.attach()["port"] == other["port"]


def test_a_service_without_a_network_is_reached(services: Services) -> None:
    said = services.attach("--service", "alone")
    assert answers(said)
    assert {said["port"]} != {services.attach()["port"]}
    assert "detached from alone, api" in services.stack.ddd("debug.detach").ok().err


def test_refusals_name_cause_and_way_out(services: Services) -> None:
    stack = services.stack
    unknown = stack.ddd("debug.attach", "--service", "apj")
    assert (unknown.status, "did you mean: api" in unknown.err) == (78, True)
    number = stack.ddd("debug.attach", "--service", "api", "--port", "70000")
    assert (number.status, "from 1 to 65535" in number.err) == (78, True)
    language = stack.ddd("debug.attach", "--service", "quiet")
    assert (language.status, "valid: csharp, go, node, python" in language.err) == (65, True)
    shared = stack.ddd("debug.attach", "--service", "shared")
    assert (shared.status, "`pid: host`" in shared.err) == (65, True)
    services.engine.post(f"/containers/{services.container('alone')}/pause")
    paused = stack.ddd("debug.attach", "--service", "alone")
    services.engine.post(f"/containers/{services.container('alone')}/unpause")
    assert (paused.status, "is paused" in paused.err) == (75, True)
    services.engine.post(f"/containers/{services.container('alone')}/kill")
    gone = json.loads(stack.ddd("debug.attach", "--service", "alone", "--json").out)
    assert (gone["exit_code"], gone["try"]) == (75, "ddd dev.up")
    assert services.ours() == set()


def test_containers_beside_a_service_have_no_rights(services: Services) -> None:
    services.attach()
    for container in services.ours():
        info = services.engine.get(f"/containers/{container}/json")
        host, config = info["HostConfig"], info["Config"]
        assert config["User"] == "10001:10002"
        assert (host["CapDrop"], host["CapAdd"] or [], host["Privileged"]) == (["ALL"], [], False)
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert (host["ReadonlyRootfs"], info["Mounts"], host["Binds"]) == (True, [], None)
        published = [port["HostIp"] for ports in (host["PortBindings"] or {}).values() for port in ports]
        assert set(published) <= {"127.0.0.1"}


def test_a_probe_of_the_port_does_not_reach_the_debugger(services: Services) -> None:
    said = services.attach()
    for _ in range(3):
        socket.create_connection((said["host"], said["port"]), timeout=5).close()
    assert answers(said)


def test_words_run_beside_a_service_with_its_processes_network_and_files(services: Services) -> None:
    stack, before = services.stack, services.facts()
    ran = stack.ddd(
        "debug.toolbox", "--service", "api", "--", "sh", "-c", "id -u; id -g; pwd; ls; ps -ef; ss -ltn; exit 7"
    )
    assert ran.status == 7, ran.err
    for expected in ("10001\n10002\n/proc/1/root/app\n", "server.js", "node server.js", ":8000"):
        assert expected in ran.out
    capabilities = stack.ddd("debug.toolbox", "--service", "api", "--", "grep", "CapEff", "/proc/self/status").ok()
    assert int(capabilities.out.split()[1], 16) == 0
    piped = stack.ddd("debug.toolbox", "--service", "alone", "--", "cat", stdin=b"\0\xff").ok()
    assert piped.stdout == b"\0\xff"
    root = stack.ddd("debug.toolbox", "--service", "api", "--root", "--", "id", "-u").ok()
    assert root.out == "0\n"
    assert "SYS_PTRACE" in root.err
    assert services.facts() == before
    assert services.ours() == set()


def test_a_shell_opens_on_a_terminal_and_survives_the_debugger(services: Services) -> None:
    shell = services.stack.spawn(*support.ddd_argv("debug.toolbox", "--service", "api"))
    shell.expect_exact("toolbox:api")
    services.attach()
    services.stack.ddd("debug.detach").ok()
    shell.sendline("tty; exit 3")
    shell.expect("/dev/pts/")
    shell.expect_exact("exit")
    shell.wait()
    assert shell.exitstatus == 3
    support.wait_until(lambda: not services.ours(), what="the end of the container")


def test_an_engine_elsewhere_tells_by_itself_what_this_machine_cannot(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def carry(client: socket.socket) -> None:
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(services.engine.endpoint.host.removeprefix("unix://"))
            bridge.pipe(client, engine)

        threading.Thread(target=bridge.serve, args=(listener, carry), daemon=True).start()
        elsewhere = {"DOCKER_HOST": f"tcp://127.0.0.1:{listener.getsockname()[1]}"}
        said = services.attach(env=elsewhere)
        assert answers(said)
        assert services.attach(env=elsewhere) == said
        ran = services.stack.ddd("debug.toolbox", "--service", "api", "--", "sh", "-c", "id -u; exit 4", env=elsewhere)
        assert (ran.status, ran.out) == (4, "10001\n")


def test_images_of_earlier_versions_go_once_they_are_old(
    engine: Engine, bases: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = support.unique("toolbox")
    for tag in ("3.13-old", "3.13-new", "3.12-old"):
        engine.post(f"/images/{support.base('node:24-trixie-slim')}/tag", repo=family, tag=tag)

    def tags() -> set[str]:
        rows = engine.get("/images/json", filters={"reference": [family]})
        return {name.rpartition(":")[2] for row in rows for name in row["RepoTags"] if name.startswith(family)}

    try:
        toolbox.remove_superseded(engine, f"{family}:3.13-new")
        assert tags() == {"3.13-old", "3.13-new", "3.12-old"}
        monkeypatch.setattr(toolbox, "KEPT_SECONDS", 0)
        toolbox.remove_superseded(engine, f"{family}:3.13-new")
        assert tags() == {"3.13-new", "3.12-old"}
    finally:
        for tag in tags():
            engine.delete(f"/images/{family}:{tag}")


def listening(services: Services) -> set[int]:
    """The ports on which the service listens, as its own /proc says."""
    ran = services.stack.run("docker", "compose", "exec", "-T", "api", "cat", "/proc/net/tcp", "/proc/net/tcp6").ok()
    rows = [line.split() for line in ran.out.splitlines()]
    ports = {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and not row[1].startswith("0B00007F")}
    return {port for port in ports if port < 20000}
