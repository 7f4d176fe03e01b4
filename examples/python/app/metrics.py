"""Requests counted and timed for Prometheus, one series per route."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from prometheus_client import Counter, Histogram
from starlette.routing import Match

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram("http_request_duration_seconds", "Time to answer a request.", ["method", "route"])


def route_template(request: Request) -> str:
    """The path as declared (/items/{id}), so that the number of series does not grow with the paths asked for."""
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            return str(route.path)
    return "unmatched"


async def measure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Middleware: count and time the request, also when it ends with an exception."""
    route, status, start = route_template(request), "500", time.perf_counter()
    try:
        response = await call_next(request)
        status = str(response.status_code)
        return response
    finally:
        DURATION.labels(request.method, route).observe(time.perf_counter() - start)
        REQUESTS.labels(request.method, route, status).inc()
