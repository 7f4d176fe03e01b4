"""What of the host's configuration reaches a build, and what does not."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ddd_tasks import hostconfig

CA = hostconfig.CONTAINER_CA


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine's root with nothing on it but a home."""
    (tmp_path / "home").mkdir()
    return tmp_path


def put(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def find(root: Path, **env: str) -> hostconfig.HostConfig:
    return hostconfig.find(env, root / "home", root)


def test_a_bare_machine_has_nothing_to_offer(root: Path) -> None:
    assert find(root) == hostconfig.HostConfig(proxies={})


def test_the_system_bundle_is_used_when_no_variable_names_one(root: Path) -> None:
    bundle = put(root, "etc/ssl/certs/ca-certificates.crt", "PEM")
    assert find(root).ca_bundle == bundle


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"])
def test_a_variable_beats_the_system_bundle(root: Path, name: str) -> None:
    put(root, "etc/ssl/certs/ca-certificates.crt", "PEM")
    mine = put(root, "mine.pem", "MINE")
    assert find(root, **{name: str(mine)}).ca_bundle == mine


def test_a_variable_that_names_a_missing_file_does_not_hide_the_system_bundle(root: Path) -> None:
    bundle = put(root, "etc/ssl/certs/ca-certificates.crt", "PEM")
    assert find(root, SSL_CERT_FILE=str(root / "missing.pem")).ca_bundle == bundle


def test_extra_certificates_of_node_are_added_to_the_bundle(root: Path) -> None:
    put(root, "etc/ssl/certs/ca-certificates.crt", "PUBLIC\n")
    extra = put(root, "extra.pem", "COMPANY\n")
    found = find(root, NODE_EXTRA_CA_CERTS=str(extra)).ca_bundle
    assert found is not None
    assert found.read_text() == "PUBLIC\nCOMPANY\n"


def test_extra_certificates_that_the_bundle_has_make_no_file(root: Path) -> None:
    bundle = put(root, "etc/ssl/certs/ca-certificates.crt", "PUBLIC\nCOMPANY\n")
    extra = put(root, "extra.pem", "COMPANY\n")
    assert find(root, NODE_EXTRA_CA_CERTS=str(extra)).ca_bundle == bundle


def test_proxies_keep_their_spelling_and_those_of_the_host_alone_are_left_out() -> None:
    env = {
        "HTTPS_PROXY": "http://proxy.example:3128",
        "http_proxy": "http://127.0.0.1:3128",
        "no_proxy": "localhost,127.0.0.1",
        "PROXY": "http://other.example",
    }
    assert hostconfig.proxies(env) == {"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "localhost,127.0.0.1"}


def test_later_pip_files_win_and_sections_stay(root: Path) -> None:
    put(root, "etc/pip.conf", "[global]\nindex-url = https://a.example/simple\ntimeout = 5\n")
    put(root, "home/.config/pip/pip.conf", "[global]\nindex_url = https://b.example/simple\n[install]\nretries = 9\n")
    assert find(root).pip_conf == (
        "[global]\nindex-url = https://b.example/simple\ntimeout = 5\n[install]\nretries = 9\n"
    )


def test_a_pip_variable_beats_every_section_of_every_file(root: Path) -> None:
    put(root, "etc/pip.conf", "[install]\nindex-url = https://a.example/simple\n")
    assert find(root, PIP_INDEX_URL="https://u:p@b.example/simple").pip_conf == (
        "[global]\nindex-url = https://u:p@b.example/simple\n"
    )


def test_pip_config_file_replaces_the_users_file(root: Path) -> None:
    put(root, "home/.config/pip/pip.conf", "[global]\nindex-url = https://user.example/simple\n")
    named = put(root, "named.conf", "[global]\nindex-url = https://named.example/simple\n")
    assert find(root, PIP_CONFIG_FILE=str(named)).pip_conf == "[global]\nindex-url = https://named.example/simple\n"
    assert find(root, PIP_CONFIG_FILE="/dev/null").pip_conf == ""


def test_what_only_the_host_has_is_left_out_of_pip(root: Path) -> None:
    put(
        root,
        "etc/pip.conf",
        "[global]\nfind-links = /opt/wheels\n  https://links.example/\n"
        "extra-index-url = file:///opt/pypi\n  http://localhost:3141/simple\n"
        "index-url = file:///opt/simple\nclient-cert = /me.pem\ntarget = /opt/x\nrequire-virtualenv = true\n"
        "cache-dir = /cache\n",
    )
    assert find(root).pip_conf == "[global]\nfind-links = https://links.example/\n"


@pytest.mark.parametrize(
    ("file", "env"), [("[global]\ncert = /corp.pem\n", {}), ("", {"REQUESTS_CA_BUNDLE": "/c.pem"})]
)
def test_a_certificate_of_the_host_becomes_the_mounted_one(root: Path, file: str, env: dict[str, str]) -> None:
    put(root, "etc/pip.conf", file)
    assert find(root, **env).pip_conf == f"[global]\ncert = {CA}\n"


def test_a_broken_pip_file_is_passed_over(root: Path) -> None:
    put(root, "etc/pip.conf", "index-url = no section\n")
    assert find(root).pip_conf == ""


def test_uv_gets_pips_indexes_when_it_has_none_of_its_own(root: Path) -> None:
    put(root, "etc/pip.conf", "[global]\nindex-url = https://a.example/simple\ntrusted-host = a.example b.example\n")
    assert find(root).uv_toml == (
        'index-url = "https://a.example/simple"\nallow-insecure-host = ["a.example", "b.example"]\n'
    )


def test_uv_keeps_its_own_indexes_and_only_them(root: Path) -> None:
    put(root, "etc/pip.conf", "[global]\nindex-url = https://pip.example/simple\n")
    put(
        root,
        "home/.config/uv/uv.toml",
        'cache-dir = "/cache"\nnative-tls = true\n[[index]]\nname = "corp"\nurl = "https://corp.example/simple"\n'
        'default = true\n[[index]]\nurl = "file:///opt/simple"\n',
    )
    assert find(root).uv_toml == (
        'native-tls = true\n[[index]]\nname = "corp"\nurl = "https://corp.example/simple"\ndefault = true\n'
    )


def test_uv_variables_become_settings(root: Path) -> None:
    found = find(root, UV_DEFAULT_INDEX="corp=https://corp.example/simple", UV_FIND_LINKS="/opt/w,https://l.example/")
    assert found.uv_toml == (
        'find-links = ["https://l.example/"]\n'
        '[[index]]\nname = "corp"\nurl = "https://corp.example/simple"\ndefault = true\n'
    )


def test_an_index_with_an_equals_sign_in_its_query_is_no_name(root: Path) -> None:
    assert '\nurl = "https://c.example/simple?a=b"\n' in find(root, UV_INDEX="https://c.example/simple?a=b").uv_toml


def test_npm_keeps_registries_and_tokens_and_drops_the_rest(root: Path) -> None:
    put(
        root,
        "home/.npmrc",
        "# comment\n@x:registry=http://localhost:4873/\nregistry=https://npm.example/\n@corp:registry=https://corp.example/\n"
        "//npm.example/:_authToken=${NPM_TOKEN}\ncafile=/corp.pem\nprefix=/opt\nnodedir=/usr\nfund=false\n",
    )
    assert find(root, NPM_TOKEN="/t0ken=").npmrc == (
        "registry=https://npm.example/\n@corp:registry=https://corp.example/\n"
        f"//npm.example/:_authToken=/t0ken=\ncafile={CA}\n"
    )


def test_an_npm_variable_beats_the_file(root: Path) -> None:
    put(root, "home/.npmrc", "registry=https://a.example/\n")
    assert find(root, npm_config_registry="https://b.example/").npmrc == "registry=https://b.example/\n"


def test_netrc_of_the_home_or_of_the_variable(root: Path) -> None:
    own = put(root, "home/.netrc", "machine a")
    other = put(root, "other", "machine b")
    assert find(root).netrc == own
    assert find(root, NETRC=str(other)).netrc == other


def test_go_gets_where_modules_come_from_and_a_variable_beats_the_file(root: Path) -> None:
    put(root, "home/.config/go/env", "GOPRIVATE=corp.example\nGONOSUMDB=old.example\nGOPATH=/home/me/go\nGOBIN=/bin\n")
    assert find(root, GONOSUMDB="corp.example", GOPROXY="https://u:p@proxy.example,direct").go_env == (
        "GOPROXY=https://u:p@proxy.example,direct\nGONOSUMDB=corp.example\nGOPRIVATE=corp.example\n"
    )


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("GOPROXY", "file:///opt/mods,http://localhost:3000|https://a.example,direct", "https://a.example,direct"),
        ("GOPROXY", "https://a.example|file:///opt/mods", "https://a.example"),
        ("GOPROXY", "off", "off"),
        ("GOPROXY", "file:///opt/mods", ""),
        ("GOAUTH", "netrc; git /home/me/repositories", "netrc"),
        ("GOAUTH", "mycommand --token", ""),
        ("GOFLAGS", "-mod=mod -overlay=/home/me/o.json -modcacherw", "-mod=mod -modcacherw"),
        ("GOSUMDB", "sum.golang.org http://127.0.0.1:3000", ""),
        ("GOSUMDB", "off", "off"),
    ],
)
def test_what_only_the_host_has_is_left_out_of_go(root: Path, name: str, value: str, kept: str) -> None:
    assert find(root, **{name: value}).go_env == (f"{name}={kept}\n" if kept else "")


NUGET = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <config><add key="globalPackagesFolder" value="/home/me/packages" /><add key="http_proxy" value="http://p.example" /></config>
  <packageSources>
    <clear />
    <add key="corp" value="https://nuget.example/%FEED%/v3/index.json" />
    <add key="local" value="/opt/nuget" />
    <add key="mine" value="http://localhost:5000/v3/index.json" />
  </packageSources>
  <packageSourceCredentials>
    <corp><add key="Username" value="me" /><add key="Password" value="AQAAA" /><add key="ClearTextPassword" value="%PW%" /></corp>
  </packageSourceCredentials>
  <apikeys><add key="https://nuget.example" value="AQAAA" /></apikeys>
</configuration>
"""  # noqa: E501


def test_nuget_keeps_sources_and_passwords_that_a_container_can_use(root: Path) -> None:
    put(root, "home/.nuget/NuGet/NuGet.Config", NUGET)
    found = find(root, FEED="team", PW="p&w").nuget_config
    kept = {(entry.get("key"), entry.get("value")) for entry in ET.fromstring(found).iter("add")}
    assert kept == {
        ("http_proxy", "http://p.example"),
        ("corp", "https://nuget.example/team/v3/index.json"),
        ("Username", "me"),
        ("ClearTextPassword", "p&w"),
    }
    assert ET.fromstring(found).find("packageSources/clear") is not None


def test_nuget_credentials_of_a_variable_replace_those_of_the_file(root: Path) -> None:
    put(root, "home/.config/NuGet/NuGet.Config", NUGET)
    found = find(root, NuGetPackageSourceCredentials_corp="Username=ci;Password=t0ken").nuget_config
    credentials = ET.fromstring(found).findall("packageSourceCredentials/corp/add")
    assert [(entry.get("key"), entry.get("value")) for entry in credentials] == [
        ("Username", "ci"),
        ("ClearTextPassword", "t0ken"),
    ]


@pytest.mark.parametrize(("source", "element"), [("my feed", "my_x0020_feed"), ("2[", "_x0032__x005B_")])
def test_a_nuget_source_may_have_any_name(root: Path, source: str, element: str) -> None:
    put(root, "home/.config/NuGet/NuGet.Config", NUGET)
    found = find(root, **{f"NuGetPackageSourceCredentials_{source}": "Username=ci;Password=t0ken"}).nuget_config
    assert len(ET.fromstring(found).findall(f"packageSourceCredentials/{element}/add")) == 2


@pytest.mark.parametrize("text", ["", "<configuration>", "<configuration />", "no xml"])
def test_nothing_of_use_makes_no_nuget_file(root: Path, text: str) -> None:
    put(root, "home/.nuget/NuGet/NuGet.Config", text)
    assert find(root).nuget_config == ""


def test_an_agent_is_a_socket(root: Path) -> None:
    assert not find(root, SSH_AUTH_SOCK=str(put(root, "file", ""))).has_ssh_agent
    assert not find(root, SSH_AUTH_SOCK=str(root / "missing")).has_ssh_agent
    with socket.socket(socket.AF_UNIX) as agent, tempfile.TemporaryDirectory() as folder:
        agent.bind(f"{folder}/agent")
        assert find(root, SSH_AUTH_SOCK=f"{folder}/agent").has_ssh_agent


@pytest.mark.parametrize("proxy", ["http://[half", "http://[::1::]:3128", "[", "::"])
def test_a_proxy_that_is_no_address_is_no_reason_to_fail(root: Path, proxy: str) -> None:
    assert find(root, https_proxy=proxy).proxies["https_proxy"] == proxy
