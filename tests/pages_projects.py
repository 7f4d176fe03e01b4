"""The projects that blocks of README and docs run in, made for a test module that shares them between pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests.blocks import Place
from tests.support import DOCKERFILE, REPO


def shop(place: Place) -> None:
    """A git repository of what `ddd init` makes of an empty folder: a small Python service, which runs."""
    place.stack.ddd("init", "--language", "python", "--name", "shop").ok()
    compose = place.stack.directory / "compose.yaml"
    compose.write_text(f"name: {place.stack.name}\n{compose.read_text()}")
    for words in (
        ["init", "-q"],
        ["add", "--all"],
        ["config", "user.name", "Ada"],
        ["config", "user.email", "ada@example.com"],
    ):
        place.stack.run("git", *words).ok()
    place.stack.run("git", "commit", "-q", "-m", "A service").ok()
    place.stack.write({".env": f"SHOP_PORT={place.port}\n"})
    place.stack.ddd("dev.up", timeout=600).ok()


def checkout(place: Place) -> None:
    """A copy of this checkout that has never been used."""
    never_used = shutil.ignore_patterns(".venv", ".ddd", ".git", ".nox", ".*_cache", "__pycache__", "node_modules")
    shutil.copytree(REPO, place.stack.directory, ignore=never_used, symlinks=True, dirs_exist_ok=True)


def several_services(place: Place) -> None:
    """Two services, each with the mount of a folder of its own."""
    service = """\
  {name}:
    build: {{context: ., target: dev}}
    init: true
    volumes: ["./services/{name}:/app"]
"""
    services = "".join(service.format(name=name) for name in ("api", "worker"))
    files = {f"services/{name}/only-in-{name}": "" for name in ("api", "worker")}
    place.stack.write({"compose.yaml": f"services:\n{services}", "Dockerfile": DOCKERFILE, **files})


MAKERS: dict[str, Callable[[Place], None]] = {"shop": shop, "several services": several_services, "checkout": checkout}
