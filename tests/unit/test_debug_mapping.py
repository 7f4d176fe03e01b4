"""Which folders of the host a debugger in a container knows, and by which paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import dockerfile, languages
from ddd_tasks.debugging import mapping
from ddd_tasks.dockerfile_contents import Content, contents
from ddd_tasks.dockerfile_placements import Base
from ddd_tasks.language import PathMapping
from ddd_tasks.project import Build, Mount, Service
from tests.support import REPO


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a little of everything."""
    for name in ("src/app/main.py", "src/server.js", "package.json", "go.mod", "main.go", "lib/tool.py", "run.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "go.mod").write_text("module example.com/x\n\ngo 1.24\n")
    return tmp_path


def service(here: Path, mounts: tuple[str, ...] = (), volumes: tuple[str, ...] = ()) -> Service:
    bound = tuple(Mount(here / one.split(":")[0], one.split(":")[1], False) for one in mounts)
    build = Build(here, here / "Dockerfile", None)
    return Service("api", None, build, bound, (), None, None, False, (), (), {}, volumes=volumes)


def mapped(
    here: Path,
    text: str,
    stage: str | None = None,
    *,
    language: str = "python",
    mounts: tuple[str, ...] = (),
    volumes: tuple[str, ...] = (),
    others: dict[str, Path] | None = None,
) -> list[tuple[str, str]]:
    """The mappings of a stage of that Dockerfile, local paths as seen from the folder."""
    parsed = dockerfile.parse(text, {"GIVEN": "/given"})
    held = contents(parsed, stage, here, {"image": Base("/", {})}, others or {})
    found = mapping.of_stages(service(here, mounts, volumes), languages.get(language), parsed, stage, held)
    return [(one.local.relative_to(here).as_posix(), one.remote) for one in mapping.arranged(found)]


@pytest.mark.parametrize("stage", ["dev", "debug", "test", "prod"])
@pytest.mark.parametrize("language", [one.name for one in languages.LANGUAGES if one.debug])
def test_our_own_stages(language: str, stage: str) -> None:
    example = REPO / "examples" / language
    parsed = dockerfile.load(REPO / "docker" / language / "Dockerfile")
    held = contents(parsed, stage, example, {}, {})
    for mounts in ((), (".:/app",)):
        found = mapping.of_stages(service(example, mounts), languages.get(language), parsed, stage, held)
        assert mapping.arranged(found) == (PathMapping(example, "/app"),), mounts


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("WORKDIR /app\nCOPY . .", [(".", "/app")]),
        ("WORKDIR /app\nCOPY package.json ./\nCOPY . .", [(".", "/app")]),
        ("WORKDIR /app\nCOPY src ./src\nCOPY lib ./lib", [("lib", "/app/lib"), ("src", "/app/src")]),
        ("ENV HOME_=/srv\nWORKDIR $HOME_/code\nCOPY src/app .", [("src/app", "/srv/code")]),
        ("COPY run.py /usr/local/bin/serve.py", [("run.py", "/usr/local/bin/serve.py")]),
        ("COPY package.json /opt/deps/", []),
        ("RUN true", []),
        ("ARG PLACE=/a\nCOPY src $PLACE", [("src", "/a")]),
        ("ARG WIDE\nCOPY src $WIDE", [("src", "/wide")]),
        ("ARG WIDE=/own\nCOPY src $WIDE", [("src", "/own")]),
        ("ARG GIVEN=/own\nCOPY src $GIVEN", [("src", "/given")]),
        ("COPY src /x$GIVEN", [("src", "/x")]),
        ("ENV GIVEN=/env\nARG GIVEN\nCOPY src $GIVEN", [("src", "/env")]),
    ],
)
def test_what_an_image_holds(here: Path, lines: str, expected: list[tuple[str, str]]) -> None:
    assert mapped(here, f"ARG WIDE=/wide\nFROM image AS dev\n{lines}\n", "dev") == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("COPY --from=source /app ./", [(".", "/srv")]),
        ("COPY --from=source /app/src ./src", [(".", "/srv")]),
        ("COPY --from=source /app/src /code", [("src", "/code")]),
        ("COPY --from=source /app/dist .", [("src", "/src")]),
        ("COPY --from=source /app/dist /opt/code", [("lib", "/opt/lib"), ("src", "/opt/src")]),
        ("COPY --from=source /app/dist ./dist", [(".", "/srv")]),
        ("COPY --from=source /app/run.py /usr/bin/", [("run.py", "/usr/bin/run.py")]),
        ("COPY --from=0 /app/lib/ /lib/", [("lib", "/lib")]),
        ("COPY --from=0 /app/*.py /code/", [(".", "/code")]),
        ("COPY --from=source / /root", [(".", "/root/app")]),
        ("COPY --from=source /opt /opt", []),
        ("COPY --from=image /app /app", []),
    ],
)
def test_what_one_stage_takes_from_another(here: Path, lines: str, expected: list[tuple[str, str]]) -> None:
    text = f"FROM image AS source\nWORKDIR /app\nCOPY . .\nFROM image AS prod\nWORKDIR /srv\n{lines}\n"
    assert mapped(here, text, "prod") == expected


def test_a_chain_of_copies_is_followed_back_to_the_context(here: Path) -> None:
    text = """\
FROM image AS one
COPY src /one
FROM image AS two
COPY --from=one /one /two/inner
FROM two
WORKDIR /three
COPY --from=two /two .
"""
    assert mapped(here, text) == [("src", "/three/inner"), ("src", "/two/inner")]


@pytest.mark.parametrize(
    ("mounts", "volumes", "expected"),
    [
        ((".:/app",), (), [(".", "/app")]),
        (("src:/app/src",), (), [(".", "/app")]),
        (("lib:/app/src",), (), [("lib", "/app/src"), (".", "/app")]),
        (("lib:/app",), (), [("lib", "/app")]),
        (("src:/app", "lib:/app/lib"), (), [("lib", "/app/lib"), ("src", "/app")]),
        (("run.py:/app/other.py",), (), [("run.py", "/app/other.py"), (".", "/app")]),
        ((), ("/app",), []),
        ((), ("/app/node_modules",), [(".", "/app")]),
        (("src:/app/src",), ("/app",), [("src", "/app/src")]),
        (("package.json:/etc/package.json",), (), [(".", "/app")]),
    ],
)
def test_mounts_and_volumes_lie_over_the_image(
    here: Path, mounts: tuple[str, ...], volumes: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    text = "FROM image AS dev\nWORKDIR /app\nCOPY . .\n"
    assert mapped(here, text, "dev", mounts=mounts, volumes=volumes) == expected


def test_a_folder_that_another_project_names_as_a_context(here: Path) -> None:
    text = "FROM image AS dev\nCOPY src /app\nCOPY --from=shared . /app/shared\n"
    assert mapped(here, text, "dev", others={"shared": here / "lib"}) == [("lib", "/app/shared"), ("src", "/app")]


def test_a_compiled_program_knows_the_paths_of_where_it_was_compiled(here: Path) -> None:
    text = """\
FROM image AS build
WORKDIR /src
COPY . .
RUN go build -o /out/x
FROM scratch AS prod
COPY src /assets
COPY --from=build /out/x /x
"""
    assert mapped(here, text, "prod", language="go") == [(".", "/src")]
    made = text.replace("/out/x /x", "/src/out /x/y")
    assert mapped(here, made, "prod", language="go") == [(".", "/src")]
    assert ("src", "/x/src") in mapped(here, made, "prod", language="node")
    assert mapped(here, text, "build", language="go") == [(".", "/src")]
    assert mapped(here, text, "prod", language="python") == [("src", "/assets")]


def test_with_trimpath_the_module_is_the_path(here: Path) -> None:
    (here / "lib" / "go.mod").write_text('module "example.com/lib"\n')
    known = (PathMapping(here, "/src"),)
    assert mapping.for_binary(known, {"trimpath": False, "module": "example.com/x"}) == known
    assert mapping.for_binary(known, {"trimpath": True, "module": "example.com/x"}) == (
        PathMapping(here / "lib", "example.com/lib"),
        PathMapping(here, "example.com/x"),
    )
    assert mapping.for_binary((PathMapping(here / "src", "/src"),), {"trimpath": True})[0].remote == "/src"


def test_a_link_is_there_by_both_its_paths(here: Path) -> None:
    (here / "linked").symlink_to(here / "src", target_is_directory=True)
    known = mapping.arranged([Content(here / "linked", "/app")])
    assert {one.local for one in known} == {here / "linked", here / "src"}
    assert mapping.to_remote(known, here / "src/server.js") == "/app/server.js"
    assert mapping.to_remote(known, here / "linked/server.js") == "/app/server.js"


def test_paths_go_both_ways(here: Path) -> None:
    known = mapping.arranged([Content(here / "src", "/app"), Content(here / "lib", "/app/lib")])
    assert mapping.to_host(known, "/app/lib/tool.py") == here / "lib/tool.py"
    assert mapping.to_host(known, "/app/server.js") == here / "src/server.js"
    assert mapping.to_host(known, "/application/server.js") is None
    assert mapping.to_remote(known, here / "lib/tool.py") == "/app/lib/tool.py"
    assert mapping.to_remote(known, here / "run.py") is None


def test_what_a_mount_hides_has_no_path_in_the_container(here: Path) -> None:
    known = mapping.arranged([Content(here, "/app"), Content(here / "lib", "/app/src")])
    assert mapping.to_remote(known, here / "src/server.js") is None
    assert mapping.to_remote(known, here / "lib/tool.py") == "/app/src/tool.py"


def test_the_machines_own_files_are_no_source(here: Path) -> None:
    mounts = tuple(Mount(Path(path), path, True) for path in ("/", "/etc", "/proc/self"))
    assert mapping.mounted(service(here)._replace(mounts=mounts), languages.get("python")) == ()
