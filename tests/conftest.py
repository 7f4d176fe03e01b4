"""The option that makes a missing engine a failure, and the environment every test starts from."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-engine",
        action="store_true",
        help="fail the tests that need a Docker Engine where none answers, instead of skipping them (CI does)",
    )


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a colour nor the rules of a CI (Nox has some) that a test has not asked for, wherever the suite runs."""
    for name in ("FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE", "CI"):
        monkeypatch.delenv(name, raising=False)
