"""What `ddd init` and `ddd languages` are given, and what lies in the folder already."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, Case, compose

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
PYTHON = {"main.py": FLASK, "requirements.txt": "flask\n"}
NODE = {"package.json": "{}", "server.js": "require('http').createServer().listen(3000)\n"}
INIT = ("init",)


def _init(
    name: str, files: dict[str, str], *words: str, said: tuple[str, ...], hint: str, status: int = 78, script: str = ""
) -> Case:
    return Case(f"init-{name}", files, (*INIT, *words), status, said, hint, {}, script)


CASES = [
    _init("no-language", {}, said=("which language?", "valid: ", "python"), hint="ddd init --language"),
    _init(
        "unknown", {}, "--language", "pyton", said=("no language named 'pyton'", "did you mean: python"), hint="ddd lan"
    ),
    _init("no-code", {"notes.txt": "x"}, said=("no language was recognised", "pyproject.toml"), hint="ddd init --lang"),
    _init(
        "no-entry",
        {"requirements.txt": "flask\n", "lib.py": "X = 1\n"},
        said=("no entry point", "python"),
        hint="ddd init --help",
    ),
    _init(
        "other-language",
        {"go.mod": "module x\n"},
        "--language",
        "python",
        said=("no entry point", "python"),
        hint="ddd init",
    ),
    _init(
        "two-programs",
        {"a.py": FLASK, "b.py": FLASK, "requirements.txt": ""},
        said=("2 programs", "a:app, b:app", "a.py has Flask"),
        hint="ddd init --app a:app",
    ),
    _init("app", PYTHON, "--app", "nothing:app", said=("nothing in", "starts as 'nothing:app'"), hint="ls "),
    _init("name", PYTHON, "--name", "My Shop", said=("'My Shop' is no name", "cause:"), hint="ddd init --name my-shop"),
    _init("port", PYTHON, "--port", "70000", said=("70000 is no port", "1 to 65535"), hint="ddd init --help"),
    _init("port-no-number", PYTHON, "--port", "http", said=("a flag was given no number",), hint="ddd --help init"),
    _init(
        "pyproject-broken",
        {**PYTHON, "pyproject.toml": "[project\n"},
        said=("pyproject.toml cannot be read", "cause:"),
        hint="${EDITOR:-vi} ",
    ),
    _init(
        "package-broken", {"package.json": "{"}, said=("package.json cannot be read", "cause:"), hint="${EDITOR:-vi} "
    ),
    _init(
        "two-languages",
        {**PYTHON, **NODE},
        said=("which language is the service in", "valid: node, python"),
        hint="ddd init --language python",
    ),
    _init(
        "code-broken",
        {"main.py": "def (\n", "requirements.txt": ""},
        said=("main.py cannot be read as Python", "SyntaxError"),
        hint="python3 -m py_compile",
    ),
    _init(
        "dockerfile",
        {**PYTHON, "Dockerfile": DOCKERFILE},
        said=("not as `ddd init` would write it: Dockerfile", "--force"),
        hint="ddd init --dry --force",
    ),
    _init(
        "compose",
        {**PYTHON, "compose.yaml": compose()},
        said=("would write it: compose.yaml",),
        hint="ddd init --dry --force",
    ),
    _init(
        "compose-other-name",
        {**PYTHON, "docker-compose.yml": compose()},
        said=("docker-compose.yml",),
        hint="ddd init --dry --force",
    ),
    _init(
        "compose-broken",
        {**PYTHON, "compose.yaml": "services: [\n"},
        said=("would write it: compose.yaml",),
        hint="ddd init --dry --force",
    ),
    _init(
        "several-one-name",
        {"a/main.py": FLASK, "a/requirements.txt": "", "b/main.py": FLASK, "b/requirements.txt": ""},
        "--name",
        "shop",
        said=("--name was given for 2 services", "valid: a, b"),
        hint="cd a",
    ),
    _init(
        "disk", PYTHON, said=("nothing was changed", "File too large"), hint="ls -ld", script="ulimit -f 0; $DDD init"
    ),
    _init(
        "in-the-way",
        {"app": "a file, where the example has a folder\n"},
        "--language",
        "python",
        said=("no entry point",),
        hint="ddd init",
    ),
    _init(
        "dangling",
        PYTHON,
        said=("compose.yaml cannot be written", "nothing was changed"),
        hint="ls -ld",
        script="ln -s /nowhere/x compose.yaml; $DDD init",
    ),
]
