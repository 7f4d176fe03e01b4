"""The ports of Prometheus and Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.errors import PortTakenError
from ddd_tasks.monitoring import ports
from ddd_tasks.project import Project


def test_that_no_port_is_free_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = iter(())
    monkeypatch.setattr("ddd_tasks.portbook.free", lambda *_, **__: nothing)
    engine: Any = None  # is only handed on
    with pytest.raises(PortTakenError, match="no port of this machine is free for the monitor of 'shop'"):
        ports.choose(engine, Project("shop", tmp_path, (), {}, {}), "port", 9090, [])
    assert not (tmp_path / ".ddd").exists()
