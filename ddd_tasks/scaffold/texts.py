"""The files beside the Dockerfile: compose.yaml, noxfile.py, tasks.py and .gitignore, as their texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from ddd_tasks import dockerfile
from ddd_tasks.scaffold import rendering
from ddd_tasks.scaffold.services import Service

TASKS = '''\
"""The tasks of this project: `ddd --list` shows them."""

from ddd_tasks import ns

__all__ = ["ns"]
'''
IGNORED = (".ddd/", ".nox/")
_HERE = PurePosixPath(".")
_SESSIONS = ("test", "lint")


def compose(services: Sequence[Service]) -> str:
    """A Compose file that serves each one's dev stage on its code."""
    head = "# `ddd dev.up` builds and starts this, and waits until it is healthy.\nservices:\n"
    return head + "\n".join(_compose_service(service) for service in services)


def _compose_service(service: Service) -> str:
    """One entry below services:, with its last line's end."""
    context, code = (".", "./") if service.folder == _HERE else (f"./{service.folder}", f"./{service.folder}/")
    workdir = rendering.workdir(service.dockerfile)
    lines = [
        f"{service.name}:",
        "  build:",
        f"    context: {context}",
        "    target: dev  # the stage that serves the code and reloads it",
        "  init: true  # signals reach the program, and what it leaves behind is collected",
    ]
    if service.entry.port is not None:
        lines += [
            "  ports:",
            f'    - "127.0.0.1:${{{service.port_variable}:-{service.host_port}}}:{service.entry.port}"',
        ]
    if service.metrics:
        lines.append(f"  x-ddd: {{metrics: {{port: {service.entry.port}}}}}  # {service.metrics}, for `ddd monitor.up`")
    lines += ["  volumes:", f"    - {code}:{workdir}  # a saved file is served at once"]
    lines += [f"    - {workdir}/{volume}  # installed in the image" for volume in service.language.volumes]
    if service.entry.port is not None:
        lines += _healthcheck(service.entry.port)
    return "".join(f"  {line}\n" for line in lines)


def _healthcheck(port: int) -> list[str]:
    """Needs no more than sh and grep: the kernel's own table of what listens."""
    return [
        f"  healthcheck:  # healthy once something listens: {port:04X} is port {port}, 0A the state LISTEN",
        f'    test: ["CMD-SHELL", "grep -qs \':{port:04X} 0*:0000 0A\' /proc/net/tcp /proc/net/tcp6"]',
        "    interval: 10s",
        "    timeout: 3s",
        "    start_period: 60s",
        "    start_interval: 200ms",
    ]


def noxfile(services: Sequence[Service]) -> str:
    """Sessions that run the tests and the linters of each service in its stages."""
    head = '"""Sessions in containers: `nox -s test-in-container`, and `nox --list` for all."""\n\nimport nox\n'
    sessions = [_session(service, stage, alone=len(services) == 1) for service in services for stage in _SESSIONS]
    return head + "from ddd_tasks.nox import stage\n" + "".join(sessions)


def _session(service: Service, stage: str, *, alone: bool) -> str:
    prefix = "" if alone else f"{service.name}-"
    text = service.dockerfile
    chosen = f'stage("{stage}")' if alone else f'stage("{stage}", service="{service.name}")'
    description = dockerfile.parse(text).stage(stage).description.rstrip(".")
    lines = [
        "",
        "",
        "@nox.session(",
        f'    name="{prefix}{stage}-in-container",',
        f"    venv_backend={chosen},",
        '    tags=["ci"],',
        ")",
        f"def {stage}{'' if alone else '_' + service.name.replace('-', '_')}(session: nox.Session) -> None:",
        f'    """{description[:1].upper()}{description[1:]}."""',
    ]
    if service.folder != _HERE:
        lines.append(f'    session.chdir("{service.folder}")')
    programs = rendering.commands(text, stage)
    for program in programs:
        words = ", ".join(json.dumps(word, ensure_ascii=False) for word in program)
        own = ', "--"' if program[0] == "npm" else ""  # without it, npm takes options for its own
        more = f"{own}, *session.posargs" if len(programs) == 1 else ""
        lines.append(f"    session.run({words}{more})")
    return "\n".join(lines) + "\n"


def gitignore(existing: str) -> str:
    """The text with a line for each folder of ours; unchanged where they are ignored already."""
    present = {line.strip().strip("/") for line in existing.splitlines()}
    missing = [name for name in IGNORED if name.strip("/") not in present]
    gap = "\n" if existing and not existing.endswith("\n") else ""
    return existing + gap + "".join(f"{name}\n" for name in missing) if missing else existing
