"""Rebuild an image: our stages beside the Dockerfile with one layer that people write first. `python bench/build.py`"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bench import harness, report
from bench.harness import Bench, Goal, Section, Size, Variant
from ddd_tasks.engine.api import Engine
from ddd_tasks.sessions import inputs, options, source
from ddd_tasks.sessions.inputs import Inputs
from tests import support

_SECRETS = """\
--mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \\
    --mount=type=secret,id=pip-conf,target=/etc/pip.conf --mount=type=secret,id=npmrc,target=/root/.npmrc \\
    --mount=type=secret,id=netrc,target=/root/.netrc"""
# One layer for everything, on the base image that our dev stage has. The mounts are only the way to the network here.
_NAIVE = """\
FROM {base}
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
WORKDIR /app
COPY . .
RUN {secrets} \\
    {install}
CMD {start}
"""
# Small packages without dependencies of their own; a fresh one in each run, as somebody who adds one has it.
_PYTHON = ("humanize", "tabulate", "toolz", "more-itertools", "wrapt", "python-slugify")
_NODE = {"ms": "2.1.3", "picocolors": "1.1.1", "nanoid": "5.1.6", "kleur": "4.1.5", "mitt": "3.0.1", "dayjs": "1.11.19"}

_numbers = count()


class Language(NamedTuple):
    """What differs. source: the file that is edited; install: what the naive Dockerfile runs.

    manifests: the files of a project with each of several added dependencies, or why there are none.
    """

    name: str
    source: str
    comment: str
    install: str
    start: str
    manifests: Callable[[support.Stack], list[dict[str, str]] | str]


def main() -> None:
    """Make three projects a language: for edits, for dependencies, for nothing; measure; remove them."""
    chosen = harness.arguments(__doc__, rounds=3, names=list(LANGUAGES))
    with ExitStack() as stack:
        bench = Bench("build")
        machine = report.Machine()
        for name in chosen.names:
            language = LANGUAGES[name]
            places = [stack.enter_context(harness.project(files(language), suffix)) for suffix in ("-e", "-d", "-n")]
            describe(bench, language, places)
        bench.measure(chosen.rounds, chosen.runs)
        report.publish(bench, machine)


def describe(bench: Bench, language: Language, places: list[support.Stack]) -> None:
    """The tables of a language, its goals, and the sizes of its images."""
    edited, added, still = places
    changed = language.manifests(added)
    reasons = {added: changed if isinstance(changed, str) else ""}

    def add() -> None:
        if not isinstance(changed, str):
            number = next(_numbers)
            for file, text in changed[number % len(changed)].items():
                added.write({file: text.replace("NUMBER", str(number))})

    change: Mapping[support.Stack, tuple[str, Callable[[], None], float]] = {
        edited: ("a source line edited", lambda: edit(edited, language), 0.06),
        added: ("a dependency added", add, 0.3),
        still: ("nothing changed", lambda: None, 1.2),
    }
    for place, (what, prepare, limit) in change.items():
        given = inputs.collect(source.find(options.make("dev", dockerfile="Dockerfile"), place.directory))
        table = bench.section(f"{language.name}, {what}", place.directory)
        naive = variant(table, "one layer for everything", place, "naive.Dockerfile", given, prepare)
        ours = variant(table, "our stages, built up to dev", place, "Dockerfile", given, prepare)
        if place is still:
            naive.repeat = ours.repeat = 5
        if reasons.get(place):
            naive.missing = ours.missing = reasons[place]
        bench.goals.append(Goal(f"{language.name}: {what}, ours / naive", ours, naive, limit))
    bench.sizes.append(Size(f"{language.name}: prod image / dev image", lambda: sizes(still), 0.4))


def variant(
    table: Section, name: str, place: support.Stack, file: str, given: Inputs, prepare: Callable[[], None]
) -> Variant:
    """A row: the change and the build after it. The change itself takes less than a millisecond."""

    def call() -> None:
        prepare()
        build(place, file, given)

    return table.floor(name, call)


def build(place: support.Stack, file: str, given: Inputs, stage: str = "dev") -> None:
    """`docker buildx build` with the same arguments for both Dockerfiles. Raises RuntimeError with what it said."""
    target = ["--target", stage] if file == "Dockerfile" else []
    words = ["--quiet", *target, "--tag", f"{place.name}:{stage if target else 'naive'}", "--file", file]
    argv = ["docker", "buildx", "build", *words, *given.arguments, "."]
    ran = support.run(*argv, cwd=place.directory, env=given.environment, timeout=600)
    if ran.status:
        raise RuntimeError(ran.err.strip().splitlines()[-1] if ran.err.strip() else f"status {ran.status}")


def edit(place: support.Stack, language: Language) -> None:
    """Another last line."""
    file = place.directory / language.source
    lines = file.read_text().splitlines()
    mark = f"{language.comment} edit "
    kept = [line for line in lines if not line.startswith(mark)]
    file.write_text("\n".join([*kept, f"{mark}{place.name} {next(_numbers)}"]) + "\n")


def sizes(place: support.Stack) -> tuple[int, int]:
    """The bytes of the prod image and of the dev image."""
    given = inputs.collect(source.find(options.make("dev", dockerfile="Dockerfile"), place.directory))
    found = []
    with closing(Engine.connect()) as engine:
        for stage in ("prod", "dev"):
            build(place, "Dockerfile", given, stage)
            found.append(int(engine.get(f"/images/{place.name}:{stage}/json")["Size"]))
    return found[0], found[1]


def files(language: Language) -> dict[str, str]:
    """The example of a language with both Dockerfiles."""
    example, docker = support.REPO / "examples" / language.name, support.REPO / "docker" / language.name
    listed = support.run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=example).ok().out
    found = {name: (example / name).read_text() for name in listed.splitlines() if (example / name).is_file()}
    ours = (docker / "Dockerfile").read_text()
    base = re.search(r"(?m)^FROM (\S+)", ours)
    naive = _NAIVE.format(
        base=base[1] if base else "", secrets=_SECRETS, install=language.install, start=language.start
    )
    return {
        **found,
        "Dockerfile": ours,
        "Dockerfile.dockerignore": (docker / "Dockerfile.dockerignore").read_text(),
        "naive.Dockerfile": naive,
        "naive.Dockerfile.dockerignore": ".git\n.ddd\nnode_modules\n*Dockerfile*\n",
        **({"requirements.txt": requirements(example)} if language.name == "python" else {}),
    }


def requirements(place: Path) -> str:
    """What uv.lock says in the words of pip."""
    argv = (uv(), "export", "--quiet", "--frozen", "--no-hashes", "--no-emit-project", "--group", "dev")
    return support.run(*argv, cwd=place).ok().out


def uv() -> str:
    """uv of the bootstrap, or of PATH."""
    ours = support.REPO / ".ddd" / "uv" / "bin" / "uv"
    return str(ours) if ours.exists() else shutil.which("uv") or "uv"


def python_manifests(place: support.Stack) -> list[dict[str, str]] | str:
    """pyproject.toml, uv.lock and requirements.txt with one more package."""
    before = (place.directory / "pyproject.toml").read_text()
    made = []
    for name in _PYTHON:
        place.write({"pyproject.toml": re.sub(r"(?m)^dependencies = \[", f'dependencies = [\n  "{name}",', before)})
        if support.run(uv(), "lock", "--quiet", cwd=place.directory, env={"UV_NO_PROGRESS": "1"}).status:
            return "uv found no index for the new lock"
        names = ("pyproject.toml", "uv.lock")
        texts = {file: (place.directory / file).read_text() + "# NUMBER\n" for file in names}
        made.append({**texts, "requirements.txt": requirements(place.directory) + "# NUMBER\n"})
    return made


def node_manifests(place: support.Stack) -> list[dict[str, str]]:
    """package.json and package-lock.json with one more package; npm takes an entry that names only the version."""
    made = []
    for name, version in _NODE.items():
        package = json.loads((place.directory / "package.json").read_text())
        lock = json.loads((place.directory / "package-lock.json").read_text())
        for section in (package, lock["packages"][""]):
            section["dependencies"] = {**section["dependencies"], name: version}
        lock["packages"][f"node_modules/{name}"] = {"version": version}
        package["description"] = "Number NUMBER."
        made.append({"package.json": json.dumps(package, indent=2), "package-lock.json": json.dumps(lock, indent=2)})
    return made


def no_proxy(_: support.Stack) -> str:
    """Go's module proxy and NuGet are not asked for packages here."""
    return "the package registry of this language is out of reach here"


_PIP = "pip install --root-user-action=ignore --no-cache-dir -r requirements.txt"
LANGUAGES = {
    one.name: one
    for one in (
        Language("python", "app/main.py", "#", _PIP, '["uvicorn", "app.main:app"]', python_manifests),
        Language("node", "src/server.js", "//", "npm install", '["node", "src/server.js"]', node_manifests),
        Language("go", "main.go", "//", "go build -o /server .", '["/server"]', no_proxy),
        Language("csharp", "Server.cs", "//", "dotnet publish service.csproj -c Release -o /out", '["true"]', no_proxy),
    )
}


if __name__ == "__main__":
    os.environ.setdefault("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
    main()
