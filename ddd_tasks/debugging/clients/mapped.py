"""A client in front of a debugger that knows no path but its own: it is told and tells the host's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ddd_tasks.debugging.clients.base import Breakpoint, Client, Frame, Stop
from ddd_tasks.debugging.clients.urls import to_local, to_remote
from ddd_tasks.language import PathMapping


class MappedClient:
    """A base.Client over another one. Paths that no mapping holds are left as they are."""

    def __init__(self, client: Client, mappings: Sequence[PathMapping]) -> None:
        self._client, self._mappings = client, tuple(mappings)

    def set_breakpoints(self, path: str, lines: Mapping[int, str]) -> list[Breakpoint]:
        """See base.Client."""
        told = self._client.set_breakpoints(to_remote(self._mappings, path) or path, lines)
        return [one._replace(path=path) for one in told]

    def wait_for_stop(self, seconds: float) -> Stop | None:
        """See base.Client."""
        stop = self._client.wait_for_stop(seconds)
        return stop and stop._replace(frames=tuple(map(self._here, stop.frames)))

    def variables(self, frame: Frame) -> dict[str, str]:
        """See base.Client."""
        return self._client.variables(frame)

    def evaluate(self, expression: str, frame: Frame) -> str:
        """See base.Client."""
        return self._client.evaluate(expression, frame)

    def resume(self, stop: Stop) -> None:
        """See base.Client."""
        self._client.resume(stop)

    def sources(self) -> list[str]:
        """See base.Client."""
        return self._client.sources()

    def close(self) -> None:
        """See base.Client."""
        self._client.close()

    def _here(self, frame: Frame) -> Frame:
        return frame._replace(path=to_local(self._mappings, frame.path) or frame.path)
