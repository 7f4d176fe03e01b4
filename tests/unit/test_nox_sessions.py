"""Programs, scripts, container and source of container sessions: what needs no engine to be right."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ddd_tasks.engine.identity import Identity, Introduction
from ddd_tasks.errors import ConfigError
from ddd_tasks.hostconfig import CONTAINER_CA, HostConfig
from ddd_tasks.sessions import (
    access,
    commands,
    container,
    inside,
    options,
    session,
    shims,
    source,
)


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
    PLAN = container.Plan("image", "tests", "project", Path("/srv"), (Path("/srv"), Path("/elsewhere")))

    def test_it_is_held_by_its_stdin_and_removed_by_the_engine(self) -> None:
        asked = container.specification(self.PLAN)
        assert (asked["OpenStdin"], asked["StdinOnce"], asked["HostConfig"]["AutoRemove"]) == (True, True, True)

    def test_folders_are_at_the_same_path_inside(self) -> None:
        mounts = container.specification(self.PLAN)["HostConfig"]["Mounts"]
        assert [(mount["Source"], mount["Target"]) for mount in mounts] == [("/srv", "/srv"), ("/elsewhere",) * 2]

    def test_it_has_no_more_rights_than_any_container(self) -> None:
        asked = container.specification(self.PLAN)["HostConfig"]
        assert not {"Privileged", "SecurityOpt", "CapAdd", "PidMode"} & set(asked)
        assert not any("docker.sock" in mount["Source"] for mount in asked["Mounts"])

    def test_its_labels_say_whose_it_is(self) -> None:
        labels = container.specification(self.PLAN)["Labels"]
        assert labels == {"ddd-tasks.session": "tests", "ddd-tasks.project": "/srv"}


class TestVolumes:
    def test_a_relative_source_is_one_of_the_project(self) -> None:
        assert session._absolute("./data:/data:ro", Path("/srv")) == "/srv/data:/data:ro"

    def test_a_name_is_a_volume_of_the_engine(self) -> None:
        assert session._absolute("cache:/root/.cache", Path("/srv")) == "cache:/root/.cache"

    def test_half_a_volume_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="no volume"):
            session._absolute("./data", Path("/srv"))


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

    def test_only_the_caller_can_read_what_may_hold_a_password(self, tmp_path: Path) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("secret")
        packed = Introduction(self.WHO).archive(access.uploads(HostConfig(netrc=netrc), self.WHO))
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            entry = archive.getmembers()[0]
        assert (entry.name, entry.mode, entry.uid) == ("home/dev/.netrc", 0o600, 1000)

    def test_nothing_is_written_into_what_is_mounted(self) -> None:
        config = HostConfig(pip_conf="[global]\ntimeout = 5\n", npmrc="registry=x\n")
        for mounted, left in (("/home/dev", {"/etc/pip.conf"}), ("/etc", {"/home/dev/.npmrc"}), ("/", set())):
            assert {one.path for one in access.uploads(config, self.WHO, ["/src", mounted])} == left
        assert len(access.uploads(config, self.WHO, ["/home/dev/work", "/etc/pip"])) == 2


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
