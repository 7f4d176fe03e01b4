"""The projects that blocks of README and docs run in, made for a test module that shares them between pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests import support
from tests.support import DOCKERFILE, REPO
from tests.walks import Place


def shop(place: Place) -> None:
    """A git repository of what `ddd init` makes of an empty folder: a small Python service, which runs."""
    place.stack.ddd("init", "--language", "python", "--name", "shop").ok()
    compose = place.stack.directory / "compose.yaml"
    compose.write_text(f"name: {place.stack.name}\n{compose.read_text()}")
    for words in (
        ["init", "-q"],
        ["add", "--all"],
        ["config", "user.name", "Ada"],
        ["config", "user.email", "ada@example.com"],
    ):
        place.stack.run("git", *words).ok()
    place.stack.run("git", "commit", "-q", "-m", "A service").ok()
    place.stack.write({".env": f"SHOP_PORT={place.port}\n"})
    place.stack.ddd("dev.up", timeout=600).ok()


def checkout(place: Place) -> None:
    """A copy of this checkout that has never been used."""
    never_used = shutil.ignore_patterns(".venv", ".ddd", ".git", ".nox", ".*_cache", "__pycache__", "node_modules")
    shutil.copytree(REPO, place.stack.directory, ignore=never_used, symlinks=True, dirs_exist_ok=True)


def several_services(place: Place) -> None:
    """Two services, each with the mount of a folder of its own."""
    service = """\
  {name}:
    build: {{context: ., target: dev}}
    init: true
    volumes: ["./services/{name}:/app"]
"""
    services = "".join(service.format(name=name) for name in ("api", "worker"))
    files = {f"services/{name}/only-in-{name}": "" for name in ("api", "worker")}
    place.stack.write({"compose.yaml": f"services:\n{services}", "Dockerfile": DOCKERFILE, **files})


# Two services that Prometheus finds in the two ways there are; orders can be had twice.
WEBSHOP = """\
services:
  api:
    build: {{context: api, target: dev}}
    init: true
    ports: ["127.0.0.1:{port}:8000"]
    x-ddd: {{metrics: {{}}}}
    healthcheck: &check
      test: ["CMD-SHELL", "grep -qsE ':(1F40|1F90) 0*:0000 0A' /proc/net/tcp /proc/net/tcp6"]
      start_period: 60s
      start_interval: 200ms
    volumes: ["./api:/app"]
  orders:
    build: {{context: orders, target: dev}}
    init: true
    ports: ["127.0.0.1::8080"]
    labels: {{prometheus.io/scrape: "true"}}
    healthcheck: *check
    volumes: ["./orders:/app"]
"""
# What Prometheus' page and Grafana have in common for who starts them: a page that says that it is ready.
IN_GRAFANAS_PLACE = """\
FROM {base}
WORKDIR /srv/page/api
RUN touch health
USER 472
ENTRYPOINT ["python3", "-m", "http.server", "3000", "--directory", "/srv/page"]
"""
PROFILED = """\
services:
  api:
    build: {context: ., target: dev}
    init: true
    volumes: ["./:/app"]
  orders:
    build: {context: ., target: dev}
    init: true
    command: [python, orders/main.py]
    volumes: ["./:/app"]
  mailer:
    build: {context: ., target: dev}
    init: true
    command: [python, -c, "import time; time.sleep(9999)"]
    volumes: ["./:/app"]
"""
REPORT = '''\
"""A page that takes work."""

import logging

ROWS = "\\n".join(f"row {number};{number}" for number in range(2_000))


def report() -> dict[str, int]:
    """The sum of all rows."""
    return {"sum": summed(parse(ROWS))}


def parse(text: str) -> list[list[str]]:
    return [row.split(";") for row in text.splitlines()]


def summed(rows: list[list[str]]) -> int:
    total = 0
    for row in rows:
        for _ in range(5):
            total += int(row[1])
    logging.getLogger("uvicorn.error").info("summed %s rows", len(rows))
    return total
'''
ORDERS = '''\
"""Works and remembers."""

kept = []


def remember(number):
    kept.append(str(number) * 10)


def work(n):
    total = 0
    for i in range(n):
        total += i * i
    return total


if __name__ == "__main__":
    while True:
        remember(work(2_000_000))
'''


def webshop(place: Place) -> None:
    """Two services with metrics, in Python and Go, and Prometheus, all running; and an image for Grafana's place."""
    for service, language in (("api", "python"), ("orders", "go")):
        # Each in a folder of its own. The name is that of other pages' project, whose image is in the cache.
        (place.stack.directory / service).mkdir()
        place.stack.ddd("init", "--language", language, "--name", "shop", cwd=service).ok()
        (place.stack.directory / service / "compose.yaml").unlink()
    place.stack.write({"compose.yaml": WEBSHOP.format(port=place.port)})
    dockerfile = IN_GRAFANAS_PLACE.format(base=support.base("python:3.13-slim-trixie"))
    name = f"{place.stack.name}-in-grafanas-place"
    place.stack.run("docker", "build", "--quiet", "--tag", name, "-", stdin=dockerfile.encode()).ok()
    place.stack.ddd("dev.up", timeout=900).ok()
    place.stack.ddd("monitor.up", timeout=600).ok()


def profiled(place: Place) -> None:
    """A service with a page that takes work, one that works all the time, and one that does nothing."""
    place.stack.ddd("init", "--language", "python", "--name", "shop").ok()
    main = place.stack.directory / "app" / "main.py"
    text = f"{main.read_text()}\n\nfrom app.report import report  # noqa: E402\n\napp.get('/report')(report)\n"
    files = {"compose.yaml": PROFILED, "app/main.py": text, "app/report.py": REPORT, "orders/main.py": ORDERS}
    place.stack.write(files)
    place.stack.ddd("dev.up", timeout=900).ok()


MAKERS: dict[str, Callable[[Place], None]] = {
    "shop": shop,
    "several services": several_services,
    "checkout": checkout,
    "webshop": webshop,
    "profiled": profiled,
}
