"""The development environment of a checkout: .venv, exactly as uv.lock says.

uv comes from the package index into an environment of its own, so that a machine needs nothing but Python with venv.
pip reads its own configuration; what uv would miss of it (certificate bundle, proxy, index) is handed on here.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ddd_tasks import console, process

UV = "uv==0.13.9"


def make(root: Path, *, stamp: str) -> None:
    """Make or renew root/.venv. The stamp comes last: an interrupted run is done again. Raises DddError."""
    mark = root / ".venv" / ".ddd-stamp"
    python = _python()
    moved = mark.exists() and mark.read_text(encoding="utf-8").partition("\n")[0] != str(root)
    if moved:
        shutil.rmtree(root / ".venv")  # its scripts name the old place in their first line
    mark.unlink(missing_ok=True)
    with console.step("make .venv from uv.lock"):
        home = _uv(root, python)
        _sync(root, home, _environment(root, python, _pip_configuration(home)))
        mark.write_text(stamp, encoding="utf-8")


def _uv(root: Path, python: str) -> Path:
    """The directory of the environment that has our uv, made if needed."""
    home = root / ".ddd" / "uv"
    mark = home / "pinned"
    if not (mark.exists() and mark.read_text(encoding="utf-8") == UV and (home / "bin" / "uv").exists()):
        process.capture([python, "-m", "venv", "--clear", str(home)])
        pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        process.capture([*pip, "install", "--only-binary", ":all:", UV])
        mark.write_text(UV, encoding="utf-8")
    return home


def _python() -> str:
    """The Python that runs us, by its own place: the link to it may be in the very .venv that goes."""
    return str(Path(sys.executable).resolve())


def _sync(root: Path, home: Path, env: Mapping[str, str]) -> None:
    uv = [str(home / "bin" / "uv"), "--quiet", "--directory", str(root)]
    if "UV_DEFAULT_INDEX" not in env:
        process.run([*uv, "sync", "--frozen", "--compile-bytecode"], env=env, quiet=True)
        return
    # The lock holds addresses of pypi.org, which a machine with an index of its own may not reach: take names,
    # versions and hashes from the lock, and the files from that index.
    pinned = str(root / ".ddd" / "requirements.txt")
    process.run([*uv, "export", "--frozen", "--no-emit-project", "--output-file", pinned], env=env, quiet=True)
    process.run([*uv, "venv", "--allow-existing", str(root / ".venv")], env=env, quiet=True)
    into = ("--python", str(root / ".venv"))
    process.run([*uv, "pip", "sync", *into, "--compile-bytecode", "--require-hashes", pinned], env=env, quiet=True)
    process.run([*uv, "pip", "install", *into, "--no-deps", "--editable", "."], env=env, quiet=True)


def _pip_configuration(home: Path) -> dict[str, str]:
    """What pip was told by its files and PIP_ variables, by option name; install's settings win over global ones."""
    listed = process.capture([str(home / "bin" / "python"), "-m", "pip", "config", "list"]).stdout
    pairs = [line.partition("=") for line in listed.splitlines() if "=" in line]
    settings: dict[str, str] = {}
    for section in ("global", "install", ":env:"):
        for key, _, value in pairs:
            if key.startswith(f"{section}."):
                settings[key.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    return settings


def _environment(root: Path, python: str, pip: Mapping[str, str]) -> dict[str, str]:
    """Our environment for uv: .venv in the checkout, no downloaded Python, pip's configuration where uv has none."""
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    env |= {"UV_PROJECT_ENVIRONMENT": str(root / ".venv"), "VIRTUAL_ENV": str(root / ".venv")}
    env |= {"UV_PYTHON_DOWNLOADS": "never"}
    if not (root / ".venv" / "bin" / "python").exists():
        env["UV_PYTHON"] = python
    for option, name in (("cert", "SSL_CERT_FILE"), ("proxy", "ALL_PROXY"), ("index-url", "UV_DEFAULT_INDEX")):
        if option in pip:
            env.setdefault(name, pip[option])
    if "SSL_CERT_FILE" not in env:
        env.setdefault("UV_SYSTEM_CERTS", "1")  # the machine's certificates, as pip and curl use them
    return env
