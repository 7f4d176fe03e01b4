"""Which paths of the build context a stage reads."""

from __future__ import annotations

import pytest

from ddd_tasks import dockerfile
from ddd_tasks.dockerfile_copies import is_remote


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("COPY . .", (".",)),
        ("COPY pyproject.toml uv.lock ./", ("pyproject.toml", "uv.lock")),
        ('COPY ["a file", "/to/"]', ("a file",)),
        ("COPY --chown=1:1 ./src/app /app", ("src/app",)),
        ("COPY src/*.py lib/[ab]/x /app/", ("src", "lib")),
        ("COPY *.py /app/", (".",)),
        ("COPY $WHERE/x conf/${NAME} /app/", (".", "conf")),
        ("COPY ../x /app", (".",)),
        ("COPY --from=other /a /b", ()),
        ("ADD https://example.org/a.tar.gz /a", ("https://example.org/a.tar.gz",)),
        ("COPY <<EOF /a\ntext\nEOF", ()),
        ("RUN --mount=type=bind,source=src,target=/s make", ("src",)),
        ("RUN --mount=target=/s make", (".",)),
        ("RUN --mount=type=bind,from=other,target=/s make", ()),
        ("RUN --mount=type=cache,target=/c --mount=type=secret,id=a make", ()),
        ("ONBUILD COPY . /app", (".",)),
        ("ONBUILD ENV A=1", ()),
        ("ENV A=1", ()),
    ],
)
def test_a_line_reads_these_paths(line: str, paths: tuple[str, ...]) -> None:
    (stage,) = dockerfile.parse(f"FROM scratch\n{line}\n").stages
    assert stage.copies == paths


def test_addresses_are_told_from_paths() -> None:
    assert [is_remote(text) for text in ("http://a/b", "git@host:a/b", "src/http", "./a")] == [True, True, False, False]
