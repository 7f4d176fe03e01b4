"""The project whose services get a debugger, and what is asked of it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from ddd_tasks.engine.api import Engine
from tests import debugging
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
  own: {<<: *hardened, command: [node, "--inspect=0.0.0.0:9229", server.js], ports: ["127.0.0.1::9229"]}
  crashing:
    image: ${CRASHING:-none}
    command: [sh, -c, exit 3]
    restart: always
    profiles: [crash]
    x-ddd: {language: node}
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


def answers(said: dict[str, Any]) -> bool:
    """Whether the inspector answers where debug.attach said."""
    with urllib.request.urlopen(f"http://{said['host']}:{said['port']}/json/list", timeout=20) as response:
        return bool(json.loads(response.read())[0]["webSocketDebuggerUrl"])
