"""Have a running Prometheus read rules, targets and dashboards anew, once these are known to be right."""

from __future__ import annotations

import re
import time
from typing import NamedTuple

from ddd_tasks import process, services
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, EngineError
from ddd_tasks.monitoring import boards, page, promtool, rules, stack
from ddd_tasks.monitoring.discovery import Found
from ddd_tasks.monitoring.stack import Running
from ddd_tasks.project import Project

_SECONDS = 15.0
_POLL_SECONDS = 0.05
_REFUSAL = "Error reloading config"
_GAUGE = re.compile(r"^prometheus_config_last_reload_(successful|success_timestamp_seconds) (\S+)", re.MULTILINE)


class Loaded(NamedTuple):
    """What Prometheus says of the last time that it read its configuration. at: of the last success."""

    is_good: bool
    at: float


def reload(project: Project) -> Found:
    """Bring everything that Prometheus reads up to date, and wait until it says that it has taken it.

    Raises NotRunningError where none runs; ConfigError where a rule of the project is wrong, and what was in force
    stays so.
    """
    engine = Engine.connect()
    services.refuse_takeover(engine, project)
    running = stack.require(project)
    with stack.alone(project):
        found = stack.discover(engine, project)
        if process.is_dry():
            process.announce(["docker", "kill", "--signal", "HUP", running.container])
            return found
        before = rules.placed(project)
        rules.place(project, promtool.beside(running.container))
        try:
            stack.write(project, found)
            stack.join(engine, project, found)
            _tell(engine, project, running)
        except BaseException:
            if rules.restore(project, before):
                stack.signal(engine, project, "SIGHUP")
            raise
    boards.place(project, found.services)
    return found


def loaded(running: Running) -> Loaded:
    """How it stands. Raises NotRunningError where Prometheus does not answer."""
    said = dict(_GAUGE.findall(page.fetch(stack.PROMETHEUS, f"{running.url}/metrics").text))
    return Loaded(float(said.get("successful", 0)) == 1, float(said.get("success_timestamp_seconds", 0)))


def _tell(engine: Engine, project: Project, running: Running) -> None:
    """Send HUP and wait for the answer. Raises ConfigError, with its words, where it refuses what it reads."""
    before = loaded(running)
    began = time.time()
    stack.signal(engine, project, "SIGHUP")
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        now = loaded(running)
        if now.is_good and now.at > before.at:
            return
        # Where the last time was no success either, only its log tells that there was another one.
        if not now.is_good and (before.is_good or _REFUSAL in _last_words(running, began)):
            raise ConfigError(
                "Prometheus refuses its configuration, and goes on with the one that it had",
                cause=_last_words(running, began),
                hint="ddd monitor.logs",
            )
        time.sleep(_POLL_SECONDS)
    raise EngineError(
        f"Prometheus has not read its configuration anew within {_SECONDS:.0f} s",
        cause=_last_words(running, began),
        hint="ddd monitor.logs",
    )


def _last_words(running: Running, since: float) -> str:
    said = process.capture(["docker", "logs", "--since", f"{since:.6f}", running.container], check=False)
    return "\n".join((said.stderr + said.stdout).strip().splitlines()[-3:])
