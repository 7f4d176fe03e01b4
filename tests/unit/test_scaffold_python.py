"""How Python code starts, read from its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.languages import manager
from ddd_tasks.languages.python import PYTHON, entries

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "import fastapi\napi = fastapi.FastAPI()\n@api.get('/healthz')\ndef health(): return {}\n"
FACTORY = "from flask import Flask\ndef create_app(settings=None):\n    app = Flask(__name__)\n    return app\n"
MAIN = "if __name__ == '__main__':\n    serve()\n"
SERVER = (
    "import os\nfrom http.server import HTTPServer\nHTTPServer(('', int(os.environ.get('PORT', '9000'))), None)\n"
    + MAIN
)
MANAGE = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
NEEDY = FACTORY.replace("settings=None", "settings")
WRAPPED = "from shop import create_app\napp = create_app()\n"
ASYNC = FACTORY.replace("flask", "fastapi").replace("Flask", "FastAPI")
OTHERS = {"tests/main.py": FASTAPI, "env/pyvenv.cfg": "", "env/app.py": FASTAPI}


def written(directory: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory


@pytest.mark.parametrize(
    ("files", "app", "kind"),
    [
        ({"main.py": FASTAPI}, "main:api", ()),
        ({"app/__init__.py": "", "app/main.py": FASTAPI, "app/worker.py": FASTAPI}, "app.main:api", ()),
        ({"app.py": FLASK, "admin.py": FLASK}, "app:app", ("wsgi", "flask")),
        ({"shop/__init__.py": FACTORY, "wsgi.py": WRAPPED}, "wsgi:app", ("wsgi", "flask")),
        ({"shop/__init__.py": FACTORY, "shop/web.py": WRAPPED.replace("shop", ".")}, "shop.web:app", ("wsgi", "flask")),
        ({"shop/__init__.py": FACTORY}, "shop:create_app()", ("wsgi", "flask")),
        ({"main.py": ASYNC}, "--factory main:create_app", ()),
        ({"main.py": NEEDY, "run.py": MAIN}, "run.py", ("script",)),
        ({"main.py": NEEDY + "app = create_app(1)\n"}, "main:app", ("wsgi", "flask")),
        ({"src/shop/__init__.py": "", "src/shop/app.py": FLASK}, "shop.app:app", ("wsgi", "flask")),
        ({"main.py": "import falcon\napp = falcon.App()\n"}, "main:app", ("wsgi",)),
        ({"main.py": "import falcon.asgi\napp = falcon.asgi.App()\n"}, "main:app", ()),
        ({"server.py": SERVER}, "server.py", ("script",)),
        ({"shop/__init__.py": "", "shop/__main__.py": "print()\n", "shop/tools.py": MAIN}, "-m shop", ("script",)),
        ({"manage.py": MANAGE, "shop/settings.py": ""}, "shop.wsgi:application", ("wsgi", "django", "django-test")),
        ({"manage.py": MANAGE, "requirements.txt": "pytest-django\n"}, "shop.wsgi:application", ("wsgi", "django")),
        ({"main.py": FLASK, **OTHERS}, "main:app", ("wsgi", "flask")),
        ({"run.py": MAIN, "api/main.py": FASTAPI, "api/requirements.txt": ""}, "run.py", ("script",)),
        ({"broken.py": "def (", "main.py": FLASK}, "main:app", ("wsgi", "flask")),
    ],
)
def test_what_starts(tmp_path: Path, files: Mapping[str, str], app: str, kind: tuple[str, ...]) -> None:
    (entry,) = entries(written(tmp_path, files))
    assert entry.knobs["APP"] == app
    assert entry.variants == (*kind, "unformatted")


@pytest.mark.parametrize(
    ("files", "port", "health"),
    [
        ({"main.py": FASTAPI}, 8000, "/healthz"),
        ({"main.py": FLASK + "if __name__ == '__main__':\n    app.run('0.0.0.0', 5001)\n"}, 5001, None),
        ({"main.py": FLASK + "import uvicorn\nuvicorn.run(app, port=int('9100'))\n"}, 9100, None),
        ({"server.py": SERVER}, 9000, None),
        ({"server.py": SERVER.replace(", '9000'", "")}, 8000, None),
        ({"server.py": SERVER.replace("int(os.environ.get('PORT', '9000'))", "8765")}, 8765, None),
        ({"worker.py": "import asyncio, redis\nredis.Redis(port=6379)\nasyncio.run(main(2000))\n" + MAIN}, None, None),
        ({"manage.py": MANAGE, "shop/urls.py": "path('health/', health)\n"}, 8000, "/health/"),
    ],
)
def test_port_and_health(tmp_path: Path, files: Mapping[str, str], port: int | None, health: str | None) -> None:
    (entry,) = entries(written(tmp_path, files))
    assert (entry.port, entry.health) == (port, health)


@pytest.mark.parametrize(
    ("files", "watch", "root"),
    [
        ({"app/main.py": FLASK, "tests/test_app.py": "", "setup.py": ""}, "app", "."),
        ({"app/main.py": FLASK, "lib/x.py": ""}, ".", "."),
        ({"main.py": FLASK}, ".", "."),
        ({"src/shop/app.py": FLASK}, "src", "src"),
    ],
)
def test_what_is_watched_and_where_imports_begin(
    tmp_path: Path, files: Mapping[str, str], watch: str, root: str
) -> None:
    (entry,) = entries(written(tmp_path, files))
    assert (entry.knobs["WATCH"], entry.knobs["PYTHONPATH"]) == (watch, root)


def test_equals_are_left_to_the_user(tmp_path: Path) -> None:
    written(tmp_path, {"orders/main.py": FASTAPI, "users/main.py": FASTAPI})
    assert [entry.knobs["APP"] for entry in entries(tmp_path)] == ["orders.main:api", "users.main:api"]


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        ("users.main:api", ()),
        ("tool.py", ("script",)),
        ("tool:anything", ("wsgi", "flask")),
        ("shop:create_app", ("wsgi", "flask")),
    ],
)
def test_what_the_user_names(tmp_path: Path, app: str, kind: tuple[str, ...]) -> None:
    files = {"users/main.py": FASTAPI, "tool.py": MAIN, "shop.py": FACTORY, "requirements.txt": "flask==3\nruff\n"}
    (entry,) = entries(written(tmp_path, files), app)
    assert entry.knobs["APP"].removesuffix("()") == app
    assert entry.variants == kind
    assert entries(tmp_path, "nothing:app") == entries(tmp_path, "nothing.py") == ()


def test_nothing_to_start(tmp_path: Path) -> None:
    assert entries(written(tmp_path, {"lib.py": "def f(): ...\n", "setup.py": MAIN})) == ()
    written(tmp_path, {"main.py": "def (\n"})
    with pytest.raises(ConfigError, match=r"main\.py cannot be read as Python"):
        entries(tmp_path)


def test_a_broken_pyproject_is_named(tmp_path: Path) -> None:
    written(tmp_path, {"main.py": FLASK, "pyproject.toml": "[project\n"})
    with pytest.raises(ConfigError, match=r"pyproject\.toml cannot be read") as refused:
        entries(tmp_path)
    assert refused.value.cause


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({"pyproject.toml": "[tool.poetry]\nname = 'x'\n"}, "poetry lock"),
        ({"Pipfile": "[packages]\nflask = '*'\n"}, "pipenv requirements > requirements.txt"),
    ],
)
def test_a_manifest_that_cannot_be_installed_from_is_refused(
    tmp_path: Path, files: Mapping[str, str], hint: str
) -> None:
    written(tmp_path, {"main.py": FLASK, **files})
    with pytest.raises(ConfigError) as refused:
        entries(tmp_path)
    assert refused.value.hint == hint
    written(tmp_path, {"requirements.txt": "flask\n"})
    assert entries(tmp_path)


def test_a_django_project_below_its_manifest_is_refused(tmp_path: Path) -> None:
    manage = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
    written(tmp_path, {"requirements.txt": "django\n", "src/manage.py": manage})
    with pytest.raises(ConfigError, match=r"manage\.py has no file beside it") as refused:
        entries(tmp_path / "src")
    assert refused.value.hint == f"cp {tmp_path}/requirements.txt {tmp_path}/src/"
    written(tmp_path, {"src/requirements.txt": "django\n"})
    assert [entry.knobs["APP"] for entry in entries(tmp_path / "src")] == ["shop.wsgi:application"]


@pytest.mark.parametrize(
    ("files", "variant"),
    [
        (["pyproject.toml", "uv.lock", "requirements.txt"], None),
        (["pyproject.toml", "poetry.lock"], "poetry"),
        (["requirements-dev.txt"], "pip"),
        (["requirements/base.txt"], "pip"),
        (["pyproject.toml"], "pyproject"),
        (["manage.py"], "pip"),
    ],
)
def test_the_package_manager(tmp_path: Path, files: list[str], variant: str | None) -> None:
    written(tmp_path, dict.fromkeys(files, "[project]\n"))
    assert manager(PYTHON, tmp_path).variant == variant
    (tmp_path / files[0]).write_text("[tool.ruff]\n")
    if variant == "pyproject":
        assert manager(PYTHON, tmp_path).variant == "pip"
