"""The arithmetic of monitor.stats, on answers as engines give them with either version of control groups."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.monitoring import stats, usage
from ddd_tasks.monitoring.usage import Rates, Sample, Usage
from ddd_tasks.project import Project

# The form of Engine 26.1's answers under version 1, with numbers that tell one field from another.
ONE: dict[str, Any] = {
    "read": "2026-11-22T23:50:45.676384991Z",
    "preread": "0001-01-01T00:00:00Z",
    "pids_stats": {"current": 3},
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"major": 8, "minor": 0, "op": "Read", "value": 4096},
            {"major": 8, "minor": 0, "op": "Write", "value": 8192},
            {"major": 8, "minor": 0, "op": "Sync", "value": 12288},
            {"major": 8, "minor": 0, "op": "Total", "value": 12288},
            {"major": 8, "minor": 16, "op": "Read", "value": 1},
        ]
    },
    "cpu_stats": {"cpu_usage": {"total_usage": 1050878691, "percpu_usage": [225362134, 825516557]}, "online_cpus": 2},
    "memory_stats": {
        "usage": 46501888,
        "stats": {"inactive_file": 4096, "total_inactive_file": 57344, "cache": 69632},
        "limit": 134217728,
    },
    "networks": {"eth0": {"rx_bytes": 646, "tx_bytes": 10}, "eth1": {"rx_bytes": 4, "tx_bytes": 5}},
}
# As the API's reference describes version 2: no percpu_usage, small letters, no total_inactive_file.
TWO: dict[str, Any] = {
    "read": "2026-11-22T23:50:45.676384991Z",
    "pids_stats": {"current": 3, "limit": 256},
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"major": 259, "minor": 0, "op": "read", "value": 4097},
            {"major": 259, "minor": 0, "op": "write", "value": 8192},
        ],
        "io_serviced_recursive": None,
    },
    "cpu_stats": {"cpu_usage": {"total_usage": 1050878691}, "online_cpus": 2},
    "memory_stats": {
        "usage": 46501888,
        "stats": {"inactive_file": 57344, "file": 69632, "anon": 45707264},
        "limit": 134217728,
    },
    "networks": {"eth0": {"rx_bytes": 650, "tx_bytes": 15}},
}
# As an Engine 26.1 answered for a container that was created and never started.
STOPPED: dict[str, Any] = {
    "read": "0001-01-01T00:00:00Z",
    "pids_stats": {},
    "blkio_stats": {"io_service_bytes_recursive": None},
    "cpu_stats": {"cpu_usage": {"total_usage": 0}},
    "memory_stats": {},
}


def taken(**changes: float) -> Sample:
    base: dict[str, Any] = {"at": 100.0, "cpu": 10**9, "memory": 1, "received": 10, "sent": 20, "read": 30}
    return Sample(**{**base, "written": 40, "pids": 1, **changes})


@pytest.mark.parametrize("answer", [ONE, TWO], ids=["version 1", "version 2"])
def test_both_versions_of_control_groups_are_read(answer: dict[str, Any]) -> None:
    found = usage.sample(answer)
    assert found
    assert found.at == pytest.approx(1795391445.676385, abs=1e-5)
    assert found[1:] == (1050878691, 46501888 - 57344, 650, 15, 4097, 8192, 3)


def test_a_container_that_is_not_running_uses_nothing_that_is_known() -> None:
    assert usage.sample(STOPPED) is None


@pytest.mark.parametrize("missing", ["networks", "blkio_stats", "pids_stats"])
def test_what_an_engine_does_not_say_is_none_used(missing: str) -> None:
    answer = copy.deepcopy(ONE)
    del answer[missing]  # a container in the network of the host has no networks
    found = usage.sample(answer)
    whole = usage.sample(ONE)
    assert found
    assert whole
    empty = {
        "networks": {"received": 0, "sent": 0},
        "blkio_stats": {"read": 0, "written": 0},
        "pids_stats": {"pids": 0},
    }
    assert found == whole._replace(**empty[missing])


def test_more_idle_cache_than_memory_is_not_taken_off() -> None:
    answer = copy.deepcopy(TWO)
    answer["memory_stats"]["stats"]["inactive_file"] = 10**9  # the two are not read at the same moment
    found = usage.sample(answer)
    assert found
    assert found.memory == 46501888


def test_rates_are_per_second_between_the_engines_own_times() -> None:
    after = taken(at=102.0, cpu=2 * 10**9, received=2010, sent=20, read=1030, written=50)
    assert usage.rates(taken(), after) == Rates(cpu=50.0, received=1000.0, sent=0.0, read=500.0, written=5.0)


def test_two_processors_are_two_hundred_percent() -> None:
    found = usage.rates(taken(), taken(at=101.0, cpu=3 * 10**9))
    assert found
    assert found.cpu == 200.0


def test_a_container_that_was_started_anew_has_no_rates_yet() -> None:
    assert usage.rates(taken(), taken(at=101.0, cpu=5)) is None
    assert usage.rates(taken(), taken()) is None


def test_counters_of_a_network_that_was_left_are_not_negative() -> None:
    found = usage.rates(taken(), taken(at=101.0, received=0))
    assert found
    assert found.received == 0


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (46444544, "44.3 MiB"),
        (256 << 20, "256 MiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_bytes_are_readable(number: int, expected: str) -> None:
    assert usage.size(number) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.4, "0s"), (59.9, "59s"), (61, "1m 1s"), (3600, "1h 0m"), (90061, "1d 1h")]
)
def test_times_are_readable(seconds: float, expected: str) -> None:
    assert usage.duration(seconds) == expected


def test_the_columns_fit_the_terminal() -> None:
    row = {
        "container": "payments-worker-12",
        "cpu": "150.3 %",
        "memory": "44.3 MiB",
        "limit": "256 MiB",
        "up": "1d 23h",
    }
    narrow = stats.columns((24, 60))
    assert sum(len(row.get(name, name)) + 2 for name in narrow) <= 60 + 2
    assert {"cpu", "memory", "note"} <= {*narrow} < {*stats.columns((24, 80))} < {*stats.columns(None)}


def test_what_is_out_of_the_ordinary_is_said() -> None:
    one = Usage("api", "shop-api-1", "exited", 137, 33554432, None, 2, True, None, None)
    project = Project("shop", Path("/shop"), (), {}, {})
    found = stats.cells(project, one)
    assert (found["container"], found["note"]) == ("api-1", "exited (137), 2 restarts, out of memory")
    assert (found["cpu"], found["memory"], found["limit"]) == ("-", "-", "32.0 MiB")
    assert stats.cells(project, one._replace(state="running", restarts=0, is_oom=False))["note"] == ""
