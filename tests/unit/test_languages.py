"""The registry of languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import languages, resources
from ddd_tasks.errors import UnknownNameError
from ddd_tasks.language import Language
from tests.support import REPO


def test_a_marker_reveals_the_language(tmp_path: Path) -> None:
    assert languages.detect(tmp_path) is None
    (tmp_path / "requirements.txt").touch()
    assert languages.detect(tmp_path) is languages.get("python")


def test_an_unknown_language_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as refused:
        languages.get("pyton")
    assert refused.value.nearest == "python"


@pytest.mark.parametrize("language", languages.LANGUAGES, ids=lambda language: language.name)
def test_each_language_has_its_dockerfile_and_an_example_that_reveals_it(language: Language) -> None:
    assert resources.docker(language.dockerfile, "Dockerfile").is_file()
    assert languages.detect(REPO / "examples" / language.name) is language
