"""URLs of files and the host paths behind them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ddd_tasks.debugging.clients.urls import path_of, pattern_of, to_local, to_remote, url_of
from ddd_tasks.language import PathMapping

MAPPINGS = (
    PathMapping(Path("/home/jo/shop/api"), "/app"),
    PathMapping(Path("/home/jo/shop"), "/repo"),
    PathMapping(Path("/home/jo"), "/app/home"),
)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/app/server.js", "file:///app/server.js"),
        ("/app/my code/a#b?c%.js", "file:///app/my%20code/a%23b%3Fc%25.js"),
        ("/app/[id]/(group)/@me+you,~.js", "file:///app/%5Bid%5D/(group)/@me+you,%7E.js"),
        ("/a^b|c{d}`e\"f<g>'h!$&*;=:.js", "file:///a%5Eb%7Cc%7Bd%7D%60e%22f%3Cg%3E'h!$&*;=:.js"),
        ("/app/größe.js", "file:///app/gr%C3%B6%C3%9Fe.js"),
    ],
)
def test_urls_as_node_writes_them(path: str, url: str) -> None:
    assert url_of(path) == url
    assert path_of(url) == path
    assert re.search(pattern_of(path), url)


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        ("file:///app/[id]/a.js", True),
        ("file:///app/%5Bid%5D/a.js?t=1", True),
        ("file:///app/[id]/a.json", False),
        ("file:///app/[id]/axjs", False),
        ("file:///other/app/[id]/a.js", False),
    ],
)
def test_one_path_has_more_than_one_url(url: str, is_it: bool) -> None:
    assert bool(re.search(pattern_of("/app/[id]/a.js"), url)) is is_it


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///app/a.js?t=1", "/app/a.js"),
        ("/app/a.js", "/app/a.js"),
        ("node:events", None),
        ("evalmachine.<anonymous>", None),
        ("", None),
    ],
)
def test_what_else_scripts_are_called(url: str, path: str | None) -> None:
    assert path_of(url) == path


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        ("/home/jo/shop/api/src/a.js", "/app/src/a.js"),
        ("/home/jo/shop/web/a.js", "/repo/web/a.js"),
        ("/home/jo/shop/api/../web/a.js", "/repo/web/a.js"),
        ("/home/jo/shop/api2/a.js", "/repo/api2/a.js"),
        ("/home/ann/a.js", None),
    ],
)
def test_the_first_folder_that_holds_a_host_path(local: str, remote: str | None) -> None:
    assert to_remote(MAPPINGS, local) == remote


@pytest.mark.parametrize(
    ("remote", "local"),
    [
        ("/app/src/a.js", "/home/jo/shop/api/src/a.js"),
        ("/app/home/a.js", "/home/jo/a.js"),
        ("/apple/a.js", None),
        ("node:events", None),
    ],
)
def test_the_longest_folder_that_holds_a_path_of_the_container(remote: str, local: str | None) -> None:
    assert to_local(MAPPINGS, remote) == local
