"""Prometheus' answers, as it gives them, and the words of its refusals."""

from __future__ import annotations

import math

import pytest

from ddd_tasks.errors import NotRunningError
from ddd_tasks.monitoring import api
from tests.support import free_port


def test_an_answer_of_series() -> None:
    value = {"metric": {"__name__": "up", "job": "api"}, "value": [1795390772.1, "1"]}
    assert api._answer({"resultType": "vector", "result": [value]}) == api.Answer(
        "vector", (api.Series({"__name__": "up", "job": "api"}, ((1795390772.1, 1.0),)),)
    )
    values = {"metric": {}, "values": [[1, "0.5"], [2, "+Inf"]]}
    (found,) = api._answer({"resultType": "matrix", "result": [values]}).series
    assert found.points == ((1, 0.5), (2, math.inf))


def test_an_answer_without_series() -> None:
    assert api._answer({"resultType": "vector", "result": []}).series == ()
    assert api._answer({"resultType": "scalar", "result": [3, "NaN"]}).series[0].points[0][0] == 3
    assert api._answer({"resultType": "string", "result": [3, "text"]}) == api.Answer("string", (), "text")


def test_a_native_histogram_is_how_much_it_has_observed() -> None:
    histogram = {"metric": {}, "histogram": [3, {"count": "12", "sum": "0.5", "buckets": []}]}
    (found,) = api._answer({"resultType": "vector", "result": [histogram]}).series
    assert found.points == ((3, 12.0),)


def test_a_refusal_shows_where_the_expression_is_wrong() -> None:
    content = b'{"status":"error","error":"invalid parameter \\"query\\": 2:5: parse error: unexpected \\"(\\""}'
    refused = api._refused("http://127.0.0.1:9090", "sum by\n(\u00e9a (up)", 400, content)
    assert refused.cause.splitlines() == ['2:5: parse error: unexpected "("', "(\u00e9a (up)", "   ^"]
    assert api.words(refused) == '2:5: parse error: unexpected "("'
    assert "Prometheus refuses 'sum by\\n(\u00e9a (up)'" in refused.what


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"{}"])
def test_a_refusal_without_words_is_its_status(content: bytes) -> None:
    assert api._refused("http://127.0.0.1:9090", "up", 404, content).cause == "status 404 Not Found"


def test_no_prometheus() -> None:
    with pytest.raises(NotRunningError, match=r"does not answer\ncause: .*refused\ntry: ddd monitor.up"):
        api.Prometheus(f"http://127.0.0.1:{free_port()}").query("up")
