"""Secrets that are declared and not to be had, or not as they are declared."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, Case

UP = ("dev.up",)
SET = "ddd secrets.set token"


def _files(secret: str, use: str = "token", more: str = "") -> dict[str, str]:
    service = f"services: {{api: {{build: {{context: ., target: dev}}, init: true, secrets: [{use}] {more}}}}}\n"
    return {"compose.yaml": f"{service}secrets: {{token: {secret}}}\n", "Dockerfile": DOCKERFILE}


def _by(command: str) -> str:
    return f"{{environment: DDD_TEST_NO, x-ddd: {{command: {command}}}}}"


def _missing(name: str, secret: str, *said: str, hint: str = SET, words: tuple[str, ...] = UP) -> Case:
    return Case(f"secret-{name}", _files(secret), words, 78, ("secret 'token' is missing", *said), hint)


CASES = [
    _missing("no-file", "{file: ./no/token}", "no/token: No such file or directory"),
    _missing("no-file-run", "{file: ./token}", "No such file", words=("dev.run", "--", "true")),
    _missing("no-file-check", "{file: ./token}", "No such file", words=("secrets.check",)),
    _missing("a-folder", "{file: /etc}", "/etc: Is a directory"),
    _missing("no-variable", "{environment: DDD_TEST_NO}", "variable DDD_TEST_NO is set neither", ".env"),
    _missing("no-command", _by("[nosuch, x]"), "`nosuch x` cannot be run"),
    _missing("failed", _by("[ls, /no]"), "`ls /no` ended with status 2"),
    _missing("silent", _by("['true']"), "`true` wrote nothing"),
    _missing("external", "{external: true}", "only a swarm has", hint="ddd secrets.list"),
    Case(
        "secret-nothing",
        _files("{x-ddd: {command: [ls]}}"),
        UP,
        78,
        ("is not a valid Compose file", "token"),
        "docker c",
    ),
    Case(
        "secret-undeclared", _files("{file: /etc/hostname}", "tokn"), UP, 78, ("not a valid", "tokn"), "docker compose"
    ),
    Case(
        "secret-command-text",
        _files("{environment: X, x-ddd: {command: pass show x}}"),
        UP,
        78,
        ("'pass show x'", "it has to be a list of words"),
        "grep -n",
    ),
    Case(
        "secret-key",
        _files("{environment: X, x-ddd: {comand: [ls]}}"),
        UP,
        78,
        ("'comand'", "did you mean: command"),
        "grep -n",
    ),
    Case(
        "secret-owner",
        _files("{file: /etc/hostname}", more=", user: nosuch"),
        UP,
        78,
        ("user 'nosuch'", "the image has no such user"),
        "ddd dev.run",
    ),
    Case(
        "secret-group",
        _files("{file: /etc/hostname}", "{source: token, gid: nosuch}"),
        UP,
        78,
        ("group 'nosuch'", "the image has no such group"),
        "ddd dev.run",
    ),
    Case(
        "secret-set-unknown",
        _files("{file: ./token}"),
        ("secrets.set", "tokn"),
        78,
        ("no secret named 'tokn'", "did you mean: token"),
        "ddd secrets.list",
    ),
    Case(
        "secret-set-nothing",
        _files("{file: ./token}"),
        (),
        78,
        ("no value for 'token'",),
        "ddd secrets.set token",
        {},
        "$DDD secrets.set token < /dev/null",
    ),
    Case(
        "secret-set-lines",
        _files("{environment: X}"),
        (),
        78,
        ("does not fit into", "more than one line"),
        "grep -n",
        {},
        "printf 'a\\nb\\n' | $DDD secrets.set token",
    ),
    Case(
        "secret-set-command",
        _files("{external: true, x-ddd: {command: [ls, /no]}}"),
        (),
        78,
        ("is not ours to set", "`ls /no` writes it"),
        "ls /no",
        {},
        "echo x | $DDD secrets.set token",
    ),
    Case(
        "secret-set-tracked",
        _files("{environment: X}"),
        (),
        78,
        (".env is not ignored by git", "secret 'token'"),
        "echo .env >>",
        {},
        "git init -q; echo x | $DDD secrets.set token; s=$?; rm -rf .git; exit $s",
    ),
    Case(
        "secret-of-a-build",
        {
            "compose.yaml": "services: {api: {build: {context: ., target: dev, secrets: [token]}}}\n"
            "secrets: {token: {file: ./token}}\n",
            "Dockerfile": DOCKERFILE,
        },
        UP,
        78,
        ("secret 'token' is missing",),
        "ddd secrets.set token",
    ),
]
