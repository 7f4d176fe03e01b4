"""What a container uses: the arithmetic over the engine's statistics, for both versions of control groups.

Reference: https://docs.docker.com/reference/api/engine/, GET /containers/{id}/stats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ddd_tasks.engine.stopped import timestamp

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Sample(NamedTuple):
    """One answer of the engine. Counters since the container's start: cpu in nanoseconds, the four others in bytes.

    at: when it was taken, in seconds since 1970; memory: bytes in use, without files that may be dropped at any moment.
    """

    at: float
    cpu: int
    memory: int
    received: int
    sent: int
    read: int
    written: int
    pids: int


class Rates(NamedTuple):
    """What happened between two samples. cpu: percent of one processor; the others: bytes a second."""

    cpu: float
    received: float
    sent: float
    read: float
    written: float


class Usage(NamedTuple):
    """What a container uses. now and rates: None while it is not running or was not seen twice.

    limit: bytes of memory that it may use, None where that is all there is; uptime: seconds; is_oom: whether a process
    of it was killed for want of memory since it was started.
    """

    service: str
    container: str
    state: str
    exit_code: int
    limit: int | None
    uptime: float | None
    restarts: int
    is_oom: bool
    now: Sample | None
    rates: Rates | None

    def as_dict(self) -> dict[str, Any]:
        """The fields of monitor.stats --json."""
        now, rates = self.now, self.rates
        return {
            "service": self.service,
            "container": self.container,
            "state": self.state,
            "exit_code": self.exit_code if self.state == "exited" else None,
            "cpu_percent": round(rates.cpu, 2) if rates else None,
            "memory_bytes": now.memory if now else None,
            "memory_limit_bytes": self.limit,
            "network_received_bytes_per_second": round(rates.received, 1) if rates else None,
            "network_sent_bytes_per_second": round(rates.sent, 1) if rates else None,
            "disk_read_bytes_per_second": round(rates.read, 1) if rates else None,
            "disk_written_bytes_per_second": round(rates.written, 1) if rates else None,
            "pids": now.pids if now else None,
            "uptime_seconds": round(self.uptime, 1) if self.uptime is not None else None,
            "restarts": self.restarts,
            "out_of_memory": self.is_oom,
        }


def sample(answer: Mapping[str, Any]) -> Sample | None:
    """The numbers of an answer; None for a container that is not running, whose answer has no time."""
    at = timestamp(str(answer.get("read", "")))
    memory = answer.get("memory_stats") or {}
    if at <= 0 or "usage" not in memory:
        return None
    networks = (answer.get("networks") or {}).values()
    disk = (answer.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    return Sample(
        at=at,
        cpu=int(answer["cpu_stats"]["cpu_usage"]["total_usage"]),
        memory=_memory(memory),
        received=sum(int(network["rx_bytes"]) for network in networks),
        sent=sum(int(network["tx_bytes"]) for network in networks),
        read=_moved(disk, "read"),
        written=_moved(disk, "write"),
        pids=int((answer.get("pids_stats") or {}).get("current", 0)),
    )


def rates(before: Sample, after: Sample) -> Rates | None:
    """What happened between two samples; None where the container was started anew meanwhile, or no time has passed."""
    seconds = after.at - before.at
    if seconds <= 0 or after.cpu < before.cpu:
        return None

    def each_second(old: int, new: int) -> float:
        return max(0, new - old) / seconds  # a network that was left takes its counters along

    return Rates(
        cpu=100 * (after.cpu - before.cpu) / 1e9 / seconds,
        received=each_second(before.received, after.received),
        sent=each_second(before.sent, after.sent),
        read=each_second(before.read, after.read),
        written=each_second(before.written, after.written),
    )


def size(number: float) -> str:
    """Bytes as people read them, in units of 1024."""
    for unit in _UNITS[:-1]:
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} {_UNITS[-1]}"


def duration(seconds: float) -> str:
    """A time as people read it, with its two largest units."""
    whole = int(seconds)
    for unit, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= length:
            return f"{whole // length}{unit} {whole % length // part}{smaller}"
    return f"{whole}s"


def _memory(stats: Mapping[str, Any]) -> int:
    """What is in use. The cache of files that were not used of late is given back when somebody needs the memory.

    Version 1 counts a group's own pages, and with those of the groups below it as total_...; version 2 only all of it.
    """
    details = stats.get("stats") or {}
    usage, idle = int(stats["usage"]), int(details.get("total_inactive_file", details.get("inactive_file", 0)))
    return usage - idle if idle < usage else usage


def _moved(entries: Iterable[Mapping[str, Any]], direction: str) -> int:
    """Bytes of all devices. Version 1 says Read and Write, version 2 read and write."""
    return sum(int(entry["value"]) for entry in entries if str(entry["op"]).lower() == direction)
