"""What keeps dev.watch from bringing saves to a service."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, PROJECT, Case, compose

WATCH = ("dev.watch",)
TWO = "services: {api: {build: {context: ., target: dev}}, db: {image: 'redis:8'}}\n"

CASES = [
    Case(
        "watch-action",
        {**PROJECT, "compose.yaml": compose("x-ddd: {watch: synk}")},
        WATCH,
        78,
        ("no action named 'synk' in x-ddd of service api", "did you mean: sync", "valid: rebuild, sync, sync+restart"),
        "grep -n synk",
    ),
    Case(
        "watch-nothing",
        {"compose.yaml": "services: {db: {image: 'redis:8'}}\n"},
        WATCH,
        78,
        ("there is nothing to watch", "no service is built from a folder here, or mounts one"),
        "ddd dev.up",
    ),
    Case(
        "watch-nothing-of-service",
        {"compose.yaml": TWO, "Dockerfile": DOCKERFILE},
        (*WATCH, "--service", "db"),
        78,
        ("there is nothing to watch", "valid: api"),
        "ddd dev.watch --service api",
    ),
    Case(
        "watch-service",
        PROJECT,
        (*WATCH, "--service", "apo"),
        78,
        ("no service named 'apo'", "did you mean: api"),
        "ddd dev.ps",
    ),
    Case("watch-no-dockerfile", {"compose.yaml": compose()}, WATCH, 78, ("Dockerfile",), ""),
    Case(
        "watch-no-engine",
        PROJECT,
        WATCH,
        69,
        ("no engine answers at unix:///nowhere/x",),
        "ddd engine.up",
        {"DOCKER_HOST": "unix:///nowhere/x"},
    ),
    Case(
        "watch-mount-not-there",
        {**PROJECT, "compose.yaml": compose("volumes: ['./cod:/app']"), "code/x": ""},
        WATCH,
        78,
        ("cod, what service 'api' mounts at /app, does not exist", "did you mean: code"),
        "mkdir -p",
    ),
]
