"""What a check has found, as rows, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ddd_tasks import console
from ddd_tasks.monitoring.api import Alert
from ddd_tasks.monitoring.check.expressions import BROKEN, DATA, IDLE, Verdict

TARGET = "target"
"""The kind of a finding about what is not scraped."""
COLUMNS = ("service", "panels", "data", "idle", "broken")


class Finding(NamedTuple):
    """Something that is not as it should be, other than a panel's data. kind: target, schema, config, rules ...

    where: a file, service or panel; is_broken: whether the check fails by it; the rest is advice.
    """

    kind: str
    where: str
    what: str
    is_broken: bool = True

    def __str__(self) -> str:
        return f"{self.kind}: {f'{self.where}: ' if self.where else ''}{self.what}"


class Query(NamedTuple):
    """An expression of a panel. asked: with its variables replaced, as Prometheus was asked."""

    letter: str
    expression: str
    asked: str
    verdict: Verdict


class Panel(NamedTuple):
    """A panel of a service's dashboard."""

    service: str
    title: str
    queries: tuple[Query, ...]

    @property
    def status(self) -> str:
        """Broken with one broken expression; else data, if one has some."""
        found = {one.verdict.status for one in self.queries}
        return next(status for status in (BROKEN, DATA, IDLE) if status in found)

    @property
    def guilty(self) -> Query:
        """The first expression with the panel's status."""
        return next(one for one in self.queries if one.verdict.status == self.status)

    @property
    def is_gone(self) -> bool:
        """Whether it shows what is not exposed any more."""
        return self.status == IDLE and any(one.verdict.is_gone for one in self.queries)

    def lines(self) -> Iterator[str]:
        """The panel, why it has no data, and the expression."""
        one = self.guilty
        near = f"; did you mean {' or '.join(one.verdict.nearest)}?" if one.verdict.nearest else ""
        yield f"{self.status}: {self.service}: panel {self.title!r}, query {one.letter}: {one.verdict.why}{near}"
        yield f"  {one.asked}"

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        queries = [
            {
                "query": one.letter,
                "expression": one.expression,
                "asked": one.asked,
                "status": one.verdict.status,
                "why": one.verdict.why or None,
                "did_you_mean": list(one.verdict.nearest),
            }
            for one in self.queries
        ]
        return {"title": self.title, "status": self.status, "queries": queries}


class Board(NamedTuple):
    """The dashboard of a service, with its panels."""

    service: str
    panels: tuple[Panel, ...]

    def count(self, status: str) -> int:
        """How many panels have this status."""
        return sum(one.status == status for one in self.panels)

    @property
    def row(self) -> dict[str, str]:
        """The cells of monitor.check."""
        numbers = {status: str(self.count(status)) for status in (DATA, IDLE, BROKEN)}
        return {"service": self.service, "panels": str(len(self.panels)), **numbers}

    @property
    def line(self) -> str:
        """How many panels have data."""
        return f"{self.service}: {self.count(DATA)} of {len(self.panels)} panels have data"

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        numbers = {status: self.count(status) for status in (DATA, IDLE, BROKEN)}
        return {
            "service": self.service,
            "panels": len(self.panels),
            **numbers,
            "details": [panel.as_dict() for panel in self.panels],
        }


class Report(NamedTuple):
    """Everything. findings: scrape targets first, since a panel has no data where its target is down.

    alerts: those that are pending or firing now, for information.
    """

    boards: tuple[Board, ...]
    findings: tuple[Finding, ...]
    alerts: tuple[Alert, ...] = ()

    @property
    def broken(self) -> list[Panel]:
        """The broken panels of all dashboards."""
        return [panel for board in self.boards for panel in board.panels if panel.status == BROKEN]

    @property
    def gone(self) -> list[Panel]:
        """Those that are idle because a metric is not exposed any more."""
        return [panel for board in self.boards for panel in board.panels if panel.is_gone]

    @property
    def errors(self) -> list[Finding]:
        """The findings by which the check fails."""
        return [one for one in self.findings if one.is_broken]

    @property
    def is_good(self) -> bool:
        """Whether nothing is broken."""
        return not self.broken and not self.errors

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        return {
            "ok": self.is_good,
            "services": [board.as_dict() for board in self.boards],
            "findings": [
                {"kind": one.kind, "where": one.where, "what": one.what, "broken": one.is_broken}
                for one in self.findings
            ],
            "alerts": [one._asdict() for one in self.alerts],
        }


def show(report: Report) -> None:
    """Print it: what is not scraped first, then the counts, then each broken panel and what else is wrong."""
    for one in report.findings:
        if one.kind == TARGET:
            console.warning(f"not scraped: {one.where}: {one.what}")
    console.table(COLUMNS, [board.row for board in report.boards])
    for board in report.boards:
        console.result(board.line)
        if idle := [repr(panel.title) for panel in board.panels if panel.status == IDLE]:
            console.note(f"{board.service}: idle: {', '.join(idle)}")
    _show_panels(report)
    _show_findings([one for one in report.findings if one.kind != TARGET])
    for alert in report.alerts:
        runbook = f" (try: {alert.annotations['runbook']})" if "runbook" in alert.annotations else ""
        console.note(f"alert {alert.name} is {alert.state}: {alert.annotations.get('summary', '')}{runbook}")


def _show_panels(report: Report) -> None:
    for panel in report.broken:
        for line in panel.lines():
            console.result(line)
    for panel in report.gone:
        console.warning(next(panel.lines()))


def _show_findings(findings: Sequence[Finding]) -> None:
    for one in findings:
        if one.is_broken:
            console.result(f"broken: {one}")
        else:
            console.warning(str(one))
