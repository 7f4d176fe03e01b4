"""What Grafana is told: its files as its own documentation has them, and its part of the Compose file."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from ddd_tasks import resources
from ddd_tasks.monitoring import grafana
from ddd_tasks.monitoring.check import schema
from ddd_tasks.monitoring.config import SCRAPE_SECONDS
from ddd_tasks.monitoring.stack import NAMES, PROMETHEUS
from ddd_tasks.project import Project

# Section and key of grafana/grafana, conf/defaults.ini; those of plugins as a Grafana 13 has them.
KNOWN = {
    "analytics": {"check_for_plugin_updates", "check_for_updates", "feedback_links_enabled", "reporting_enabled"},
    "auth.anonymous": {"enabled", "org_name", "org_role"},
    "dashboards": {"default_home_dashboard_path", "min_refresh_interval"},
    "news": {"news_feed_enabled"},
    "paths": {"data", "logs", "plugins", "provisioning"},
    "plugins": {
        "plugin_admin_enabled",
        "preinstall_auto_update",
        "preinstall_disabled",
        "public_key_retrieval_disabled",
    },
    "security": {"admin_password", "disable_gravatar"},
    "server": {"domain", "enforce_domain", "http_port", "root_url"},
    "snapshots": {"external_enabled"},
    "users": {"allow_sign_up"},
}
VARIABLES = {
    f"GF_{section}_{key}".upper().replace(".", "_") for section, keys in KNOWN.items() for key in keys
}  # as Grafana itself makes them


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project("shop", tmp_path, (tmp_path / "compose.yaml",), {}, {})


@pytest.fixture
def service(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = grafana.overlay(project, "grafana/grafana:1", 3001)["services"][grafana.SERVICE]
    return found


def provisioning(name: str) -> Any:
    return yaml.safe_load(resources.docker("monitor", "grafana", "provisioning", *name.split("/")).read_text())


def test_the_data_source_is_our_prometheus_with_our_interval() -> None:
    content = provisioning("datasources/ddd.yml")
    (source,) = content["datasources"]
    assert content["apiVersion"] == 1
    assert (source["type"], source["access"], source["isDefault"], source["editable"]) == (
        "prometheus",
        "proxy",
        True,
        False,
    )
    assert source["url"] == f"http://{PROMETHEUS}:9090"
    # Of it Grafana makes $__rate_interval; its own 15 s would show no rates.
    assert source["jsonData"] == {"httpMethod": "POST", "timeInterval": f"{SCRAPE_SECONDS}s"}


def test_dashboards_come_from_the_folder_that_is_mounted(service: dict[str, Any]) -> None:
    content = provisioning("dashboards/ddd.yml")
    (provider,) = content["providers"]
    assert (content["apiVersion"], provider["type"], provider["allowUiUpdates"]) == (1, "file", False)
    assert provider["updateIntervalSeconds"] == 10
    assert Path(provider["options"]["path"]).parent == Path(service["volumes"][0]["target"])


def test_grafana_takes_the_home_dashboard() -> None:
    board = json.loads(resources.docker("monitor", "grafana", "home.json").read_text())
    assert [finding.what for finding in schema.findings("home", board)] == []
    uids = {panel["datasource"]["uid"] for panel in board["panels"] if "datasource" in panel}
    assert uids == {provisioning("datasources/ddd.yml")["datasources"][0]["uid"]}


def test_every_setting_is_one_that_grafana_has(service: dict[str, Any]) -> None:
    names = {name.removesuffix("__FILE") for name in service["environment"]}
    assert names <= VARIABLES
    assert len(names) > 15


def test_it_has_no_right_and_no_port_that_it_does_not_need(service: dict[str, Any]) -> None:
    assert service["ports"] == [{"target": 3000, "published": "3001", "host_ip": "127.0.0.1", "protocol": "tcp"}]
    assert (service["read_only"], service["cap_drop"], service["user"]) == (True, ["ALL"], "472:0")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (service["mem_limit"], service["cpus"], service["profiles"]) == ("512m", 1.0, ["monitor"])
    assert all(volume["read_only"] for volume in service["volumes"])
    assert not {"privileged", "cap_add", "pid", "network_mode"} & {*service}
    assert grafana.SERVICE in NAMES


def test_the_password_is_for_its_owner_alone_and_in_nothing_else(project: Project) -> None:
    grafana.files(project)
    password = grafana.password(project)
    file = grafana.password_file(project)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(password) >= 32
    assert grafana.password(project) == password
    written = [path for path in project.private.rglob("*") if path.is_file() and password in path.read_text()]
    assert written == [file]
    assert password not in json.dumps(grafana.overlay(project, "x", 1))


def test_another_project_has_another_password(project: Project, tmp_path: Path) -> None:
    other = project._replace(directory=tmp_path / "other")
    assert grafana.password(project) != grafana.password(other)


def test_what_it_reads_is_below_the_folder_that_is_mounted(project: Project, service: dict[str, Any]) -> None:
    grafana.place(project, {"api": "{}"})
    grafana.files(project)
    mounted = Path(service["volumes"][0]["source"])
    assert not list(mounted.glob("boards/*"))  # before it is wanted nothing is put there
    grafana.place(project, {"api": "{}", "web": "{}"})
    grafana.place(project, {"web": "{}"})
    files = sorted(str(path.relative_to(mounted)) for path in mounted.rglob("*") if path.is_file())
    assert files == [
        "boards/web.json",
        "home.json",
        "provisioning/dashboards/ddd.yml",
        "provisioning/datasources/ddd.yml",
    ]
    assert all(path.stat().st_mode & 0o004 for path in mounted.rglob("*"))  # another user reads it
    inside = {service["environment"][name] for name in ("GF_PATHS_PROVISIONING",)}
    assert inside == {f"{service['volumes'][0]['target']}/provisioning"}


def test_the_image_is_the_one_that_was_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(grafana.VARIABLE, raising=False)
    assert grafana.image_of(project) == grafana.IMAGE
    assert ":" in grafana.IMAGE  # one version, the same everywhere
    named = project._replace(monitor={"grafana": "mirror.example/grafana:13"})
    assert grafana.image_of(named) == "mirror.example/grafana:13"
    monkeypatch.setenv(grafana.VARIABLE, "local/grafana")
    assert grafana.image_of(named) == "local/grafana"
