"""The service over HTTP, counting in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.store import MemoryStore, RedisStore


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(MemoryStore())) as client:
        yield client


def test_visits_are_counted(client: TestClient) -> None:
    assert client.get("/").json() == {"service": "visits", "visits": 1}
    assert client.get("/").json() == {"service": "visits", "visits": 2}


def test_health_is_ok_when_the_store_answers(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_health_fails_when_redis_is_unreachable() -> None:
    nothing_listens_here = "redis://127.0.0.1:1"
    with TestClient(create_app(RedisStore(nothing_listens_here))) as client:
        assert client.get("/health").status_code == 503


def test_metrics_have_one_series_per_route(client: TestClient) -> None:
    client.get("/")
    client.get("/no/such/page")
    text = client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/",status="200"}' in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"}' in text
    assert 'http_request_duration_seconds_count{method="GET",route="/"}' in text
    assert "/no/such/page" not in text


def test_what_machines_ask_for_is_not_counted(client: TestClient) -> None:
    client.get("/health")
    client.get("/metrics")
    client.request("BREW", "/")
    text = client.get("/metrics").text
    assert 'route="/health"' not in text
    assert 'route="/metrics"' not in text
    assert 'http_requests_total{method="other",route="/",status="405"}' in text
