"""What a build is given, as a Compose overlay and as arguments of buildx."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddd_tasks import build
from ddd_tasks.build import BuildInputs, Declared, Secret
from ddd_tasks.hostconfig import HostConfig

PYTHON = "python:3.13-slim-trixie"
STAND_IN = "ddd-base/python:3.13-slim-trixie"


def inputs() -> BuildInputs:
    return BuildInputs(
        contexts={PYTHON: STAND_IN, "redis:8": "ddd-base/redis:8"},
        secrets=(Secret("ca-bundle", file=Path("/ca.pem")), Secret("pip-conf", variable="DDD_SECRET_PIP_CONF")),
        proxies=("http_proxy",),
        values={"DDD_SECRET_PIP_CONF": "[global]\nindex-url = https://u:s3cret@a.example/\n"},
        builds={"api": Declared(), "worker": Declared()},
        images={"cache": "docker.io/library/redis:8", "db": "postgres:17"},
    )


def test_an_overlay_has_contexts_secrets_and_arguments_of_each_build() -> None:
    overlay = inputs().overlay("api", "cache", "db")
    assert overlay["services"]["api"] == {
        "build": {
            "additional_contexts": {
                PYTHON: f"docker-image://{STAND_IN}",
                "redis:8": "docker-image://ddd-base/redis:8",
            },
            "secrets": ["ca-bundle", "pip-conf"],
            "args": {"http_proxy": None},
        }
    }
    assert overlay["secrets"] == {
        "ca-bundle": {"file": "/ca.pem"},
        "pip-conf": {"environment": "DDD_SECRET_PIP_CONF"},
    }


def test_a_service_without_build_gets_the_stand_in_as_its_image_and_others_nothing() -> None:
    services = inputs().overlay()["services"]
    assert services["cache"] == {"image": "ddd-base/redis:8", "pull_policy": "never"}
    assert sorted(services) == ["api", "cache", "worker"]


def test_there_is_no_overlay_without_anything_to_add() -> None:
    assert BuildInputs(builds={"api": Declared()}, images={"db": "postgres:17"}).overlay() == {}


def test_what_the_project_declares_itself_wins() -> None:
    own = Declared(frozenset({PYTHON}), frozenset({"pip-conf"}), frozenset({"http_proxy"}))
    overlay = inputs()._replace(builds={"api": own}).overlay("api")
    assert overlay == {
        "services": {
            "api": {
                "build": {
                    "additional_contexts": {"redis:8": "docker-image://ddd-base/redis:8"},
                    "secrets": ["ca-bundle"],
                }
            }
        },
        "secrets": {"ca-bundle": {"file": "/ca.pem"}},
    }


def test_a_secret_that_the_project_has_under_that_name_is_left_alone() -> None:
    overlay = inputs()._replace(declared_secrets=frozenset({"pip-conf"})).overlay("api")
    assert overlay["secrets"] == {"ca-bundle": {"file": "/ca.pem"}}
    assert overlay["services"]["api"]["build"]["secrets"] == ["ca-bundle"]


def test_buildx_gets_the_same_as_arguments() -> None:
    assert inputs().buildx_args() == [
        *("--build-context", f"{PYTHON}=docker-image://{STAND_IN}"),
        *("--build-context", "redis:8=docker-image://ddd-base/redis:8"),
        *("--secret", "id=ca-bundle,src=/ca.pem"),
        *("--secret", "id=pip-conf,env=DDD_SECRET_PIP_CONF"),
        *("--build-arg", "http_proxy"),
    ]


def test_a_comma_in_a_path_stays_in_the_path() -> None:
    secret = Secret("netrc", file=Path("/a,b/.netrc"))
    assert BuildInputs(secrets=(secret,)).buildx_args() == ["--secret", 'id=netrc,"src=/a,b/.netrc"']


def test_no_value_is_in_an_overlay_or_an_argument() -> None:
    given = inputs()
    assert "s3cret" not in json.dumps(given.overlay()) + " ".join(given.buildx_args())
    assert "s3cret" in given.environment()["DDD_SECRET_PIP_CONF"]


def test_only_what_the_host_has_becomes_a_secret() -> None:
    assert build.secrets_of(HostConfig()) == ((), {})
    host = HostConfig(Path("/ca.pem"), {"HTTPS_PROXY": "http://p"}, "pip", "", "npm", Path("/n"))
    assert build.secrets_of(host) == (
        (
            Secret("ca-bundle", file=Path("/ca.pem")),
            Secret("pip-conf", variable="DDD_SECRET_PIP_CONF"),
            Secret("npmrc", variable="DDD_SECRET_NPMRC"),
            Secret("netrc", file=Path("/n")),
            Secret("https_proxy", variable="HTTPS_PROXY"),
        ),
        {"DDD_SECRET_PIP_CONF": "pip", "DDD_SECRET_NPMRC": "npm"},
    )


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "no_proxy"])
def test_the_lower_case_spelling_of_a_proxy_comes_first_as_programs_take_it(name: str) -> None:
    secrets, _ = build.secrets_of(HostConfig(proxies={name.upper(): "a", name: "b"}))
    assert secrets == (Secret(name, variable=name),)
