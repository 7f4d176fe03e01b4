"""Prometheus' configuration: what it is told of the targets, and the limits that keep one of them from filling it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ddd_tasks.monitoring.discovery import ScrapeTarget

SCRAPE_SECONDS = 5
"""Between two scrapes. Grafana's data source is told the same, or its rates would be empty."""
SAMPLE_LIMIT = 20_000
"""Series of one page; a page with more is not taken at all."""
BODY_LIMIT = "16MB"
LABEL_VALUE_LIMIT = 512
CONFIG_FILE = ".ddd/monitor/prometheus/prometheus.yml"
"""Where these are written to, for people who look for them."""
PORT = 9090
INSIDE = "/etc/ddd-monitor"
WEB = "/usr/share/ddd-monitor/web"
TARGETS_FILE = "targets/services.json"

_LIMITS: Mapping[str, Any] = {
    "sample_limit": SAMPLE_LIMIT,
    "body_size_limit": BODY_LIMIT,
    "label_value_length_limit": LABEL_VALUE_LIMIT,
}
# Of the dns discovery: within this time a replica more or less is seen.
_DNS_SECONDS = 2


def command(host_port: int) -> list[str]:
    """The arguments of Prometheus. host_port: where browsers find it; pages of other origins get no answer."""
    return [
        f"--config.file={INSIDE}/prometheus.yml",
        "--storage.tsdb.path=/prometheus",
        "--storage.tsdb.retention.time=24h",
        "--storage.tsdb.retention.size=512MB",
        f"--web.cors.origin=http://127\\.0\\.0\\.1:{host_port}",
        f"--web.user-assets={WEB}",
        "--web.page-title=ddd-tasks",
        # How long it keeps a changed list of targets to itself, besides the 5 s in which it gathers changes.
        "--scrape.discovery-reload-interval=100ms",
        "--log.level=warn",
    ]


def prometheus(targets: Sequence[ScrapeTarget], discovery: str) -> str:
    """The content of prometheus.yml. discovery: file, by the names of containers, or dns, by those of services."""
    import yaml

    interval = f"{SCRAPE_SECONDS}s"
    content = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [f"{INSIDE}/rules/*.yml"],
        "scrape_configs": _by_name(targets) if discovery == "dns" else [_by_file()],
    }
    return "# Written by ddd monitor.up.\n" + yaml.safe_dump(content, sort_keys=False)


def targets_file(targets: Sequence[ScrapeTarget], discovery: str) -> str:
    """The content of the file that Prometheus reads whenever it changes: one entry for each page of a service."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in targets if discovery == "file" else ():
        groups.setdefault((one.service, one.path, one.scheme), []).append(one.address)
    entries = [
        {"targets": addresses, "labels": {"job": service, "__metrics_path__": path, "__scheme__": scheme}}
        for (service, path, scheme), addresses in groups.items()
    ]
    return json.dumps(entries, indent=2) + "\n"


def _by_file() -> dict[str, Any]:
    # It is told of a change by the file system, where that works across the engine's virtual machine; else it looks.
    sources = [{"files": [f"{INSIDE}/{TARGETS_FILE}"], "refresh_interval": f"{SCRAPE_SECONDS}s"}]
    return {"job_name": "services", "tls_config": {"insecure_skip_verify": True}, **_LIMITS, "file_sd_configs": sources}


def _by_name(targets: Sequence[ScrapeTarget]) -> list[dict[str, Any]]:
    """A job for each service: the engine's DNS names the addresses of all its containers, whoever has scaled it."""
    jobs = {}
    for one in targets:
        jobs[one.service] = {
            "job_name": one.service,
            "metrics_path": one.path,
            "scheme": one.scheme,
            "tls_config": {"insecure_skip_verify": True},
            **_LIMITS,
            **_source(one),
        }
    return list(jobs.values())


def _source(one: ScrapeTarget) -> dict[str, Any]:
    host, _, port = one.address.rpartition(":")
    if host != one.container:  # in the network of another container, or of the host: no name is its own
        return {"static_configs": [{"targets": [one.address]}]}
    source = {"names": [one.service], "type": "A", "port": int(port), "refresh_interval": f"{_DNS_SECONDS}s"}
    return {"dns_sd_configs": [source]}
