"""One scenario for every registered language, on its example and its stages: the loop works, and fails rightly."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import project as projects
from ddd_tasks.languages import LANGUAGES
from tests import support
from tests.support import Stack

# Each example answers GET / with its name under "service", and its tests expect that name: one edit shows in the
# running service and makes the tests fail.
NAME = re.compile(r"""(\bservice["']?\s*[:=]\s*)"visits\"""", re.IGNORECASE)

NOXFILE = """\
import nox

from ddd_tasks.nox import stage


@nox.session(name="test-in-container", venv_backend=stage("test", service="{service}"))
def test(session: nox.Session) -> None:
    session.chdir("examples/{language}")
    session.run(*{command}, *session.posargs)
"""


@pytest.fixture(params=LANGUAGES, ids=[language.name for language in LANGUAGES])
def example(request: pytest.FixtureRequest, bases: None) -> Iterator[tuple[Stack, str, str]]:
    """A copy of the stack of this checkout, with the service and the folder of one language's example."""
    language = request.param
    stack = support.make_stack({})
    folder = f"examples/{language.name}"
    try:
        for name in ("docker", "examples"):
            ignored = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache")
            shutil.copytree(support.REPO / name, stack.directory / name, ignore=ignored)
        compose = (support.REPO / "compose.yaml").read_text()
        # Ports of their own: the example itself may be running beside the suite.
        stack.write({"compose.yaml": re.sub(r"\$\{\w+_PORT:-\d+\}", lambda _: str(support.free_port()), compose)})
        service = next(
            name
            for name, service in projects.load(stack.directory).services.items()
            if service.build and service.build.context == stack.directory / folder
        )
        text = NOXFILE.format(service=service, language=language.name, command=list(language.test))
        stack.write({"noxfile.py": text})
        yield stack, service, folder
    finally:
        stack.down()


def answer(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as response:
        return json.loads(response.read())


def rename(directory: Path) -> None:
    """Save, in the way editors do, the one source file that names the service: as a new file in its place."""
    sources = [
        path for path in directory.rglob("*") if path.is_file() and "test" not in str(path.relative_to(directory))
    ]
    file = next(path for path in sources if NAME.search(path.read_text(errors="replace")))
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(NAME.sub(r'\1"edited"', file.read_text()))
    draft.replace(file)


def test_the_loop(example: tuple[Stack, str, str]) -> None:
    stack, service, folder = example

    stack.ddd("dev.up", "--service", service, timeout=600).ok()
    states = json.loads(stack.ddd("dev.ps", "--json").ok().out)
    state = next(state for state in states if state["service"] == service)
    assert (state["state"], state["health"], state["stage"]) == ("running", "healthy", "dev")

    (url,) = json.loads(stack.ddd("dev.url", "--service", service, "--json").ok().out)
    first = answer(url)
    assert first["service"] == "visits"
    assert answer(url)["visits"] == first["visits"] + 1

    assert stack.ddd("dev.exec", "--", "sh", "-c", "exit 7", cwd=folder).status == 7
    assert stack.ddd("dev.exec", "--", "pwd", cwd=f"{folder}/tests").ok().out == "/app/tests\n"

    passed = stack.nox("-s", "test-in-container", timeout=600)
    assert passed.status == 0, passed.out + passed.err

    rename(stack.directory / folder)

    def shows() -> bool:
        try:
            return bool(answer(url)["service"] == "edited")
        except OSError:
            return False  # restarting

    support.wait_until(shows, what="the edit in the running service")
    failed = stack.nox("-s", "test-in-container", timeout=600)
    assert failed.status == 1
    assert "edited" in failed.out

    stack.ddd("dev.clean", "--volumes").ok()
    mine = ["--filter", f"label=ddd-tasks.project={stack.directory}"]
    assert stack.run("docker", "images", "--quiet", *mine).out == ""
    assert stack.run("docker", "ps", "--all", "--quiet", *mine).out == ""
