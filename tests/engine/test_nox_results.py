"""stage(cache=True): what is not run again, and that any one change of what goes into a session makes it run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import support

NOXFILE = """\
import nox
from ddd_tasks.nox import stage

TEST = stage("test", network="none", env=["ASKED"], volumes=["./outside/mounted:/mnt/mounted:ro"], cache=True)

@nox.session(venv_backend=TEST)
def check(session):
    session.run("sh", "-c", "echo it ran; cat source.txt; test ! -e fail", *session.posargs)

@nox.session(venv_backend=TEST)
@nox.parametrize("number", [1, 2])
def numbers(session, number):
    session.run("echo", f"number {number} ran")

@nox.session(venv_backend=TEST)
def queues(session):
    session.run("echo", "it ran")
    session.notify("queued", posargs=["a b"])

@nox.session(venv_backend="none", default=False)
def queued(session):
    session.run("echo", "queued", *session.posargs)

@nox.session(venv_backend=TEST)
def writes(session):
    session.run("sh", "-c", "echo it ran; date +%s%N > report.txt")

@nox.session(venv_backend=stage("test", network="none", volumes=["named:/mnt/named"], cache=True))
def named_volume(session):
    session.run("true")
"""
DOCKERFILE = "FROM {base} AS test\nENV LINE=1\n"
RAN = "it ran"

Project = support.Stack


class Mutation(NamedTuple):
    """One change. what: of the project's folder; env and words: of Nox's start; runs: whether it has to run."""

    name: str
    what: Callable[[Path], object] = lambda folder: None
    env: Mapping[str, str] = {}
    words: tuple[str, ...] = ()
    runs: bool = True
    kind: str = "files"


def rewrite_with_the_same_size_and_time(folder: Path) -> None:
    file = folder / "source.txt"
    status = file.stat()
    file.write_text(file.read_text().swapcase())
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def retarget(link: Path, target: str) -> None:
    link.unlink()
    link.symlink_to(target)


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def another_base(folder: Path) -> None:
    build_base(base_of(folder), time.time_ns())


MUTATIONS = [
    Mutation("content", lambda folder: append(folder / "source.txt", "more\n")),
    Mutation("content_same_size_and_time", rewrite_with_the_same_size_and_time),
    Mutation("content_of_a_new_file", lambda folder: append(folder / "untracked.txt", "more\n")),
    Mutation("mode", lambda folder: (folder / "source.txt").chmod(0o755)),
    Mutation("new_file", lambda folder: (folder / "new.txt").touch()),
    Mutation("new_file_with_a_strange_name", lambda folder: (folder / 'sch\u00f6n "\n\\.txt').touch()),
    Mutation("deleted_file", lambda folder: (folder / "deleted.txt").unlink()),
    Mutation("renamed_file", lambda folder: (folder / "renamed.txt").rename(folder / "renamed-now.txt")),
    Mutation("target_of_a_link", lambda folder: retarget(folder / "link", "renamed-now.txt")),
    Mutation("file_of_a_volume", lambda folder: append(folder / "outside" / "mounted", "more\n")),
    Mutation("environment_asked_for", env={"ASKED": "another"}, kind="environment"),
    Mutation("environment_of_tools", env={"PYTEST_ADDOPTS": "-x"}, kind="environment"),
    Mutation("arguments", words=("--", "-k", "other"), kind="arguments"),
    Mutation("strictness", words=("--error-on-external-run",), kind="noxfile"),
    Mutation("noxfile_line", lambda folder: append(folder / "noxfile.py", "# more\n"), kind="noxfile"),
    Mutation("nothing", runs=False),
    Mutation("time_of_a_file", lambda folder: os.utime(folder / "source.txt"), runs=False),
    Mutation("ignored_file", lambda folder: append(folder / "ignored.txt", "more\n"), runs=False),
    Mutation("environment_that_does_not_go_in", env={"EDITOR": "another"}, runs=False),
]

IMAGE_MUTATIONS = [
    Mutation("dockerfile_line", lambda folder: append(folder / "Dockerfile", "ENV LINE=2\n"), kind="image"),
    Mutation("base_image", another_base, kind="image"),
]


def base_of(folder: Path) -> str:
    return f"{folder.name}-base:latest"


def build_base(name: str, version: int) -> None:
    text = f"FROM {support.base('python:3.13-slim-trixie')}\nLABEL version={version}\n"
    support.run("docker", "build", "-q", "-t", name, "-", stdin=text.encode()).ok()


@pytest.fixture(scope="module")
def project(bases: None) -> Iterator[Project]:
    """A git checkout with a session that has been successful."""
    made = support.make_stack({})
    try:
        fill(made)
        yield made
    finally:
        made.down()


def fill(made: Project) -> None:
    build_base(base_of(made.directory), 1)
    made.write({"noxfile.py": NOXFILE, ".gitignore": "ignored.txt\n.ddd/\noutside/\n"})
    names = ("source.txt", "deleted.txt", "renamed.txt", "ignored.txt", "outside/mounted")
    made.write({name: f"{name}\n" for name in names})
    made.write({"Dockerfile": DOCKERFILE.format(base=base_of(made.directory))})
    (made.directory / "link").symlink_to("source.txt")
    made.run("git", "init", "-q").ok()
    made.run("git", "add", ".").ok()
    made.write({"untracked.txt": "untracked\n"})
    settle(made)


def settle(project: Project, session: str = "check") -> None:
    """Have the session's success remembered for the project as it is."""
    if RAN in project.nox("-s", session).ok().out:
        assert RAN not in project.nox("-s", session).ok().out


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.name for mutation in MUTATIONS])
def test_a_session_runs_again_if_and_only_if_something_of_it_changed(project: Project, mutation: Mutation) -> None:
    settle(project)
    mutation.what(project.directory)
    ran = project.nox("-s", "check", *mutation.words, env=mutation.env).ok()
    assert (RAN in ran.out) is mutation.runs, ran.err
    assert (f"not as at its last success: {mutation.kind}" in ran.err) is mutation.runs, ran.err


@pytest.mark.parametrize("mutation", IMAGE_MUTATIONS, ids=[mutation.name for mutation in IMAGE_MUTATIONS])
def test_a_session_runs_again_with_another_image(
    bases: None, stack: Callable[[Mapping[str, str]], Project], mutation: Mutation
) -> None:
    project = stack({})
    fill(project)
    mutation.what(project.directory)
    ran = project.nox("-s", "check").ok()
    assert RAN in ran.out
    assert f"not as at its last success: {mutation.kind}" in ran.err


def test_it_starts_no_container_and_says_what_it_compared(project: Project) -> None:
    settle(project)
    since = time.time()
    ran = project.nox("-s", "check").ok()
    assert "check is unchanged and was successful at 2" in ran.err
    assert "compared: image sha256:" in ran.err
    assert "0 arguments, the environment, " in ran.err
    assert "nox > Session check was successful" in ran.err
    filters = ("--filter", "event=create", "--filter", f"label=ddd-tasks.project={project.directory}")
    events = support.run("docker", "events", "--since", f"{since:.9f}", "--until", f"{time.time():.9f}", *filters).ok()
    assert not events.out


@pytest.mark.parametrize(
    ("words", "env"), [((), {"DDD_NO_RESULT_CACHE": "1"}), (("--reuse-venv=never",), {})], ids=["variable", "option"]
)
def test_it_runs_all_the_same_where_that_is_asked_for(
    project: Project, words: tuple[str, ...], env: Mapping[str, str]
) -> None:
    settle(project)
    assert RAN in project.nox("-s", "check", *words, env=env).ok().out
    assert RAN not in project.nox("-s", "check").ok().out


def test_a_failure_is_not_remembered_and_the_success_before_it_is(project: Project) -> None:
    settle(project)
    (project.directory / "fail").touch()
    for _ in range(2):
        failed = project.nox("-s", "check")
        assert failed.status == 1
        assert RAN in failed.out
    (project.directory / "fail").unlink()
    assert RAN not in project.nox("-s", "check").ok().out


def test_installing_only_neither_uses_nor_makes_a_success(project: Project) -> None:
    append(project.directory / "source.txt", "installing\n")
    project.nox("--install-only", "-s", "check").ok()
    assert RAN in project.nox("-s", "check").ok().out
    assert "does not run again" not in project.nox("--install-only", "-s", "check").ok().err


def test_each_set_of_parameters_has_its_own_success(project: Project) -> None:
    assert "number 1 ran" in project.nox("-s", "numbers(number=1)").ok().out
    assert project.nox("-s", "numbers").ok().out.splitlines() == ["number 2 ran"]
    assert not project.nox("-s", "numbers").ok().out


def test_what_a_session_queued_is_queued_again(project: Project) -> None:
    assert project.nox("-s", "queues").ok().out.splitlines() == [RAN, "queued a b"]
    assert project.nox("-s", "queues").ok().out.splitlines() == ["queued a b"]


def test_a_success_during_which_files_changed_is_not_remembered(project: Project) -> None:
    for _ in range(2):
        ran = project.nox("-s", "writes").ok()
        assert RAN in ran.out
        assert f"files changed that git does not ignore: {project.directory}/report.txt" in ran.err


def test_a_named_volume_is_refused(project: Project) -> None:
    ran = project.nox("-s", "named_volume")
    assert ran.status == 1
    assert "the content of a named volume cannot be compared" in ran.err


def test_runs_at_once_leave_nothing_broken(project: Project) -> None:
    append(project.directory / "source.txt", "at once\n")
    sessions = ["check", "numbers(number=1)", "numbers(number=2)"]
    running = [project.popen("nox", "-s", name, stderr=subprocess.STDOUT) for name in sessions]
    assert [support.end_of(one) for one in running] == [0, 0, 0]
    running = [project.popen("nox", "-s", name, stderr=subprocess.STDOUT) for name in [*sessions, "check", "check"]]
    for one in running:
        out, _ = one.communicate(timeout=60)
        assert one.returncode == 0
        assert b"does not run again" in out


def test_outside_of_a_checkout_every_file_counts(bases: None, stack: Callable[[Mapping[str, str]], Project]) -> None:
    project = stack({"noxfile.py": NOXFILE, "source.txt": "", "outside/mounted": "", ".gitignore": "ignored.txt\n"})
    project.write({"Dockerfile": "FROM python:3.13-slim-trixie AS test\n"})
    settle(project)
    project.write({"ignored.txt": "not ignored here\n"})
    assert RAN in project.nox("-s", "check").ok().out
