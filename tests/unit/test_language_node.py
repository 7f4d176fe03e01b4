"""How Node.js code starts, as package.json and the code say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import languages
from ddd_tasks.errors import ConfigError
from ddd_tasks.language import Entry, PathMapping
from ddd_tasks.languages.node import NODE, entries
from tests.support import REPO

SERVER = "createServer(answer).listen(process.env.PORT ?? 3000);"
Make = Callable[..., tuple[Entry, ...]]


@pytest.fixture
def found(tmp_path: Path) -> Make:
    """found({path: text}, scripts, app=None, **package): the entries of a folder with these files."""

    def make(
        files: Mapping[str, str], scripts: Mapping[str, str] | None = None, app: str | None = None, **package: Any
    ) -> tuple[Entry, ...]:
        values = {**package, "scripts": scripts or {}}
        for path, text in {"package.json": json.dumps(values), **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return entries(tmp_path, app)

    return make


def apps(found: tuple[Entry, ...]) -> list[str]:
    return [entry.knobs["APP"] for entry in found]


def test_the_example() -> None:
    (entry,) = entries(REPO / "examples" / "node")
    assert entry.knobs == {"APP": "src/server.js", "DEV_APP": ""}
    assert (entry.port, entry.health, entry.variants) == (8000, "/health", ())
    assert "node src/server.js" in entry.why


@pytest.mark.parametrize(
    ("script", "app"),
    [
        ("node server.js", "server.js"),
        ("node ./server", "server.js"),
        ("node .", None),
        ("NODE_ENV=production node server.js", "server.js"),
        ("cross-env NODE_ENV=production node server.js --verbose", "server.js --verbose"),
        (
            "node --enable-source-maps --import ./trace.js server.js",
            "--enable-source-maps --import ./trace.js server.js",
        ),
        ("node --watch --inspect=9229 server.js", "server.js"),
        ("nodemon --watch src -e js,json server.js", "server.js"),
        ("npm run build && node server.js", "server.js"),
        ("node --env-file=.env server.js", "--env-file-if-exists=.env server.js"),
        ("node --env-file .env server.js", "--env-file-if-exists .env server.js"),
        ("node gone.js", None),
    ],
)
def test_a_start_script_that_runs_a_file(found: Make, script: str, app: str | None) -> None:
    made = found({"server.js": SERVER, "lib/index.js": ""}, {"start": script})
    assert apps(made) == [app or "server.js"]
    assert ("script" in made[0].why) is (app is not None), "otherwise it is found by its name"


def test_a_file_without_an_ending_is_a_program_too(found: Make) -> None:
    (entry,) = found({"bin/www": SERVER}, {"start": "node ./bin/www"})
    assert (entry.knobs["APP"], entry.port) == ("bin/www", 3000)


def test_typescript_that_is_compiled_runs_its_source_in_development(found: Make) -> None:
    scripts = {"start": "node dist/index.js", "build": "tsc", "test": "node --test"}
    (entry,) = found({"src/index.ts": SERVER, "tsconfig.json": "{}"}, scripts, devDependencies={"typescript": "^5"})
    assert entry.knobs == {"APP": "dist/index.js", "DEV_APP": "src/index.ts"}
    assert entry.variants == ("typescript", "typecheck")


@pytest.mark.parametrize("main", ["index.js", "."])
def test_main_at_the_top_that_nothing_makes_is_no_program(found: Make, main: str) -> None:
    (entry,) = found(
        {"src/index.ts": SERVER}, {"start": "npm run build && node dist/index.js", "build": "tsc"}, main=main
    )
    assert entry.knobs == {"APP": "dist/index.js", "DEV_APP": "src/index.ts"}
    assert apps(found({"src/index.ts": SERVER}, {"build": "tsc"}, main=main)) == ["src/index.ts"]


def test_a_bundle_runs_what_the_dev_script_runs(found: Make) -> None:
    scripts = {"start": "node out/bundle.cjs", "build": "esbuild", "dev": "tsx watch code/begin.ts", "lint": "eslint"}
    (entry,) = found({"code/begin.ts": SERVER}, scripts)
    assert entry.knobs == {"APP": "out/bundle.cjs", "DEV_APP": "code/begin.ts"}


def test_typescript_without_a_build_runs_as_it_is(found: Make) -> None:
    (entry,) = found({"src/main.ts": SERVER}, {"start": "tsx src/main.ts"})
    assert (entry.knobs["APP"], entry.variants[0]) == ("src/main.ts", "typescript")


def test_what_is_compiled_but_never_built_does_not_start(found: Make) -> None:
    assert found({"lib.ts": ""}, {"start": "node dist/lib.js"}) == ()


def test_a_framework_reloads_by_its_own_command(found: Make) -> None:
    scripts = {
        "start": "nest start",
        "start:dev": "nest start --watch",
        "start:prod": "node dist/main",
        "build": "nest build",
    }
    (entry,) = found({"src/main.ts": "await app.listen(process.env.PORT ?? 3000);"}, scripts)
    assert entry.knobs == {"APP": "dist/main.js", "DEV_APP": "nest start --watch"}
    assert (entry.port, entry.variants[0]) == (3000, "command")


@pytest.mark.parametrize(
    ("script", "dev", "port"),
    [("next start", "next dev", 3000), ("serve-it --port 8081", "", 8081), ("serve-it", "", None)],
)
def test_a_command_of_a_package(found: Make, script: str, dev: str, port: int | None) -> None:
    (entry,) = found({}, {"start": script, "dev": "next dev"}, dependencies={"serve-it": "1"})
    assert entry.knobs == {"APP": script, "DEV_APP": dev}
    assert entry.port == port
    assert entry.variants[:2] == ("command", "command-prod")


@pytest.mark.parametrize("script", ["python app.py", "make serve", "node a.js && node b.js", "node $FILE", "echo 'a"])
def test_other_start_scripts_start_nothing(found: Make, script: str) -> None:
    assert found({}, {"start": script}) == ()


def test_main_is_a_program_when_it_listens(found: Make) -> None:
    assert apps(found({"lib/begin.js": SERVER}, main="./lib/begin.js")) == ["lib/begin.js"]
    assert found({"lib/begin.js": "module.exports = {};"}, main="lib/begin.js") == ()


def test_two_files_that_listen_are_two_entries(found: Make) -> None:
    files = {"server.js": SERVER, "index.js": SERVER, "app.js": "export const app = 1;", "test/server.js": SERVER}
    assert apps(found(files)) == ["server.js", "index.js"]
    assert apps(found({}, app="index.js")) == ["index.js"]
    assert apps(found({}, app="app.js")) == ["app.js"]
    assert found({}, app="gone.js") == ()


def test_tools_alone_are_no_service(found: Make) -> None:
    assert found({}, devDependencies={"prettier": "^3"}) == ()


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ("app.listen(5000)", 5000),
        ("app.listen('5000', ready)", 5000),
        ("await fastify.listen({ host: '0.0.0.0', port: 5000 })", 5000),
        ("const port = parseInt('5000', 10); app.listen(port)", 5000),
        ("const port: number = 5000; app.listen(port)", 5000),
        ("const port = Number(process.env.PORT) || 5000; app.listen(port)", 5000),
        ("app.listen(normalize(process.env['PORT'] ?? '5000'))", 5000),
        ("app.listen(process.env.PORT)", 8000),
        ("// app.listen(4000)\napp.listen(config.port)", 8000),
        ("setInterval(work, 1000)", None),
    ],
)
def test_the_port_is_what_the_code_says(found: Make, code: str, port: int | None) -> None:
    (entry,) = found({"server.js": code}, {"start": "node server.js"})
    assert entry.port == port


def test_the_file_that_starts_is_asked_for_the_port_first(found: Make) -> None:
    (entry,) = found({"a.js": "app.listen(4000)", "server.js": "app.listen(5000)"}, {"start": "node server.js"})
    assert entry.port == 5000


@pytest.mark.parametrize(
    ("route", "health"),
    [("app.get('/healthz', ok)", "/healthz"), ("app.get(`/x`)", None), ("url === '/health/'", "/health")],
)
def test_health_is_a_route_of_the_code(found: Make, route: str, health: str | None) -> None:
    (entry,) = found({"server.js": SERVER, "routes.js": route}, {"start": "node server.js"})
    assert entry.health == health


def test_scripts_that_are_missing_are_stood_in_for(found: Make) -> None:
    scripts = {"start": "node server.js", "test": 'echo "Error: no test specified" && exit 1'}
    assert found({"server.js": SERVER}, scripts)[0].variants == ("untested", "unlinted")


@pytest.mark.parametrize("text", ["{", "[]", '{"scripts": '])
def test_a_broken_package_json_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text(text)
    with pytest.raises(ConfigError) as refused:
        entries(tmp_path)
    assert str(tmp_path / "package.json") in refused.value.what
    assert refused.value.cause


@pytest.mark.parametrize("package", ['{"scripts": []}', '{"scripts": {"start": 1}}', '{"main": {}}'])
def test_odd_values_are_no_scripts(tmp_path: Path, package: str) -> None:
    (tmp_path / "package.json").write_text(package)
    assert entries(tmp_path) == ()


@pytest.mark.parametrize(
    ("files", "variant"),
    [
        (["package-lock.json"], None),
        (["pnpm-lock.yaml", "package-lock.json"], "pnpm"),
        (["yarn.lock"], "yarn"),
        (["yarn.lock", ".yarnrc.yml"], "berry"),
        ([], None),
    ],
)
def test_a_lock_file_tells_the_package_manager(tmp_path: Path, files: list[str], variant: str | None) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert languages.manager(NODE, tmp_path).variant == variant


def test_a_debugger_that_knows_one_folder_gets_the_outermost() -> None:
    debug = languages.get("node").debug
    assert debug is not None
    mappings = (PathMapping(Path("/p/lib"), "/app/lib"), PathMapping(Path("/p/api"), "/app"))
    found = debug.arguments("127.0.0.1", 9229, mappings)
    assert (found["localRoot"], found["remoteRoot"]) == ("/p/api", "/app")
    assert "localRoot" not in debug.arguments("127.0.0.1", 9229, ())
