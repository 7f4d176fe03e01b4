"""Finding docker/ and compose/, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import resources
from ddd_tasks.errors import ConfigError


def test_a_file_of_the_checkout_is_found() -> None:
    found = resources.docker("python", "Dockerfile")
    assert found.is_file()
    assert found.is_relative_to(resources.docker())


def test_what_the_package_carries_comes_before_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried, beside = tmp_path / "ddd_tasks" / "_data", tmp_path
    monkeypatch.setattr(resources, "_ROOTS", (carried, beside))
    (beside / "compose").mkdir()
    (beside / "compose" / "debug.yaml").touch()
    assert resources.compose("debug.yaml") == beside / "compose" / "debug.yaml"

    (carried / "compose").mkdir(parents=True)
    (carried / "compose" / "debug.yaml").touch()
    assert resources.compose("debug.yaml") == carried / "compose" / "debug.yaml"


def test_a_missing_file_is_named_with_the_places_looked_at() -> None:
    with pytest.raises(ConfigError, match="docker/cobol/Dockerfile is missing") as caught:
        resources.docker("cobol", "Dockerfile")
    assert str(Path(resources.__file__).parent / "_data") in caught.value.cause
    assert "reinstall" in caught.value.hint
