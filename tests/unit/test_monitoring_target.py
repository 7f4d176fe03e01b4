"""Where the metrics page of a service is."""

from __future__ import annotations

from typing import Any

import pytest

from ddd_tasks.compose import DEBUG_PORT_LABEL
from ddd_tasks.errors import ConfigError, UnsupportedError
from ddd_tasks.language import Metrics
from ddd_tasks.monitoring import target
from ddd_tasks.monitoring.target import Wanted

USUAL = Metrics(path="/metrics", port=8000)
LABELS = {"prometheus.io/port": "9100", "prometheus.io/path": "/stats", "prometheus.io/scheme": "https"}


@pytest.mark.parametrize(
    ("said", "labels", "usual", "exposed", "wanted"),
    [
        ({"port": 9000, "path": "/m", "scheme": "https"}, LABELS, USUAL, {8000}, Wanted(9000, "/m", "https")),
        ({"path": "/m"}, {}, USUAL, {3000}, Wanted(3000, "/m", "http")),
        ({"port": 9000}, {}, None, set(), Wanted(9000, "/metrics", "http")),
        ({}, LABELS, USUAL, {8000}, Wanted(9100, "/stats", "https")),
        ({}, {"prometheus.io/scrape": "true"}, None, {3000}, Wanted(3000, "/metrics", "http")),
        ({}, {}, USUAL, {8000, 9000}, Wanted(8000, "/metrics", "http")),
        ({}, {}, USUAL, {3000}, Wanted(3000, "/metrics", "http")),
        ({}, {}, Metrics("/m", 80), {3000}, Wanted(3000, "/m", "http")),
        ({}, {DEBUG_PORT_LABEL: "5678"}, None, {3000, 5678}, Wanted(3000, "/metrics", "http")),
        ({"port": 9000}, {"prometheus.io/scrape": "false"}, None, {3000}, Wanted(9000, "/metrics", "http")),
    ],
)
def test_x_ddd_comes_before_labels_and_labels_before_the_language(
    said: dict[str, Any], labels: dict[str, str], usual: Metrics | None, exposed: set[int], wanted: Wanted
) -> None:
    assert target.choose("api", said, labels, usual, exposed) == wanted


@pytest.mark.parametrize(
    ("labels", "exposed", "what"),
    [
        ({}, set(), "service 'api' has no port"),
        ({}, {3000, 4000}, "which port of service 'api' has its metrics?"),
        ({"prometheus.io/port": "http"}, {3000}, "the label prometheus.io/port of service 'api' is 'http'"),
        ({"prometheus.io/port": "65536"}, {3000}, "the label prometheus.io/port of service 'api' is '65536'"),
        ({"prometheus.io/path": "metrics"}, {3000}, "the label prometheus.io/path of service 'api' is 'metrics'"),
        ({"prometheus.io/scheme": "ftp"}, {3000}, "the label prometheus.io/scheme of service 'api' is 'ftp'"),
    ],
)
def test_what_does_not_lead_to_one_page_is_refused(labels: dict[str, str], exposed: set[int], what: str) -> None:
    with pytest.raises(ConfigError) as refused:
        target.choose("api", {}, labels, USUAL, exposed)
    assert refused.value.what == what
    assert refused.value.hint == "docker compose config api"


def test_a_service_that_is_not_to_be_scraped_is_not_read() -> None:
    with pytest.raises(UnsupportedError, match="not to be scraped"):
        target.choose("api", {}, {"prometheus.io/scrape": "false"}, USUAL, {8000})


def test_exposed_are_the_tcp_ports_of_the_image_and_the_published_ones() -> None:
    info = {
        "Config": {"ExposedPorts": {"8000/tcp": {}, "53/udp": {}}},
        "NetworkSettings": {"Ports": {"9000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "1"}], "8000/tcp": None}},
    }
    assert target.exposed_ports(info) == {8000, 9000}
    assert target.exposed_ports({"Config": {}, "NetworkSettings": {}}) == set()
