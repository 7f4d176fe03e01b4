"""Stand-ins for official base images, built from packages where no image registry can be reached.

A stand-in is data: docker/bases/<family>/ holds a Dockerfile, written as if the official base were there, and
contract.yaml: which official images it stands in for, what they promise, and what it does not keep.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import console, hostconfig, process, resources, userfolders
from ddd_tasks.engine import contracts, rootfs
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.names import familiar as familiar
from ddd_tasks.errors import CommandError, EngineError

PREFIX = "ddd-base/"
STAND_IN_LABEL = "ddd-tasks.stand-in"
RECIPE_LABEL = "ddd-tasks.recipe"
_LOG_LINES = 30
_SECRET = "DDD_SECRET_"


class Recipe(NamedTuple):
    """How one official image is stood in for.

    official: its reference as Dockerfiles write it; folder: Dockerfile and contract.yaml; variables: build arguments;
    base: the official reference that its Dockerfile starts from, itself a stand-in; rootfs: the Debian suite when it
    starts from nothing; measured: build argument -> the command that prints its value in the image.
    """

    official: str
    folder: Path
    variables: Mapping[str, str]
    base: str | None
    suite: str | None
    measured: Mapping[str, list[str]]
    contract: contracts.Contract

    @property
    def stand_in(self) -> str:
        """The name it is built under, such as ddd-base/python:3.13-slim-trixie: never the official one."""
        return PREFIX + self.official

    @property
    def digest(self) -> str:
        """Changes whenever the recipe, or the one it stands on, does."""
        digest = hashlib.sha256(repr((self.official, sorted(self.variables.items()))).encode())
        for file in sorted(self.folder.iterdir()):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        if self.suite:
            digest.update(Path(rootfs.__file__).read_bytes())
        if self.base:
            digest.update(recipes()[self.base].digest.encode())
        return digest.hexdigest()[:16]


def recipes() -> Mapping[str, Recipe]:
    """Every official image that a stand-in can be built for. Raises ConfigError when docker/bases is missing."""
    import yaml

    found = {}
    for file in sorted(resources.docker("bases").glob("*/contract.yaml")):
        text = yaml.safe_load(file.read_text())
        for official, variables in text["images"].items():
            found[official] = _recipe(official, file.parent, text, variables)
    return found


def find(reference: str) -> Recipe | None:
    """The recipe for an image, however its name is written; None when there is none."""
    return recipes().get(familiar(reference))


def is_current(engine: Engine, recipe: Recipe) -> bool:
    """Whether its stand-in is there, made from the recipe as it is now. Raises EngineError."""
    try:
        labels = engine.get(f"/images/{recipe.stand_in}/json")["Config"].get("Labels") or {}
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    return bool(labels.get(RECIPE_LABEL) == recipe.digest)


def build(engine: Engine, recipe: Recipe) -> str:
    """Build the stand-in, and the one it stands on, unless they are there already, and return its name.

    Safe when two programs do it at once. Raises CommandError when a step fails, EngineError when the result breaks
    the contract (it is removed again), UnsupportedError where the tools are missing.
    """
    if process.is_dry():
        console.note(f"would build {recipe.stand_in} from {recipe.folder}")
        return recipe.stand_in
    with _one_at_a_time():
        _build(engine, recipe)
    return recipe.stand_in


def _build(engine: Engine, recipe: Recipe) -> None:
    if is_current(engine, recipe):
        return
    if recipe.base:
        _build(engine, recipes()[recipe.base])
    with console.step(f"build {recipe.stand_in}, a stand-in for {recipe.official}"):
        # Without a name until it is known to keep the contract: nothing may use it before.
        candidate = _candidate(engine, recipe)
        try:
            broken = contracts.check(engine, candidate, recipe.contract)
            if broken:
                raise EngineError(
                    f"the stand-in for {recipe.official} does not keep the contract of {recipe.folder}/contract.yaml",
                    cause="\n".join(broken),
                    hint=f"docker pull {recipe.official}",
                )
        except BaseException:
            _remove(engine, candidate)
            raise
        _name(engine, candidate, recipe.stand_in)


def _candidate(engine: Engine, recipe: Recipe) -> str:
    """Build the image, twice when it carries values that only the image itself can tell, and return its id."""
    with _context(recipe) as directory:
        first = _docker_build(recipe, directory, recipe.variables)
        if not recipe.measured:
            return first
        try:
            measured = contracts.measure(engine, first, recipe.measured)
            return _docker_build(recipe, directory, {**recipe.variables, **measured})
        finally:
            _remove(engine, first)


def _name(engine: Engine, image: str, reference: str) -> None:
    """Give the image its name; one that had it before goes, unless a container still uses it."""
    before = {row["Id"] for row in engine.get("/images/json") if reference in (row["RepoTags"] or ())}
    repository, _, tag = reference.rpartition(":")
    engine.post(f"/images/{image}/tag", repo=repository, tag=tag)
    for old in before - {image}:
        _remove(engine, old)


def _remove(engine: Engine, image: str) -> None:
    """Remove an image without a name, unless it is in use."""
    with suppress(ApiError):
        engine.delete(f"/images/{image}")


def _docker_build(recipe: Recipe, directory: Path, variables: Mapping[str, str]) -> str:
    """Run the build and return the image's id."""
    identity = directory.with_name(directory.name + ".iid")
    argv = ["docker", "build", "--iidfile", str(identity), "--provenance=false"]
    argv += ["--label", f"{STAND_IN_LABEL}={recipe.official}", "--label", f"{RECIPE_LABEL}={recipe.digest}"]
    for name, value in variables.items():
        argv += ["--build-arg", f"{name}={value}"]
    if recipe.base:
        argv += ["--build-context", f"{recipe.base}=docker-image://{PREFIX}{recipe.base}"]
    secrets, values = _way_to_packages()
    argv += [*secrets, str(directory)]
    env = {**os.environ, **values}
    if sys.stderr.isatty():
        process.run(argv, env=env, quiet=True)
    else:  # the log of a build that went well is of no use in a file
        done = process.capture(argv, env=env, check=False)
        if done.status != 0:
            log = done.stderr.strip().splitlines()[-_LOG_LINES:]
            what = f"building the stand-in for {recipe.official} ended with status {done.status}"
            raise CommandError(what, done.status, cause=process.redact("\n".join(log)))
    return identity.read_text().strip()


def _way_to_packages() -> tuple[list[str], dict[str, str]]:
    """Arguments that offer the host's configuration of package managers to a build, and variables they name.

    A Dockerfile mounts what it needs of: apt-conf, pip-conf, npmrc, netrc, ca-bundle. None of it stays in the image.
    """
    host = hostconfig.find()
    texts = {"apt-conf": rootfs.apt_configuration(), "pip-conf": host.pip_conf, "npmrc": host.npmrc}
    variables = {name: _SECRET + name.upper().replace("-", "_") for name, text in texts.items() if text}
    sources = {name: f"env={variable}" for name, variable in variables.items()}
    files = {"netrc": host.netrc, "ca-bundle": host.ca_bundle}
    sources |= {name: f"src={path}" for name, path in files.items() if path}
    argv = [word for name, source in sources.items() for word in ("--secret", f"id={name},{source}")]
    argv += [word for name in host.proxies for word in ("--build-arg", name)]
    return argv, {variable: texts[name] for name, variable in variables.items()}


@contextmanager
def _context(recipe: Recipe) -> Iterator[Path]:
    """A copy of the recipe's folder, with a root file system in it when it starts from nothing."""
    with tempfile.TemporaryDirectory(prefix="ddd-bases-") as parent:
        directory = Path(parent) / "context"
        shutil.copytree(recipe.folder, directory)
        if recipe.suite:
            rootfs.build(directory, recipe.suite)
        yield directory


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait until no other program of this user builds a stand-in."""
    with (userfolders.cache() / "bases.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.note("waiting for another program that builds base images")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _recipe(official: str, folder: Path, text: Mapping[str, Any], variables: Mapping[str, str]) -> Recipe:
    def filled(value: Any) -> Any:
        return contracts.fill(value, variables)

    return Recipe(
        official,
        folder,
        {name.upper(): value for name, value in variables.items()},
        filled(text.get("base")),
        filled((text.get("rootfs") or {}).get("suite")),
        text.get("measured") or {},
        contracts.Contract.of(filled(text["contract"])),
    )
