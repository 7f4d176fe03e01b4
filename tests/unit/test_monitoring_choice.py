"""Dashboards of some metrics only: patterns, and how a file remembers its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring import choice
from tests.metrics_pages import families

BOARD: dict[str, Any] = {"description": "What api exposes.", "tags": ["ddd-tasks"]}


def names(pattern: str) -> list[str]:
    return [family.name for family in choice.chosen(families("node"), choice.matcher(pattern))]


def test_the_whole_name_has_to_match() -> None:
    assert names("http_.*") == ["http_requests_total", "http_request_duration_seconds"]
    assert names("http_requests_total|nodejs_.*lag.*") == ["http_requests_total", "nodejs_eventloop_lag_seconds"]
    assert len(names("")) == len(names(".*")) == 4


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("http_requests", "http_requests_total"),
        ("http_request_total", "http_requests_total"),
        ("eventloop", "nodejs_eventloop_lag_seconds"),
        ("^handles.+$", "nodejs_active_handles_total"),
        ("[0-9]?", "http_requests_total"),
    ],
)
def test_no_match_names_the_nearest(pattern: str, first: str) -> None:
    with pytest.raises(ConfigError) as refused:
        names(pattern)
    assert repr(pattern) in refused.value.what
    assert first in refused.value.valid
    assert refused.value.hint.startswith("ddd monitor.dashboard --match ")


def test_of_many_names_few_are_named() -> None:
    many = [family._replace(name=f"metric_{number}") for family in families("node")[:1] for number in range(300)]
    with pytest.raises(ConfigError) as refused:
        choice.chosen(many, choice.matcher("metric"))
    assert len(refused.value.valid) == 8


def test_what_is_no_pattern_is_shown_with_the_place() -> None:
    with pytest.raises(ConfigError) as refused:
        choice.matcher("http_(a|b")
    assert "'http_(a|b'" in refused.value.what
    assert "http_(a|b\n     ^" in refused.value.cause


def test_a_file_remembers_its_pattern() -> None:
    noted = choice.noted(BOARD, "http_.*")
    assert noted["description"] == "What api exposes. Only the metrics that match http_.*"
    assert choice.of_file(json.dumps(noted)) == "http_.*"
    assert choice.noted(BOARD, "") == choice.noted(BOARD, ".*") == BOARD
    assert choice.of_file(json.dumps(BOARD)) == ""


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"tags": null}', '{"tags": [7]}'])
def test_a_file_that_says_nothing_of_it(text: str | None) -> None:
    assert choice.of_file(text) == ""
