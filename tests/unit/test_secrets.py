"""Secrets: what is declared, who owns what, and the archives that carry them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import process, projectsecrets
from ddd_tasks import project as projects
from ddd_tasks.engine import archive
from ddd_tasks.engine.archive import File
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.project import Mount, Project, Service
from ddd_tasks.projectsecrets import Source, Use
from ddd_tasks.secret import editing, listing, placing, sources, volumes
from ddd_tasks.secret.placing import Placed

COMPOSE = Path("/src/compose.yaml")
PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002::/home/app:/bin/sh\n"
GROUP = "root:x:0:\nstaff:x:50:\n"


def read(path: str) -> str:
    return {"/etc/passwd": PASSWD, "/etc/group": GROUP}[path]


def service(*uses: Use, user: str | None = None, mounts: tuple[Mount, ...] = ()) -> Service:
    return Service("api", "x", None, mounts, (), None, user, False, (), (), {}, uses)


def project(directory: Path, secrets: dict[str, Source], *services: Service) -> Project:
    return Project("shop", directory, (directory / "compose.yaml",), {one.name: one for one in services}, {}, secrets)


class TestDeclared:
    def test_a_short_and_a_long_form(self) -> None:
        entries = [{"source": "a"}, {"source": "b", "target": "deep/b", "uid": "7", "gid": "8", "mode": 0o440}]
        assert list(projectsecrets.uses(entries)) == [
            Use("a", "/run/secrets/a"),
            Use("b", "/run/secrets/deep/b", "7", "8", 0o440),
        ]
        assert list(projectsecrets.uses([{"source": "a", "target": "/opt/a"}])) == [Use("a", "/opt/a")]

    def test_a_mode_as_later_versions_of_compose_write_it(self) -> None:
        assert next(projectsecrets.uses([{"source": "a", "mode": "0440"}])).mode == 0o440

    def test_a_build_knows_its_secrets_by_id(self) -> None:
        assert [use.target for use in projectsecrets.uses([{"source": "a"}], folder="")] == ["a"]

    def test_sources_and_the_way_through_json(self) -> None:
        config: dict[str, Any] = {
            "name": "shop",
            "secrets": {
                "a": {"file": "/src/a"},
                "b": {"environment": "B", "x-ddd": {"command": ["pass", "show", "b"]}},
                "c": {"external": True},
            },
            "services": {
                "api": {"build": {"context": "/src", "secrets": [{"source": "b"}]}, "secrets": [{"source": "a"}]}
            },
        }
        parsed = projects._parse(config, (COMPOSE,))
        assert parsed.secrets == {
            "a": Source(Path("/src/a")),
            "b": Source(None, "B", ("pass", "show", "b")),
            "c": Source(),
        }
        assert projects.from_dict(json.loads(json.dumps(projects.to_dict(parsed)))) == parsed

    @pytest.mark.parametrize("command", ["pass show b", [], [1], ["pass", ""], None])
    def test_a_command_is_a_list_of_words(self, command: Any) -> None:
        with pytest.raises(ConfigError, match="list of words"):
            projectsecrets.sources({"secrets": {"b": {"environment": "B", "x-ddd": {"command": command}}}}, COMPOSE)


class TestOwner:
    @pytest.mark.parametrize(
        ("user", "found"),
        [
            ("", (0, 0)),
            ("10001:10002", (10001, 10002)),
            ("10001", (10001, 0)),
            ("1001", (1001, 1002)),
            ("app", (1001, 1002)),
            ("app:staff", (1001, 50)),
            ("app:root", (1001, 0)),
            ("app:7", (1001, 7)),
        ],
    )
    def test_a_user_as_the_engine_finds_it(self, user: str, found: tuple[int, int]) -> None:
        assert placing.owner(user, read) == found

    @pytest.mark.parametrize("user", ["nobody-here", "app:nothing"])
    def test_an_unknown_name_is_refused(self, user: str) -> None:
        with pytest.raises(ConfigError, match="the image has no such"):
            placing.owner(user, read)

    def test_numbers_ask_nobody(self) -> None:
        assert placing.owner("1:2", lambda path: pytest.fail(path)) == (1, 2)


class TestPlaced:
    def place(self, use: Use, **options: Any) -> Placed:
        (only,) = placing.placed(service(use, **options), "app", {"a": b"x"}, read)
        return only

    def test_nobody_but_the_process_may_read(self) -> None:
        assert self.place(Use("a", "/run/secrets/a")) == Placed("/run/secrets/a", b"x", 1001, 1002, 0o400)

    def test_what_the_file_says_counts(self) -> None:
        asked = Use("a", "/run/secrets/a", "5", "staff", 0o444)
        assert self.place(asked)[2:] == (5, 50, 0o444)

    def test_the_caller_may_read_where_commands_run_as_the_caller(self) -> None:
        mounts = (Mount(Path("/src"), "/app", False),)
        assert self.place(Use("a", "/run/secrets/a"), mounts=mounts)[2:] == (1001, os.getgid(), 0o440)
        assert self.place(Use("a", "/run/secrets/a"), mounts=mounts, user="app")[2:] == (1001, 1002, 0o400)
        assert self.place(Use("a", "/run/secrets/a", mode=0o400), mounts=mounts)[4] == 0o400


class TestValues:
    def test_a_file_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"\xff\n")
        assert sources.value(project(tmp_path, {"a": Source(tmp_path / "a")}), "a") == b"\xff\n"

    def test_a_variable_comes_before_a_command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = project(tmp_path, {"a": Source(None, "DDD_TEST_A", ("echo", "of a command"))})
        assert sources.value(asked, "a") == b"of a command"
        monkeypatch.setenv("DDD_TEST_A", "of a variable")
        assert sources.value(asked, "a") == b"of a variable"

    def test_an_empty_variable_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DDD_TEST_A", "")
        with pytest.raises(sources.MissingSecretError, match="DDD_TEST_A is set neither"):
            sources.value(project(tmp_path, {"a": Source(None, "DDD_TEST_A")}), "a")

    def test_a_command_runs_once_and_without_a_shell(self, tmp_path: Path) -> None:
        script = "echo again >> ran; printf '%s' \"$0\""
        asked = project(tmp_path, {"a": Source(None, "", ("sh", "-c", script, "$(id); *"))})
        assert [sources.value(asked, "a") for _ in range(2)] == [b"$(id); *"] * 2
        assert (tmp_path / "ran").read_text() == "again\n"

    def test_only_what_the_environment_lacks_is_given_to_a_build(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DDD_TEST_SET", "here")
        secrets = {
            "set": Source(None, "DDD_TEST_SET"),
            "asked": Source(None, "DDD_TEST_ASKED", ("echo", "there")),
        }
        build = projects.Build(tmp_path, tmp_path / "Dockerfile", None, (Use("set", "set"), Use("asked", "asked")))
        built = service()._replace(build=build)
        assert sources.of_builds(project(tmp_path, secrets), [built]) == {"DDD_TEST_ASKED": "there"}


class TestOverlay:
    def test_without_secrets_there_is_none(self, tmp_path: Path) -> None:
        assert volumes.overlay(project(tmp_path, {}, service())) == ()

    def test_it_takes_the_place_of_what_compose_would_do(self, tmp_path: Path) -> None:
        asked = service(Use("a", "/run/secrets/a"), Use("a", "/opt/a"))
        (file,) = volumes.overlay(project(tmp_path, {"a": Source(tmp_path / "a")}, asked))
        lines = file.read_text().splitlines()
        assert lines[:3] == ["services:", '  "api":', "    secrets: !reset []"]
        run, elsewhere = json.loads(lines[3].removeprefix("    volumes: "))
        assert (run["target"], run["read_only"], run["volume"]) == ("/run/secrets", True, {"nocopy": True})
        assert (elsewhere["target"], elsewhere["volume"]["subpath"]) == ("/opt/a", "0")
        assert run["source"] != elsewhere["source"]

    def test_another_set_of_targets_is_another_volume(self, tmp_path: Path) -> None:
        names = {
            volumes._volume(
                project(tmp_path, {}), service(*(Use(name, f"/run/secrets/{name}") for name in some)), "run"
            )
            for some in ("a", "ab", "b")
        }
        assert len(names) == 3


class TestArchive:
    def test_files_lie_in_folders_that_can_be_entered(self) -> None:
        packed = archive.pack([File("deep/er/a", b"x", 1, 2, 0o440, 5), File("deep/b", b"y", 3, 4)])
        with tarfile.open(fileobj=io.BytesIO(packed)) as opened:
            found = [(entry.name, entry.mode, entry.uid, entry.gid) for entry in opened]
        assert found == [
            ("deep", 0o755, 0, 0),
            ("deep/er", 0o755, 0, 0),
            ("deep/er/a", 0o440, 1, 2),
            ("deep/b", 0o400, 3, 4),
        ]


class TestEditing:
    @pytest.mark.parametrize(
        ("given", "kept"), [(b"a\n", b"a"), (b"a", b"a"), (b"a\nb\n", b"a\nb\n"), (b"\n", b""), (b"", b"")]
    )
    def test_a_line_loses_its_end_and_a_text_keeps_it(self, given: bytes, kept: bytes) -> None:
        assert editing.one_line(given) == kept

    def test_a_file_is_replaced_for_its_owner_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "new" / "a"
        asked = project(tmp_path, {"a": Source(file)})
        assert editing.store(asked, "a", b"one") == file
        file.chmod(0o644)
        editing.store(asked, "a", b"two")
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", 0o600)
        assert file.parent.stat().st_mode & 0o077 == 0
        assert [entry.name for entry in file.parent.iterdir()] == ["a"]

    def test_other_lines_of_dotenv_stay(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("# mine\nA=1\nexport AB=old\n")
        editing.store(project(tmp_path, {"a": Source(None, "AB")}), "a", b"new")
        assert (tmp_path / ".env").read_text() == "# mine\nA=1\nAB='new'\n"

    def test_other_lines_of_dotenv_stay_byte_for_byte(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes(b"L=\xe9\nU=a\xe2\x80\xa8b\nA='b=\"c'\n")
        editing.store(project(tmp_path, {"a": Source(None, "A")}), "a", b"new")
        assert (tmp_path / ".env").read_bytes() == b"L=\xe9\nU=a\xe2\x80\xa8b\nA='new'\n"

    @pytest.mark.parametrize("quote", ["'", '"'])
    def test_no_half_of_a_value_stays_in_dotenv(self, tmp_path: Path, quote: str) -> None:
        before = f"A={quote}one\ntwo{quote}\n"
        (tmp_path / ".env").write_text(before)
        with pytest.raises(ConfigError, match="over several lines"):
            editing.store(project(tmp_path, {"a": Source(None, "A")}), "a", b"new")
        assert (tmp_path / ".env").read_text() == before

    def test_a_dry_run_writes_nothing(self, tmp_path: Path) -> None:
        asked = project(tmp_path, {"a": Source(tmp_path / "a"), "b": Source(None, "B")})
        with process.mode(dry=True):
            assert editing.store(asked, "a", b"new") == tmp_path / "a"
            assert editing.store(asked, "b", b"new") == tmp_path / ".env"
        assert not list(tmp_path.iterdir())

    def test_a_place_that_is_no_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "taken").touch()
        with pytest.raises(ConfigError, match="cannot be written"):
            editing.store(project(tmp_path, {"a": Source(tmp_path / "taken" / "a")}), "a", b"new")

    def test_an_interruption_leaves_no_draft(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            editing.store(project(tmp_path, {"a": Source(tmp_path / "a")}), "a", b"new")
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_secret_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownNameError, match="no secret named 'b'"):
            editing.store(project(tmp_path, {"a": Source()}), "b", b"")


def test_a_list_asks_no_command(tmp_path: Path) -> None:
    asked = project(tmp_path, {"a": Source(None, "DDD_TEST_A", ("touch", str(tmp_path / "ran")))})
    (row,) = listing.rows(asked)
    assert (row.kind, row.is_present, row.cells["present"]) == ("command", None, "ask its command")
    assert not (tmp_path / "ran").exists()
