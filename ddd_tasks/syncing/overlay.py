"""The Compose file that makes services get their files by `docker compose watch`, in place of their bind mounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import compose
from ddd_tasks.project import Project
from ddd_tasks.syncing.triggers import Trigger


class Plan(NamedTuple):
    """What one service gets: entries of develop.watch (() where it has its own), and the volumes that it keeps."""

    service: str
    triggers: tuple[Trigger, ...]
    volumes: tuple[Mapping[str, Any], ...]

    @property
    def initial(self) -> tuple[Trigger, ...]:
        """The entries for files that the image lacks."""
        return tuple(trigger for trigger in self.triggers if trigger.initial)


def write(project: Project, plans: tuple[Plan, ...]) -> tuple[Path, ...]:
    """Write .ddd/compose/watch.yaml for these services; () and no file when there is none. Raises ConfigError."""
    text = "services:\n" + "".join(map(_service, plans)) if plans else ""
    return compose.write_overlay_text(project, "watch", text)


def _service(plan: Plan) -> str:
    lines = [f"  {json.dumps(plan.service)}:", f"    volumes: !override {_json(list(plan.volumes))}"]
    if plan.triggers:
        lines += ["    develop:", "      watch:"]
        lines += [f"        - {_json(trigger.entry())}" for trigger in plan.triggers]
    return "\n".join([*lines, ""])


def _json(value: Any) -> str:
    """A value as Compose reads it back: a dollar would begin a variable."""
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")
