"""What is scraped, and how Prometheus is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ddd_tasks import scaling
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.monitoring import config, discovery, placing
from ddd_tasks.monitoring.discovery import Found, ScrapeTarget
from ddd_tasks.project import Port, Project, Service


def service(name: str = "web", *ports: str, **given: Any) -> Service:
    published = tuple(Port(8000, port, "127.0.0.1", "tcp", "") for port in ports)
    facts: dict[str, Any] = {"image": None, "build": None, "mounts": (), "working_dir": None, "user": None}
    facts |= {"has_healthcheck": False, "depends_on": (), "profiles": (), "extension": {}}
    return Service(name, **{**facts, "ports": published, **given})


def labelled(**labels: str) -> dict[str, Any]:
    return {"Config": {"Labels": {f"prometheus.io/{key}": value for key, value in labels.items()}}}


@pytest.mark.parametrize(
    ("extension", "labels", "expected"),
    [
        ({}, {}, False),
        ({"metrics": {}}, {}, True),
        ({}, {"scrape": "true"}, True),
        ({}, {"scrape": "FALSE", "port": "9000"}, False),
        ({}, {"port": "9000"}, True),
        ({"metrics": {"port": 1}}, {"scrape": "false"}, True),
    ],
)
def test_a_service_says_that_it_has_metrics(extension: dict[str, Any], labels: dict[str, str], expected: bool) -> None:
    assert discovery.wants(service(extension=extension), [labelled(**labels)]) is expected


def test_a_label_of_the_compose_file_says_it_before_any_container_is_there() -> None:
    assert discovery.wants(service(labels={"prometheus.io/scrape": "true"}), [])


def target(name: str, *networks: str) -> ScrapeTarget:
    return ScrapeTarget(name, f"shop-{name}-1", f"shop-{name}-1:8000", "/metrics", "http", networks)


def test_a_target_on_the_host_is_reached_where_prometheus_knows_its_name() -> None:
    there = target("api")._replace(address=f"{discovery.HOST}:8000")
    found = Found((target("web"), there), ())
    assert found.reached(with_host=True) == found
    without = found.reached(with_host=False)
    assert (without.targets, without.services) == ((target("web"),), ["web"])
    ((name, why),) = without.unreachable
    assert (name, "ddd monitor.up" in why) == ("api", True)


@pytest.mark.parametrize(
    ("networks", "joined", "expected"),
    [
        ([("front",)], ["own"], ["front"]),
        ([("back", "front"), ("front",)], ["own", "front"], []),
        ([("a", "b"), ("b",)], [], ["a", "b"]),
        ([("a", "b"), ("a",)], [], ["a"]),
        ([()], [], []),
    ],
)
def test_prometheus_shares_a_network_with_each_target(
    networks: list[tuple[str, ...]], joined: list[str], expected: list[str]
) -> None:
    found = Found(tuple(target(str(number), *names) for number, names in enumerate(networks)), ())
    assert discovery.missing_networks(found, joined) == expected


TWO = [
    target("web"),
    target("web")._replace(container="shop-web-2", address="shop-web-2:8000"),
    target("job")._replace(path="/stats"),
]


def test_the_targets_are_containers_of_one_job_for_each_service() -> None:
    assert json.loads(config.targets_file(TWO, "file")) == [
        {
            "targets": ["shop-web-1:8000", "shop-web-2:8000"],
            "labels": {"job": "web", "__metrics_path__": "/metrics", "__scheme__": "http"},
        },
        {
            "targets": ["shop-job-1:8000"],
            "labels": {"job": "job", "__metrics_path__": "/stats", "__scheme__": "http"},
        },
    ]


def test_with_dns_the_names_of_the_services_are_asked_for() -> None:
    assert json.loads(config.targets_file(TWO, "dns")) == []
    jobs = yaml.safe_load(config.prometheus(TWO, "dns"))["scrape_configs"]
    assert [(job["job_name"], job["metrics_path"]) for job in jobs] == [("web", "/metrics"), ("job", "/stats")]
    assert jobs[0]["dns_sd_configs"] == [{"names": ["web"], "type": "A", "port": 8000, "refresh_interval": "2s"}]


@pytest.mark.parametrize("mode", ["file", "dns"])
def test_every_target_has_its_limits(mode: str) -> None:
    jobs = yaml.safe_load(config.prometheus(TWO, mode))["scrape_configs"]
    assert all(job["sample_limit"] == config.SAMPLE_LIMIT and job["body_size_limit"] == "16MB" for job in jobs)


def test_a_file_is_replaced_only_where_it_changes_and_is_readable_for_others(tmp_path: Path) -> None:
    file = tmp_path / ".ddd" / "monitor" / "prometheus" / "targets" / "services.json"
    assert placing.write(file, "one\n")
    first = file.stat()
    assert not placing.write(file, "one\n")
    assert file.stat().st_ino == first.st_ino
    assert placing.write(file, "two\n")
    assert file.stat().st_ino != first.st_ino
    assert file.stat().st_mode & 0o777 == 0o644
    assert {path.stat().st_mode & 0o777 for path in (file.parent, file.parent.parent)} == {0o755}
    assert [path.name for path in file.parent.iterdir()] == ["services.json"]


PROJECT = Project("shop", Path("/shop"), (Path("/shop/compose.yaml"),), {"web": service("web", "")}, {})


def test_how_many_containers() -> None:
    assert scaling.parse(PROJECT, "web=3") == {"web": 3}
    assert scaling.parse(PROJECT, "") == {}


@pytest.mark.parametrize("given", ["web", "web=", "web=-1", "web=two", "=2"])
def test_a_scale_that_is_none(given: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError)):
        scaling.parse(PROJECT, given)


def test_a_service_with_a_port_of_this_machine_can_have_but_one_container() -> None:
    fixed = PROJECT._replace(services={"web": service("web", "8000")})
    assert scaling.parse(fixed, "web=1") == {"web": 1}
    with pytest.raises(ConfigError, match="cannot have 2 containers"):
        scaling.parse(fixed, "web=2")
