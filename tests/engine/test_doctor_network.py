"""What the doctor finds wrong on the way to the network: certificates, proxies, registries. Fixes are pasted."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import doctoring, support
from tests.doctoring import compose, look, only, pasted
from tests.support import Stack

SECRET = "hunter2"
OFFICIAL = "python:3.13-slim-trixie"


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = doctoring.make({})
    yield made
    made.down()


def images(*names: str) -> str:
    """A Compose file of services with these images."""
    return json.dumps({"services": {f"s{number}": {"image": name} for number, name in enumerate(names)}})


def test_bundles_of_certificates_that_are_none(stack: Stack) -> None:
    stack.write({"empty.pem": "nothing\n", "folder/file": ""})
    says = {
        "SSL_CERT_FILE": ("ca.pem", "there is no such file"),
        "REQUESTS_CA_BUNDLE": ("empty.pem", "there is no certificate in it"),
        "CURL_CA_BUNDLE": ("empty.pem", "there is no certificate in it"),
        "PIP_CERT": ("folder", "it is a folder"),
    }
    env = {name: str(stack.directory / file) for name, (file, _) in says.items()}
    found = look(stack, env=env)["certificates"]
    assert [one["state"] for one in found] == ["problem"] * 3
    for name, (file, reason) in says.items():
        assert any(name in one["what"] and f"{file}: {reason}" in one["what"] for one in found), name
    assert found[1]["fix"] == "unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"
    only(pasted(stack, *(one["fix"] for one in found), env=env), "certificates", "ok")


def test_a_bundle_of_certificates_is_what_builds_get(stack: Stack) -> None:
    bundle = stack.directory / "ca.pem"
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "/dev/null")
    stack.run(*made, "-out", str(bundle)).ok()
    env = {"SSL_CERT_FILE": str(bundle), "NODE_EXTRA_CA_CERTS": ""}
    assert only(look(stack, env=env), "certificates", "ok")["what"] == f"builds get {bundle}"


def test_proxies_where_nothing_answers(stack: Stack) -> None:
    """A port that nobody has, what is no address, and a name that nobody knows."""
    dead = f"http://ada:{SECRET}@127.0.0.1:{support.free_port()}"
    env = {
        "http_proxy": dead,
        "HTTP_PROXY": dead,
        "https_proxy": f"http://ada:{SECRET}@[::1/",
        "all_proxy": f"ada:{SECRET}@nowhere.invalid:1",
    }
    found = look(stack, env=env)["proxy"]
    assert [one["state"] for one in found] == ["problem"] * 3
    assert SECRET not in json.dumps(found)
    assert {one["fix"] for one in found} == {"unset http_proxy HTTP_PROXY", "unset https_proxy", "unset all_proxy"}
    only(pasted(stack, *(one["fix"] for one in found), env=env), "proxy", "ok")


def test_a_proxy_of_the_loopback_that_listens_elsewhere_too(stack: Stack) -> None:
    """The fix names this machine's address, and keeps the password without showing it."""
    live, port = doctoring.listener(stack, "0.0.0.0")
    env = {
        "http_proxy": f"http://ada:{SECRET}@127.0.0.1:{port}",
        "HTTPS_PROXY": f"http://ada:{SECRET}@127.0.0.1:{port}",
    }
    try:
        one = only(look(stack, env=env), "proxy", "warning")
        assert SECRET not in json.dumps(one)
        assert "http_proxy, HTTPS_PROXY are 127.0.0.1" in one["what"]
        only(pasted(stack, one["fix"], env=env), "proxy", "ok")
        said = stack.run("sh", "-c", f"{one['fix']}; echo $http_proxy", env=env).ok().out
        assert said.startswith(f"http://ada:{SECRET}@")
    finally:
        doctoring.stop(live)


def test_a_proxy_of_the_loopback_alone(stack: Stack) -> None:
    """No command mends that: it is said what to change, and the doctor is content when it was."""
    live, port = doctoring.listener(stack)
    try:
        one = only(look(stack, env={"http_proxy": f"http://localhost:{port}"}), "proxy", "warning")
    finally:
        doctoring.stop(live)
    assert "let it listen on " in one["what"]
    assert one["fix"] is None


def test_a_registry_that_refuses_and_one_that_is_silent(stack: Stack) -> None:
    """Until a real one answers: the fix, which could not help before, pulls the image."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections into its queue
        image = f"127.0.0.1:{silent.getsockname()[1]}/thing:1"
        stack.write({"compose.yaml": images(f"127.0.0.1:{support.free_port()}/thing:1", image)})
        found = look(stack)["registry"]
    assert [one["state"] for one in found] == ["problem", "problem"]
    assert {one["fix"] for one in found} > {f"docker pull {image}"}


def test_an_image_that_only_a_registry_has(stack: Stack, tmp_path: Path, bases: None) -> None:
    port = support.free_port()
    image = f"127.0.0.1:{port}/{support.unique()}:1"
    stack.write({"compose.yaml": images(image)})
    one = only(look(stack), "registry", "problem")
    assert one["fix"] == f"docker pull {image}"
    serving = _registry(tmp_path, port)
    try:
        stack.run("docker", "tag", support.base(OFFICIAL), image).ok()
        stack.run("docker", "push", "--quiet", image).ok()
        stack.run("docker", "rmi", image).ok()
        found = pasted(stack, one["fix"])
        assert only(found, "registry", "ok")["what"] == f"127.0.0.1:{port} answers"
    finally:
        doctoring.stop(serving)
    assert "all its images are here" in only(look(stack), "registry", "ok")["what"]
    stack.run("docker", "rmi", image).ok()


def test_images_that_something_stands_in_for(stack: Stack, bases: None) -> None:
    if OFFICIAL not in support.stand_ins():
        pytest.skip("a registry answers here, so that no stand-in is used")
    assert f"for {OFFICIAL}" in only(look(stack), "registry", "ok")["what"]
    (stack.directory / ".ddd" / "bases.json").unlink()
    one = only(look(stack), "registry", "problem")
    assert one["is_safe"]
    assert OFFICIAL in one["what"]
    only(pasted(stack, one["fix"]), "registry", "ok")


def test_a_mirrors_image_that_is_not_here(stack: Stack, bases: None) -> None:
    image = f"127.0.0.1:{support.free_port()}/{support.unique()}:1"
    config = {**json.loads(compose()), "x-ddd": {"images": {OFFICIAL: image}}}
    stack.write({"compose.yaml": json.dumps(config)})
    one = next(one for one in look(stack)["registry"] if one["state"] == "problem")
    assert one["fix"] == f"docker pull {image}"
    stack.run("docker", "tag", support.base(OFFICIAL), image).ok()
    try:
        only(look(stack), "registry", "ok")
    finally:
        stack.run("docker", "rmi", image).ok()


def _registry(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Debian's docker-registry, from PATH or from the distribution's archive."""
    program = shutil.which("docker-registry")
    if program is None:
        if not shutil.which("apt-get") or support.run("apt-get", "download", "docker-registry", cwd=folder).status:
            pytest.skip("there is no docker-registry on PATH, nor in the distribution's archive")
        support.run("dpkg-deb", "--extract", *map(str, folder.glob("*.deb")), str(folder)).ok()
        program = str(folder / "usr" / "bin" / "docker-registry")
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "registry.yml").write_text(json.dumps(config))
    nowhere = subprocess.DEVNULL
    serving = support.popen(program, "serve", str(folder / "registry.yml"), stdout=nowhere, stderr=nowhere)
    address = f"http://127.0.0.1:{port}/v2/"
    support.wait_until(lambda: support.run("curl", "-fs", address).status == 0, seconds=60, what="the registry")
    return serving
