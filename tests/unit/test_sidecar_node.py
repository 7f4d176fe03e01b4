"""Which process of Node.js is the service's, and where its inspector would listen."""

from __future__ import annotations

import pytest

from sidecar.arms.node import _port, is_launcher, service
from sidecar.proc import Process

# Above the largest number that Linux gives: nothing of this machine is read for them.
FIRST = 1 << 23


def process(number: int, parent: int, *argv: str, exe: str = "/usr/local/bin/node") -> Process:
    own, above = FIRST + number, FIRST + parent
    return Process(own, above, 0, 0, exe, argv, 1, "", no_new_privs=False, seccomp=0, tracer=0)


NPM = process(1, 0, "npm run dev")
SHELL = process(2, 1, "sh", "-c", "nodemon src/server.js", exe="/bin/dash")
NODEMON = process(3, 2, "node", "/usr/local/bin/nodemon", "src/server.js")
SERVER = process(4, 3, "/usr/local/bin/node", "src/server.js")
BUILDER = process(5, 4, "/deps/esbuild", "--service", exe="/deps/esbuild")


@pytest.mark.parametrize("chosen", [NPM, NODEMON, SERVER])
def test_below_managers_and_reloaders_is_the_service(chosen: Process) -> None:
    assert service(chosen, [NPM, SHELL, NODEMON, SERVER, BUILDER]) == SERVER


def test_one_process_is_the_service() -> None:
    alone = process(1, 0, "node", "src/server.js")
    assert service(alone, [alone, process(2, 1, "git", exe="/usr/bin/git")]) == alone


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        (["npm run dev"], True),
        (["node", "/usr/local/bin/nodemon", "src/server.js"], True),
        (["node", "/usr/local/lib/node_modules/npm/bin/npm-cli.js", "start"], True),
        (["/opt/yarn.cjs"], True),
        (["node", "--watch", "src/server.js"], True),
        (["/usr/local/bin/node", "src/server.js", "npm"], False),
        (["node", "src/npm/server.js"], False),
        (["next-server (v15)"], False),
    ],
)
def test_what_only_starts_other_programs(words: list[str], is_one: bool) -> None:
    assert is_launcher(process(1, 0, *words)) is is_one


@pytest.mark.parametrize(
    ("words", "port"),
    [
        ([], 9229),
        (["--inspect-port=9300"], 9300),
        (["--inspect-port=0.0.0.0:9300"], 9300),
        (["--inspect-port=[::1]:9300"], 9300),
        (["--inspect=127.0.0.1:9301", "--debug-port=9302"], 9302),
        (["--inspect-brk=9303"], 9303),
        (["--inspect-port=0"], 0),
        (["--inspect", "--inspect-publish-uid=http"], 9229),
    ],
)
def test_the_port_of_the_inspector(words: list[str], port: int) -> None:
    assert _port(process(1, 0, "node", *words, "src/server.js"), 9229) == port
