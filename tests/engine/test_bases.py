"""Stand-ins keep the promises of the official images, and are only used where those cannot be had."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ddd_tasks import bases as behaviour
from ddd_tasks import process, resources
from ddd_tasks.engine import bases, contracts
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import CommandError, ConfigError, EngineError
from tests import support

PYTHON = "python:3.13-slim-trixie"
MakeStack = Callable[[Mapping[str, str]], support.Stack]


def is_local(engine: Engine, image: str) -> bool:
    try:
        engine.get(f"/images/{image}/json")
    except ApiError:
        return False
    return True


@pytest.fixture
def no_registry(engine: Engine) -> None:
    """Skips where the official image is here or can be pulled: then nothing is stood in for."""
    if is_local(engine, PYTHON) or behaviour.reachable(PYTHON) is None:
        pytest.skip("a registry answers here, so that no stand-in is used")


@pytest.fixture
def own_recipes(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Makes a recipe on top of debian's for an image of this run: own_recipes(dockerfile, contract) -> its name."""
    shutil.copytree(resources.docker("bases", "debian"), tmp_path / "docker" / "bases" / "debian")
    monkeypatch.setattr(resources, "_ROOTS", (tmp_path,))
    official = f"{support.unique('base')}:1"

    def make(dockerfile: str, **contract: object) -> str:
        folder = tmp_path / "docker" / "bases" / "own"
        folder.mkdir()
        (folder / "Dockerfile").write_text(dockerfile)
        promises = {"cmd": ["bash"], **contract}
        text = {"base": "debian:trixie-slim", "images": {official: {"version": "1"}}, "contract": promises}
        (folder / "contract.yaml").write_text(json.dumps(text))
        return official

    yield make
    if is_local(engine, bases.PREFIX + official):
        engine.delete(f"/images/{bases.PREFIX}{official}", force=1)


@pytest.mark.parametrize("official", sorted(bases.recipes()))
def test_a_stand_in_keeps_the_contract(engine: Engine, official: str) -> None:
    recipe = bases.recipes()[official]
    bases.build(engine, recipe)
    assert contracts.check(engine, recipe.stand_in, recipe.contract) == []
    assert not engine.get("/containers/json", all=1, filters={"label": ["ddd-tasks.check"]})


@pytest.mark.parametrize("official", sorted(bases.recipes()))
def test_the_official_image_keeps_the_contract_too(engine: Engine, official: str) -> None:
    if not is_local(engine, official):
        if behaviour.reachable(official) is not None:
            pytest.skip("the registry cannot be reached from here")
        support.run("docker", "pull", official, timeout=300).ok()
    assert contracts.check(engine, official, bases.recipes()[official].contract) == []


def test_a_stand_in_says_what_it_stands_in_for(engine: Engine) -> None:
    recipe = bases.recipes()["redis:8"]
    bases.build(engine, recipe)
    labels = engine.get(f"/images/{recipe.stand_in}/json")["Config"]["Labels"]
    assert labels == {bases.STAND_IN_LABEL: "redis:8", bases.RECIPE_LABEL: recipe.digest}


def test_each_broken_promise_is_told(engine: Engine) -> None:
    recipe = bases.recipes()["redis:8"]
    bases.build(engine, recipe)
    broken = contracts.check(
        engine,
        recipe.stand_in,
        contracts.Contract(
            packages=["python3"],
            programs=["/usr/bin/redis-cli", "/usr/bin/sh"],
            environment={"REDIS_VERSION": "7\\..*", "LANG": ".*UTF-8"},
            unset=["REDIS_VERSION"],
            users=[{"name": "redis", "uid": 1000, "gid": 999, "home": "/home/redis", "shell": "/bin/sh"}],
            user="redis",
            workdir="/data",
            entrypoint=["docker-entrypoint.sh"],
            cmd=["redis-server"],
            volumes=["/data"],
            present=["/nowhere"],
            absent=["/data"],
            commands=[{"run": ["redis-cli", "--version"], "prints": "7"}],
        ),
    )
    version = engine.get(f"/images/{recipe.stand_in}/json")["Config"]["Env"][-1].partition("=")[2]
    assert broken == [
        f"environment REDIS_VERSION: expected 7\\..*, found {version}",
        "environment LANG: expected .*UTF-8, found None",
        f"environment REDIS_VERSION: expected none, found {version}",
        "user: expected redis, found none",
        "ports: expected none, found ['6379/tcp']",
        "volumes: expected ['/data'], found none",
        "program /usr/bin/redis-cli: found /usr/local/bin/redis-cli",
        "user redis: expected redis:x:1000:999:/home/redis:/bin/sh, found redis:x:999:999:/home/redis:/bin/sh",
        "package python3: not installed",
        "path /nowhere: there: no, expected: yes",
        "path /data: there: yes, expected: no",
        f"['redis-cli', '--version']: expected '7', printed 'redis-cli {version}', status 0 ",
    ]


def test_a_stand_in_that_is_there_is_not_built_again(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    recipe = bases.recipes()["redis:8"]
    bases.build(engine, recipe)
    capfd.readouterr()
    began = time.monotonic()
    assert bases.build(engine, recipe) == "ddd-base/redis:8"
    assert time.monotonic() - began < 2
    assert capfd.readouterr().err == ""


def test_a_stand_in_that_breaks_its_contract_is_refused_and_removed(
    engine: Engine, own_recipes: Callable[..., str]
) -> None:
    official = own_recipes("FROM debian:trixie-slim\n", workdir="/srv")
    with pytest.raises(EngineError) as caught:
        bases.build(engine, bases.recipes()[official])
    assert caught.value.cause == "workdir: expected /srv, found none"
    assert not engine.get("/images/json", all=1, filters={"label": [f"{bases.STAND_IN_LABEL}={official}"]})


def test_a_recipe_that_does_not_build_leaves_nothing(engine: Engine, own_recipes: Callable[..., str]) -> None:
    official = own_recipes("FROM debian:trixie-slim\nRUN echo the-reason; exit 3\n")
    with pytest.raises(CommandError) as caught:
        bases.build(engine, bases.recipes()[official])
    assert "the-reason" in caught.value.cause
    assert not engine.get("/images/json", all=1, filters={"label": [f"{bases.STAND_IN_LABEL}={official}"]})


def test_two_programs_at_once_build_it_once(own_recipes: Callable[..., str], tmp_path: Path) -> None:
    official = own_recipes("FROM debian:trixie-slim\nRUN sleep 2\n")
    code = (
        "import sys, pathlib\nfrom ddd_tasks import resources\nfrom ddd_tasks.engine import bases\n"
        "from ddd_tasks.engine.api import Engine\nresources._ROOTS = (pathlib.Path(sys.argv[1]),)\n"
        "print(bases.build(Engine.connect(), bases.recipes()[sys.argv[2]]))\n"
    )
    argv = (sys.executable, "-c", code, str(tmp_path), official)
    both = [support.popen(*argv, cwd=support.REPO), support.popen(*argv, cwd=support.REPO)]
    wrote = [process.communicate(timeout=120) for process in both]
    assert [out.decode().strip() for out, _ in wrote] == [f"ddd-base/{official}"] * 2
    assert [process.returncode for process in both] == [0, 0]
    built = sorted(err.decode().count("==> build") for _, err in wrote)
    assert built == [0, 1], "the second one waits, and finds it done"


def test_a_dry_run_builds_nothing(
    engine: Engine, own_recipes: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    official = own_recipes("FROM debian:trixie-slim\n")
    with process.mode(dry=True):
        assert bases.build(engine, bases.recipes()[official]) == f"ddd-base/{official}"
    assert f"would build ddd-base/{official}" in capfd.readouterr().err
    assert not is_local(engine, f"ddd-base/{official}")


@pytest.mark.usefixtures("no_registry")
def test_ensure_builds_what_cannot_be_pulled_and_records_it(engine: Engine, stack: MakeStack) -> None:
    project = stack(
        {
            "compose.yaml": "services: {api: {build: .}, cache: {image: 'docker.io/library/redis:8'}}\n",
            "Dockerfile": "ARG V\nFROM python:${V:-3.13}-slim-trixie AS dev\nFROM dev\n",
        }
    )
    assert behaviour.ensure(project.directory) == [PYTHON, "redis:8"]
    expected = {PYTHON: f"ddd-base/{PYTHON}", "redis:8": "ddd-base/redis:8"}
    assert json.loads((project.directory / ".ddd" / "bases.json").read_text()) == expected
    assert behaviour.stand_ins(project.directory) == expected
    assert not is_local(engine, PYTHON), "no official name is taken by a look-alike"


@pytest.mark.usefixtures("no_registry")
def test_an_image_without_a_recipe_is_refused_with_those_that_have_one(stack: MakeStack) -> None:
    project = stack({"compose.yaml": "services: {api: {build: .}}\n", "Dockerfile": "FROM python:2.7-slim\n"})
    with pytest.raises(ConfigError) as caught:
        behaviour.ensure(project.directory)
    assert "'python:2.7-slim'" in caught.value.what
    assert str(project.directory / "Dockerfile") in caught.value.what
    assert PYTHON in caught.value.valid
    assert caught.value.cause


@pytest.mark.usefixtures("no_registry")
def test_a_build_argument_of_the_service_chooses_the_base(stack: MakeStack) -> None:
    project = stack(
        {
            "compose.yaml": "services: {api: {build: {context: ., args: {V: '3.13'}}}}\n",
            "Dockerfile": "ARG V=2.7\nFROM python:${V}-slim\n",
        }
    )
    assert behaviour.ensure(project.directory) == ["python:3.13-slim"]


def test_x_ddd_chooses_and_is_checked(engine: Engine, stack: MakeStack) -> None:
    bases.build(engine, bases.recipes()["redis:8"])
    files = {
        "compose.yaml": "services: {cache: {image: my.invalid/redis}}\nx-ddd: {images: {my.invalid/redis: 'REF'}}\n"
    }
    chosen = stack({name: text.replace("REF", "ddd-base/redis:8") for name, text in files.items()})
    assert behaviour.ensure(chosen.directory) == []
    assert behaviour.stand_ins(chosen.directory)["my.invalid/redis:latest"] == "ddd-base/redis:8"
    wrong = stack({name: text.replace("REF", "ddd-base/redsi:8") for name, text in files.items()})
    with pytest.raises(ConfigError) as caught:
        behaviour.ensure(wrong.directory)
    assert caught.value.nearest == "ddd-base/redis:8"


def test_local_images_are_used_without_a_question(engine: Engine, stack: MakeStack) -> None:
    bases.build(engine, bases.recipes()["redis:8"])
    project = stack({"compose.yaml": "services: {cache: {image: 'ddd-base/redis:8'}}\n"})
    behaviour.ensure(project.directory)
    began = time.monotonic()
    assert behaviour.ensure(project.directory) == []
    assert time.monotonic() - began < 0.5


def test_a_record_ends_when_the_official_image_has_come(engine: Engine, stack: MakeStack) -> None:
    bases.build(engine, bases.recipes()["redis:8"])
    official = f"{support.unique()}:1"
    project = stack({"compose.yaml": f"services: {{cache: {{image: '{official}'}}}}\n"})
    project.write({".ddd/bases.json": json.dumps({official: "ddd-base/redis:8"})})
    assert behaviour.stand_ins(project.directory) == {official: "ddd-base/redis:8"}
    engine.post("/images/ddd-base/redis:8/tag", repo=official[:-2], tag="1")
    assert behaviour.stand_ins(project.directory) == {}
    engine.delete(f"/images/{official}")


@pytest.fixture(scope="module")
def registry(engine: Engine) -> Iterator[str]:
    """A real registry on a port of this machine: Debian's docker-registry in a container; yields HOST:PORT."""
    bases.build(engine, bases.recipes()["debian:trixie-slim"])
    name = support.unique("registry")
    context = "debian:trixie-slim=docker-image://ddd-base/debian:trixie-slim"
    dockerfile = (
        "FROM debian:trixie-slim\n"
        "RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends docker-registry\n"
        "RUN printf 'version: 0.1\\n' >/open.yml\n"
        "RUN printf 'storage: {filesystem: {rootdirectory: /srv}}\\nhttp: {addr: \":5000\"}\\n' >>/open.yml\n"
        'CMD ["docker-registry", "serve", "/open.yml"]\n'
    )
    support.run("docker", "build", "-t", name, "--build-context", context, "-", stdin=dockerfile.encode()).ok()
    port = support.free_port()
    support.run("docker", "run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:5000", name).ok()
    yield f"127.0.0.1:{port}"
    support.run("docker", "rm", "-fv", name).ok()
    support.run("docker", "rmi", name).ok()


def test_where_a_registry_answers_its_image_is_used_and_nothing_is_built(
    engine: Engine, stack: MakeStack, registry: str
) -> None:
    image = f"{registry}/{support.unique()}:1"
    support.run("docker", "import", "-", image, stdin=bytes(1024)).ok()  # an empty archive: an image without files
    deadline = time.monotonic() + 20
    while (pushed := support.run("docker", "push", image, timeout=30)).status and time.monotonic() < deadline:
        time.sleep(0.2)
    pushed.ok()
    support.run("docker", "rmi", image).ok()
    assert behaviour.reachable(image) is None
    project = stack({"compose.yaml": f"services: {{cache: {{image: '{image}'}}}}\n"})
    assert behaviour.ensure(project.directory) == []
    assert is_local(engine, image)
    missing = stack({"compose.yaml": f"services: {{cache: {{image: '{registry}/missing:1'}}}}\n"})
    with pytest.raises(ConfigError, match="missing:1"):
        behaviour.ensure(missing.directory)
    support.run("docker", "rmi", image).ok()
