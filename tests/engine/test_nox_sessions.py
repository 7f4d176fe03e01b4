"""Session bodies, as anyone writes them, in a container of a stage: everything that Nox promises them holds there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from tests import support
from tests.proxy import Proxy

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS base

# Packages in a venv of the stage, as most images have them
FROM base AS test
RUN --network=none python3 -m venv --without-pip /opt/venv
COPY stage/stagepkg.py /opt/venv/lib/python3.13/site-packages/
COPY --chmod=755 stage/tool /opt/venv/bin/tool
ENV PATH=/opt/venv/bin:$PATH FROM_IMAGE=yes
CMD ["tool", "from-cmd"]

FROM base AS bare
CMD echo "from a line"

FROM scratch AS nothing
COPY stage/tool /tool
CMD ["/tool"]
"""

# Its interpreter is the stage's own: only by a venv's Python can it see what a session installs.
TOOL = """\
#!/opt/venv/bin/python3
import importlib.util, json, os, sys
print(json.dumps({
    "args": sys.argv[1:], "prefix": sys.prefix, "cwd": os.getcwd(), "env": dict(os.environ),
    "sees": [name for name in ("stagepkg",) if importlib.util.find_spec(name)],
}))
"""

NOXFILE = """\
import json
import nox
from ddd_tasks.nox import stage

TEST = stage("test", network="none")
nox.options.default_venv_backend = "none"

@nox.session(venv_backend=TEST, tags=["inside"])
def tool(session):
    "Print what the tool sees."
    session.run("tool", *session.posargs)

@nox.session(venv_backend=TEST)
def everything(session):
    session.env["SET_BY_SESSION"] = "a 'quoted' value"
    seen = json.loads(session.run("tool", silent=True, env={"SET_BY_RUN": "1", "FROM_IMAGE": None}))
    assert seen["env"]["SET_BY_SESSION"] == "a 'quoted' value"
    assert seen["env"]["SET_BY_RUN"] == "1"
    assert "FROM_IMAGE" not in seen["env"]
    assert "HOST_SECRET" not in seen["env"]
    assert seen["env"]["CI"] == "true"
    assert seen["sees"] == ["stagepkg"], seen
    assert seen["prefix"] == session.virtualenv.location, seen
    with session.chdir("deep/er"):
        assert session.run("pwd", silent=True).strip().endswith("/deep/er")
    assert session.run("sh", "-c", "exit 5", success_codes=[5]) is True
    with open("out.txt", "w") as out:
        session.run("printf", "%s", "to a file", stdout=out)
    assert open("out.txt").read() == "to a file"
    with open(session.create_tmp() + "/made", "w") as made:
        made.write("on the host")
    assert session.run("sh", "-c", "cat $TMPDIR/made", silent=True) == "on the host"
    bare = json.loads(session.run("tool", silent=True, include_outer_env=False))
    assert "CI" not in bare["env"]
    prefix = session.run(f"{session.bin}/python", "-c", "import sys; print(sys.prefix)", silent=True)
    assert prefix.strip() == seen["prefix"]
    assert session.run("sh", "-c", f"{session.bin}/tool", silent=True)
    session.log("all is well")

@nox.session(venv_backend=TEST)
def without_outer(session):
    for _ in range(int(session.posargs[0])):
        session.run("true", include_outer_env=False, external=True)

@nox.session(venv_backend=TEST, python=["3.13", "3.9"])
def versions(session):
    session.run("python", "--version")

@nox.session(venv_backend=TEST)
@nox.parametrize("number", [1, 2])
def numbers(session, number):
    session.run("printf", "%s\\n", f"number {number}")
    session.notify("notified")

@nox.session(venv_backend=TEST, default=False)
def notified(session):
    session.run("printf", "%s\\n", "notified inside")

@nox.session(venv_backend=TEST)
def external(session):
    session.run("only-on-the-host")

@nox.session(venv_backend=TEST)
def fails(session):
    session.run("sh", "-c", "exit 9")

@nox.session(venv_backend=TEST)
def elsewhere(session):
    with session.chdir("/var/tmp"):
        session.run("pwd")

@nox.session(venv_backend=stage("bare"))
def bare(session):
    session.run("sh", "-c", "echo stage $FROM_IMAGE; test ! -e /opt/venv")

@nox.session(venv_backend=stage("test", network="none", env=["GIVEN=1", "HOST_SECRET"], user="nobody"))
def other_options(session):
    session.run("sh", "-c", "id -un; echo $GIVEN $HOST_SECRET")

@nox.session(venv_backend=stage("tset"))
def misspelled(session):
    session.run("tool")

@nox.session(venv_backend=stage("nothing", network="none"))
def no_shell(session):
    session.run("tool")
"""

NAMES = {
    "tool", "everything", "versions-3.13", "versions-3.9", "numbers(number=1)", "numbers(number=2)",
    "notified", "external", "fails", "elsewhere", "bare", "other_options", "misspelled", "no_shell",
    "without_outer",
}  # fmt: skip

Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.fixture
def project(bases: None, stack: Make) -> support.Stack:
    """A project with a Dockerfile and a noxfile, and no Compose file."""
    return stack(
        {
            "Dockerfile": DOCKERFILE,
            "noxfile.py": NOXFILE,
            "stage/tool": TOOL,
            "stage/stagepkg.py": "",
            "deep/er/file": "",
        }
    )


def containers(engine: Engine, project: support.Stack) -> list[str]:
    """The ids of the project's session containers, in whatever state."""
    label = f"ddd-tasks.project={project.directory}"
    return [row["Id"] for row in engine.get("/containers/json", all=1, filters={"label": [label]})]


def test_a_session_body_means_inside_what_it_means_outside(engine: Engine, project: support.Stack) -> None:
    ran = project.nox("-s", "everything", env={"CI": "true", "HOST_SECRET": "hunter2"})
    assert ran.status == 0, ran.err
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")


def test_programs_find_the_engine_of_docker_host_without_the_outer_environment(
    project: support.Stack, tmp_path: Path
) -> None:
    """By how often it is called: what had lost its name would find the engine at its usual place, too."""
    proxy = Proxy(tmp_path / "engine.sock")

    def calls(programs: int) -> int:
        before = proxy.accepted
        env = {"DOCKER_HOST": f"unix://{proxy.path}"}
        project.nox("-s", "without_outer", "--", str(programs), env=env).ok()
        return proxy.accepted - before

    try:
        calls(1)  # the image
        assert calls(11) - calls(1) >= 10
    finally:
        proxy.end()


def test_posargs_go_through_as_they_are(project: support.Stack) -> None:
    ran = project.nox("-s", "tool", "--", "-k", "a or 'b'", "", "ü").ok()
    assert json.loads(ran.out)["args"] == ["-k", "a or 'b'", "", "ü"]


def test_a_python_that_the_stage_lacks_is_missing_by_nox_own_rules(project: support.Stack) -> None:
    ran = project.nox("-s", "versions").ok()
    assert "Python 3.13" in ran.out
    assert "3.9 in stage test not found" in ran.err
    assert project.nox("-s", "versions", "--error-on-missing-interpreters").status != 0
    assert project.nox("-s", "versions", env={"CI": "true"}).status != 0


def test_parametrized_and_notified_sessions_run_inside(project: support.Stack) -> None:
    ran = project.nox("-s", "numbers").ok()
    assert ran.out.splitlines() == ["number 1", "number 2", "notified inside"]


def test_tags_select_it(project: support.Stack) -> None:
    assert json.loads(project.nox("-t", "inside").ok().out)["prefix"].endswith("/.nox/tool")


def test_a_program_that_only_the_host_has_is_external(project: support.Stack) -> None:
    project.write({"host-bin/only-on-the-host": "#!/bin/sh\necho on the host\n"})
    (project.directory / "host-bin" / "only-on-the-host").chmod(0o755)
    env = {"PATH": f"{project.directory}/host-bin:{support.environment()['PATH']}"}
    ran = project.nox("-s", "external", env=env).ok()
    assert "on the host" in ran.out
    assert "not installed into the virtualenv" in ran.err
    assert project.nox("-s", "external", "--error-on-external-run", env=env).status != 0


def test_without_venv_it_runs_on_the_host(project: support.Stack) -> None:
    ran = project.nox("--no-venv", "-s", "tool")
    assert ran.status != 0
    assert "tool not found" in ran.err


def test_install_only_runs_nothing(project: support.Stack) -> None:
    ran = project.nox("--install-only", "-s", "fails").ok()
    assert "Skipping sh run" in ran.err


def test_the_status_of_a_program_is_shown(engine: Engine, project: support.Stack) -> None:
    ran = project.nox("-s", "fails")
    assert ran.status != 0
    assert "failed with exit code 9" in ran.err
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")


def test_sessions_of_one_stage_with_different_options_stay_different(project: support.Stack) -> None:
    (project.directory / ".nox").mkdir(mode=0o777)
    (project.directory / ".nox").chmod(0o777)
    project.directory.chmod(0o777)
    ran = project.nox("-s", "other_options", "bare", env={"HOST_SECRET": "hunter2"}).ok()
    assert ran.out.splitlines() == ["nobody", "1 hunter2", "stage"]
    kept = project.run("grep", "-rl", "hunter2", ".nox")
    assert not kept.out, "a value of the host's environment is in a file"


def test_a_misspelled_stage_is_an_error_with_the_nearest_name(engine: Engine, project: support.Stack) -> None:
    ran = project.nox("-s", "misspelled")
    assert ran.status != 0
    assert "error: no stage named 'tset'" in ran.err
    assert "did you mean: test" in ran.err
    assert "Traceback" not in ran.err
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")


def test_a_build_that_fails_is_shown_with_what_to_do(project: support.Stack) -> None:
    project.write({"Dockerfile": "FROM localhost:1/no/such-image:7 AS test\n"})
    ran = project.nox("-s", "tool")
    assert ran.status != 0
    assert "error: the image of stage 'test' could not be built" in ran.err
    assert "localhost:1/no/such-image:7" in ran.err
    assert "try: ddd engine.bases" in ran.err
    project.write(
        {"Dockerfile": "FROM python:3.13-slim-trixie AS test\nRUN --network=none echo $((70000 + 7)); exit 4\n"}
    )
    said = project.nox("-s", "tool").err
    assert "70007" in said
    assert "try:" not in said


def test_a_stage_without_a_shell_is_refused(engine: Engine, project: support.Stack) -> None:
    ran = project.nox("-s", "no_shell")
    assert ran.status != 0
    assert "there is no sh in its image" in ran.err
    assert "Traceback" not in ran.err
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")


def test_a_directory_that_is_not_inside_is_refused(project: support.Stack) -> None:
    ran = project.nox("-s", "elsewhere")
    assert ran.status != 0
    assert "/var/tmp is not in the session's container" in ran.out  # Nox joins a program's two streams


def test_list_needs_no_engine(project: support.Stack) -> None:
    env = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    assert "-> Print what the tool sees." in project.nox("--list", env=env).ok().out
    listed = json.loads(project.nox("--list", "--json", env=env).ok().out)
    assert {entry["session"] for entry in listed} == NAMES - {"notified"}


def test_an_engine_that_does_not_answer_fails_the_session_with_our_words(project: support.Stack) -> None:
    ran = project.nox("-s", "tool", env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert ran.status != 0
    assert "error: no engine answers at unix:///nowhere/docker.sock" in ran.err
    assert "Traceback" not in ran.err
