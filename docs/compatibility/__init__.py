"""The page of versions that tests ran with, made from records: `python -m docs.compatibility` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "records"
PAGE = Path(__file__).parent.parent / "compatibility.md"

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
INVOKES = ("2.2", "3")
ENGINES = ("Docker Engine 26", "Docker Engine 28", "Podman")
COMPOSES = ("2.26", "2.40", "5")

NOT_RUN = "not run"
UNIT, ENGINE = "tests/unit", "tests/engine"
# What stands for the rest on another engine: up, exec, container sessions, a debugger, the loop from an empty folder.
ENGINE_TESTS = (
    *(f"{ENGINE}/test_{name}.py" for name in ("dev_up", "dev_exec", "nox_sessions")),
    f"{ENGINE}/test_debug_python.py::test_one_attach_to_the_dev_stage_holds_over_reloads",
    f"{ENGINE}/test_conformance.py::test_the_loop[python]",
)
# Podman runs no health checks without systemd, so that `dev.up` waits for ever where a service has one.
EXEC_TESTS = (f"{ENGINE}/test_dev_exec.py",)

Record = dict[str, Any]  # what docs.compatibility.recorder writes

_HEAD = """\
# Compatibility

<!-- Made by `python -m docs.compatibility` from docs/compatibility/records; changes here are lost. -->

Which tests passed with which versions. Each cell is the record of a run; "not run" says that there is none, and nothing
more. One cell, all for which a Python is there, the engine tests on one engine by one Compose, and this page:

```sh
nox -s "compat-3.13(invoke='3')"
nox -s compat
nox -s "compat-engine(engine='28')" -- 2.40
python -m docs.compatibility
```

The Python of a cell may be anyone's: 3.14 was Debian sid's, in a container. Engines are Debian's packages, each in a
privileged container of the machine's own engine, with Debian's Compose 2.26 (Buildx 0.13) and 2.40 (Buildx 0.29), and
PyPI's Compose 5 (Buildx 0.29). The tests are a choice: up, exec, container sessions, a debugger, `ddd init`'s loop.
"""
_PARTLY = """\
A run of some of the tests, or one that was stopped, is "partly". What is supported by intent is in `pyproject.toml`
(Python 3.10 or newer, Invoke 2.2 to 3, Nox 2025.2.9 or newer) and the README (Docker Engine 26.1 or newer); the session
`nox-versions` runs the container sessions with several versions of Nox and keeps no record.

Podman is not supported; it is tried with the tests of `dev.exec` alone, with `DOCKER_BUILDKIT=0`: its API has no
BuildKit, and Buildx then wants an image of its builder from a registry, which was not tried. Without systemd Podman
ran no health checks, so that `dev.up` never saw a service as healthy. What failed of `dev.exec`: a terminal has no
size until its window changes (two tests), a command that ignores Ctrl-C is not killed by the third, the refusal of a
program that is not there is crun's text instead of ours, and that of a stopped service has the status of an engine
that fails.
"""


def load(folder: Path = FOLDER) -> list[Record]:
    """The records, oldest first."""
    return sorted((json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")), key=_when)


def page(records: Sequence[Record]) -> str:
    """The text of the page."""
    unit = {(python, invoke): NOT_RUN for python in PYTHONS for invoke in INVOKES}
    engine = {(name, compose): NOT_RUN for name in ENGINES for compose in COMPOSES}
    for record in records:  # oldest first: a later run of the same cell comes last
        versions = record["versions"]
        if record["tests"] == [UNIT]:
            unit[_among(versions["python"], PYTHONS), _among(versions["invoke"], INVOKES)] = result(record)
        elif "engine" in versions and set(record["tests"]) <= set(ENGINE_TESTS):
            engine[_among(versions["engine"], ENGINES), _among(versions["compose"], COMPOSES)] = result(record)
    return "\n".join(
        [
            _HEAD,
            "## Python and Invoke: the unit tests\n",
            _table("Python", "Invoke", unit),
            "## Engine and Compose: the tests on a real engine\n",
            _table("engine", "Compose", engine),
            _PARTLY,
            "## The records\n",
            _details(records),
            _failures(records),
        ]
    )


def result(record: Record) -> str:
    """As a cell says it: failures first, and whether these were all of the tests."""
    bad = [f"**{record[word]} {word}**" for word in ("failed", "errors") if record[word]]
    rest = [f"{record[word]} {word}" for word in ("passed", "skipped") if record[word]]
    part = not record["whole"] or ("engine" in record["versions"] and set(record["tests"]) != set(ENGINE_TESTS))
    return ("partly: " if part else "") + ", ".join([*bad, *rest])


def _when(record: Record) -> str:
    return str(record["date"])


def _among(version: str, names: Iterable[str]) -> str:
    """The name that this version belongs to, as 3.11.7 does to 3.11; itself where there is none."""
    return next((name for name in names if version == name or version.startswith((f"{name}.", f"{name} "))), version)


def _table(rows: str, columns: str, cells: dict[tuple[str, str], str]) -> str:
    across = list(dict.fromkeys(column for _, column in cells))
    lines = [f"| {rows} | {' | '.join(f'{columns} {name}' for name in across)} |", "|---" * (len(across) + 1) + "|"]
    for row in dict.fromkeys(row for row, _ in cells):
        words = [row, *(cells.get((row, column), NOT_RUN) for column in across)]
        lines += [f"| {' | '.join(words)} |"]
    return "\n".join([*lines, ""])


def _details(records: Sequence[Record]) -> str:
    if not records:
        return "None yet.\n"
    lines = ["| date | commit | with | tests | result |", "|---|---|---|---|---|"]
    for record in records:
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        command = " ".join(record["arguments"])
        lines.append(f"| {record['date']} | {record['commit']} | {versions} | `{command}` | {result(record)} |")
    return "\n".join([*lines, ""])


def _failures(records: Sequence[Record]) -> str:
    """What failed in each run that had failures, by the tests' names."""
    lines = ["## What failed\n"]
    for record in records:
        versions = record["versions"]
        where = ", ".join(f"{name} {versions[name]}" for name in ("engine", "compose") if name in versions)
        if record.get("failures"):
            lines += [f"{where or 'Python ' + versions['python']} ({record['date']}):\n"]
            lines += [f"- `{name}`" for name in record["failures"]] + [""]
    return "\n".join(lines if len(lines) > 1 else [*lines, "Nothing.\n"])
