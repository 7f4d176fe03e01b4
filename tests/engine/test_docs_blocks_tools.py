"""The shell blocks of the pages on debugging, profiling and editors do on a real engine what the pages say."""

from __future__ import annotations

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
USER 472
WORKDIR /tmp/page/api
RUN touch health
ENTRYPOINT ["python3", "-m", "http.server", "3000", "--directory", "/tmp/page"]
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
    command: [sleep, infinity]
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
