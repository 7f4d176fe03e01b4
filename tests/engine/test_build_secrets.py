"""Stand-ins and the host's configuration in real builds: they arrive, and no value of them stays anywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ddd_tasks import bases as behaviour
from ddd_tasks import project as projects
from ddd_tasks.engine import bases
from ddd_tasks.engine.api import ApiError, Engine
from tests import support

MakeStack = Callable[[Mapping[str, str]], support.Stack]

PYTHON = "python:3.13-slim-trixie"
CANARY = "c4n4ry-Qz7"
# Everything at once, as `up` does it: the overlay written to .ddd, Compose started with the variables it names.
BUILD = """
import sys, pathlib
from ddd_tasks import images, project
images.compose_for(project.load(pathlib.Path.cwd())).run("--progress", "plain", "build", "--no-cache", quiet=True)
"""
BUILDX = """
import os, sys, pathlib
from ddd_tasks import build, process, project
inputs = build.for_project(project.load(pathlib.Path.cwd()))
argv = ["docker", "buildx", "build", "--progress", "plain", "--no-cache", "--load", "-t", sys.argv[1]]
process.run([*argv, *inputs.buildx_args(), "."], env={**os.environ, **inputs.environment()}, quiet=True)
"""
SECRETS = {
    "pip-conf": "/etc/pip.conf",
    "uv-toml": "/etc/uv/uv.toml",
    "npmrc": "/root/.npmrc",
    "netrc": "/root/.netrc",
    "http_proxy": "/run/secrets/http_proxy",
}
MOUNTS = " ".join(f"--mount=type=secret,id={name},target={path}" for name, path in SECRETS.items())
# Without the value itself, which would be in the image's history: every file has it, and so has the proxy variable.
CHECK = f'part=c4n4ry; for file in {" ".join(SECRETS.values())}; do grep -q "$part" "$file" || exit 9; done'
DOCKERFILE = (
    f"FROM {PYTHON}\n"
    "RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt "
    "grep -q CERTIFICATE /etc/ssl/certs/ca-certificates.crt\n"
    f"RUN {MOUNTS} {CHECK}\n"
    "RUN echo $http_proxy | grep -q c4n4ry\n"
    "RUN echo built > /result\n"
)


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """A user whose every configuration holds the canary."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".npmrc").write_text(f"//npm.example/:_authToken={CANARY}\n")
    (home / ".netrc").write_text(f"machine a.example login me password {CANARY}\n")
    return {
        "HOME": str(home),
        "DOCKER_CONFIG": str(Path.home() / ".docker"),
        "PIP_INDEX_URL": f"https://me:{CANARY}@pip.example/simple",
        "UV_DEFAULT_INDEX": f"https://me:{CANARY}@uv.example/simple",
        "http_proxy": f"http://me:{CANARY}@proxy.example:3128",
        "no_proxy": "*",
    }


@pytest.fixture
def project(stack: MakeStack) -> support.Stack:
    """A project on the Python image, or on its stand-in where that cannot be had."""
    one = stack({"compose.yaml": "services: {api: {build: .}}\n", "Dockerfile": DOCKERFILE})
    behaviour.ensure(one.directory)
    return one


def run(project: support.Stack, code: str, *words: str, env: Mapping[str, str]) -> support.Ran:
    return project.run(sys.executable, "-c", code, *words, env={**env, "PYTHONPATH": str(support.REPO)})


def everything_about(image: str, tmp_path: Path) -> bytes:
    """Each layer, the history and the configuration of an image, as bytes."""
    archive = tmp_path / "image.tar"
    support.run("docker", "save", "-o", str(archive), image).ok()
    history = support.run("docker", "history", "--no-trunc", image).ok().stdout
    return archive.read_bytes() + history + support.run("docker", "inspect", image).ok().stdout


@pytest.mark.parametrize("tool", ["compose", "buildx"])
def test_secrets_arrive_and_stay_nowhere(
    project: support.Stack, host: dict[str, str], tmp_path: Path, tool: str
) -> None:
    image = f"{project.name}-api" if tool == "compose" else f"{support.unique()}:1"
    ran = run(project, BUILD, env=host) if tool == "compose" else run(project, BUILDX, image, env=host)
    try:
        assert ran.status == 0, ran.err
        assert support.run("docker", "run", "--rm", image, "cat", "/result").ok().out == "built\n"
        files = b"".join(file.read_bytes() for file in (project.directory / ".ddd").rglob("*") if file.is_file())
        for name, data in {
            "image": everything_about(image, tmp_path),
            "output": ran.stdout + ran.stderr,
            "generated files": files,
        }.items():
            assert CANARY.encode() not in data, f"the canary is in the {name}"
    finally:
        support.run("docker", "rmi", "--force", image)


def test_the_check_for_the_canary_can_fail(project: support.Stack, host: dict[str, str], tmp_path: Path) -> None:
    careless = DOCKERFILE.replace("echo built >", "--mount=type=secret,id=pip-conf cat /run/secrets/pip-conf >")
    project.write({"Dockerfile": careless})
    run(project, BUILD, env=host).ok()
    assert CANARY.encode() in everything_about(f"{project.name}-api", tmp_path)


def test_a_dockerfile_builds_on_a_stand_in_without_a_change(engine: Engine, project: support.Stack) -> None:
    project.write({"Dockerfile": f"FROM {PYTHON}\nRUN python -c 'print(6 * 7)' > /answer\n"})
    before = {tag for image in engine.get("/images/json") for tag in image["RepoTags"] or ()}
    run(project, BUILD, env={}).ok()
    after = {tag for image in engine.get("/images/json") for tag in image["RepoTags"] or ()}
    assert support.run("docker", "run", "--rm", f"{project.name}-api", "cat", "/answer").ok().out == "42\n"
    assert {tag for tag in after - before if project.name in tag} == {f"{project.name}-api:latest"}
    if behaviour.stand_ins(project.directory):
        with pytest.raises(ApiError):
            engine.get(f"/images/{PYTHON}/json")


def test_pip_and_uv_install_from_the_hosts_index_with_the_hosts_certificates(project: support.Stack) -> None:
    ca = "--mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt"
    pip = "--mount=type=secret,id=pip-conf,target=/etc/pip.conf"
    uv = "--mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml"
    project.write(
        {
            "Dockerfile": f"FROM {PYTHON}\n"
            f"RUN {ca} {pip} pip install --no-cache-dir --root-user-action=ignore uv\n"
            f"RUN {ca} {uv} uv pip install --system --no-cache six && uv venv -q /venv\n"
            f"RUN {ca} {uv} uv pip install --python /venv/bin/python --no-cache idna\n"
            "RUN python -c 'import six' && /venv/bin/python -c 'import idna' && test -x /usr/local/bin/uv\n"
        }
    )
    run(project, BUILD, env={}).ok()


def test_what_the_project_declares_itself_wins(project: support.Stack, host: dict[str, str]) -> None:
    project.write(
        {
            "own.conf": "[global]\nindex-url = https://own.example/simple\n",
            "assets/hello.txt": "hello",
            "compose.yaml": "services:\n  api:\n    build:\n      context: .\n      secrets: [pip-conf]\n"
            "      additional_contexts: {assets: ./assets}\n"
            "secrets: {pip-conf: {file: ./own.conf}}\n",
            "Dockerfile": f"FROM {PYTHON}\nCOPY --from=assets hello.txt /\n"
            "RUN --mount=type=secret,id=pip-conf,target=/etc/pip.conf grep -q own.example /etc/pip.conf\n"
            "RUN --mount=type=secret,id=npmrc,target=/root/.npmrc grep -q c4n4ry /root/.npmrc\n",
        }
    )
    assert "assets:latest" not in behaviour.images(project.directory, projects.load(project.directory))
    run(project, BUILD, env=host).ok()


def test_services_without_a_build_run_on_the_stand_in(engine: Engine, stack: MakeStack) -> None:
    bases.build(engine, bases.recipes()["redis:8"])
    project = stack({"compose.yaml": "services: {cache: {image: 'my.invalid/redis:8'}}\n"})
    project.write({".ddd/bases.json": json.dumps({"my.invalid/redis:8": "ddd-base/redis:8"})})
    code = BUILD.replace('"build", "--no-cache"', '"up", "--detach"')
    run(project, code, env={}).ok()
    assert project.run("docker", "compose", "exec", "-T", "cache", "redis-cli", "ping").ok().out == "PONG\n"
