"""The rows of `ddd status`: their words, and what a narrow terminal leaves out."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ddd_tasks.monitoring.usage import Rates, Sample, Usage
from ddd_tasks.services import State
from ddd_tasks.status import container
from ddd_tasks.status.row import COLUMNS, Row, columns, last_words


def state(**changes: Any) -> State:
    return State("web", "id", "running", "", 0, "dev", ())._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "info", "said"),
    [
        ({}, {}, "running"),
        ({"health": "starting"}, {}, "starting"),
        ({"state": "paused", "health": "healthy"}, {}, "paused"),
        ({"state": "exited", "exit_code": 3}, {}, "exited (3)"),
        ({"state": "restarting", "exit_code": 4}, {"RestartCount": 1}, "restarting (4), 1 restart"),
        ({"health": "healthy"}, {"RestartCount": 12}, "healthy, 12 restarts"),
        ({"state": "exited", "exit_code": 137}, {"State": {"OOMKilled": True}}, "exited (137), out of memory"),
    ],
)
def test_state_in_words(changes: dict[str, Any], info: dict[str, Any], said: str) -> None:
    assert container.words(state(**changes), {"State": {}, **info}) == said


def test_ports_once_for_both_address_families() -> None:
    both = [{"HostIp": "0.0.0.0", "HostPort": "49153"}, {"HostIp": "::", "HostPort": "49153"}]
    found = {"8000/tcp": both, "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "5353"}], "9229/tcp": None}
    assert list(container.ports({"NetworkSettings": {"Ports": found}})) == ["5353->53/udp", "49153->8000", "9229"]
    assert list(container.ports({"NetworkSettings": {"Ports": None}})) == []


def test_several_urls_are_counted_where_there_is_no_room() -> None:
    row = Row("web", "web", "shop-web-1", "healthy", urls=("http://localhost:1", "http://localhost:2", "tds://x:3"))
    assert row.cells(is_short=True)["url"] == "http://localhost:1 +2"
    assert row.cells(is_short=False)["url"] == "http://localhost:1 http://localhost:2 tds://x:3"
    assert row._replace(urls=row.urls[:1]).cells(is_short=True)["url"] == "http://localhost:1"


def test_what_is_not_known_is_a_dash_or_null() -> None:
    row = Row("web", "web", "", "not started")
    assert set(row.cells(is_short=True).values()) == {"web", "not started", "-"}
    fields = row.as_dict()
    assert (fields["container"], fields["age_seconds"], fields["cpu_percent"], fields["urls"]) == (None, None, None, [])


def test_usage_as_cells_and_as_fields() -> None:
    now, rates = Sample(0.0, 1, 3 << 20, 0, 0, 0, 0, 4), Rates(12.345, 0, 0, 0, 0)
    used = Usage("web", "shop-web-1", "running", 0, None, 61.0, 0, False, now, rates)
    row = Row("web", "web", "shop-web-1", "healthy", age=61.0, used=used)
    assert (row.cells(is_short=True)["cpu"], row.as_dict()["memory_bytes"]) == ("12.3 %", 3 << 20)


def test_a_column_fewer_never_brings_another_one() -> None:
    shown = [set(columns((24, width))) for width in range(1, 200)]
    assert all(few <= more for few, more in itertools.pairwise(shown))
    assert {"service", "state", "url", "cpu"} == shown[0]
    assert list(columns(None)) == list(COLUMNS)


def test_last_words_are_of_those_that_have_some() -> None:
    well, ill = Row("web", "web", "a", "healthy"), Row("db", "db-2", "b", "exited (3)", said=("one", "two"))
    assert last_words([well, ill]) == ["", "db-2:", "  one", "  two"]
