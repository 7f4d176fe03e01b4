"""The shape of the tree: what lies at the top, how files begin, how long they are, what they may not say."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import support

FOLDERS = {"compose", "ddd_tasks", "docker", "docs", "examples", "tests"}
FILES = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "bootstrap",
    "compose.yaml",
    "noxfile.py",
    "tasks.py",
}
SETTINGS = {
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    "mkdocs.yml",
    "pyproject.toml",
    "uv.lock",
}
OPTIONAL = {".dockerignore", ".github", ".hadolint.yaml", ".vscode", "bench"}

LONGEST = 400
# Written by a tool, or lists that grow with time.
MAY_BE_LONGER = {".json", ".lock", ".md", ".svg", ""}

PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "deb.debian.org", "security.debian.org"}


def tracked() -> list[Path]:
    """Every file that git knows, as a path in the repository."""
    names = support.run("git", "ls-files", "-z", cwd=support.REPO).ok().out.split("\0")
    return [Path(name) for name in names if name and (support.REPO / name).is_file()]


def text(path: Path) -> str:
    """The content of a tracked file; empty for one that is no text."""
    try:
        return (support.REPO / path).read_text()
    except UnicodeDecodeError:
        return ""


def modules() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def test_the_top_level_is_the_layout_of_the_design() -> None:
    top = {path.parts[0] for path in tracked()}
    assert top >= FOLDERS | FILES | SETTINGS
    assert top <= FOLDERS | FILES | SETTINGS | OPTIONAL


def test_each_module_begins_with_one_line_that_says_what_it_is() -> None:
    wrong = []
    for path in modules():
        first, *rest = (ast.get_docstring(ast.parse(text(path))) or "").splitlines() or [""]
        if not first or (rest and rest[0]):
            wrong.append(str(path))
    assert not wrong


def test_no_file_is_too_long_to_be_one_thing() -> None:
    lengths = {str(path): len(text(path).splitlines()) for path in tracked() if path.suffix not in MAY_BE_LONGER}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST} == {}


def test_every_language_has_its_four_places() -> None:
    languages = {path.stem for path in (support.REPO / "ddd_tasks" / "languages").glob("[!_]*.py")}
    assert languages
    for language in languages:
        assert (support.REPO / "docker" / language / "Dockerfile").is_file()
        assert (support.REPO / "examples" / language).is_dir()


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if path.match("ddd_tasks/tasks/[!_]*.py") and path.stem != "namespace"],
    ids=str,
)
def test_a_task_module_is_a_collection_by_itself(path: Path) -> None:
    """Collection(dev, debug) takes a module's own `ns` for its root, and dev.dev.up would appear."""
    nodes = [node for node in ast.parse(text(path)).body if isinstance(node, ast.Assign | ast.AnnAssign)]
    targets = [target for node in nodes for target in (node.targets if isinstance(node, ast.Assign) else [node.target])]
    assert not {target.id for target in targets if isinstance(target, ast.Name)} & {"ns", "namespace"}


def private_hosts() -> set[str]:
    """Hosts of this machine's package-manager settings, other than the public ones."""
    home = Path.home()
    files = [Path("/etc/pip.conf"), home / ".config/pip/pip.conf", home / ".config/uv/uv.toml", home / ".npmrc"]
    settings = [file.read_text() for file in files if file.is_file()]
    settings += [value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "npm_config_"))]
    urls = re.findall(r"https?://[^\s\"']+", "\n".join(settings))
    return {host for url in urls if (host := urlsplit(url).hostname or "")} - PUBLIC_HOSTS - {"localhost", "127.0.0.1"}


def test_nothing_names_the_machine_it_was_written_on() -> None:
    # Not as one literal: this file is searched as well.
    forbidden = [r"(?<![\w.}-])/" + folder + r"\b" for folder in ("work/main", "work/shared", "tmp/briefs")]
    pattern = re.compile("|".join(forbidden + [re.escape(host) for host in sorted(private_hosts())]))
    assert {str(path): found.group() for path in tracked() if (found := pattern.search(text(path)))} == {}
