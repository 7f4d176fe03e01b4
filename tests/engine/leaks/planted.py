"""Canaries: one in each kind of configuration and secret, and a project that asks for all of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_CA = Path("/etc/ssl/certs/ca-certificates.crt")

# What a Dockerfile may say of a canary; what makes this run's canaries its own; both.
PART = "c4n4ry"
HEX = secrets.token_hex(4)
TOKEN = f"{PART}-{HEX}"

# Where the Dockerfile mounts what, and so sees the canary.
MOUNTS = {
    "ca-bundle": "/etc/ssl/certs/ca-certificates.crt",
    "pip-conf": "/etc/pip.conf",
    "uv-toml": "/etc/uv/uv.toml",
    "npmrc": "/root/.npmrc",
    "netrc": "/root/.netrc",
    "go-env": "/root/.config/go/env",
    "nuget-config": "/root/.nuget/NuGet/NuGet.Config",
    "http_proxy": "/run/secrets/http_proxy",
    "build-file": "/run/secrets/build-file",
    "build-variable": "/run/secrets/build-variable",
    "build-command": "/run/secrets/build-command",
}
_AGENT = """\
import os, socket
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ["SSH_AUTH_SOCK"])
agent.sendall(bytes([0, 0, 0, 1, 11]))
assert b"c4n4ry" in agent.recv(1000)
"""


class Planted(NamedTuple):
    """The client's environment, and the files of a project."""

    env: Mapping[str, str]
    files: Mapping[str, str]


def canary(kind: str) -> str:
    """The canary of a kind."""
    return f"{TOKEN}-{kind}"


def plant(host: Path, agent: Path) -> Planted:
    """Everything at once, in a home below this folder."""
    home = host / "home"
    nuget = (
        '<configuration><packageSources><add key="own" value="https://nuget.example/v3/index.json" /></packageSources>'
        f'<packageSourceCredentials><own><add key="ClearTextPassword" value="{canary("nuget")}" /></own>'
        "</packageSourceCredentials></configuration>"
    )
    files = {
        ".npmrc": f"//npm.example/:_authToken={canary('npm')}\n",
        ".netrc": f"machine netrc.example login me password {canary('netrc')}\n",
        ".nuget/NuGet/NuGet.Config": nuget,
        "bundle.pem": f"{_CA.read_text() if _CA.exists() else ''}\n# {canary('ca')}\n",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    env = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(host / "cache"),
        "DOCKER_CONFIG": str(Path.home() / ".docker"),
        "SSL_CERT_FILE": str(home / "bundle.pem"),
        "SSH_AUTH_SOCK": str(agent),
        # Hosts that nothing asks, so that the network works as it does without them.
        "PIP_TRUSTED_HOST": canary("pip"),
        "UV_INSECURE_HOST": canary("uv"),
        "GONOSUMDB": canary("go"),
        "http_proxy": f"http://me:{canary('proxy')}@proxy.example:3128",
        "no_proxy": "*",
        "RUNTIME_TOKEN": canary("runtime-variable"),
        "BUILD_TOKEN": canary("build-variable"),
        "CLIENT_TOKEN": canary("client"),
    }
    return Planted(env, _project())


def _project() -> dict[str, str]:
    mounts = " ".join(f"--mount=type=secret,id={name},target={path}" for name, path in MOUNTS.items())
    check = f'for file in {" ".join(MOUNTS.values())}; do grep -q {PART} "$file" || exit 9; done'
    return {
        "Dockerfile": f"""\
FROM python:3.13-slim-trixie AS base
ENV LEAK_TEST={HEX}
COPY agent.py /
RUN {mounts} {check}
RUN --mount=type=ssh python /agent.py
RUN echo $http_proxy | grep -q {PART}
WORKDIR /app

FROM base AS dev
CMD ["sleep", "infinity"]

FROM base AS test
CMD ["true"]
""",
        "agent.py": _AGENT,
        ".dockerignore": "*\n!agent.py\n",
        "compose.yaml": """\
services:
  web:
    build:
      context: .
      target: dev
      secrets: [build-file, build-variable, build-command]
    init: true
    user: "10001:10001"
    secrets: [run-file, run-variable, run-command]
  code:
    build: {context: ., target: test, secrets: [build-file, build-variable, build-command]}
    profiles: [session]
    volumes: [".:/app"]
secrets:
  run-file: {file: ./run-file}
  run-variable: {environment: RUNTIME_TOKEN}
  run-command: {environment: NOT_SET, x-ddd: {command: [cat, run-command]}}
  build-file: {file: ./build-file}
  build-variable: {environment: BUILD_TOKEN}
  build-command: {environment: BUILD_COMMAND, x-ddd: {command: [cat, build-command]}}
""",
        "noxfile.py": """\
import nox
from ddd_tasks.nox import stage

@nox.session(name="look", venv_backend=stage("test", service="code"))
def look(session: nox.Session) -> None:
    session.run("sleep", "2")
""",
        **{name: canary(name) for name in ("run-file", "run-command", "build-file", "build-command")},
    }
