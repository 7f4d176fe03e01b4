"""What debug.check is asked for."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, PROJECT, Case, compose

FILES = {**PROJECT, "main.py": "a = 1\nb = 2\n"}
FOREIGN = {"compose.yaml": compose("x-ddd: {language: csharp}"), "Dockerfile": DOCKERFILE, "main.py": "a = 1\n"}
EXAMPLE = "ddd debug.check --break FILE:LINE"
RUNNING = '$DDD dev.up >&2 && $DDD debug.check --break main.py:1; s=$?; $DDD dev.clean >/dev/null 2>&1; exit "$s"'


def _case(name: str, *words: str, said: tuple[str, ...], hint: str = EXAMPLE, status: int = 78) -> Case:
    return Case(f"check-{name}", FILES, ("debug.check", *words), status, said, hint)


def _line(name: str, given: str, *said: str, hint: str = EXAMPLE) -> Case:
    return _case(f"break-{name}", "--break", given, said=said, hint=hint)


def _option(name: str, *words: str, said: tuple[str, ...]) -> Case:
    return _case(name, "--break", "main.py:1", *words, said=said, hint="ddd debug.check --break main.py:1")


CASES = [
    _case("nothing", said=("--break was given ''", "FILE:LINE")),
    _line("no-line", "main.py", "--break was given 'main.py'", "FILE:LINE"),
    _line("line-zero", "main.py:0", "'main.py:0'", "count from 1"),
    _line("line-a-word", "main.py:two", "'main.py:two'"),
    _line("column", "main.py:2:5", "'main.py:2:5'", "column", hint="ddd debug.check --break main.py:2"),
    _line("no-file", "mian.py:1", "no file mian.py", "did you mean: main.py", hint="ls "),
    _line("no-folder", "src/main.py:1", "no file src/main.py", "has no src/main.py", hint="ls "),
    _line("a-folder", ".:1", ". is no file", hint="ls "),
    _line("past-the-end", "main.py:3", "line 3 is past the end", "2 lines", hint="ddd debug.check --break main.py:2"),
    _option("both", "--request", "/", "--run", "true", said=("both --request and --run", "'/'", "'true'")),
    _option("no-url", "--request", "localhost:8000", said=("--request was given 'localhost:8000'", "http://")),
    _option("quotes", "--run", "echo 'a", said=('--run was given "echo \'a"', "quotation")),
    _option("expect-no-equals", "--expect", "a", said=("--expect was given 'a'", "it has no ==")),
    _option("expect-other", "--expect", "a > 1", said=("--expect was given 'a > 1'", "EXPR == VALUE", ">")),
    _option("expect-empty", "--expect", "a ==", said=("--expect was given 'a =='", "empty")),
    _option("map", "--map", "/app", said=("--map was given '/app'", "HOST=CONTAINER")),
    _option("map-no-folder", "--map", "src=/app", said=("--map was given 'src=/app'", "there is no")),
    _option("time", "--timeout=-1", said=("--timeout was given -1",)),
    _case(
        "service",
        *("--break", "main.py:1", "--service", "apo"),
        said=("no service named 'apo'", "did you mean: api"),
        hint="ddd dev.ps",
    ),
    _case(
        "not-started",
        *("--break", "main.py:1"),
        said=("'api' is not running", "not been started"),
        hint="ddd dev.up",
        status=75,
    ),
    Case("check-unsupported", FOREIGN, (), 65, ("no netcoredbg", "link: attach"), "ddd debug.up", script=RUNNING),
]
