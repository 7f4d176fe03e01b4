"""Host paths and container paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import paths
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.project import Build, Mount, Project, Service


def service(name: str, *mounts: Mount, built: bool = True) -> Service:
    build = Build(Path("/x"), Path("/x/Dockerfile"), None) if built else None
    return Service(name, None, build, mounts, (), None, None, False, (), (), {})


def project(directory: Path, *services: Service) -> Project:
    return Project("p", directory, (directory / "compose.yaml",), {one.name: one for one in services}, {})


def test_a_path_below_a_mount_maps_both_ways(tmp_path: Path) -> None:
    mounts = (Mount(tmp_path, "/app", False),)
    assert paths.to_container(mounts, tmp_path / "a b" / "ü") == "/app/a b/ü"
    assert paths.to_host(mounts, "/app/a b/ü") == tmp_path / "a b" / "ü"


def test_the_longest_mount_wins_in_either_order(tmp_path: Path) -> None:
    outer, inner = Mount(tmp_path, "/app", False), Mount(tmp_path / "vendor", "/opt/vendor", False)
    for mounts in ((outer, inner), (inner, outer)):
        assert paths.to_container(mounts, tmp_path / "vendor" / "x") == "/opt/vendor/x"
        assert paths.to_host(mounts, "/opt/vendor/x") == tmp_path / "vendor" / "x"


def test_a_folder_whose_name_only_begins_like_a_mount_is_not_in_it(tmp_path: Path) -> None:
    mounts = (Mount(tmp_path / "app", "/app", False),)
    assert paths.to_container(mounts, tmp_path / "app-two") is None
    assert paths.to_host(mounts, "/app-two") is None


def test_symbolic_links_are_followed_on_both_sides(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert paths.to_container((Mount(tmp_path / "link", "/app", False),), tmp_path / "real" / "sub") == "/app/sub"
    assert paths.to_container((Mount(tmp_path / "real", "/app", False),), tmp_path / "link" / "sub") == "/app/sub"


def test_the_project_folder_and_a_folder_above_a_mount_mean_the_containers_own_directory(tmp_path: Path) -> None:
    api = service("api", Mount(tmp_path / "services" / "api", "/app", False))
    for here in (tmp_path, tmp_path / "services"):
        assert paths.working_directory(project(tmp_path, api), api, here) is None
    assert paths.working_directory(project(tmp_path, api), api, tmp_path / "services" / "api" / "src") == "/app/src"


def test_a_folder_outside_every_mount_is_refused_with_the_mounts(tmp_path: Path) -> None:
    api = service("api", Mount(tmp_path / "api", "/app", False))
    with pytest.raises(ConfigError) as caught:
        paths.working_directory(project(tmp_path, api), api, tmp_path / "docs")
    assert f"{tmp_path / 'api'} (as /app)" in caught.value.valid
    assert caught.value.hint == f"cd {tmp_path / 'api'}"


def test_a_service_without_mounts_runs_in_its_own_directory_from_anywhere(tmp_path: Path) -> None:
    redis = service("redis", built=False)
    assert paths.working_directory(project(tmp_path, redis), redis, tmp_path / "anywhere") is None


def test_mounts_of_single_files_say_nothing_about_directories(tmp_path: Path) -> None:
    file = tmp_path / "one.conf"
    file.touch()
    (tmp_path / "sub").mkdir()
    api = service("api", Mount(file, "/etc/one.conf", False))
    assert paths.working_directory(project(tmp_path, api), api, tmp_path / "sub") is None


def test_the_service_is_the_one_whose_mount_holds_the_directory(tmp_path: Path) -> None:
    one = service("one", Mount(tmp_path / "one", "/app", False))
    two = service("two", Mount(tmp_path / "two", "/app", False))
    both = project(tmp_path, one, two, service("db", built=False))
    assert paths.service_here(both, tmp_path / "two" / "src") is two
    assert paths.service_here(both, tmp_path / "two", "one") is one


def test_otherwise_the_only_one_that_is_built(tmp_path: Path) -> None:
    api = service("api", Mount(tmp_path / "api", "/app", False))
    assert paths.service_here(project(tmp_path, api, service("db", built=False)), tmp_path) is api


def test_two_that_would_do_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        paths.service_here(project(tmp_path, service("one"), service("two")), tmp_path)
    assert caught.value.valid == ("one", "two")


def test_an_unknown_service_gets_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError) as caught:
        paths.service_here(project(tmp_path, service("api")), tmp_path, "apo")
    assert caught.value.nearest == "api"
