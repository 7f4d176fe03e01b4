"""Take the pictures of docs/monitoring.md: `python -m docs.pictures.monitoring`, in the folder of the repository.

The example services get traffic that comes in waves for as long as the page shows, so it takes some minutes.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from ddd_tasks import console
from ddd_tasks.engine.api import Engine
from tests import support
from tests.browser import Tab, browser
from tests.monitoring import Services, example_services, steady

SERVICE = "python"
WIDTH, HEIGHT = 1280, 800
_FOLDER = Path(__file__).parent
_SECONDS = 290  # of the 300 that are shown
_WAVE = 12


def main(seconds: int = _SECONDS) -> None:
    """Write monitoring-light.png and monitoring-dark.png beside this file."""
    support.RUN = "shop"  # what the page shows as the project's name begins so
    with example_services() as services, browser(Engine.connect()) as tab:
        send(services, 5)  # so that the dashboard knows the labels
        services.stack.ddd("monitor.up", "--no-grafana", timeout=600).ok()
        page = services.stack.ddd("monitor.open", "--print").ok().out.strip()
        send(services, seconds)
        tab.go(f"{page}#service={SERVICE}&range=5m")
        for name, is_dark in (("light", False), ("dark", True)):
            console.result(str(picture(tab, name, is_dark)))


def send(services: Services, seconds: int) -> None:
    """Traffic to the pages that the service has, and some that it has not, at a rate that changes."""
    url, chance = services.urls[SERVICE], random.Random(1)
    paths = ["", "", "nothing", "", "docs", ""]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        with steady([url + path for path in paths], rps=chance.uniform(4, 20)):
            time.sleep(min(_WAVE, left))


def picture(tab: Tab, name: str, is_dark: bool) -> Path:
    """The first rows of the page, once everything in them was drawn."""
    tab.look(WIDTH, HEIGHT, dark=is_dark)
    tab.until("Number(document.body.dataset.rounds) >= 2")
    tab.until("document.body.dataset.withData === document.body.dataset.panels")
    return tab.photograph(f"monitoring-{name}").replace(_FOLDER / f"monitoring-{name}.png")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
