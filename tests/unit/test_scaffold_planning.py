"""What `ddd init` plans and writes: new files, a user's own, a second time, and failures half way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
import yaml

from ddd_tasks.errors import ConfigError, Terminated
from ddd_tasks.language import Entry, Language
from ddd_tasks.languages import LANGUAGES
from ddd_tasks.languages.python import PYTHON
from ddd_tasks.scaffold import Wanted, example, finding, planning, texts, writing
from ddd_tasks.scaffold.planning import Plan
from ddd_tasks.scaffold.services import Service, slug
from tests.support import REPO

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
NAMED = re.compile(r"""(?i)\bservice["']?\s*[:=]\s*("[^"]*")""")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder named shop with a Flask application."""
    made = tmp_path / "shop"
    made.mkdir()
    (made / "main.py").write_text(FLASK)
    (made / "requirements.txt").write_text("flask\n")
    return made


def init(directory: Path, *, force: bool = False, **flags: str) -> Plan:
    """Plan, check and write."""
    plan = planning.make(directory, Wanted(**flags), force=force)  # type: ignore[arg-type]
    plan.check()
    writing.write(directory, plan.written)
    return plan


def states(plan: Plan) -> dict[str, str]:
    return {change.path: change.state for change in plan.changes}


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_second_time_there_is_nothing_to_do(folder: Path) -> None:
    first = init(folder)
    assert set(states(first).values()) == {"new"}
    before = content(folder)
    assert before.keys() == {*states(first), "main.py", "requirements.txt"}
    assert set(states(init(folder)).values()) == {"same"}
    assert content(folder) == before


def test_what_the_user_said_once_still_holds(folder: Path) -> None:
    (folder / "other.py").write_text(FLASK.replace("app =", "other ="))
    (folder / "main.py").rename(folder / "one.py")
    init(folder, name="front", app="other:other")
    assert planning.make(folder, Wanted()).written == []


def test_files_of_the_user_are_kept(folder: Path) -> None:
    own = {"noxfile.py": "import nox\n", "tasks.py": "# mine\n", ".dockerignore": "*.log\n"}
    for name, text in own.items():
        (folder / name).write_text(text)
    (folder / ".gitignore").write_text("*.log\n.nox")
    found = states(init(folder))
    assert {name: found[name] for name in own} == dict.fromkeys(own, "kept")
    assert {name: (folder / name).read_text() for name in own} == own
    assert (folder / ".gitignore").read_text() == "*.log\n.nox\n.ddd/\n"


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "docker-compose.yml"])
def test_what_nothing_works_without_is_refused_or_forced(folder: Path, name: str) -> None:
    (folder / name).write_text("# mine\n")
    before = content(folder)
    with pytest.raises(ConfigError, match=name):
        init(folder)
    assert content(folder) == before
    plan = init(folder, force=True)
    assert states(plan).get(name) == ("replaced" if name in states(plan) else None)
    assert (folder / "compose.yaml").read_text().startswith("# `ddd dev.up`")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Terminated(15)])
@pytest.mark.parametrize("after", [1, 3, 5])
def test_what_fails_half_way_leaves_all_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException
) -> None:
    (folder / "Dockerfile").write_text("# mine\n")
    before = content(folder)
    calls = 0

    def failing(function: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object) -> object:
            nonlocal calls
            calls += 1
            if calls == after + 1:
                raise error
            return function(*words)

        return call

    for name in ("rename", "replace"):
        monkeypatch.setattr(Path, name, failing(getattr(Path, name)))
    plan = planning.make(folder, Wanted(), force=True)
    with pytest.raises((ConfigError, Terminated)):
        writing.write(folder, plan.written)
    monkeypatch.undo()
    assert calls > after
    assert content(folder) == before


def test_a_file_that_has_come_in_the_meantime_is_not_written_over(folder: Path) -> None:
    plan = planning.make(folder, Wanted())
    (folder / "tasks.py").write_text("# just made\n")
    before = content(folder)
    with pytest.raises(ConfigError, match="nothing was changed"):
        writing.write(folder, plan.written)
    assert content(folder) == before


@pytest.mark.parametrize("language", LANGUAGES, ids=[language.name for language in LANGUAGES])
def test_a_new_service_has_its_own_name_and_nothing_of_this_repository(tmp_path: Path, language: Language) -> None:
    directory = tmp_path / "My Shop"
    directory.mkdir()
    (directory / "README.md").write_text("# Mine\n")
    init(directory, language=language.name)
    files = {path: text.decode() for path, text in content(directory).items()}
    assert not [path for path, text in files.items() if '"visits"' in NAMED.findall(text)]
    named = [path for path, text in files.items() if '"my-shop"' in NAMED.findall(text)]
    assert [path for path in named if "test" not in path.lower()]
    assert files["README.md"] == "# Mine\n"
    (made,) = planning.make(directory, Wanted()).services
    assert yaml.safe_load(files["compose.yaml"])["services"].keys() == {"my-shop"}
    # What monitor.up looks for, and where it then finds the page.
    said = yaml.safe_load(files["compose.yaml"])["services"]["my-shop"]["x-ddd"]
    assert said == {"metrics": {"port": made.entry.port}}
    assert language.metrics
    assert language.metrics.port == made.entry.port
    assert planning.make(directory, Wanted()).written == []


@pytest.mark.parametrize(
    ("file", "text", "has_page"),
    [
        ("main.py", FLASK, False),
        ("main.py", FLASK + '@app.get("/metrics")\ndef page(): ...\n', True),
        ("main.py", FLASK + 'requests.get("http://other/metrics")\n', False),
        ("test_main.py", 'assert client.get("/metrics")\n', False),
        ("tests/all.py", 'assert client.get("/metrics")\n', False),
    ],
)
def test_existing_code_has_a_page_only_where_it_shows_one(folder: Path, file: str, text: str, has_page: bool) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text)
    before = (folder / file).read_bytes()
    init(folder)
    service = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["shop"]
    assert service.get("x-ddd") == ({"metrics": {"port": 8000}} if has_page else None)
    assert (folder / file).read_bytes() == before


def test_the_example_is_copied_without_what_tools_left(tmp_path: Path) -> None:
    tracked = set(example.files(PYTHON, "shop"))
    assert {"app/main.py", "pyproject.toml", "tests/test_app.py"} <= tracked
    assert not [path for path in tracked if "cache" in path or path == "README.md"]
    assert example.renamed(b"\xff visits", "shop") == b"\xff visits"
    answer = b'{"service": service, "visits": visits}'
    assert example.renamed(answer, "shop") == answer


def service(name: str, folder: str, port: int | None) -> Service:
    (entry,) = PYTHON.entries(REPO / "examples" / "python", None) if PYTHON.entries else ()
    changed = Entry(entry.knobs, port, entry.health, entry.why, entry.variants)
    return Service(
        name, PurePosixPath(folder), PYTHON, PYTHON.managers[0], changed, port or 0, "/metrics" if port else None
    )


def test_the_compose_file_of_several_services() -> None:
    text = texts.compose([service("api", "services/api", 8000), service("2nd-worker", "worker", None)])
    services = yaml.safe_load(text)["services"]
    assert services["api"]["build"] == {"context": "./services/api", "target": "dev"}
    assert services["api"]["ports"] == ["127.0.0.1:${API_PORT:-8000}:8000"]
    assert services["api"]["volumes"] == ["./services/api/:/app"]
    assert "':1F40 0*:0000 0A'" in services["api"]["healthcheck"]["test"][1]
    assert not {"ports", "healthcheck"} & services["2nd-worker"].keys()
    assert service("2nd-worker", "worker", 1).port_variable == "ND_WORKER_PORT"


def test_the_noxfile_of_several_services_is_python() -> None:
    text = texts.noxfile([service("api", "services/api", 8000), service("2nd-worker", ".", None)])
    compile(text, "noxfile.py", "exec")
    assert 'name="api-test-in-container"' in text
    assert 'session.chdir("services/api")' in text
    assert 'stage("lint", service="2nd-worker")' in text


def test_words_behind_a_session_reach_the_tests_and_not_npm() -> None:
    (shop,) = finding.find(REPO / "examples" / "node", Wanted("node"))
    assert 'session.run("npm", "test", "--", *session.posargs)' in texts.noxfile([shop])


@pytest.mark.parametrize(
    ("text", "name"), [("My Shop", "my-shop"), ("shop_v2", "shop-v2"), ("Überblick", "uberblick"), ("...", "app")]
)
def test_a_folders_name_as_a_services(text: str, name: str) -> None:
    assert slug(text) == name


def test_services_below_are_found_and_kept_apart(tmp_path: Path) -> None:
    for path in ("a/api", "b/api", "web", "node_modules/x", ".hidden/y", "tests/z"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "main.py").write_text(FLASK)
        (tmp_path / path / "requirements.txt").write_text("")
    found = planning.make(tmp_path, Wanted()).services
    assert [(one.name, str(one.folder), one.host_port) for one in found] == [
        ("web", "web", 8000),
        ("api", "a/api", 8001),
        ("b-api", "b/api", 8002),
    ]


def test_the_page_shows_what_is_written() -> None:
    page = (REPO / "docs" / "init.md").read_text()
    shop = service("shop", ".", 8000)
    assert f"```yaml\n{texts.compose([shop])}```" in page
    assert f"```python\n{texts.noxfile([shop])}```" in page


def test_tools_at_the_top_do_not_hide_the_services_below(tmp_path: Path) -> None:
    for path, text in {
        "pyproject.toml": "[tool.ruff]\n",
        "api/main.py": FLASK,
        "api/requirements.txt": "",
        "web/package.json": "{}",
        "web/server.js": "require('http').createServer().listen(8000)\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    plan = init(tmp_path)
    assert [(one.name, one.language.name, one.host_port) for one in plan.services] == [
        ("api", "python", 8000),
        ("web", "node", 8001),
    ]
    assert {"api/Dockerfile", "web/Dockerfile", "web/.dockerignore", "compose.yaml"} <= states(plan).keys()
    assert planning.make(tmp_path, Wanted()).written == []
