"""Dashboards: how the time to make one grows with the page that it is made from. `python bench/monitor.py`"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench import harness, report
from bench.harness import Bench, Goal, Limit
from ddd_tasks.monitoring import board, exposition, rows
from ddd_tasks.monitoring.page import Page

SIZES = (30, 500, 5_000, 50_000)
_SERIES_OF_ONE = 10  # eight buckets, the sum and the count
SECONDS = 2.0
# Ten times the page in twelve times the time counts as linear: the smaller one fits into the processor's caches.
GROWTH = 12.0


def main() -> None:
    """Make a dashboard of pages of each size, in this process, with the page in memory."""
    options = harness.arguments(__doc__, rounds=5)
    bench, machine = Bench("monitor"), report.Machine()
    table = bench.section("A. From the text of a page to the text of a dashboard", Path())
    made = {size: table.floor(f"{size:,} series", generation(size)) for size in SIZES}
    bench.limits.append(Limit(f"A: {SIZES[-1]:,} series", made[SIZES[-1]], SECONDS))
    bench.goals.append(
        Goal(f"A: {SIZES[-1]:,} series / {SIZES[-2]:,} series", made[SIZES[-1]], made[SIZES[-2]], GROWTH)
    )
    bench.measure(options.rounds, options.runs)
    report.publish(bench, machine)


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
