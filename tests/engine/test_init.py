"""`ddd init` as a user meets it: kinds of Python programs that run, several services, questions, and interruptions."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests import support
from tests.support import Stack

Make = Callable[[Mapping[str, str]], Stack]

LINKS = (
    "from bottle import default_app, get\n\n\n@get('/')\ndef index():\n    return 'links'\n\n\napp = default_app()\n"
)
POETRY = {
    "links.py": LINKS,
    "pyproject.toml": """\
[project]
name = "links"
version = "0.1.0"
requires-python = ">=3.10"
dependencies = ["bottle>=0.13,<1"]

[tool.poetry]
package-mode = false

[build-system]
requires = ["poetry-core>=2"]
build-backend = "poetry.core.masonry.api"
""",
    "poetry.lock": """\
[[package]]
name = "bottle"
version = "0.13.4"
description = "Fast and simple WSGI-framework for small web-applications."
optional = false
python-versions = "*"
groups = ["main"]
files = [
    {file = "bottle-0.13.4-py2.py3-none-any.whl", hash = "sha256:045684fbd2764eac9cdeb824861d1551d113e8b683d8d26e29\
6898d3dd99a12e"},
]

[metadata]
lock-version = "2.1"
python-versions = ">=3.10"
content-hash = "7177d34589d8f610c8c1e637a09319c7cac3eae67258ce4c80be896094763fc5"
""",
}  # fmt: skip
STARLETTE = {
    "src/echo/__init__.py": '"""An echo."""\n',
    "src/echo/web.py": """\
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def index(request):
    return PlainTextResponse("echo")


def create():
    return Starlette(routes=[Route("/", index)])
""",
    "pyproject.toml": """\
[project]
name = "echo"
version = "1"
requires-python = ">=3.10"
dependencies = ["starlette"]
""",
}
DJANGO = {
    "requirements/base.txt": "django>=5.2,<7\n",
    "requirements/dev.txt": "-r base.txt\n",
    "manage.py": """\
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "shop/__init__.py": "",
    "shop/settings.py": 'SECRET_KEY = "for a test"\nDEBUG = True\nROOT_URLCONF = "shop.urls"\nALLOWED_HOSTS = ["*"]\n',
    "shop/urls.py": """\
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("shop"))]
""",
    "shop/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()
""",
}
SCRIPT = {
    "requirements.txt": "",
    "server.py": """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"plain")


if __name__ == "__main__":
    HTTPServer(("", int(os.environ.get("PORT", 9000))), Handler).serve_forever()
""",
}
PROD = """\
services:
  prod:
    build: {context: ., target: prod}
    read_only: true
    cap_drop: [ALL]
    healthcheck: {interval: 1s, start_period: 30s, start_interval: 200ms}
    ports: ["127.0.0.1:%d:%d"]
"""


def text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        return str(response.read().decode())


def up(stack: Stack, env: Mapping[str, str]) -> str:
    """Start what is in the folder and return what it answers at /."""
    (state,) = json.loads(stack.ddd("dev.up", "--json", env=env, timeout=300).ok().out)
    assert (state["state"], state["health"]) == ("running", "healthy")
    (url,) = json.loads(stack.ddd("dev.url", "--json", env=env).ok().out)
    return text(url)


# Each stage of each kind runs in one of these, or in the other tests of this folder.
@pytest.mark.parametrize(
    ("files", "said", "stages"),
    [(POETRY, "links", "prod"), (STARLETTE, "echo", "dev prod"), (DJANGO, "shop", "dev"), (SCRIPT, "plain", "prod")],
    ids=["poetry-wsgi", "pyproject-factory-src", "django", "script"],
)
def test_a_python_program_is_served(stack: Make, bases: None, files: Mapping[str, str], said: str, stages: str) -> None:
    made = stack(files)
    plan = json.loads(made.ddd("init", "--name", "api", "--json").ok().out)
    if "dev" in stages:
        assert up(made, {"API_PORT": str(support.free_port())}) == said
        made.ddd("dev.down").ok()
    if "prod" in stages:
        made.write({"prod.yaml": PROD % (support.free_port(), plan["services"][0]["port"])})
        assert up(made, {"COMPOSE_FILE": "prod.yaml"}) == said
        made.run("docker", "stop", "--time", "5", f"{made.name}-prod-1").ok()
        state = json.loads(made.run("docker", "inspect", f"{made.name}-prod-1").ok().out)[0]["State"]
        assert state["ExitCode"] != 128 + signal.SIGKILL  # it has answered the signal, as process 1 without an init


def test_each_folder_with_a_service_becomes_one(stack: Make, bases: None) -> None:
    made = stack({f"services/{name}/{path}": text for name in ("a", "b") for path, text in SCRIPT.items()})
    made.ddd("init").ok()
    assert (made.directory / "services/b/Dockerfile").is_file()
    assert not (made.directory / "Dockerfile").exists()
    env = {"A_PORT": str(support.free_port()), "B_PORT": str(support.free_port())}
    states = json.loads(made.ddd("dev.up", "--json", env=env, timeout=300).ok().out)
    assert [(state["service"], state["health"]) for state in states] == [("a", "healthy"), ("b", "healthy")]
    assert made.ddd("dev.exec", "--", "pwd", cwd="services/b", env=env).ok().out == "/app\n"
    listed = {row["session"] for row in json.loads(made.nox("--list", "--json").ok().out)}
    assert listed == {f"{name}-{stage}-in-container" for name in ("a", "b") for stage in ("test", "lint")}
    made.nox("-s", "b-lint-in-container", env=env, timeout=300).ok()
    assert "nothing to do" in made.ddd("init").ok().err


def ask(made: Stack, *answers: str) -> tuple[int, str]:
    """Run `ddd init` on a terminal, type the answers, and return status and screen."""
    child: Any = made.spawn(*support.ddd_argv("init"))
    for answer in answers:
        child.expect("Enter")
        child.sendline(answer)
    screen = child.read()
    child.close()
    return child.exitstatus, screen


def test_on_a_terminal_it_asks_what_it_cannot_know(stack: Make) -> None:
    made = stack({"one.py": LINKS, "two.py": LINKS, "requirements.txt": "bottle\n"})
    status, screen = ask(made, "nothing", "2")
    assert status == 0, screen
    assert "APP=two:app" in (made.directory / "Dockerfile").read_text()
    # What was answered once is not asked again, and not without a terminal either.
    assert "nothing to do" in made.ddd("init").ok().err


def test_what_ends_it_half_way_leaves_nothing(stack: Make) -> None:
    made = stack({"server.py": SCRIPT["server.py"], "requirements.txt": ""})
    before = sorted(made.directory.rglob("*"))
    refused = made.run("sh", "-c", f"ulimit -f 0; {' '.join(support.ddd_argv('init'))}")
    assert refused.status == 78
    assert "nothing was changed" in refused.err
    assert sorted(made.directory.rglob("*")) == before


def test_a_tasks_file_of_a_folder_above_has_no_say(stack: Make) -> None:
    made = stack({"tasks.py": "raise SystemExit('not ours')\n", "new/.keep": ""})
    made.ddd("init", "--language", "python", cwd="new").ok()
    assert (made.directory / "new" / "app" / "main.py").is_file()
    assert json.loads(made.ddd("languages", "--json", cwd="new").ok().out)[0]["language"] == "python"


def test_dry_shows_all_and_writes_nothing(stack: Make) -> None:
    made = stack({"server.py": SCRIPT["server.py"], ".gitignore": "*.log\n"})
    shown = made.ddd("init", "--language", "python", "--dry").ok()
    assert "+++ b/Dockerfile" in shown.out
    assert " *.log\n+.ddd/\n+.nox/" in shown.out
    assert not (made.directory / "Dockerfile").exists()
