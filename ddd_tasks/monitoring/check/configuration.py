"""What promtool finds in Prometheus' configuration, in the rules and their tests, and in the services' metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError
from ddd_tasks.monitoring import config, discovery, page, promtool, rules, source
from ddd_tasks.monitoring.api import Prometheus
from ddd_tasks.monitoring.check.report import Finding
from ddd_tasks.monitoring.families import Family
from ddd_tasks.monitoring.promtool import Promtool
from ddd_tasks.monitoring.rows import RUNTIME
from ddd_tasks.monitoring.rules import Draft, File
from ddd_tasks.monitoring.stack import Running
from ddd_tasks.project import Project

_ADVICE = 3
"""promtool's status where nothing is wrong, but something could be better."""


def findings(project: Project, running: Running, only: str = "") -> list[Finding]:
    """All of them, for our rules and the project's: of the kinds config, rules, tests and metrics.

    only: a service whose metrics are looked at, "" for those of all. Raises ConfigError, EngineError, NotRunningError.
    """
    tool = promtool.beside(running.container)
    files, tests = rules.collect(project), rules.tests(project)
    found = [*_config(tool)]
    with rules.draft(project, [*files, *tests]) as laid:
        wrong = [*_asked(tool, laid, files, "rules", ("check", "rules", "--lint-fatal"))]
        found += wrong
        if not any(one.is_broken for one in wrong):
            found += _asked(tool, laid, tests, "tests", ("test", "rules"))
    return [*found, *_in_force(project, running, files), *_metrics(project, tool, only)]


def _config(tool: Promtool) -> Iterator[Finding]:
    done = tool.ask("check", "config", "--lint=none", f"{config.INSIDE}/prometheus.yml")
    if done.status:
        yield Finding("config", "prometheus.yml", promtool.complaint(done))


def _asked(
    tool: Promtool, laid: Draft, files: Sequence[File], kind: str, question: tuple[str, ...]
) -> Iterator[Finding]:
    """One question for all files; where something is said, one for each, to know of which."""
    if not files or not promtool.complaint(tool.ask(*question, *map(laid.inside, files))):
        return
    for one in files:
        done = tool.ask(*question, laid.inside(one))
        if said := promtool.complaint(done):
            yield Finding(kind, one.path, laid.shown(said), done.status != _ADVICE)


def _in_force(project: Project, running: Running, files: Sequence[File]) -> Iterator[Finding]:
    """Rules that cannot be evaluated, and those that Prometheus has not been given yet."""
    for rule in Prometheus(running.url).rules():
        if rule.health == "err":
            yield Finding("rules", f"{rule.group}: {rule.name}", rule.error)
    placed = rules.placed(project)
    for one in files:
        if placed.pop(one.placed, None) != one.text:
            yield Finding("rules", one.path, "not in force as it is now: ddd monitor.reload", is_broken=False)
    for name in placed:
        yield Finding("rules", name, "still in force, but gone: ddd monitor.reload", is_broken=False)


def _metrics(project: Project, tool: Promtool, only: str) -> Iterator[Finding]:
    """Advice on the names and helps of the services' own metrics, of those pages that this machine reaches."""
    with closing(Engine.connect()) as engine:
        with_metrics = discovery.discover(engine, project).services
    for name in with_metrics if not only else [only]:
        try:
            shown = page.fetch(name, source.find(project, project.services[name]), accept=page.PLAIN)
        except DddError:
            continue  # Prometheus reaches more; whether it does is told elsewhere
        done = tool.ask("check", "metrics", stdin=shown.text)
        for line in done.stderr.splitlines() if done.status == _ADVICE else ():
            metric, _, what = line.partition(" ")
            if Family(metric, "", "", "", ()).words[:1] not in [[word] for word in RUNTIME]:
                yield Finding("metrics", name, f"{metric}: {what}", is_broken=False)
