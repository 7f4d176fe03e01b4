"""Requests counted and timed for Prometheus, one series per route, in one worker or several."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.routing import Match

# Upper bounds in seconds: on a developer's machine most answers take less than 5 ms, where the client's own begin.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Asked for by machines every few seconds: they would hide what people ask for.
NOT_COUNTED = {"/health", "/metrics"}
# What else clients send as a method would add series without end.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram("http_request_duration_seconds", "Time to answer a request.", ["method", "route"], buckets=BUCKETS)


def route_template(request: Request) -> str:
    """The path as declared (/items/{id}), so that the number of series does not grow with the paths asked for."""
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            return str(route.path)
    return "unmatched"


async def measure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Middleware: count and time the request, also when it ends with an exception."""
    route, status, start = route_template(request), "500", time.perf_counter()
    if route in NOT_COUNTED:
        return await call_next(request)
    method = request.method if request.method in METHODS else "other"
    try:
        response = await call_next(request)
        status = str(response.status_code)
        return response
    finally:
        DURATION.labels(method, route).observe(time.perf_counter() - start)
        REQUESTS.labels(method, route, status).inc()


def page() -> Response:
    """What Prometheus reads; with several workers, what all of them have counted in their common folder."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
