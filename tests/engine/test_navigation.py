"""From any directory of any service, a command lands in the one that matches it, or is refused with the mounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pexpect
import pytest

from tests.support import DOCKERFILE, Stack, ddd_argv, make_stack

pytestmark = pytest.mark.usefixtures("bases")

Make = Callable[[Mapping[str, str]], Stack]
SERVICE = "  {name}: {{build: {{context: ., target: dev}}, init: true, stop_grace_period: 0s, volumes: [{mounts}]}}\n"


def services(**mounts: str) -> str:
    return "services:\n" + "".join(SERVICE.format(name=name, mounts=text) for name, text in mounts.items())


COMPOSE = services(
    api="'./the api:/app', './shared lib:/opt/lib'",
    web="'./wéb/ünï:/srv/wéb'",
    tool="'./tool:/src', './tool/inner:/inner'",
)
FILES = {
    "compose.yaml": COMPOSE,
    "Dockerfile": DOCKERFILE,
    "the api/a b/ü/file": "",
    "the api/$HOME 'x'/file": "",
    "shared lib/x/file": "",
    "wéb/ünï/日本/file": "",
    "tool/inner/deep/file": "",
    "docs/file": "",
}
# What is typed before, where it lands: service and directory inside.
PLACES = [
    ("the api", "api", "/app"),
    ("the api/a b/ü", "api", "/app/a b/ü"),
    ("the api/$HOME 'x'", "api", "/app/$HOME 'x'"),
    ("shared lib/x", "api", "/opt/lib/x"),
    ("wéb/ünï/日本", "web", "/srv/wéb/日本"),
    ("tool", "tool", "/src"),
    ("tool/inner/deep", "tool", "/inner/deep"),
    ("the api/../wéb/ünï/../ünï/日本", "web", "/srv/wéb/日本"),
    ("link to b/ü", "api", "/app/a b/ü"),
    ("the api/within/ü", "api", "/app/a b/ü"),
    ("the api/to web", "web", "/srv/wéb"),
]


@pytest.fixture(scope="module")
def places(bases: None) -> Iterator[Stack]:
    """Three running services with mounts of their own, and symbolic links into, within and out of them."""
    stack = make_stack(FILES)
    try:
        for link, target in [
            ("link to b", "the api/a b"),
            ("the api/within", "a b"),
            ("the api/to web", "../wéb/ünï"),
            ("the api/out", "../docs"),
        ]:
            (stack.directory / link).symlink_to(target)
        stack.ddd("dev.up", timeout=300).ok()
        yield stack
    finally:
        stack.down()


def host(places: Stack, service: str) -> str:
    """The name by which a container knows itself."""
    return places.run("docker", "compose", "exec", "-T", service, "hostname").ok().out.strip()


@pytest.mark.parametrize(
    ("verb", "here", "service", "inside"),
    [*(("exec", *one) for one in PLACES), *(("dev.exec", *one) for one in PLACES[1::4])],
)
def test_a_command_lands_in_the_matching_directory(
    places: Stack, verb: str, here: str, service: str, inside: str
) -> None:
    # A shell says where it is by PWD, with symbolic links as they were typed.
    ran = places.ddd(verb, "--", "sh", "-c", "pwd; hostname", cwd=here, env={"PWD": str(places.directory / here)})
    assert ran.ok().out.splitlines() == [inside, host(places, service)]


def test_a_shell_and_a_container_of_its_own_do_so_too(places: Stack) -> None:
    shell = places.spawn(*ddd_argv("dev.shell"), cwd="link to b/ü")
    shell.sendline("pwd; exit 3")
    shell.expect("/app/a b/ü\r\n")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 3
    assert places.ddd("run", "--", "pwd", cwd="wéb/ünï/日本").ok().out.splitlines()[-1] == "/srv/wéb/日本"


def test_inside_the_same_line_runs_where_it_is_typed(places: Stack) -> None:
    for verb in ("dev.exec", "exec"):
        ran = places.ddd(verb, "--", "pwd", cwd="the api/a b", env={"DDD_SERVICE": "api"}).ok()
        assert ran.out.strip() == str(places.directory / "the api" / "a b")


@pytest.mark.parametrize(
    ("verb", "here"),
    [("dev.exec", "docs"), ("exec", "docs"), ("dev.run", "docs"), ("dev.shell", "docs"), ("exec", "the api/out")],
)
def test_a_directory_outside_every_mount_is_refused_with_the_mounts(places: Stack, verb: str, here: str) -> None:
    command = () if verb == "dev.shell" else ("--", "pwd")
    ran = places.ddd(verb, "--service", "api", *command, cwd=here)
    assert ran.status == 78
    assert "is not mounted in service 'api'" in ran.err
    assert f"valid: {places.directory}/shared lib (as /opt/lib), {places.directory}/the api (as /app)\n" in ran.err
    hint = ran.err.splitlines()[-1].removeprefix("try: ")
    assert places.run("sh", "-c", f"{hint} && pwd").ok().out.strip() == f"{places.directory}/the api"


def test_without_a_service_a_directory_of_none_names_all(places: Stack) -> None:
    ran = places.ddd("exec", "--", "pwd", cwd="docs")
    assert ran.status == 78
    assert "valid: api, tool, web" in ran.err


def test_the_projects_directory_is_every_services_own(places: Stack) -> None:
    for service in ("api", "web", "tool"):
        assert places.ddd("exec", "--service", service, "--", "pwd").ok().out == "/app\n"


NOXFILE = """\
import nox

from ddd_tasks.nox import stage


@nox.session(venv_backend=stage("dev", service="api"))
def where(session: nox.Session) -> None:
    session.run("sh", "-c", "pwd; ls")
    session.chdir("a b/ü")
    session.run("pwd")
"""


def test_a_session_runs_where_its_noxfile_lies(stack: Make) -> None:
    ran = stack({**FILES, "the api/noxfile.py": NOXFILE}).nox("-s", "where", cwd="the api", timeout=300)
    assert ran.status == 0, ran.out + ran.err
    said = ran.out.splitlines()
    assert "a b" in said  # its files are there
    assert said[0].endswith("/the api")
    assert said[-1] == f"{said[0]}/a b/ü"


SHARED = services(api="'./code:/app'", worker="'./code:/app'", db="'./data:/data'")


@pytest.fixture(scope="module")
def shared(bases: None) -> Iterator[Stack]:
    """Two services that mount the same folder, and one that mounts another."""
    stack = make_stack({"compose.yaml": SHARED, "Dockerfile": DOCKERFILE, "code/sub/file": "", "data/file": ""})
    try:
        stack.ddd("dev.up", timeout=300).ok()
        yield stack
    finally:
        stack.down()


@pytest.mark.parametrize("verb", ["dev.exec", "exec", "dev.run", "run"])
def test_two_services_on_one_folder_ask_which(shared: Stack, verb: str) -> None:
    ran = shared.ddd(verb, "--", "pwd", cwd="code/sub")
    assert ran.status == 78
    assert "which service is meant?" in ran.err
    assert "valid: api, worker\n" in ran.err
    hint = ran.err.splitlines()[-1]
    assert hint == "try: ddd dev.exec --service api -- pwd"
    assert shared.ddd(*hint.removeprefix("try: ddd ").split(), cwd="code/sub").ok().out == "/app/sub\n"
    assert shared.ddd("exec", "--service", "worker", "--", "pwd", cwd="code/sub").ok().out == "/app/sub\n"
    assert shared.ddd("exec", "--", "pwd", cwd="data").ok().out == "/data\n"
