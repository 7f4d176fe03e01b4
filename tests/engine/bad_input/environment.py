"""Environment, settings and states of the engine and of our own files."""

from __future__ import annotations

from tests.engine.bad_input.case import PROJECT, Case

PS, EXEC = ("dev.ps",), ("exec", "--", "true")


def _host(name: str, host: str, status: int, *said: str, hint: str = "ddd engine.up", **env: str) -> Case:
    return Case(f"host-{name}", PROJECT, PS, status, said, hint, {"DOCKER_HOST": host, **env})


CASES = [
    _host("no-socket", "unix:///nowhere/docker.sock", 69, "no engine answers at unix:///nowhere/docker.sock", "cause:"),
    _host("no-scheme", "/x.sock", 78, "'/x.sock' is no engine address", "unix://PATH", hint="export DOCKER_HOST="),
    _host("scheme", "htp://x", 78, "'htp://x' is no engine address", "tcp://HOST:PORT", hint="export DOCKER_HOST="),
    _host("no-port", "tcp://127.0.0.1", 69, "tcp://127.0.0.1", "cause:"),
    _host("port-no-number", "tcp://127.0.0.1:x", 69, "tcp://127.0.0.1:x", "cause:"),
    _host("port-too-large", "tcp://127.0.0.1:99999", 69, "tcp://127.0.0.1:99999", "cause:"),
    _host("refused", "tcp://127.0.0.1:9", 69, "no engine answers at tcp://127.0.0.1:9", "cause:"),
    _host("a-file", "unix:///etc/hostname", 69, "no engine answers at unix:///etc/hostname", "cause:"),
    _host("too-long", "unix:///" + "x" * 200, 69, "no engine answers", "cause:"),
    _host(
        "tls-no-keys", "tcp://127.0.0.1:9", 69, "lead to no engine", "ca.pem", hint="env | grep", DOCKER_TLS_VERIFY="1"
    ),
    _host(
        "ssh",
        "ssh://nobody@127.0.0.1:9",
        69,
        "the engine at ssh://nobody@127.0.0.1:9 hung up",
        "cause:",
        hint="docker version",
    ),
    Case("host-exec", PROJECT, EXEC, 69, ("no engine answers",), "ddd engine.up", {"DOCKER_HOST": "unix:///nowhere/x"}),
    Case(
        "host-up",
        PROJECT,
        ("dev.up",),
        69,
        ("no engine answers",),
        "ddd engine.up",
        {"DOCKER_HOST": "unix:///nowhere/x"},
    ),
    Case("context", PROJECT, PS, 78, ("context 'nope'", "cause:"), "docker context ls", {"DOCKER_CONTEXT": "nope"}),
    Case("no-docker", PROJECT, PS, 78, ("the program 'docker' was not found",), "ddd engine.in", {"PATH": "/nowhere"}),
    Case(
        "settings-broken",
        {**PROJECT, "cfg/config.json": "{"},
        EXEC,
        75,
        ("is not running",),
        "ddd dev.up",
        {"DOCKER_CONFIG": "cfg"},
    ),
    Case(
        "ours-is-a-file",
        {**PROJECT, ".ddd/x": ""},
        (),
        78,
        (".ddd/", "cannot be written", "cause:"),
        "ls -lad",
        {},
        "rm -r .ddd; touch .ddd; $DDD dev.up",
    ),
    Case(
        "ours-is-a-file-exec",
        {**PROJECT, ".ddd/x": ""},
        (),
        75,
        ("'api' is not running",),
        "ddd dev.up",
        {},
        "rm -r .ddd; touch .ddd; $DDD exec -- true",
    ),
    Case(
        "bases-broken",
        {**PROJECT, ".ddd/bases.json": "{", "Dockerfile": "FROM no-such-image:1 AS dev\n"},
        ("dev.build",),
        69,
        ("'no-such-image:1'", "cannot be pulled"),
        "ddd engine.bases",
    ),
    Case(
        "bases-a-list",
        {**PROJECT, ".ddd/bases.json": "[1]", "Dockerfile": "FROM no-such-image:1 AS dev\n"},
        ("dev.build",),
        69,
        ("'no-such-image:1'", "cannot be pulled"),
        "ddd engine.bases",
    ),
    Case("directory-removed", PROJECT, (), 78, ("directory",), "cd ", {}, "mkdir x; cd x; rmdir ../x; $DDD dev.ps"),
    Case(
        "directory-removed-exec",
        PROJECT,
        (),
        78,
        ("directory",),
        "cd ",
        {},
        "mkdir x; cd x; rmdir ../x; $DDD exec -- true",
    ),
    Case(
        "tasks-file-broken",
        {**PROJECT, "tasks.py": "def (:\n"},
        PS,
        78,
        ("tasks.py cannot be loaded", "SyntaxError"),
        "",
    ),
    Case(
        "inside",
        PROJECT,
        ("dev.exec", "--service", "web", "--", "true"),
        78,
        ("service 'web' cannot be reached from inside service 'api'",),
        "true",
        {"DDD_SERVICE": "api"},
    ),
    Case(
        "inside-no-program",
        PROJECT,
        ("dev.exec", "--", "nosuch"),
        127,
        ("'nosuch' was not found",),
        "ls ",
        {"DDD_SERVICE": "api"},
    ),
]
