"""What is typed after `ddd`."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, PROJECT, Case

TWO = {"compose.yaml": "services: {web: {build: .}, api: {build: .}}\n", "Dockerfile": DOCKERFILE}


def _service(*words: str) -> Case:
    name = "service-" + words[0].replace(".", "-")
    return Case(name, PROJECT, words, 78, ("no service named 'apo'", "did you mean: api", "valid: api"), "ddd dev.ps")


CASES = [
    _service("dev.up", "--service", "apo"),
    _service("dev.build", "--service", "apo"),
    _service("dev.logs", "--service", "apo"),
    _service("dev.restart", "--service", "apo"),
    _service("dev.url", "--service", "apo"),
    _service("dev.run", "--service", "apo", "--", "true"),
    _service("dev.shell", "--service", "apo"),
    _service("dev.exec", "--service", "apo", "--", "true"),
    _service("exec", "--service", "apo", "--", "true"),
    _service("run", "--service", "apo", "--", "true"),
    Case(
        "service-empty",
        PROJECT,
        ("dev.exec", "--service", "", "--", "true"),
        78,
        ("no service named ''",),
        "ddd dev.ps",
    ),
    Case(
        "which-service",
        TWO,
        ("dev.exec", "--", "true"),
        78,
        ("which service is meant?", "valid: api, web"),
        "ddd dev.exec --service",
    ),
    Case(
        "not-started",
        PROJECT,
        ("dev.exec", "--", "true"),
        75,
        ("'api' is not running", "not been started"),
        "ddd dev.up",
    ),
    Case(
        "not-started-fast",
        PROJECT,
        ("exec", "--", "true"),
        75,
        ("'api' is not running", "not been started"),
        "ddd dev.up",
    ),
    Case("not-started-url", PROJECT, ("dev.url",), 75, ("'api' is not running",), "ddd dev.up"),
    Case("not-started-shell", PROJECT, ("dev.shell",), 75, ("'api' is not running",), "ddd dev.up"),
    Case("no-command", PROJECT, ("dev.exec",), 78, ("no command", "after --"), "ddd dev.exec -- pwd"),
    Case("no-command-fast", PROJECT, ("exec",), 78, ("exec was given no command", "cause:"), "ddd exec --help"),
    Case("no-dashes-fast", PROJECT, ("exec", "pytest"), 78, ("'pytest'", "valid: --index"), "ddd exec --help"),
    Case(
        "flag-fast",
        PROJECT,
        ("exec", "--servce", "api", "--", "true"),
        78,
        ("'--servce'", "did you mean: --service"),
        "ddd exec --help",
    ),
    Case("flag-value-fast", PROJECT, ("exec", "--service"), 78, ("--service was given no value",), "ddd exec --help"),
    Case("index-fast", PROJECT, ("exec", "--index", "one", "--", "true"), 78, ("'one'", "number"), "ddd dev.ps"),
    Case("unknown-task", PROJECT, ("dev.upp",), 78, ("no task named 'dev.upp'", "did you mean: dev.up"), "ddd --list"),
    Case("task-without-collection", PROJECT, ("up",), 78, ("no task named 'up'", "debug.up, dev.up"), "ddd --list"),
    Case("unknown-task-help", PROJECT, ("--help", "dev.upp"), 78, ("did you mean: dev.up",), "ddd --list"),
    Case(
        "unknown-flag",
        PROJECT,
        ("dev.up", "--servce", "api"),
        78,
        ("no flag named '--servce' in dev.up", "did you mean: --service"),
        "ddd --help dev.up",
    ),
    Case("unknown-flag-of-all", PROJECT, ("--drry", "dev.up"), 78, ("no flag named '--drry'",), "ddd --help"),
    Case("flag-value", PROJECT, ("dev.up", "--timeout"), 78, ("--timeout was given no value",), "ddd --help dev.up"),
    Case("no-argument", PROJECT, ("completion",), 78, ("completion was given no shell",), "ddd --help completion"),
    Case("flag-type", PROJECT, ("dev.up", "--timeout", "soon"), 78, ("'soon'", "no number"), "ddd --help dev.up"),
    Case("tail", PROJECT, ("dev.logs", "--tail", "few"), 78, ("'few'", "number of lines, or all"), "ddd dev.logs"),
    Case(
        "stray-word",
        PROJECT,
        ("dev.exec", "pytest"),
        78,
        ("no task named 'pytest'", "dev.exec takes no word of its own"),
        "ddd --help dev.exec",
    ),
    Case("unknown-collection", PROJECT, ("-c", "nope", "dev.up"), 1, ("nope",), None),
]
