"""What `ddd status` shows of one container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ddd_tasks import process
from ddd_tasks.monitoring import usage
from ddd_tasks.monitoring.usage import Usage

COLUMNS = ("service", "state", "age", "url", "ports", "stage", "reload", "debugger", "metrics", "cpu", "memory")
# By the least columns of a terminal: what is left out where there is not so much room.
_LEFT_OUT = {140: ("ports",), 120: ("reload", "metrics"), 100: ("stage", "debugger"), 70: ("age", "memory")}
_NONE = "-"


class Row(NamedTuple):
    """A container of a service, or a service without one (state: not started).

    name: the service, or the container where the service has several; age: seconds since its start, where it has not
    ended; ports: inside, or outside->inside where this machine reaches it; reload: the program that restarts the code
    after a save; debugger: own, attached or ""; metrics: up, down or unknown as Prometheus has it, "" where none
    scrapes it; used: what it uses, None where that was not measured; said: the last lines of one that has failed, as
    it wrote them.
    """

    service: str
    name: str
    container: str
    state: str
    has_failed: bool = False
    age: float | None = None
    urls: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    stage: str = ""
    reload: str = ""
    debugger: str = ""
    metrics: str = ""
    used: Usage | None = None
    said: tuple[str, ...] = ()

    def cells(self, *, is_short: bool) -> dict[str, str]:
        """Its cells of the table. is_short: of several URLs, the first and how many more there are."""
        now, rates = (self.used.now, self.used.rates) if self.used else (None, None)
        urls = [self.urls[0], f"+{len(self.urls) - 1}"] if is_short and len(self.urls) > 1 else self.urls
        found = {
            "service": self.name,
            "state": self.state,
            "age": usage.duration(self.age) if self.age is not None else "",
            "url": " ".join(urls),
            "ports": " ".join(self.ports),
            "stage": self.stage,
            "reload": self.reload,
            "debugger": self.debugger,
            "metrics": self.metrics,
            "cpu": f"{rates.cpu:.1f} %" if rates else "",
            "memory": usage.size(now.memory) if now else "",
        }
        return {name: value or _NONE for name, value in found.items()}

    def as_dict(self) -> dict[str, Any]:
        """The fields of status --json."""
        used = self.used.as_dict() if self.used else {}
        return {
            "service": self.service,
            "container": self.container or None,
            "state": self.state,
            "failed": self.has_failed,
            "age_seconds": round(self.age, 1) if self.age is not None else None,
            "urls": list(self.urls),
            "ports": list(self.ports),
            "stage": self.stage or None,
            "reload": self.reload or None,
            "debugger": self.debugger or None,
            "metrics": self.metrics or None,
            "cpu_percent": used.get("cpu_percent"),
            "memory_bytes": used.get("memory_bytes"),
            "last_lines": [process.redact(line) for line in self.said],
        }


def columns(size: tuple[int, int] | None) -> Sequence[str]:
    """Those that a terminal of this many rows and columns has room for; all where there is none."""
    width = size[1] if size else 1000
    left_out = {name for least, names in _LEFT_OUT.items() if width < least for name in names}
    return [name for name in COLUMNS if name not in left_out]


def last_words(found: Sequence[Row], *, is_raw: bool = False) -> list[str]:
    """What those have said that failed, for below the table; is_raw: with what looks like a secret."""
    lines = [line for row in found if row.said for line in ("", f"{row.name}:", *(f"  {one}" for one in row.said))]
    return lines if is_raw else [process.redact(line) for line in lines]
