"""What a report hides of a Compose configuration, and what it leaves."""

from __future__ import annotations

import pytest

from ddd_tasks import report

CONFIG = {
    "services": {
        "api": {
            "build": {"context": "/src", "args": {"TOKEN": "x1"}, "secrets": [{"source": "x2"}]},
            "command": ["serve", "--key", "x3"],
            "environment": {"A": "x4", "B": None},
            "healthcheck": {"test": ["CMD", "curl", "x5"], "interval": "1s"},
            "labels": ["owner=x6"],
            "ports": [{"target": 80}],
        }
    },
    "secrets": {"key": {"environment": "x7"}},
}


def test_no_value_that_people_choose_is_left() -> None:
    assert [name for name in (f"x{number}" for number in range(1, 8)) if name in str(report.masked(CONFIG))] == []


def test_names_and_what_the_engine_is_told_are_left() -> None:
    api = report.masked(CONFIG)["services"]["api"]
    assert api["environment"] == {"A": report.MASK, "B": None}
    assert (api["command"], api["labels"]) == (["serve", report.MASK, report.MASK], [f"owner={report.MASK}"])
    assert (api["ports"], api["build"]["context"]) == ([{"target": 80}], "/src")


@pytest.mark.parametrize("value", [None, "text", 3, True])
def test_what_is_in_no_hidden_section_stays(value: object) -> None:
    assert report.masked({"name": value}) == {"name": value}
