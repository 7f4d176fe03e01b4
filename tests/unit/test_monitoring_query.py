"""monitor.query: times, and an answer as a table and as JSON."""

from __future__ import annotations

import json

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring.api import Answer, Series
from ddd_tasks.monitoring.query import Result, duration, text

NAN = float("nan")


@pytest.mark.parametrize(
    ("given", "seconds"), [("5m", 300), ("1h30m", 5400), ("90s", 90), ("1.5h", 5400), ("500ms", 0.5)]
)
def test_a_time(given: str, seconds: float) -> None:
    assert duration(given) == seconds


@pytest.mark.parametrize("given", ["5", "m", "5x", "0s", "-5m", "5m ", "m5"])
def test_what_is_no_time(given: str) -> None:
    with pytest.raises(ConfigError, match="is no time"):
        duration(given)


def test_values_as_prometheus_writes_them() -> None:
    assert [text(one) for one in (1.0, 0.1 + 0.2, NAN, float("inf"), float("-inf"))] == [
        "1",
        "0.3",
        "NaN",
        "+Inf",
        "-Inf",
    ]


def test_a_row_for_each_series() -> None:
    series = (
        Series({"__name__": "up", "job": "a", "value": "odd"}, ((1.0, 1.0),)),
        Series({"code": "5"}, ((1.0, NAN),)),
    )
    result = Result("up", Answer("vector", series), 0, ())
    assert result.columns == ["metric", "code", "job", "value (label)", "value"]
    assert result.rows == [
        {"metric": "up", "job": "a", "value (label)": "odd", "value": "1"},
        {"code": "5", "value": "NaN"},
    ]
    assert json.loads(json.dumps(result.as_dict()))["series"][1] == {
        "labels": {"code": "5"},
        "time": 1.0,
        "value": "NaN",
    }


def test_a_row_for_each_series_over_a_time() -> None:
    result = Result("x", Answer("matrix", (Series({}, ((1, 2.0), (2, NAN), (3, 0.5))),)), 10, ())
    assert result.columns == ["points", "min", "max", "last"]
    assert result.rows == [{"points": "3", "min": "0.5", "max": "2", "last": "0.5"}]
    assert result.as_dict()["series"][0]["points"] == [[1, 2.0], [2, "NaN"], [3, 0.5]]
