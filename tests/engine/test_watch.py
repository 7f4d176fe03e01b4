"""`dev.watch`: saves show where the engine does not see our files, by Compose's watch and entries of ours."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import project as projects
from ddd_tasks.engine.api import Engine
from ddd_tasks.syncing import sharing
from tests.examples import follows
from tests.support import Stack, ddd_argv, end_of, free_port, kill_group, popen, run, wait_until

pytestmark = pytest.mark.usefixtures("bases")

Make = Callable[[Mapping[str, str]], Stack]
# dev serves what is there; once reads it at its start; made is built from it.
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS base
WORKDIR /app
FROM base AS dev
COPY site/ site/
CMD ["python3", "-m", "http.server", "8000", "--directory", "site"]
FROM base AS once
COPY site/ site/
CMD ["sh", "-c", "rm -rf /served; cp -r site /served && exec python3 -m http.server 8000 --directory /served"]
FROM base AS made
COPY site/ site/
RUN cp -r site /served
CMD ["python3", "-m", "http.server", "8000", "--directory", "/served"]
"""
PROXY = """\
import asyncio
async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def join(reader, writer):
    inside, out = await asyncio.open_unix_connection("/var/run/docker.sock")
    await asyncio.gather(pump(reader, out), pump(inside, writer))
async def main():
    server = await asyncio.start_server(join, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
MOUNT = "volumes: ['.:/app', './more:/app/more', '/etc/hostname:/etc/the-hosts-name:ro']"


def files(port: int, more: str = "read_only: false", stage: str = "dev") -> dict[str, str]:
    compose = f"""\
services:
  web:
    build: {{context: ., target: {stage}}}
    init: true
    stop_grace_period: 0s
    ports: ["127.0.0.1:{port}:8000"]
    {more}
"""
    return {"compose.yaml": compose, "Dockerfile": DOCKERFILE, "site/page": "first", "more/page": "more"}


def page(port: int, path: str = "page") -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return ""


def save(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.draft")
    draft.write_text(text)
    draft.replace(file)


@contextmanager
def watching(project: Stack, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """dev.watch while the block runs, ended by Ctrl-C."""
    log = project.directory / ".ddd" / "watch.log"
    with log.open("wb") as written:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": written, "stderr": written}
        process = project.popen(*ddd_argv("dev.watch", *words), **streams)
        try:
            wait_until(lambda: follows(process) or process.poll() is not None, seconds=120, what="watch")
            assert process.poll() is None, log.read_text()
            yield process
            process.send_signal(signal.SIGINT)
            assert end_of(process) == 130
        finally:
            kill_group(process)
            process.wait()


def shown(port: int, text: str, path: str = "page") -> None:
    wait_until(lambda: page(port, path) == text, seconds=60, what=f"{path} with {text!r}")


def mounts(project: Stack) -> set[str]:
    container = project.run("docker", "compose", "ps", "--quiet", "web").ok().out.strip()
    rows = json.loads(project.run("docker", "inspect", container).ok().out)[0]["Mounts"]
    return {row["Destination"] for row in rows}


@pytest.mark.parametrize("stage", ["dev", "once", "made"])
def test_a_save_shows_without_a_mount(stack: Make, stage: str) -> None:
    """By a copy, by a copy and a restart, or by a build, as the stage's lines say."""
    port = free_port()
    project = stack(files(port, stage=stage))
    with watching(project):
        shown(port, "first")
        save(project.directory / "site" / "page", "second")
        shown(port, "second")
        project.write({"site/new/page": "of a new folder"})
        shown(port, "of a new folder", "new/page")
    overlay = (project.directory / ".ddd" / "compose" / "watch.yaml").read_text()
    action = {"dev": "sync", "once": "sync+restart", "made": "rebuild"}[stage]
    assert f'"action": "{action}", "path": "{project.directory}/site"' in overlay
    assert "develop" not in (project.directory / "compose.yaml").read_text()


def test_where_a_mount_shows_saves_it_says_so_and_ends(stack: Make) -> None:
    port = free_port()
    project = stack(files(port, MOUNT))
    ran = project.ddd("dev.watch", timeout=300).ok()
    assert f"web: a save in {project.directory} shows by itself, as /app" in ran.err
    save(project.directory / "site" / "page", "second")
    shown(port, "second")
    assert not (project.directory / ".ddd" / "compose" / "watch.yaml").exists()


def test_sync_is_forced_and_the_next_start_mounts_again(stack: Make) -> None:
    port = free_port()
    project = stack(files(port, MOUNT))
    project.ddd("dev.up", timeout=300).ok()
    with watching(project, "--sync"):
        assert mounts(project) == {"/etc/the-hosts-name"}
        save(project.directory / "site" / "page", "second")
        shown(port, "second")
        # What no COPY has brought, and where the caller is.
        assert project.ddd("dev.exec", "--", "cat", "page", cwd="more").ok().out == "more"
    project.ddd("dev.up", timeout=300).ok()
    assert mounts(project) == {"/app", "/app/more", "/etc/the-hosts-name"}


class TestSharing:
    def test_a_folder_that_the_engine_sees_is_shared(self, engine: Engine, stack: Make) -> None:
        project = projects.load(stack(files(free_port())).directory)
        assert sharing.is_shared(engine, project)
        assert not list((project.private / "cache" / "probe").iterdir())

    def test_so_it_is_by_an_address_that_could_be_another_machines(self, stack: Make, port_of_engine: int) -> None:
        project = stack(files(free_port(), MOUNT))
        env = {"DOCKER_HOST": f"tcp://127.0.0.1:{port_of_engine}"}
        assert "shows by itself" in project.ddd("dev.watch", env=env, timeout=300).ok().err

    @pytest.mark.skipif(run("unshare", "--mount", "true").status != 0, reason="no mount namespace of our own")
    def test_files_that_the_engine_does_not_see_are_copied(self, stack: Make) -> None:
        """The project lies on a file system that is mounted for us alone."""
        port = free_port()
        project = stack(files(port, MOUNT))
        hidden = project.directory
        script = 'cp -a "$0" "$0.copy" && mount -t tmpfs none "$0" && cp -a "$0.copy/." "$0" && cd "$0" && exec "$@"'
        argv = ("unshare", "--mount", "sh", "-c", script, str(hidden), *ddd_argv("dev.watch"))
        process = project.popen(*argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            shown(port, "first")
            (hidden / "site" / "page").write_text("only the engine would see this")
            ours = Path(f"/proc/{process.pid}/root{hidden}")
            wait_until(lambda: follows(process), what="watch")
            save(ours / "site" / "page", "second")
            shown(port, "second")
            assert mounts(project) == {"/etc/the-hosts-name"}
        finally:
            process.send_signal(signal.SIGINT)
            end_of(process)
            shutil.rmtree(f"{hidden}.copy", ignore_errors=True)


@pytest.fixture
def port_of_engine() -> Iterator[int]:
    """A TCP port of this machine that leads to the engine's socket."""
    with popen(sys.executable, "-c", PROXY) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        kill_group(process)


def test_a_service_with_entries_of_its_own_keeps_them(stack: Make) -> None:
    port = free_port()
    own = "develop: {watch: [{action: sync, path: ./site/page, target: /app/site/other}]}"
    project = stack(files(port, own))
    with watching(project):
        save(project.directory / "site" / "page", "second")
        shown(port, "second", "other")
        assert page(port) == "first"
