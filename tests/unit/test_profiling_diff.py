"""Two profiles compared: what changed most, in which measure, and what only chance has changed."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.profiling import artefacts, comparison, diff
from ddd_tasks.profiling.artefacts import Artefact, Recorded
from ddd_tasks.profiling.stacks import BYTES, SAMPLES, Frame, Profile
from ddd_tasks.project import Project

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=timezone.utc)
MAIN = Frame("main", "/app/main.py", 3)
FILES = {name: Frame(name, f"/app/{name}.py", 5) for name in ("parse", "store", "render")}


def profile(seconds: float = 10.0, unit: str = SAMPLES, language: str = "python", **samples: int) -> Profile:
    """Samples of functions that main calls."""
    seen: dict[tuple[Frame, ...], int] = {(MAIN, FILES[name]): count for name, count in samples.items()}
    return Profile(language, unit, 100 if unit == SAMPLES else 0, seconds, 0, seen)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project("shop", tmp_path, (tmp_path / "compose.yaml",), {}, {})


def write(project: Project, seen: Profile, hour: int, service: str = "api", kind: str = "cpu") -> Artefact:
    recorded = Recorded(service, kind, seen, ("raw.txt", b""))
    return artefacts.write(project, recorded, {"/app/parse.py": "app/parse.py"}, now=NOON.replace(hour=hour))


def test_what_changed_most_comes_first_and_growth_before_loss() -> None:
    found = diff.changes(profile(parse=100, store=500, render=400), profile(parse=400, store=200, render=400))
    assert [(one.function, round(one.self_change, 6)) for one in found] == [
        ("parse", 0.3),
        ("store", -0.3),
        ("main", 0.0),
        ("render", 0.0),
    ]
    assert (found[2].total_before, found[2].total_after) == (1.0, 1.0)


def test_a_function_that_is_new_or_gone_was_or_is_nothing() -> None:
    found = {one.function: one for one in diff.changes(profile(parse=100), profile(render=100))}
    assert (found["render"].self_before, found["render"].self_after) == (0, 1)
    assert (found["parse"].self_before, found["parse"].self_after) == (1, 0)


def test_code_that_moved_is_the_same_function_at_its_new_line() -> None:
    before, after = profile(parse=100), profile(parse=100)
    moved = Frame("parse", "/app/parse.py", 90)
    after = Profile("python", SAMPLES, 100, 10.0, 0, {(MAIN, moved): 100})
    (found,) = (one for one in diff.changes(before, after) if one.function == "parse")
    assert (found.self_change, found.line) == (0, 90)


def test_under_the_same_load_only_what_became_slower_has_changed() -> None:
    before, after = profile(parse=100, store=300), profile(parse=500, store=300)
    shares = {one.function: round(one.self_change, 4) for one in diff.changes(before, after)}
    assert shares == {"parse": 0.375, "store": -0.375, "main": 0}
    seconds = {one.function: round(one.self_change, 4) for one in diff.changes(before, after, absolute=True)}
    assert seconds == {"parse": 0.4, "store": 0, "main": 0}


def test_profiles_of_different_lengths_are_compared_by_the_second() -> None:
    found = diff.changes(profile(5.0, parse=50), profile(10.0, parse=100), absolute=True)
    assert {one.self_change for one in found} == {0}


def test_lost_samples_are_taken_to_be_like_the_others() -> None:
    whole = profile(5.0, parse=200)
    less = dataclasses.replace(whole, lost=100)
    assert diff.per_second(less) == diff.per_second(whole) * 500 / 400


@pytest.mark.parametrize("absolute", [False, True])
def test_what_sampling_alone_may_change_is_marked(absolute: bool) -> None:
    before, after = profile(parse=20, store=980), profile(parse=28, store=972)
    assert {one.is_chance for one in diff.changes(before, after, absolute=absolute)} == {True}
    many = [profile(parse=20_000, store=980_000), profile(parse=28_000, store=972_000)]
    notable = {one.function for one in diff.changes(*many, absolute=absolute) if not one.is_chance}
    assert {"parse", "store"} <= notable


def test_profiles_of_other_things_are_not_compared() -> None:
    for other, words in (
        (profile(parse=1, unit=BYTES), "one counts samples, the other bytes"),
        (profile(parse=1, language="go"), "one is of python, the other go"),
        (profile(), "the second profile has no samples"),
    ):
        with pytest.raises(ConfigError, match=words):
            diff.changes(profile(parse=1), other)


def test_the_comparison_says_where_and_keeps_a_page_with_the_later_run(project: Project) -> None:
    (project.directory / "app").mkdir()
    (project.directory / "app" / "parse.py").touch()
    write(project, profile(parse=100, store=900), 12)
    later = write(project, profile(parse=500, store=500), 13)
    found = comparison.compare(project, "previous", "latest")
    assert found.notable[0].cells(project.directory) == {
        "change": "+40.0 pt",
        "before": "10.0%",
        "after": "50.0%",
        "function": "parse",
        "where": "app/parse.py:5",
    }
    assert found.notable[1].cells(project.directory)["where"] == "/app/store.py:5"
    assert found.page == later.folder / "diff-api-20260102T120000Z.html"
    assert "api/20260102T130000Z against api/20260102T120000Z" in found.page.read_text()
    assert len(artefacts.every(project)) == 2
    assert json.loads(json.dumps(found.as_dict()))["changes"][0]["path"] == str(project.directory / "app" / "parse.py")
    assert found.lines[0] == "api/20260102T120000Z: 1000 samples in 10.0 s, 1000 ms/s at work"


def test_what_did_not_change_is_said(project: Project) -> None:
    write(project, profile(parse=100), 12)
    write(project, profile(parse=100), 13, "web")
    found = comparison.compare(project, "api", "web")
    assert found.notable == []
    assert "sample for longer" in found.lines[2]
    assert "two services" in found.lines[3]


def test_the_wrong_way_round_is_said(project: Project) -> None:
    write(project, profile(parse=100, store=900), 12)
    write(project, profile(parse=900, store=100), 13)
    assert len(comparison.compare(project, "previous", "latest").lines) == 3
    said = comparison.compare(project, "latest", "previous").lines
    assert said[2] == "api/20260102T130000Z is the later one: what has grown here was larger before"


def test_the_same_requests_are_worth_a_hint(project: Project) -> None:
    for hour, rps in ((12, 20), (13, 20), (14, 50)):
        recorded = Recorded("api", "cpu", profile(parse=100 * hour), ("raw.txt", b""))
        load = {"url": "http://api:8000/", "rps": rps}
        artefacts.write(project, recorded._replace(load=load), now=NOON.replace(hour=hour))
    for before, after, is_hinted in (("12", "13", True), ("13", "14", False)):
        runs = [f"api/20260102T{hour}0000Z" for hour in (before, after)]
        assert any("--absolute" in line for line in comparison.compare(project, runs[0], runs[1]).lines) is is_hinted
        absolute = comparison.compare(project, runs[0], runs[1], absolute=True)
        assert not any("--absolute" in line for line in absolute.lines)


def test_memory_is_compared_in_bytes(project: Project) -> None:
    for hour, count in ((12, 1024), (13, 3 * 1024 * 1024)):
        write(project, profile(1.0, BYTES, parse=count), hour, kind="memory")
    row = comparison.compare(project, "previous", "latest", absolute=True).rows[0]
    cells = row.cells(project.directory)
    assert (cells["change"], cells["before"], cells["after"]) == ("+3.0 MiB/s", "1.0 KiB/s", "3.0 MiB/s")


def test_two_kinds_and_a_run_with_itself_are_refused(project: Project) -> None:
    one = write(project, profile(parse=1), 12)
    write(project, profile(1.0, BYTES, parse=1), 13, kind="memory")
    with pytest.raises(ConfigError, match=r"12.* is of cpu, .*13.* of memory"):
        comparison.compare(project, one.name, "latest")
    with pytest.raises(ConfigError, match="nothing to compare"):
        comparison.compare(project, one.name, one.name)


def test_a_changed_folder_is_refused(project: Project) -> None:
    one = write(project, profile(parse=1), 12)
    write(project, profile(parse=1), 13)
    (one.folder / "folded.txt").write_text("no number\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        comparison.compare(project, one.name, "latest")
    assert not list((project.private / "profiles").glob("*/*/diff-*"))
