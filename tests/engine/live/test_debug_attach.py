"""debug.attach and debug.detach on services of a hardened, slim image; the target stays as it is."""

from __future__ import annotations

import json
import signal

import pytest

from tests import support
from tests.engine.live.services import Services, answers


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


def listening(services: Services) -> set[int]:
    """The ports on which the service listens, as its own /proc says."""
    ran = services.stack.run("docker", "compose", "exec", "-T", "api", "cat", "/proc/net/tcp", "/proc/net/tcp6").ok()
    rows = [line.split() for line in ran.out.splitlines()]
    ports = {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and not row[1].startswith("0B00007F")}
    return {port for port in ports if port < 20000}
