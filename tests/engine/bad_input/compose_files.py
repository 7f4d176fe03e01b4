"""Compose files, and what they refer to."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, PROJECT, Case, compose

UP, EXEC = ("dev.up",), ("dev.exec", "--", "true")
CONFIG = "docker compose -f"


def _file(name: str, text: str, *said: str, hint: str | None = CONFIG) -> Case:
    return Case(name, {"compose.yaml": text}, UP, 78, ("is not a valid Compose file", *said), hint)


CASES = [
    Case("no-file", {}, UP, 78, ("no Compose file in", "valid: compose.yaml"), "ddd init"),
    Case("no-file-exec", {}, EXEC, 78, ("no Compose file in",), "ddd init"),
    Case("other-name", {"compse.yaml": compose()}, UP, 78, ("no Compose file in",), "export COMPOSE_FILE=compse.yaml"),
    Case(
        "named-file",
        PROJECT,
        ("dev.ps",),
        78,
        ("there is no Compose file", "no.yaml", "COMPOSE_FILE names it"),
        "unset COMPOSE_FILE",
        {"COMPOSE_FILE": "no.yaml"},
    ),
    Case(
        "named-in-dotenv",
        {**PROJECT, ".env": "COMPOSE_FILE=other.yaml\n"},
        ("dev.ps",),
        78,
        ("there is no Compose file", "other.yaml", ".env names it"),
        "",
    ),
    Case("a-directory", {"compose.yaml/x": ""}, UP, 78, ("no Compose file in",), "ddd init"),
    _file("broken-yaml", "services: {api: [\n", "yaml"),
    _file("tabs", "services:\n\tapi:\n", "yaml"),
    _file("empty", "", "empty"),
    _file("a-list", "- api\n", "compose.yaml"),
    _file("services-a-list", "services: [api]\n", "services"),
    _file("unknown-key", compose("imaeg: x"), "imaeg"),
    _file("unknown-top-key", "servces: {api: {image: x}}\n", "servces"),
    _file("no-image-no-build", "services: {api: {init: true}}\n", "api", "image"),
    _file("unknown-dependency", compose("depends_on: [bd]"), "bd"),
    _file("dependency-circle", "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}\n", "cycle"),
    _file("port-no-number", compose("ports: ['80:eighty']"), "eighty"),
    _file("port-too-large", compose("ports: ['99999:80']"), "99999"),
    _file("undefined-volume", compose("volumes: ['data:/data']"), "data"),
    _file("undefined-network", compose("networks: [back]"), "back"),
    _file("env-file-missing", compose("env_file: [secrets.env]"), "secrets.env"),
    _file("variable-required", compose("environment: ['KEY=${DDD_TEST_KEY:?set it first}']"), "set it first"),
    _file("variable-broken", compose("environment: ['KEY=${DDD-']"), "interpolation"),
    _file("extends-no-file", compose("extends: {file: common.yaml, service: x}"), "common.yaml"),
    _file("extends-no-service", compose("extends: {service: bse}"), "bse"),
    _file("include-no-file", "include: [other/compose.yaml]\n", "other/compose.yaml"),
    _file("duplicate-key", "services: {api: {image: x}, api: {image: y}}\n", "api"),
    Case(
        "project-name-env",
        PROJECT,
        UP,
        78,
        ("is not a valid Compose file", "Bad Name"),
        CONFIG,
        {"COMPOSE_PROJECT_NAME": "Bad Name"},
    ),
    Case("no-services", {"compose.yaml": "services: {}\n"}, EXEC, 78, ("has no service", "cause:"), CONFIG),
    Case(
        "missing-context",
        {"compose.yaml": "services: {api: {build: ./srvices}}\n", "services/Dockerfile": DOCKERFILE},
        ("dev.build",),
        78,
        ("build context of service 'api'", "did you mean: services"),
        "ls ",
    ),
    Case(
        "missing-mount",
        {**PROJECT, "compose.yaml": compose("volumes: ['./scr:/app']"), "src/x": ""},
        UP,
        78,
        ("mounts at /app, does not exist", "did you mean: src"),
        "mkdir -p",
    ),
    Case(
        "image-not-there",
        {"compose.yaml": "services: {api: {image: 'registry.invalid/nothing:1'}}\n"},
        UP,
        69,
        ("'registry.invalid/nothing:1' of service 'api' cannot be pulled", "cause:"),
        "ddd engine.bases",
    ),
    Case(
        "image-name",
        {"compose.yaml": "services: {api: {image: 'Not A:Name'}}\n"},
        UP,
        69,
        ("'Not A:Name' of service 'api'", "cause:"),
        "",
    ),
]
