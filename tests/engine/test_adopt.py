"""`ddd init` on services that know nothing of containers: only new files, and the whole loop works."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import support
from tests.support import Stack

ADOPT = Path(__file__).parent / "adopt"
# Before `ddd init`, everything in the folder belongs to somebody else.
AS_SOMEBODY = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
IGNORED = shutil.ignore_patterns(".*_cache", "__pycache__", "node_modules", "bin", "obj", ".nox", ".ddd")


class Service(NamedTuple):
    """A folder of adopt/: what it answers at /, and an edit of one file after which it answers something else."""

    folder: str
    said: str
    file: str
    old: str
    new: str
    then: str


SERVICES = [
    Service("python", "<title>Guestbook<", "guestbook/__init__.py", "'Guestbook'", "'Visitors'", "<title>Visitors<"),
    Service("node", "0 links", "lib/app.js", "} links`", "} urls`", "0 urls"),
    Service("go", "Well said", "internal/quotes/quotes.go", "Well said", "Better said", "Better said"),
    Service("csharp", "21.5 Celsius", "src/Thermometer/Scale.cs", "Celsius", "degrees", "21.5 degrees"),
]


@pytest.fixture(params=SERVICES, ids=[service.folder for service in SERVICES])
def adopted(request: pytest.FixtureRequest, bases: None) -> Iterator[tuple[Stack, Service]]:
    """A copy of the service, committed as it is."""
    service: Service = request.param
    stack = Stack(Path(tempfile.gettempdir()).resolve() / support.unique())
    shutil.copytree(ADOPT / service.folder, stack.directory, ignore=IGNORED)
    try:
        for words in (("init", "--quiet"), ("add", "--all"), (*AS_SOMEBODY, "commit", "--quiet", "-m", "As it was")):
            stack.run("git", *words).ok()
        yield stack, service
    finally:
        stack.down()


def text(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return str(response.read().decode())
    except OSError as error:
        return str(error)  # restarting


def test_it_runs_as_it_is(adopted: tuple[Stack, Service]) -> None:
    stack, service = adopted
    stack.ddd("init", "--name", "api").ok()
    changed = [line for line in stack.run("git", "status", "--porcelain").ok().out.splitlines() if line[:2] != "??"]
    assert changed in ([], [" M .gitignore"])

    env = {"API_PORT": str(support.free_port())}
    (state,) = json.loads(stack.ddd("dev.up", "--json", env=env, timeout=600).ok().out)
    assert (state["service"], state["health"], state["stage"]) == ("api", "healthy", "dev")
    url = f"http://127.0.0.1:{env['API_PORT']}"
    assert service.said in text(url)

    passed = stack.nox("-s", "test-in-container", "lint-in-container", env=env, timeout=600)
    assert passed.status == 0, passed.out + passed.err
    # What ran in the containers has left nothing in the checkout that git would show.
    assert {line[:2] for line in stack.run("git", "status", "--porcelain").ok().out.splitlines()} <= {"??", " M"}

    file = stack.directory / service.file
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(file.read_text().replace(service.old, service.new))
    draft.replace(file)
    support.wait_until(lambda: service.then in text(url), what="the edit, served")
    stack.ddd("dev.clean", "--volumes", env=env).ok()
