"""Recipes as data, and which images a project names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ddd_tasks import bases as behaviour
from ddd_tasks import resources
from ddd_tasks.bases import Use
from ddd_tasks.engine import bases, contracts, rootfs
from ddd_tasks.engine.rootfs import Mirrors
from ddd_tasks.errors import ConfigError, UnsupportedError
from ddd_tasks.project import Build, Project, Service


@pytest.mark.parametrize(
    "written", ["python:3.13-slim", "docker.io/library/python:3.13-slim", "docker.io/python:3.13-slim"]
)
def test_a_recipe_is_found_however_the_image_is_written(written: str) -> None:
    recipe = bases.find(written)
    assert recipe is not None
    assert recipe.stand_in == "ddd-base/python:3.13-slim"


@pytest.mark.parametrize(
    "other",
    ["python", "python:3", "python:3.13-slim-bookworm", "python:3.12-slim", "ghcr.io/me/python:3.13-slim"],
)
def test_an_image_that_differs_in_a_word_has_no_recipe(other: str) -> None:
    assert bases.find(other) is None


@pytest.mark.parametrize(
    ("written", "familiar"),
    [
        ("redis", "redis:latest"),
        ("docker.io/library/redis:8", "redis:8"),
        ("localhost:5000/redis", "localhost:5000/redis:latest"),
        ("redis@sha256:00", "redis@sha256:00"),
    ],
)
def test_familiar_names(written: str, familiar: str) -> None:
    assert bases.familiar(written) == familiar


def test_every_recipe_is_complete() -> None:
    found = bases.recipes()
    assert found
    for recipe in found.values():
        assert (recipe.folder / "Dockerfile").is_file()
        assert recipe.base is None or recipe.base in found, "what a recipe stands on needs a recipe too"
        assert (recipe.base is None) == (recipe.suite is not None), "a recipe starts from another one or from a suite"
        assert "{version}" not in repr(recipe.contract)
        assert "{suite}" not in repr(recipe)


def test_a_digest_changes_with_the_recipe_it_stands_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "bases"
    for folder in ("debian", "redis"):
        (copy / folder).mkdir(parents=True)
        for file in resources.docker("bases", folder).iterdir():
            (copy / folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("ddd_tasks.resources.docker", lambda *parts: tmp_path.joinpath(*parts))
    before = bases.recipes()["redis:8"].digest
    (copy / "debian" / "apt.conf").write_text("// other\n")
    assert bases.recipes()["redis:8"].digest != before


def test_a_promise_that_nothing_checks_is_refused() -> None:
    with pytest.raises(ConfigError, match="'porst'"):
        contracts.Contract.of({"porst": ["80/tcp"]})


def test_variables_are_filled_in_and_other_braces_stay() -> None:
    value = {"a": ["{version}-{x}", 7], "{version}": {"b": "${db}"}}
    assert contracts.fill(value, {"version": "3"}) == {"a": ["3-{x}", 7], "3": {"b": "${db}"}}


def test_sources_are_those_of_the_mirror() -> None:
    text = rootfs.sources_text("trixie", Mirrors("http://m.example/debian", "http://m.example/debian-security"))
    assert "URIs: http://m.example/debian\nSuites: trixie trixie-updates\nComponents: main\n" in text
    assert "URIs: http://m.example/debian-security\nSuites: trixie-security\nComponents: main\n" in text
    assert "security" not in rootfs.sources_text("sid", Mirrors())


def test_without_mmdebstrap_and_apt_a_stand_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedError) as caught:
        rootfs.build(tmp_path, "trixie")
    assert "mmdebstrap" in caught.value.cause
    assert not list(tmp_path.iterdir())


def test_a_proxy_of_the_environment_is_apts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    proxies = {"http_proxy": "http://me:s3cret@proxy.example:3128", "HTTPS_PROXY": "http://p.example"}
    assert rootfs.apt_configuration(proxies) == (
        'Acquire::http::Proxy "http://me:s3cret@proxy.example:3128";\nAcquire::https::Proxy "http://p.example";\n'
    )


def test_the_mirror_is_the_hosts_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(
        "deb http://archive.example/ubuntu noble main\n"
        "deb http://me:s3cret@mirror.example/debian trixie main\n"
        "deb http://mirror.example/debian-security/ trixie-security main\n"
    )
    assert rootfs.find_mirrors(tmp_path) == Mirrors(
        "http://mirror.example/debian", "http://mirror.example/debian-security"
    )
    assert rootfs.find_mirrors(tmp_path / "nothing") == Mirrors()


@pytest.mark.skipif(not shutil.which("apt-config"), reason="apt is asked for its proxy")
def test_apts_own_proxy_comes_before_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = tmp_path / "apt.conf"
    configuration.write_text('Acquire::http::Proxy "http://cache.example:3142";\n')
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    found = rootfs.apt_configuration({"http_proxy": "http://other.example"})
    assert 'Acquire::http::Proxy "http://cache.example:3142";\n' in found
    assert "other.example" not in found


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("redis:8", "docker.io"),
        ("me/app:1", "docker.io"),
        ("ghcr.io/me/app:1", "ghcr.io"),
        ("localhost/app:1", "localhost"),
        ("127.0.0.1:5000/app:1", "127.0.0.1:5000"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert behaviour.registry_of(image) == registry


def service(name: str, image: str | None = None, build: Build | None = None) -> Service:
    return Service(name, image, build, (), (), None, None, False, (), (), {})


def test_images_come_from_every_stage_and_from_services_without_a_build(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(
        "FROM python:3.13-slim AS dev\nCOPY --from=golang:1.24 /x /x\nFROM dev AS late\nFROM debian:trixie-slim\n"
    )
    part = tmp_path / "docker" / "part" / "Dockerfile"
    part.parent.mkdir(parents=True)
    part.write_text("FROM node:24\n")
    services = [service("api", "mine", Build(tmp_path, file, "dev")), service("cache", "docker.io/redis:8")]
    project = Project("x", tmp_path, (), {one.name: one for one in services}, {})
    found = {
        "python:3.13-slim": Use(str(file), needed=True),
        "golang:1.24": Use(str(file), needed=True),
        "debian:trixie-slim": Use(str(file), needed=False),
        "redis:8": Use("service cache", needed=True),
    }
    assert behaviour.images(tmp_path, project) == found
    assert behaviour.images(tmp_path, project, everything=True) == {**found, "node:24": Use(str(part), needed=False)}
    assert behaviour.images(tmp_path, None) == {"node:24": Use(str(part), needed=False)}
