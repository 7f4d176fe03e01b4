"""Take the pictures of docs/profiling.md: `python -m docs.pictures.profiling`, in the folder of the repository.

A small shop gets requests while it is profiled, before and after an edit that makes one function slower. What the tasks
say is printed as well: it is what the page shows as their output.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddd_tasks import console
from ddd_tasks.engine.api import Engine
from tests import support
from tests.browser import Tab, browser
from tests.support import REPO, Stack

WIDTH, HEIGHT = 1280, 800
_FOLDER = Path(__file__).parent
_REPORT = '''\
"""What each customer has ordered."""

import json
from decimal import Decimal

ORDERS = [f"customer {number % 250},{number % 97}.{number % 100:02}" for number in range(4000)]


def report() -> str:
    """The customers with their totals, the largest first."""
    return rendered(ranked(summed(ORDERS)))


def parse(line: str) -> tuple[str, Decimal]:
    customer, amount = line.split(",")
    return customer, Decimal(amount)


def summed(orders: list[str]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for customer, amount in map(parse, orders):
        totals[customer] = totals.get(customer, Decimal(0)) + amount
    return totals


def ranked(totals: dict[str, Decimal]) -> list[tuple[str, Decimal]]:
    return sorted(totals.items(), key=lambda one: (-one[1], one[0]))


def rendered(rows: list[tuple[str, Decimal]]) -> str:
    return json.dumps([{"customer": customer, "total": f"{total:.2f}"} for customer, total in rows])
'''
_EDIT = (
    """\
    totals: dict[str, Decimal] = {}
    for customer, amount in map(parse, orders):
        totals[customer] = totals.get(customer, Decimal(0)) + amount
    return totals
""",
    """\
    customers: list[str] = []
    totals: list[Decimal] = []
    for customer, amount in map(parse, orders):
        if customer not in customers:
            customers.append(customer)
            totals.append(Decimal(0))
        totals[customers.index(customer)] += amount
    return dict(zip(customers, totals))
""",
)
_ROUTE = """\
    @app.get("/report")
    async def reported() -> Response:
        return Response(report(), media_type="application/json")

    @app.get("/metrics")"""
_COMPOSE = {
    "services": {
        "api": {
            "build": {"context": ".", "target": "prod"},
            "init": True,
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "tmpfs": ["/tmp:mode=1777"],
            "healthcheck": {"interval": "2s", "timeout": "9s", "retries": 20},
        }
    }
}
_FRAME = "frame.findIndex((one) => one >= 0 && functions[one][0] === 'summed')"
_LOAD = ("--load", "/report", "--rps", "10")


def main() -> None:
    """Write profiling-light.png, profiling-dark.png and profiling-diff.png beside this file."""
    support.RUN = "shop"
    with shop() as stack, browser(Engine.connect(), stack.directory) as tab:
        stack.ddd("dev.up", timeout=900).ok()
        say(stack, "profile.cpu", *_LOAD)
        file = stack.directory / "app" / "report.py"
        file.write_text(file.read_text().replace(*_EDIT))
        stack.ddd("dev.up", timeout=900).ok()
        say(stack, "profile.cpu", *_LOAD)
        say(stack, "profile.list")
        say(stack, "profile.diff", "previous", "latest")
        say(stack, "profile.diff", "previous", "latest", "--absolute")
        say(stack, "profile.dump")
        before, after = json.loads(stack.ddd("profile.list", "--json").ok().out)
        page = Path(after["folder"]) / f"diff-{before['profile'].replace('/', '-')}.html"
        for name, is_dark in (("light", False), ("dark", True)):
            picture(tab, Path(before["folder"]) / "flamegraph.html", name, is_dark=is_dark)
        picture(tab, page, "diff", is_dark=False)


@contextmanager
def shop() -> Iterator[Stack]:
    """The Python example with one more page, as it runs in production."""
    stack = support.make_stack({"compose.yaml": json.dumps(_COMPOSE)})
    try:
        shutil.copytree(REPO / "examples" / "python", stack.directory, dirs_exist_ok=True)
        shutil.copy(REPO / "docker" / "python" / "Dockerfile", stack.directory)
        source = stack.directory / "app" / "main.py"
        text = source.read_text().replace('    @app.get("/metrics")', _ROUTE)
        source.write_text(text.replace("from app.store", "from app.report import report\nfrom app.store"))
        stack.write({"app/report.py": _REPORT})
        yield stack
    finally:
        stack.down()


def say(stack: Stack, *words: str) -> None:
    """Run a task, and print what it was and what it said."""
    ran = stack.ddd(*words, timeout=900).ok()
    console.result(f"$ ddd {' '.join(words)}\n{ran.out}{ran.err}")


def picture(tab: Tab, page: Path, name: str, *, is_dark: bool) -> None:
    """The page as it opens, the largest function pointed at."""
    tab.look(WIDTH, HEIGHT, dark=is_dark)
    tab.go(page.as_uri())
    tab.evaluate(f"select({_FRAME}); undefined")
    x, y = tab.evaluate(
        f"[(start[{_FRAME}] + width({_FRAME}) / 2) * canvas.clientWidth, canvas.getBoundingClientRect().top"
        f" + (depth[{_FRAME}] + 0.5) * ROW - scroller.scrollTop]"
    )
    tab.move(x, y)
    tab.photograph(f"profiling-{name}").replace(_FOLDER / f"profiling-{name}.png")


if __name__ == "__main__":
    main()
