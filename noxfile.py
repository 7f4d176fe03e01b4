"""What CI runs, in this order; `./bootstrap nox` runs all of it on a bare machine."""

from __future__ import annotations

from pathlib import Path

import nox

from ddd_tasks.nox import monitor_check, stage

nox.needs_version = ">=2025.2.9"
nox.options.error_on_missing_interpreters = False  # in CI as well: compat skips a Python that is not here

# The bootstrap has made .venv from the lock and put it on PATH: no session needs a venv of its own for the tools.
HOST = "none"

# What a version of Nox may break.
NOX_TESTS = [
    "tests/engine/test_nox_sessions.py",
    "tests/engine/test_nox_parallel.py",
    "tests/engine/test_nox_results.py",
    "tests/engine/test_ci.py",
    "-k",
    "not again_if_and_only_if and not schemas and not each_line",
]


@nox.session(venv_backend=HOST)
def lint(session: nox.Session) -> None:
    """Style, formatting and spelling: ruff, codespell, and our Dockerfiles by stage.lint."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    files = sorted(str(file) for file in Path("docker").glob("*/Dockerfile"))
    session.run("ddd", "stage.lint", *(word for file in files for word in ("--file", file)))


@nox.session(venv_backend=HOST)
def types(session: nox.Session) -> None:
    """mypy --strict over package and tests."""
    session.run("mypy", *session.posargs)


@nox.session(venv_backend=HOST)
def contracts(session: nox.Session) -> None:
    """Who may import whom: the contracts in pyproject.toml."""
    session.run("lint-imports", "--no-logo", *session.posargs)


@nox.session(venv_backend=HOST)
def docs(session: nox.Session) -> None:
    """The site of docs/: a link that leads nowhere fails."""
    session.run("mkdocs", "build", "--strict", "--quiet", env={"NO_MKDOCS_2_WARNING": "1"})


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


# A real engine on a busy machine is now and then slower than a test allows: what fails is tried once more, and shown.
# What a test has left behind is no matter of speed.
ONCE_MORE = ["--reruns", "1", "--rerun-except", "left on the engine", "--rerun-except", "has left", "-rfEsR"]
SLOWEST = ["--durations", "15", "--durations-min", "10"]


@nox.session(venv_backend=HOST)
def engine(session: nox.Session) -> None:
    """Everything that needs a real engine, git or a build of the distributions."""
    session.run(
        "pytest", "tests/architecture", "tests/engine", "--require-engine", *ONCE_MORE, *SLOWEST, *session.posargs
    )


@nox.session(name="nox-versions", venv_backend="virtualenv", default=False)
@nox.parametrize("version", ["2025.2.9", "2025.11.12", "2026.4.10", "newest", "too-old"])
def nox_versions(session: nox.Session, version: str) -> None:
    """The container backend with other versions of Nox: the oldest that it takes, two later ones, the newest."""
    wanted = {"newest": "nox", "too-old": "nox==2024.10.9"}.get(version, f"nox=={version}")
    session.install("hatchling", "editables", "invoke", "pexpect", "pytest", "pytest-timeout", "pyyaml", "rich", wanted)
    session.install(
        "--no-deps", "--no-build-isolation", "--editable", "."
    )  # its own demand would replace a Nox too old
    selected = ["tests/engine/test_nox_too_old.py"] if version == "too-old" else NOX_TESTS
    session.run("pytest", *selected, "--require-engine", *session.posargs)


@nox.session(venv_backend="virtualenv", python=["3.10", "3.11", "3.12", "3.13", "3.14"], default=False)
@nox.parametrize("invoke", ["2.2", "3"])
def compat(session: nox.Session, invoke: str) -> None:
    """The unit tests with another Python and Invoke, as a record for docs/compatibility.md."""
    tools = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
    session.install("--editable", ".", *tools, f"invoke=={invoke}.*")
    # With words of your own it is a trial, and no record of a cell.
    folder = Path(".ddd/compatibility" if session.posargs else "docs/compatibility/records")
    file = folder / f"python-{session.python}-invoke-{invoke}.json"
    pytest = ["python", "-m", "pytest", "-p", "docs.compatibility.recorder", "tests/unit"]
    session.run(*pytest, *session.posargs, env={"DDD_COMPAT_RECORD": str(file)})


@nox.session(name="compat-engine", venv_backend=HOST, default=False)
@nox.parametrize("engine", ["26", "28", "podman"])
def compat_engine(session: nox.Session, engine: str) -> None:
    """A choice of the engine tests on another engine, by each Compose (`-- 2.40`: by one), as records for that page."""
    session.run("python", "-m", "docs.compatibility.engines", engine, *session.posargs)


# The example stack; the engine tests run the same on projects of their own, so that CI need not.
monitor_check()
