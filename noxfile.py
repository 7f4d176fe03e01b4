"""What CI runs, in this order; `./bootstrap nox` runs all of it on a bare machine."""

from __future__ import annotations

import nox

from ddd_tasks.nox import stage

nox.needs_version = ">=2025.2.9"

# The bootstrap has made .venv from the lock and put it on PATH: no session needs a venv of its own for the tools.
HOST = "none"


@nox.session(venv_backend=HOST)
def lint(session: nox.Session) -> None:
    """Style, formatting and spelling: ruff and codespell."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session(venv_backend=HOST)
def types(session: nox.Session) -> None:
    """mypy --strict over package and tests."""
    session.run("mypy", *session.posargs)


@nox.session(venv_backend=HOST)
def contracts(session: nox.Session) -> None:
    """Who may import whom: the contracts in pyproject.toml."""
    session.run("lint-imports", "--no-logo", *session.posargs)


@nox.session(venv_backend=HOST)
def unit(session: nox.Session) -> None:
    """Pure tests: no engine, no network, no git."""
    session.run("pytest", "tests/unit", *session.posargs)


@nox.session(
    name="test-in-container",
    venv_backend=stage("test", context=".", dockerfile="docker/python/Dockerfile", cache=True),
    tags=["ci"],
)
def test_in_container(session: nox.Session) -> None:
    """The unit tests once more, in the test stage of docker/python/Dockerfile."""
    session.run("pytest", "tests/unit", *session.posargs)


@nox.session(venv_backend=HOST)
def engine(session: nox.Session) -> None:
    """Everything that needs a real engine, git or a build of the distributions."""
    session.run("pytest", "tests/architecture", "tests/engine", "--require-engine", *session.posargs)
