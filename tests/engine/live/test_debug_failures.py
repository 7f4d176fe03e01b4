"""What debug.attach cannot do leaves things as they were; debug.attach and debug.detach do not disturb each other."""

from __future__ import annotations

import socket

from tests import support
from tests.engine.live.services import FILES, Services, answers

OTHER = {"Dockerfile": FILES["Dockerfile"].replace("AS prod", "AS final")}


def test_a_port_that_cannot_be_had_leaves_the_debugger_that_is_there(services: Services) -> None:
    said, before = services.attach(), services.ours()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        for port, status in ((70000, 78), (taken, 73)):
            assert services.stack.ddd("debug.attach", "--service", "api", "--port", str(port)).status == status
    assert services.ours() == before
    assert answers(said)
    moved, kept = services.attach("--port", str(taken)), services.ours("sidecar")
    assert (moved["port"], kept & before, len(services.ours())) == (taken, kept, 2)
    assert answers(moved)


def test_mappings_that_cannot_be_told_leave_what_was_there(services: Services) -> None:
    attach = ("debug.attach", "--service", "api")
    services.stack.write(OTHER)
    try:
        refused = services.stack.ddd(*attach)
        assert (refused.status, "no stage named 'prod'" in refused.err) == (78, True)
        assert services.ours() == set()
        services.stack.write(FILES)
        said, before = services.attach(), services.ours()
        services.stack.write(OTHER)
        assert services.stack.ddd(*attach).status == 78
        assert services.ours() == before
        assert answers(said)
    finally:
        services.stack.write(FILES)


def test_a_detach_waits_for_the_attach_that_is_at_work(services: Services) -> None:
    container = services.container()
    services.engine.post(f"/containers/{container}/kill", signal="SIGSTOP")  # it opens no inspector while it stands
    attaching = services.stack.popen(*support.ddd_argv("debug.attach", "--service", "api"))
    support.wait_until(lambda: services.ours("sidecar"), what="the sidecar")
    detaching = services.stack.popen(*support.ddd_argv("debug.detach", "--service", "api"))
    assert detaching.stderr is not None
    assert b"waiting for it" in detaching.stderr.readline()
    services.engine.post(f"/containers/{container}/kill", signal="SIGCONT")
    _, err = attaching.communicate(timeout=60)
    assert attaching.returncode == 0, err
    assert support.end_of(detaching) == 0
    assert services.ours() == set()


def test_a_service_that_ends_again_and_again_is_said_to(services: Services) -> None:
    stack = services.stack
    image = services.engine.get(f"/containers/{services.container()}/json")["Image"]
    stack.run("docker", "compose", "up", "--detach", "crashing", env={"CRASHING": image}).ok()
    try:
        for task, *words in (("debug.attach",), ("debug.toolbox", "--", "true")):
            refused = stack.ddd(task, "--service", "crashing", *words)
            assert refused.status == 75, refused.err
            assert "try: ddd dev.logs --service crashing" in refused.err
    finally:
        stack.run("docker", "compose", "rm", "--stop", "--force", "crashing").ok()
