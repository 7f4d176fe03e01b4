"""What a Dockerfile's lines and a service's mounts make of a save."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from ddd_tasks import dockerfile
from ddd_tasks.dockerfile_placements import Base, Placement, placements
from ddd_tasks.project import Mount
from ddd_tasks.syncing import initial
from ddd_tasks.syncing.triggers import (
    REBUILD,
    RESTART,
    SYNC,
    Inputs,
    Trigger,
    below,
    of_build,
    of_mounts,
    reloads,
    together,
)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("src/main.py", "a.txt", "b.txt", "pyproject.toml", "web/index.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def placed(context: Path, lines: str, bases: dict[str, Base] | None = None) -> list[tuple[str, str]]:
    found = placements(dockerfile.parse(f"FROM base AS dev\n{lines}\n"), "dev", context, bases or {})
    return [(one.source, one.target) for one in found]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("WORKDIR /app\nCOPY . .", [("", "/app")]),
        ("COPY src/ /srv/", [("src", "/srv")]),
        ("WORKDIR /a\nWORKDIR b\nCOPY src ./code", [("src", "/a/b/code")]),
        ("COPY a.txt /x", [("a.txt", "/x")]),
        ("COPY a.txt /x/", [("a.txt", "/x/a.txt")]),
        ("WORKDIR /w\nCOPY a.txt b.txt ./", [("a.txt", "/w/a.txt"), ("b.txt", "/w/b.txt")]),
        ("COPY *.txt /x/", [("a.txt", "/x/a.txt"), ("b.txt", "/x/b.txt")]),
        ('COPY ["a.txt", "/with blank/"]', [("a.txt", "/with blank/a.txt")]),
        ("COPY --parents src/main.py /x/", [("src/main.py", "/x/src/main.py")]),
        ("COPY --chown=1:1 --chmod=755 src /x", [("src", "/x")]),
        ("ENV HOME_=/h NAME=app\nCOPY src ${HOME_}/$NAME", [("src", "/h/app")]),
        ("ENV PLACE /old form\nARG LAST=x\nCOPY src $PLACE/$LAST", [("src", "/old form/x")]),
        ("COPY absent /x\nCOPY --from=other src /x\nADD https://x/y /z", []),
        ("RUN --mount=type=bind,source=a.txt,target=/a true\nRUN --mount=type=cache,target=/c true", [("a.txt", "")]),
    ],
)
def test_where_files_of_the_context_end_up(context: Path, lines: str, expected: list[tuple[str, str]]) -> None:
    assert placed(context, lines) == expected


def test_a_base_image_says_where_relative_paths_begin(context: Path) -> None:
    base = Base("/from/base", {"PLACE": "inside"})
    assert placed(context, "COPY src $PLACE", {"base": base}) == [("src", "/from/base/inside")]


def test_a_stage_begins_where_the_one_below_it_ended(context: Path) -> None:
    text = "FROM x AS one\nENV A=b\nWORKDIR /one\nFROM y AS two\nWORKDIR /two\nFROM one AS three\nCOPY src $A\n"
    (found,) = placements(dockerfile.parse(text), "three", context, {})
    assert (found.target, found.final, found.used) == ("/one/b", True, False)


def test_what_a_run_uses_and_what_other_stages_take_is_told_apart(context: Path) -> None:
    text = """\
FROM x AS base
COPY pyproject.toml ./
RUN true
FROM base AS made
COPY web web
FROM base AS dev
COPY --from=made /web /web
COPY src src
"""
    found = placements(dockerfile.parse(text), "dev", context, {})
    assert [(one.source, one.final, one.used) for one in found] == [
        ("pyproject.toml", True, True),
        ("web", False, True),
        ("src", True, False),
    ]


FOLDER, FILE = Placement("", "/app", True, True, False), Placement("pyproject.toml", "/app/p", False, True, True)


@pytest.mark.parametrize(
    ("one", "inputs", "action"),
    [
        (FOLDER, Inputs(reloads=True), SYNC),
        (FOLDER, Inputs(), RESTART),
        (FOLDER, Inputs(wanted=REBUILD, reloads=True), REBUILD),
        (FOLDER._replace(used=True), Inputs(reloads=True), SYNC),
        (FOLDER._replace(used=True), Inputs(), REBUILD),
        (FOLDER._replace(final=False, used=True), Inputs(reloads=True), REBUILD),
        (FILE, Inputs(reloads=True), REBUILD),
        (FILE, Inputs(wanted=SYNC), REBUILD),
        (FILE._replace(used=False), Inputs(reloads=True), SYNC),
    ],
)
def test_the_action_follows_from_what_happens_to_the_files(one: Placement, inputs: Inputs, action: str) -> None:
    file, found = of_build(Path("/c"), Path("/c/Dockerfile"), [one], inputs)
    assert (file.action, file.path) == (REBUILD, Path("/c/Dockerfile"))
    assert found.action == action
    assert bool(found.target) == (action != REBUILD)


def test_each_save_has_one_entry() -> None:
    _, file, folder = of_build(Path("/c"), Path("/c/Dockerfile"), [FILE, FOLDER], Inputs(["*.log"], reloads=True))
    assert file == Trigger(REBUILD, Path("/c/pyproject.toml"))
    assert folder.ignore == (".git", ".ddd", "*.log", "Dockerfile", "pyproject.toml")


def test_a_stage_that_copies_everything_for_its_manifests_does_not_hide_the_source() -> None:
    first = FOLDER._replace(final=False, used=True)
    manifest = Path("/c/x.csproj")
    inputs = Inputs(manifests=[manifest], reloads=True)
    found = of_build(Path("/c"), Path("/c/Dockerfile"), [first, FOLDER], inputs)
    assert [(one.action, one.path) for one in found[1:]] == [(REBUILD, manifest), (SYNC, Path("/c"))]


@pytest.mark.parametrize(
    ("rules", "folder", "expected"),
    [
        (["dist", "/build/", "!keep"], "", ["dist", "build", "!keep"]),
        (["src/dist", "**/x", "web/y"], "src", ["dist", "**/x"]),
        (["*/dist"], "src", ["dist"]),
        (["src"], "src", None),
        (["s*"], "src/deep", None),
        (["*", "!src"], "src", []),
    ],
)
def test_ignore_rules_from_inside_a_folder(rules: list[str], folder: str, expected: list[str] | None) -> None:
    assert below(rules, folder) == (None if expected is None else [".git", ".ddd", *expected])


@pytest.mark.parametrize(
    ("command", "stage", "expected"),
    [
        ("uvicorn app:app --reload", None, True),
        ("sh -c 'exec nodemon server.js'", "x", True),
        ("python manage.py runserver", None, True),
        ("uvicorn app:app", "prod", False),
        ("uvicorn app:app", "develop", True),
        ("./repair --verbose", None, False),
        ("node preload.js", "run", False),
    ],
)
def test_programs_that_take_in_saves_by_themselves(command: str, stage: str | None, expected: bool) -> None:
    assert reloads(command.split(), stage) is expected


def mount(source: str, target: str) -> Mount:
    return Mount(Path(source), target, False)


def test_a_mount_gets_an_entry_where_no_copy_brings_its_files_to_the_same_place() -> None:
    known = [Trigger(SYNC, Path("/c"), "/app"), Trigger(REBUILD, Path("/c/Dockerfile"))]
    mounts: Sequence[Mount] = [mount("/c", "/app"), mount("/c/web", "/app/web"), mount("/c/web", "/www")]
    (found,) = of_mounts(mounts, known, Path("/c"), ["web/tmp", "**/x"])
    assert found == Trigger(SYNC, Path("/c/web"), "/www", (".git", ".ddd", "tmp", "**/x"), initial=True)


def test_a_mount_inside_another_goes_with_it() -> None:
    mounts = [mount("/p/web", "/app/web"), mount("/p", "/app"), mount("/p/web", "/elsewhere")]
    found = of_mounts(mounts, [], Path("/other"), [])
    assert [(str(one.path), one.target) for one in found] == [("/p", "/app"), ("/p/web", "/elsewhere")]


def test_a_mount_of_what_is_compiled_is_copied_and_not_built() -> None:
    built = [Trigger(REBUILD, Path("/c/Dockerfile")), Trigger(REBUILD, Path("/c"))]
    mounted = Trigger(SYNC, Path("/c"), "/app", ("x",), initial=True)
    assert together(built, [mounted]) == (built[0], mounted._replace(ignore=("x", "Dockerfile")))


def test_what_an_image_lacks_is_packed_without_what_is_ignored(context: Path) -> None:
    (context / "src" / "link").symlink_to("main.py")
    trigger = Trigger(SYNC, context, "/app", ("web", "**/*.txt"), initial=True)
    with tarfile.open(fileobj=io.BytesIO(initial.pack(trigger))) as archive:
        assert sorted(archive.getnames()) == ["app", "app/pyproject.toml", "app/src", "app/src/link", "app/src/main.py"]
