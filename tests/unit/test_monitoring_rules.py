"""The alert rules: what they say twice is what the rest of the package says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ddd_tasks import resources
from ddd_tasks.monitoring import config, requests

FILES = sorted(resources.docker("monitor", "rules").glob("*.yml"))


def _rules() -> list[dict[str, Any]]:
    groups = [group for file in FILES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def _alerts() -> list[dict[str, Any]]:
    return [rule for rule in _rules() if "alert" in rule]


def _text(name: str) -> str:
    return resources.docker("monitor", "rules", f"{name}.yml").read_text()


@pytest.mark.parametrize("alert", _alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert alert["annotations"]["runbook"] == "ddd dev.logs --service {{ $labels.job }}"


def test_each_alert_has_its_test() -> None:
    cases = [
        case
        for file in FILES
        for test in yaml.safe_load((file.parent / "tests" / file.name).read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    for name in (alert["alert"] for alert in _alerts()):
        fires = ["x" if case["exp_alerts"] else "." for case in cases if case["alertname"] == name]
        assert re.search(r"\.x+\.", "".join(fires)), f"{name}: not tested as silent, firing and over, in this order"


def test_the_labels_of_a_status_are_those_of_the_first_row() -> None:
    labels = re.findall(r'"answer", "\$1", "([^"]+)"', _text("requests"))
    assert tuple(reversed(labels)) == requests.STATUS  # the last label_replace holds, the first name of the tuple does


def test_the_names_of_requests_are_those_of_the_first_row() -> None:
    (left_out,) = {*re.findall(r'__name__!~"\(\.\*_\)\?\((.+?)\)\(_\.\*\)\?"', _text("requests"))}
    assert {*left_out.replace("?", "").split("|")} | {"exception"} == requests.OTHERS
    (times,) = re.findall(r"\(([^()]+)\)\(_\.\*\)\?_count", _text("requests"))
    assert {*times.split("|")} == requests.TIMES


def test_the_limit_of_samples_is_the_one_of_the_configuration() -> None:
    numbers = {int(number) for number in re.findall(r"\d{4,}", _text("targets"))}
    assert numbers == {config.SAMPLE_LIMIT}
