"""The folder that an editor opens."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace folder, with the Compose project below it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "stack" / "api").mkdir(parents=True)
    return tmp_path
