"""apt's two notations for archives, and the file that adds one."""

from __future__ import annotations

from pathlib import Path

from ddd_tasks.engine import apt

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb http://deb.debian.org/debian bookworm main contrib # a remark
deb-src http://deb.debian.org/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://mirror.example/debian/ bookworm-updates main
"""

DEB822 = """\
Types: deb deb-src
# http://snapshot.debian.org/archive
URIs: http://a.example/debian http://b.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""


def test_a_list_file_gives_its_binary_archives() -> None:
    plain, signed = apt.parse_list(ONE_LINE)
    assert plain == apt.Source("http://deb.debian.org/debian", ("bookworm",), ("main", "contrib"))
    assert (signed.uri, signed.suites) == ("https://mirror.example/debian/", ("bookworm-updates",))
    assert signed.options == {"Architectures": "amd64", "Signed-By": "/usr/share/keyrings/k.gpg"}


def test_a_sources_file_gives_its_enabled_binary_archives_with_a_key_written_out() -> None:
    found = apt.parse_deb822(DEB822)
    assert [source.uri for source in found] == ["http://a.example/debian", "http://b.example/debian"]
    assert found[0].suites == ("bookworm", "bookworm-updates")
    assert "BEGIN PGP" in found[0].options["Signed-By"]


def test_what_is_rendered_reads_back() -> None:
    for source in (*apt.parse_list(ONE_LINE), *apt.parse_deb822(DEB822)):
        assert apt.parse_deb822(apt.render(source, comment="why")) == [
            apt.Source(source.uri, source.suites, source.components, _signatures(source))
        ]


def test_all_files_of_a_machine_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian bookworm main\n")
    (tmp_path / "sources.list.d" / "two.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "three.list.disabled").write_text("deb http://no.example/debian bookworm main\n")
    both = ["http://a.example/debian", "http://b.example/debian"]
    assert [source.uri for source in apt.read_sources(tmp_path)] == ["http://one.example/debian", *both]
    ours = tmp_path / "sources.list.d" / "two.sources"
    assert [source.uri for source in apt.read_sources(tmp_path, but=ours)] == ["http://one.example/debian"]


def test_a_machine_without_apt_has_no_archives(tmp_path: Path) -> None:
    assert apt.read_sources(tmp_path / "nothing") == []


def _signatures(source: apt.Source) -> dict[str, str]:
    return {name: value for name, value in source.options.items() if name != "Architectures"}
