"""The folder that a run of a profiler leaves, and how runs are found again."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.language import PathMapping
from ddd_tasks.profiling import artefacts, flamegraph, stacks, summary
from ddd_tasks.profiling.artefacts import Artefact, Recorded
from ddd_tasks.profiling.stacks import SAMPLES, Frame, Profile
from ddd_tasks.project import Project

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=timezone.utc)
PROFILE = Profile(
    "python",
    SAMPLES,
    100,
    2.0,
    3,
    {
        (Frame("main", "/app/main.py", 1), Frame("hot", "/app/lib/hot.py", 4)): 150,
        (Frame("main", "/app/main.py", 2), Frame("read", "/usr/lib/io.py", 9)): 50,
    },
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project("shop", tmp_path, (tmp_path / "compose.yaml",), {}, {})


def recorded(service: str = "api") -> Recorded:
    return Recorded(service, "cpu", PROFILE, ("py-spy.txt", b"raw"), "shop-api", ("run", "--password=hunter2"))


def test_a_run_is_one_folder_with_all_files(project: Project) -> None:
    made = artefacts.write(project, recorded(), now=NOON)
    assert made.folder == project.directory / ".ddd" / "profiles" / "api" / "20260102T120000Z"
    names = {file.name for file in made.folder.iterdir()}
    assert names == {"py-spy.txt", "folded.txt", "speedscope.json", "flamegraph.html", "meta.json"}
    assert (made.folder / "py-spy.txt").read_bytes() == b"raw"
    assert json.loads((made.folder / "speedscope.json").read_text())["name"] == "api, cpu, 2 s at 100 Hz"
    assert artefacts.profile_of(made) == PROFILE
    assert list(made.folder.parent.iterdir()) == [made.folder]


def test_meta_says_what_was_profiled_without_passwords(project: Project) -> None:
    made = artefacts.write(project, recorded(), now=NOON)
    meta = json.loads((made.folder / "meta.json").read_text())
    assert meta == made.meta
    facts = {
        "service": "api",
        "kind": "cpu",
        "language": "python",
        "weight": 200,
        "lost": 3,
        "rate": 100,
        "seconds": 2.0,
    }
    assert facts.items() <= meta.items()
    assert meta["image"] == "shop-api"
    assert meta["command"] == ["run", "--password=***"]


def test_two_runs_of_one_second_are_two_folders(project: Project) -> None:
    made = [artefacts.write(project, recorded(), now=NOON) for _ in range(3)]
    assert [one.folder.name[-4:] for one in made] == ["000Z", "Z-02", "Z-03"]
    assert artefacts.every(project) == made


def test_a_run_that_cannot_be_written_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = artefacts.write(project, recorded(), now=NOON)
    whole = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.name == "meta.json":
            raise OSError(28, "No space left on device")
        return whole(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match="cannot be written") as caught:
        artefacts.write(project, recorded(), now=NOON)
    assert "No space left" in caught.value.cause
    assert caught.value.hint.startswith("df -h ")
    assert list(kept.folder.parent.iterdir()) == [kept.folder]


def test_a_picture_that_cannot_be_drawn_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(flamegraph, "render", broken)
    with pytest.raises(KeyboardInterrupt):
        artefacts.write(project, recorded(), now=NOON)
    assert not (project.private / "profiles").exists()


def test_a_file_in_the_way_is_said(project: Project) -> None:
    (project.directory / ".ddd").write_text("")
    with pytest.raises(ConfigError, match="cannot be written below"):
        artefacts.write(project, recorded(), now=NOON)


def test_runs_are_found_by_every_name_of_theirs(project: Project) -> None:
    first = artefacts.write(project, recorded(), now=NOON)
    second = artefacts.write(project, recorded("web"), now=NOON.replace(hour=13))
    third = artefacts.write(project, recorded(), now=NOON.replace(hour=14))
    assert artefacts.every(project) == [first, second, third]
    assert artefacts.every(project, "api") == [first, third]
    assert artefacts.latest(project) == artefacts.find(project, "latest") == artefacts.find(project, "api") == third
    assert artefacts.find(project, "20260102T130000Z") == artefacts.find(project, second.name) == second
    assert artefacts.find(project, str(first.folder)) == first


def test_a_name_that_is_none_is_refused_with_those_that_are(project: Project) -> None:
    artefacts.write(project, recorded(), now=NOON)
    with pytest.raises(UnknownNameError) as caught:
        artefacts.find(project, "api/20260102T120001Z")
    assert caught.value.nearest == "api/20260102T120000Z"


def test_names_of_any_kind_are_kept(project: Project) -> None:
    seen: dict[tuple[Frame, ...], int] = {
        (Frame("", "", 0),): 1,
        (Frame("\ud83d half a letter", "/app/x.js", 3), Frame("漢; \n字 </script>", "/app/漢 字.js", 2)): 2,
    }
    made = artefacts.write(project, recorded()._replace(profile=Profile("node", SAMPLES, 100, 2.0, 0, seen)), now=NOON)
    back = artefacts.profile_of(made)
    assert back.weight == 3
    assert {stack[-1].function for stack in back.stacks} == {"?", "漢,  字 </script>"}
    assert json.loads((made.folder / "speedscope.json").read_text())["shared"]["frames"][0] == {"name": ""}
    assert (made.folder / "flamegraph.html").read_text().count("</script>") == 2


def test_the_one_before_is_of_the_same_service_and_kind(project: Project) -> None:
    first = artefacts.write(project, recorded(), now=NOON)
    artefacts.write(project, recorded()._replace(kind="memory"), now=NOON.replace(hour=13))
    artefacts.write(project, recorded("web"), now=NOON.replace(hour=14))
    last = artefacts.write(project, recorded(), now=NOON.replace(hour=15))
    assert artefacts.find(project, "previous") == artefacts.find(project, "api/previous") == first
    assert artefacts.find(project, "api/latest") == last
    with pytest.raises(ConfigError, match="no profile of service 'web' before") as caught:
        artefacts.find(project, "web/previous")
    assert caught.value.hint == "ddd profile.cpu --service web"
    with pytest.raises(UnknownNameError):
        artefacts.find(project, "nothing/previous")


def test_what_a_session_ran_is_found_by_its_name(project: Project) -> None:
    made = artefacts.write(project, recorded("test")._replace(command=("nox", "-s", "test")), now=NOON)
    assert artefacts.listed(project, "test") == artefacts.listed(project, None) == [made]
    with pytest.raises(ConfigError) as caught:
        artefacts.find(project, "test/previous")
    assert caught.value.hint == "nox -s test -- --profile"
    with pytest.raises(UnknownNameError):
        artefacts.listed(project, "nothing")


def test_a_run_knows_its_files_on_this_machine(project: Project) -> None:
    (project.directory / "lib").mkdir()
    (project.directory / "lib" / "hot.py").touch()
    sources = summary.sources(project, PROFILE, [PathMapping(project.directory, "/app")])
    made = artefacts.write(project, recorded(), sources, now=NOON)
    assert artefacts.every(project)[0].sources == {"/app/lib/hot.py": "lib/hot.py"}
    assert "sources" not in made.as_dict()
    made_before = Artefact(made.folder, {"unit": SAMPLES})
    assert made_before.sources == {}


def test_without_a_run_the_hint_makes_one(project: Project) -> None:
    with pytest.raises(ConfigError, match="no profile of service 'api' yet") as caught:
        artefacts.latest(project, "api")
    assert caught.value.hint == "ddd profile.cpu --service api"
    with pytest.raises(UnknownNameError) as unknown:
        artefacts.find(project, "api")
    assert unknown.value.hint == "ddd profile.cpu"


def test_drafts_and_folders_of_others_are_no_runs(project: Project) -> None:
    made = artefacts.write(project, recorded(), now=NOON)
    for name, text in ((".draft-x", "{}"), ("other", "[]"), ("broken", "{")):
        (made.folder.parent / name).mkdir()
        (made.folder.parent / name / "meta.json").write_text(text)
    assert artefacts.every(project) == [made]


def test_stacks_that_were_changed_by_hand_are_refused(project: Project) -> None:
    made = artefacts.write(project, recorded(), now=NOON)
    (made.folder / "folded.txt").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        artefacts.profile_of(made)


def test_the_summary_says_where_a_function_is_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "hot.py").touch()
    first, second = summary.rows(PROFILE, [PathMapping(tmp_path, "/app")])
    assert first.cells(tmp_path) == {"self": "75.0%", "total": "75.0%", "function": "hot", "where": "lib/hot.py:4"}
    assert first.cells(tmp_path / "elsewhere")["where"] == f"{tmp_path}/lib/hot.py:4"
    assert first.as_dict()["path"] == str(tmp_path / "lib" / "hot.py")
    assert second.cells(tmp_path)["where"] == "/usr/lib/io.py:9"
    assert second.as_dict()["path"] is None


def test_a_file_that_is_only_in_the_image_has_no_path(tmp_path: Path) -> None:
    first, *_ = summary.rows(PROFILE, [PathMapping(tmp_path, "/app")])
    assert first.path is None
    assert first.cells(tmp_path)["where"] == "/app/lib/hot.py:4"


def test_as_many_rows_as_asked_for() -> None:
    assert [one.total.function for one in summary.rows(PROFILE, [], 1)] == ["hot"]
    assert stacks.hottest(PROFILE, 1)[0].own == 0.75
