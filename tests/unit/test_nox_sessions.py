"""Options, environment, programs and scripts of container sessions: what needs no engine to be right."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ddd_tasks.engine.identity import Identity
from ddd_tasks.errors import ConfigError
from ddd_tasks.hostconfig import CONTAINER_CA, HostConfig
from ddd_tasks.sessions import access, commands, container, environment, inside, options, session, shims, source, venv


class TestOptions:
    def test_a_plain_stage_has_a_readable_key(self) -> None:
        assert options.make("test").key == "container:test"

    def test_different_options_are_different_backends(self) -> None:
        keys = {
            options.make("test").key,
            options.make("test", network="none").key,
            options.make("test", network="host").key,
            options.make("test", env=["A"]).key,
            options.make("test", build_args={"A": "1"}).key,
            options.make("lint").key,
        }
        assert len(keys) == 6

    def test_the_order_of_options_does_not_matter(self) -> None:
        one = options.make("test", env=["A", "B"], build_args={"X": "1", "Y": "2"})
        other = options.make("test", env=["B", "A"], build_args={"Y": "2", "X": "1"})
        assert one.key == other.key

    def test_a_key_holds_neither_a_secret_nor_the_sign_between_backends(self) -> None:
        key = options.make("test", build_args={"TOKEN": "hunter2|x"}).key
        assert "hunter2" not in key
        assert "|" not in key


class TestEnvironment:
    def test_of_the_host_only_what_speaks_to_tools_goes_in(self) -> None:
        outer = {
            "CI": "true",
            "PIP_INDEX_URL": "https://example.org",
            "PIP_CERT": "/etc/cert",
            "HOME": "/root",
            "X": "1",
        }
        assert json.loads(environment.describe({}, outer))["forward"] == ["CI", "PIP_INDEX_URL"]

    def test_what_the_session_sets_goes_in_and_none_is_taken_away(self) -> None:
        told = json.loads(environment.describe({"A": "/path", "CI": None}, {"CI": "true"}))
        assert told["forward"] == ["A"]
        assert told["unset"] == ["CI"]

    def test_only_directories_that_the_session_put_on_path_are_told(self) -> None:
        told = json.loads(environment.describe({"PATH": "/work/tools:/usr/bin"}, {"PATH": "/usr/bin:/bin"}))
        assert told["path"] == ["/work/tools"]


class TestPython:
    PROGRAMS = frozenset({"python", "python3", "python3.13", "pypy3.11", "python3.14t", "sh"})

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            (None, "python3"),
            ("3", "python3"),
            ("3.13", "python3.13"),
            ("3.13.5", "python3.13"),
            ("3.14t", "python3.14t"),
            ("python3.13", "python3.13"),
            ("pypy-3.11", "pypy3.11"),
        ],
    )
    def test_the_program_for_what_nox_takes(self, asked: str | None, found: str) -> None:
        assert venv.choose(asked, self.PROGRAMS) == found

    def test_a_version_that_the_stage_lacks_is_refused_with_those_it_has(self) -> None:
        with pytest.raises(venv.PythonNotFoundError) as refused:
            venv.choose("3.9", self.PROGRAMS)
        assert "python3.13" in refused.value.valid

    def test_a_stage_without_python_is_one_without_venv(self) -> None:
        assert venv.choose(None, {"sh", "go"}) is None

    @pytest.mark.parametrize(
        ("asked", "version", "fits"),
        [("3.13", "3.13.5", True), ("3.13.5", "3.13.5", True), ("3.13.5", "3.13.50", False), (None, "3.9.1", True)],
    )
    def test_a_full_version_is_compared(self, asked: str | None, version: str, *, fits: bool) -> None:
        assert venv.fits(asked, version) is fits


class TestShims:
    def test_a_shim_starts_the_runner_with_state_program_and_arguments(self, tmp_path: Path) -> None:
        state = tmp_path / "with 'quote" / "session.json"
        shims.write(tmp_path / "bin", state, {"tool"})
        text = (tmp_path / "bin" / "tool").read_text()
        assert f"{sys.executable} -E -S" in text
        assert "runner.py" in text

    def test_inside_a_container_it_runs_the_program_of_its_name(self, tmp_path: Path) -> None:
        shims.write(tmp_path / "bin", tmp_path / "session.json", {"echo"})
        env = {**os.environ, shims.INSIDE: "1"}
        done = subprocess.run([tmp_path / "bin" / "echo", "a  b"], env=env, capture_output=True, check=True)
        assert done.stdout == b"a  b\n"

    def test_programs_that_were_installed_since_are_added(self, tmp_path: Path) -> None:
        installed = tmp_path / "venv-bin"
        installed.mkdir()
        (installed / "new").touch()
        (installed / "old").touch()
        shims.write(tmp_path / "bin", tmp_path / "session.json", {"old"})
        shims.add(tmp_path / "bin", installed)
        shims.add(tmp_path / "bin", installed)
        assert sorted(path.name for path in (tmp_path / "bin").iterdir()) == ["new", "old"]

    def test_a_missing_venv_adds_nothing(self, tmp_path: Path) -> None:
        shims.write(tmp_path / "bin", tmp_path / "session.json", {"old"})
        shims.add(tmp_path / "bin", tmp_path / "absent")
        assert [path.name for path in (tmp_path / "bin").iterdir()] == ["old"]


class TestScripts:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"#!/opt/venv/bin/python\nimport x\n", b"#!/s/bin/python\nimport x\n"),
            (b"#!/opt/venv/bin/python3.13 -I\nimport x\n", b"#!/s/bin/python -I\nimport x\n"),
            (b"#!/bin/sh\n'''exec' '/opt/venv/bin/python3' \"$0\" \"$@\"\n' '''\nx", None),
            (b"#!/usr/bin/env python3\nimport x\n", b""),
            (b"#!/bin/sh\necho /opt/venv/bin/pythonic\n", b""),
            (b"\x7fELF", b""),
        ],
    )
    def test_scripts_get_the_venvs_python(self, tmp_path: Path, before: bytes, after: bytes | None) -> None:
        script = tmp_path / "script"
        script.write_bytes(before)
        pattern = re.compile(re.escape("/opt/venv/bin") + inside._INTERPRETER)
        expected = before.replace(b"/opt/venv/bin/python3", b"/s/bin/python") if after is None else after
        assert inside._rewritten(str(script), pattern, "/s/bin/python") == expected

    def test_a_first_line_that_the_kernel_would_cut_goes_through_sh(self, tmp_path: Path) -> None:
        script = tmp_path / "script"
        script.write_bytes(b"#!/opt/venv/bin/python\nprint('ran')\n")
        link = tmp_path / ("d" * 100) / ("e" * 100) / "python"
        link.parent.mkdir(parents=True)
        link.symlink_to(sys.executable)
        pattern = re.compile(re.escape("/opt/venv/bin") + inside._INTERPRETER)
        script.write_bytes(inside._rewritten(str(script), pattern, str(link)))
        script.chmod(0o755)
        assert subprocess.run([script], capture_output=True, check=True).stdout == b"ran\n"


class TestContainer:
    PLAN = container.Plan("image", "tests", "project", Path("/work"), (Path("/work"), Path("/elsewhere")))

    def test_it_is_held_by_its_stdin_and_removed_by_the_engine(self) -> None:
        asked = container.specification(self.PLAN)
        assert (asked["OpenStdin"], asked["StdinOnce"], asked["HostConfig"]["AutoRemove"]) == (True, True, True)

    def test_folders_are_at_the_same_path_inside(self) -> None:
        mounts = container.specification(self.PLAN)["HostConfig"]["Mounts"]
        assert [(mount["Source"], mount["Target"]) for mount in mounts] == [("/work", "/work"), ("/elsewhere",) * 2]

    def test_it_has_no_more_rights_than_any_container(self) -> None:
        asked = container.specification(self.PLAN)["HostConfig"]
        assert not {"Privileged", "SecurityOpt", "CapAdd", "PidMode"} & set(asked)
        assert not any("docker.sock" in mount["Source"] for mount in asked["Mounts"])

    def test_its_labels_say_whose_it_is(self) -> None:
        labels = container.specification(self.PLAN)["Labels"]
        assert labels == {"ddd-tasks.session": "tests", "ddd-tasks.project": "/work"}


class TestVolumes:
    def test_a_relative_source_is_one_of_the_project(self) -> None:
        assert session._absolute("./data:/data:ro", Path("/work")) == "/work/data:/data:ro"

    def test_a_name_is_a_volume_of_the_engine(self) -> None:
        assert session._absolute("cache:/root/.cache", Path("/work")) == "cache:/root/.cache"

    def test_half_a_volume_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="no volume"):
            session._absolute("./data", Path("/work"))


class TestCommand:
    def test_arguments_follow_a_list(self) -> None:
        assert commands.StageCommand("test", "", ("pytest", "-q")).argv(["-k", "a b"]) == ["pytest", "-q", "-k", "a b"]

    @pytest.mark.parametrize("shell", [("/bin/sh", "-c"), ("/bin/bash", "-o", "pipefail", "-ec")])
    def test_arguments_follow_a_line_for_the_shell(self, shell: tuple[str, ...]) -> None:
        argv = commands.StageCommand("test", "", (*shell, "printf '%s|' x")).argv(["a b", "c"])
        assert subprocess.run(argv, capture_output=True, check=True).stdout == b"x|a b|c|"

    def test_an_absolute_path_is_one_of_the_image(self) -> None:
        assert commands.StageCommand("test", "", ("/opt/venv/bin/pytest",)).argv([]) == ["env", "/opt/venv/bin/pytest"]


class TestAccess:
    WHO = Identity(1000, 1000, "dev", "/home/dev")

    def test_a_host_without_configuration_changes_nothing_inside(self) -> None:
        assert access.wanted(HostConfig(ca_bundle=Path("/etc/ssl/certs/ca-certificates.crt")), self.WHO) == {}

    def test_configuration_is_put_where_the_tools_look(self, tmp_path: Path) -> None:
        bundle = tmp_path / "ca.pem"
        bundle.write_bytes(b"certificates")
        config = HostConfig(bundle, {}, f"[global]\ncert = {CONTAINER_CA}\n", "native-tls = true\n", "registry=x\n")
        files = access.wanted(config, self.WHO)
        assert files[CONTAINER_CA] == b"certificates"
        assert set(files) == {CONTAINER_CA, "/etc/pip.conf", "/etc/uv/uv.toml", "/home/dev/.npmrc"}

    def test_only_the_caller_can_read_what_may_hold_a_password(self) -> None:
        packed = access._archive({"/home/dev/.netrc": b"secret"}, self.WHO)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            entry = archive.getmembers()[0]
        assert (entry.name, entry.mode, entry.uid) == ("home/dev/.netrc", 0o600, 1000)


class TestSource:
    def test_without_a_compose_file_it_is_the_dockerfile_beside_the_noxfile(self, tmp_path: Path) -> None:
        found = source.find(options.make("test"), tmp_path)
        assert (found.dockerfile, found.context, found.directory) == (tmp_path / "Dockerfile", tmp_path, tmp_path)

    def test_a_dockerfile_that_is_named_is_built_in_its_own_folder(self, tmp_path: Path) -> None:
        found = source.find(options.make("test", dockerfile="docker/Dockerfile"), tmp_path)
        assert (found.dockerfile, found.context) == (tmp_path / "docker/Dockerfile", tmp_path / "docker")

    def test_or_in_the_context_that_is_named(self, tmp_path: Path) -> None:
        found = source.find(options.make("test", dockerfile="docker/Dockerfile", context="."), tmp_path)
        assert found.context == tmp_path

    def test_two_checkouts_have_different_names_on_the_engine(self, tmp_path: Path) -> None:
        slugs = set()
        for parent in ("a", "b"):
            (tmp_path / parent / "app").mkdir(parents=True)
            slugs.add(source.find(options.make("test"), tmp_path / parent / "app").slug)
        assert len(slugs) == 2

    def test_a_service_without_a_compose_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no Compose file"):
            source.find(options.make("test", service="api"), tmp_path)
