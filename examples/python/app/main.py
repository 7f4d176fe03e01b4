"""The web service: GET / counts a visit, GET /health tells whether the store answers, GET /metrics is for Prometheus."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response

from app.metrics import measure, page
from app.store import MemoryStore, RedisStore, Store


def create_app(store: Store) -> FastAPI:
    """The service on top of this store."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await store.close()

    app = FastAPI(title="visits", lifespan=lifespan)
    app.middleware("http")(measure)

    @app.get("/")
    async def root() -> dict[str, str | int]:
        return {"service": "visits", "visits": await store.visit()}

    @app.get("/health")
    async def health(response: Response) -> dict[str, str]:
        try:
            await store.ping()
        except OSError as error:
            response.status_code = 503
            return {"status": "store unreachable", "cause": str(error)}
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        return page()

    return app


def store_from_environment() -> Store:
    """Redis at REDIS_URL; without it, the memory of this process."""
    url = os.environ.get("REDIS_URL")
    return RedisStore(url) if url else MemoryStore()


app = create_app(store_from_environment())
