"""What stands beside a service: who reaches it, with which rights, on which port; and debug.toolbox."""

from __future__ import annotations

import socket
import threading

import pytest

from ddd_tasks import ownimages
from ddd_tasks.engine.api import Engine
from sidecar import bridge
from tests import support
from tests.engine.live.services import Services, answers


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
        own = services.attach("--service", "own", env=elsewhere)
        assert (own["port"], answers(own)) == (services.attach("--service", "own")["port"], True)
        assert len(services.ours()) == 2  # those of the other service
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
        ownimages.remove_superseded(engine, f"{family}:3.13-new")
        assert tags() == {"3.13-old", "3.13-new", "3.12-old"}
        monkeypatch.setattr(ownimages, "KEPT_SECONDS", 0)
        ownimages.remove_superseded(engine, f"{family}:3.13-new")
        assert tags() == {"3.13-new", "3.12-old"}
    finally:
        for tag in tags():
            engine.delete(f"/images/{family}:{tag}")
