"""The check of a project's dashboards on its running Prometheus."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ddd_tasks import console
from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring import boards, scrapes, stack
from ddd_tasks.monitoring import lint as rules
from ddd_tasks.monitoring.api import Prometheus
from ddd_tasks.monitoring.boards import Board
from ddd_tasks.monitoring.check import configuration, expressions, panels, schema, variables
from ddd_tasks.monitoring.check.expressions import BROKEN, Known, Verdict
from ddd_tasks.monitoring.check.report import TARGET, Finding, Panel, Query, Report
from ddd_tasks.monitoring.check.report import Board as Checked
from ddd_tasks.monitoring.config import SCRAPE_SECONDS
from ddd_tasks.monitoring.scrapes import Scrape
from ddd_tasks.project import Project

_AT_ONCE = 4
"""Expressions that Prometheus is asked for at the same time: it may have no more than one CPU."""
_SCRAPES = 2
"""That each target has to have had: before, no rate has a value."""
_WAIT_SECONDS = 3 * SCRAPE_SECONDS + 2
_POLL_SECONDS = 0.25


def check(project: Project, service: str | None = None) -> Report:
    """Check the dashboards of all services that are scraped, or of one.

    Raises NotRunningError where no Prometheus runs, UnknownNameError, and ConfigError where there is no dashboard.
    """
    running = stack.require(project)
    prometheus = Prometheus(running.url)
    only = project.service(service).name if service else ""
    scraped = _settled(prometheus, project, only)
    wanted, unusable = _boards(project, scraped, only)
    known = expressions.learn(prometheus)
    checked = _evaluated(prometheus, wanted, known)
    found = [*_down(scraped), *unusable, *(one for board in wanted for one in _of_file(board))]
    found += configuration.findings(project, running, only)
    alerts = [one for one in prometheus.alerts() if one.labels.get("job", "") in ("", only) or not only]
    return Report(tuple(checked), tuple(found), tuple(alerts))


def _settled(prometheus: Prometheus, project: Project, only: str) -> list[Scrape]:
    """The scrapes, once each container that runs has had enough of them for a rate.

    One that is not up has had another since: it may have been started after the last, or Prometheus may.
    """
    found, told = scrapes.look(project, only), False
    before = {one.url: one.last_scrape for one in prometheus.targets()}
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        series = prometheus.query(f"sum by (job, instance) (count_over_time(up[{_WAIT_SECONDS}s]))").series
        counts = {(one.labels.get("job"), one.labels.get("instance")): one.points[0][1] for one in series}
        settled = {
            one.url
            for one in prometheus.targets()
            if counts.get((one.job, one.instance), 0) >= _SCRAPES
            and (one.health == "up" or one.last_scrape != before.get(one.url))
        }
        if settled.issuperset(one.url for one in found if one.url):
            break
        if not told:
            told = True
            console.note("waiting for scrapes")
        time.sleep(_POLL_SECONDS)
    return scrapes.look(project, only) if told else found


def _boards(project: Project, scraped: Sequence[Scrape], only: str) -> tuple[list[Board], list[Finding]]:
    """The dashboards to check: those of the page, and of services that are scraped; what stands for one that is not."""
    boards.add(project, dict.fromkeys(one.service for one in scraped if one.state == "up"))
    found, unusable = {}, []
    for name in dict.fromkeys([*boards.listed(project), *(one.service for one in scraped)]):
        try:
            if board := boards.current(project, name):
                found[name] = board
            elif any(one.state == "up" for one in scraped if one.service == name):
                what = f"it has none that could be checked: ddd monitor.dashboard --service {name}"
                unusable.append(Finding("dashboard", name, what))
        except ConfigError as error:
            unusable.append(Finding("dashboard", name, f"{error.what}: {error.cause}"))
    wanted = [one for one in found.values() if only in ("", one.service)]
    unusable = [one for one in unusable if only in ("", one.where)]
    if not wanted and not unusable:
        raise ConfigError(
            f"service {only!r} has no dashboard" if only else f"no service of {project.name!r} has a dashboard",
            cause="neither is there a committed one, nor did monitor.up make one",
            valid=sorted(found),
            hint=f"ddd monitor.dashboard --service {only}" if only else "ddd monitor.targets",
        )
    return wanted, unusable


class _Question(NamedTuple):
    """An expression to ask for: of which service, and what is known of it before it is asked."""

    service: str
    letter: str
    expression: str
    asked: str
    unknown: tuple[str, ...]


def _evaluated(prometheus: Prometheus, wanted: Sequence[Board], known: Known) -> Iterator[Checked]:
    """The dashboards with a verdict on each panel."""
    asked = {board.service: _questions(board) for board in wanted}
    # Panels share expressions, and one of them is asked for once.
    every = list(
        dict.fromkeys((one.service, one.asked) for each in asked.values() for _, group in each for one in group)
    )
    find = functools.cache(functools.partial(expressions.find, prometheus))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda one: expressions.evaluate(prometheus, one[1], known, one[0], find), every)
        verdicts = dict(zip(every, answers, strict=True))
    for service, each in asked.items():
        yield Checked(service, tuple(_panel(service, title, group, verdicts) for title, group in each))


def _questions(board: Board) -> list[tuple[str, list[_Question]]]:
    """The panels' titles, each with its expressions."""
    return [(panel.title, _questions_of(board, panel)) for panel in panels.asking(board.value)]


def _questions_of(board: Board, panel: panels.Asking) -> list[_Question]:
    values = variables.values(board.value, board.service, panel.least)
    return [
        _Question(
            board.service,
            letter,
            expression,
            variables.substitute(expression, values),
            tuple(variables.unknown(expression, values)),
        )
        for letter, expression in panel.queries
    ]


def _panel(service: str, title: str, group: Sequence[_Question], verdicts: Mapping[tuple[str, str], Verdict]) -> Panel:
    return Panel(
        service,
        title,
        tuple(
            Query(
                one.letter,
                one.expression,
                one.asked,
                Verdict(BROKEN, f"the dashboard has no variable {', '.join(one.unknown)}")
                if one.unknown
                else verdicts[service, one.asked],
            )
            for one in group
        ),
    )


def _down(scraped: Sequence[Scrape]) -> Iterator[Finding]:
    """What is not scraped: its panels would be idle, and the check would say nothing of them."""
    for one in scraped:
        if one.state != "up":
            yield Finding(TARGET, one.url or one.service, f"{one.state}: {one.why}".rstrip(": "))


def _of_file(board: Board) -> Iterator[Finding]:
    """What is wrong with the file as such; the rules are advice, since a dashboard of one's own may break them."""
    wrong = list(schema.findings(board.service, board.value))
    yield from wrong
    if any(one.is_broken for one in wrong):
        return
    broken: dict[str, list[rules.Finding]] = {}
    for one in rules.lint(board.value):
        broken.setdefault(one.rule, []).append(one)
    for rule, each in broken.items():
        more = f", and {len(each) - 1} more like it" if len(each) > 1 else ""
        place = f"panel {each[0].panel!r}: " if each[0].panel else ""
        yield Finding("lint", f"dashboard of {board.service}, {rule}", f"{place}{each[0].what}{more}", False)
