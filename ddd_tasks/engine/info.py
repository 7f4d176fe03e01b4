"""Facts about the engine in use, for people and for --json."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from ddd_tasks import process
from ddd_tasks.engine.api import Engine


def collect() -> dict[str, Any]:
    """The engine's own facts and its tools' versions; None for a tool that is not there. Raises EngineError."""
    from ddd_tasks.engine import lifecycle, tools  # every build asks this module for stand-ins, and needs none of them

    with closing(Engine.connect()) as engine:
        version, facts = engine.get("/version"), engine.get("/info")
    absent = tools.missing()
    return {
        "engine": version["Version"],
        "api": version["ApiVersion"],
        "endpoint": engine.endpoint.host,
        "compose": None if "compose" in absent else compose_version(),
        "buildx": None if "buildx" in absent else buildx_version(),
        "storage_driver": facts["Driver"],
        "cgroup": f"v{facts.get('CgroupVersion', '?')} ({facts.get('CgroupDriver', '?')})",
        "root_dir": facts["DockerRootDir"],
        "system": f"{facts['OperatingSystem']}, {facts['Architecture']}",
        "started_by_us": engine.endpoint.host == lifecycle.MACHINE.host and lifecycle.started_by_us(),
        "registry": "unknown",  # asking one takes seconds where none answers: `engine.bases` finds out
    }


def stand_ins(directory: Path) -> dict[str, str]:
    """The recorded stand-ins of a project: {official image: stand-in}; empty before `engine.bases` ran."""
    try:
        recorded = json.loads((directory / ".ddd" / "bases.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(official): str(name) for official, name in recorded.items()} if isinstance(recorded, dict) else {}


def compose_version() -> str:
    """As 2.26.1. Raises CommandError."""
    return process.capture(["docker", "compose", "version", "--short"]).stdout.strip().removeprefix("v")


def buildx_version() -> str:
    """`github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3` and the like: the second word."""
    words = process.capture(["docker", "buildx", "version"]).stdout.split()
    return words[1].removeprefix("v") if len(words) > 1 else "unknown"
