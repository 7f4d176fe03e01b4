"""Dashboards: how the time to make one grows with the page, and when all have data. `python bench/monitor.py`"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import harness, report
from bench.harness import Bench, Goal, Limit
from ddd_tasks import project
from ddd_tasks.monitoring import board, boards, exposition, rows
from ddd_tasks.monitoring.api import Prometheus
from ddd_tasks.monitoring.check import expressions, panels, variables
from ddd_tasks.monitoring.page import Page
from tests import monitoring, support
from tests.support import Stack

SIZES = (30, 500, 5_000, 50_000)
_SERIES_OF_ONE = 10  # eight buckets, the sum and the count
SECONDS = 2.0
# Ten times the page in twelve times the time counts as linear: the smaller one fits into the processor's caches.
GROWTH = 12.0
RPS = 20
COLD_SECONDS = 12.0
_GIVE_UP = 60.0


def main() -> None:
    """Make dashboards of pages of each size in this process; then start Prometheus beside services at work."""
    options = harness.arguments(__doc__, rounds=5)
    # No peer makes dashboards, so there is nothing to compare the second table with.
    ports = {service: support.free_port() for service in monitoring.SERVICES}
    urls = [f"http://127.0.0.1:{port}/" for port in ports.values()]
    with harness.project({"compose.yaml": json.dumps(monitoring.compose(ports))}) as stack:
        stack.ddd("dev.up", timeout=900).ok()
        with monitoring.steady(urls, RPS, seconds=3600):
            measure(options, stack)


def measure(options: argparse.Namespace, stack: Stack) -> None:
    """Both tables."""
    bench, machine = Bench("monitor"), report.Machine()
    table = bench.section("A. From the text of a page to the text of a dashboard", Path())
    made = {size: table.floor(f"{size:,} series", generation(size)) for size in SIZES}
    bench.limits.append(Limit(f"A: {SIZES[-1]:,} series", made[SIZES[-1]], SECONDS))
    bench.goals.append(
        Goal(f"A: {SIZES[-1]:,} series / {SIZES[-2]:,} series", made[SIZES[-1]], made[SIZES[-2]], GROWTH)
    )
    cold = bench.section("B. From monitor.up without anything to all panels of the four example services", Path())
    cold.floor("monitor.up has ended", lambda: started(stack))
    full = cold.floor("every panel has data", lambda: filled(stack))
    bench.limits.append(Limit("B: cold monitor.up to every panel with data", full, COLD_SECONDS))
    bench.measure(options.rounds, options.runs)
    report.publish(bench, machine)


def started(stack: Stack) -> float:
    """The seconds of monitor.up, where nothing of it was there but the image."""
    stack.ddd("monitor.down", "--volumes").ok()
    began = time.perf_counter()
    stack.ddd("monitor.up", timeout=600).ok()
    return time.perf_counter() - began


def filled(stack: Stack) -> float:
    """The same until the last panel has something to draw. Raises RuntimeError with the panels that stay empty."""
    spent = started(stack)
    began = time.perf_counter()
    own = project.load(stack.directory)
    prometheus = Prometheus(monitoring.prometheus_url(stack))
    empty = [
        (one.service, panel.title, asked(one, panel))
        for one in boards.collect(own)
        for panel in panels.asking(one.value)
        if (one.service, panel.title) not in monitoring.IDLE
    ]
    while empty := [one for one in empty if not has_data(prometheus, one[2])]:
        if time.perf_counter() - began > _GIVE_UP:
            raise RuntimeError("still empty: " + ", ".join(f"{service}: {title}" for service, title, _ in empty))
        time.sleep(0.1)
    return spent + time.perf_counter() - began


def asked(one: boards.Board, panel: panels.Asking) -> list[str]:
    """A panel's expressions, as Prometheus is asked."""
    values = variables.values(one.value, one.service, panel.least)
    return [variables.substitute(expression, values) for _, expression in panel.queries]


def has_data(prometheus: Prometheus, wanted: Sequence[str]) -> bool:
    """Whether there is something to draw for each expression."""
    return all(expressions.has_values(prometheus.query(one)) for one in wanted)


def generation(series: int) -> Callable[[], object]:
    """What makes a dashboard of a page with so many series."""
    page = Page("api", "http://127.0.0.1/metrics", "text/plain", text(series))

    def generate() -> str:
        return board.text(board.board("api", rows.arrange(exposition.read(page))))

    return generate


def text(series: int) -> str:
    """A page of one histogram whose route has ever more values."""
    name = "http_request_duration_seconds"
    lines = [f"# HELP {name} Time to answer a request.", f"# TYPE {name} histogram"]
    for number in range(series // _SERIES_OF_ONE):
        labels = f'method="GET",route="/items/{number}"'
        bounds = ("0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf")
        lines += [f'{name}_bucket{{{labels},le="{bound}"}} {count}' for count, bound in enumerate(bounds)]
        lines += [f"{name}_sum{{{labels}}} 3.5", f"{name}_count{{{labels}}} 7"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
