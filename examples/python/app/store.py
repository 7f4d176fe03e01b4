"""Where visits are counted: in Redis, or in this process."""

from __future__ import annotations

from typing import Protocol


class Store(Protocol):
    """A counter that several copies of the service may share."""

    async def visit(self) -> int:
        """Count one visit and return how many there have been."""

    async def ping(self) -> None:
        """Return when the store answers; raise OSError when it does not."""

    async def close(self) -> None:
        """Release connections."""


class MemoryStore:
    """Counts in this process; the count is lost when it ends."""

    def __init__(self) -> None:
        self._visits = 0

    async def visit(self) -> int:
        """Count one visit."""
        self._visits += 1
        return self._visits

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        """Nothing to release."""


class RedisStore:
    """Counts under the key `visits` of a Redis server."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # its import is an eighth of the time of a start

        self._redis = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)

    async def visit(self) -> int:
        """Count one visit; the server does it in one step, so that no copy of the service loses one."""
        return int(await self._redis.incr("visits"))

    async def ping(self) -> None:
        """Ask for the key, which needs the server and changes nothing."""
        from redis.exceptions import RedisError

        try:
            await self._redis.exists("visits")
        except RedisError as error:
            raise ConnectionError(str(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
