"""Dockerfiles. Those without a stage are refused before BuildKit sees them: some versions of it end the engine."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, PROJECT, Case, compose

BUILD = ("dev.build",)


def _file(name: str, text: str, status: int, *said: str, hint: str | None) -> Case:
    return Case(name, {**PROJECT, "Dockerfile": text}, BUILD, status, said, hint)


CASES = [
    Case("no-dockerfile", {"compose.yaml": compose()}, BUILD, 78, ("Dockerfile",), ""),
    Case("misspelt-dockerfile", {"compose.yaml": compose(), "Dockefile": DOCKERFILE}, BUILD, 78, ("Dockerfile",), ""),
    Case("dockerfile-is-a-directory", {"compose.yaml": compose(), "Dockerfile/x": ""}, BUILD, 78, ("Dockerfile",), ""),
    _file("no-stage", "", 78, "FROM", hint=""),
    _file("only-a-comment", "# nothing\n", 78, "FROM", hint=""),
    _file("run-first", "RUN true\n", 78, "FROM", hint=""),
    _file("run-before-from", "RUN true\nFROM python:3.13-slim-trixie AS dev\n", 78, "RUN", hint=""),
    _file("misspelt-from", "FORM python:3.13-slim-trixie AS dev\n", 78, "FORM", hint=""),
    _file("misspelt-run", DOCKERFILE + "RNU true\n", 78, "RNU", hint=""),
    _file("from-nothing", "FROM\n", 78, "FROM", hint=""),
    _file("from-too-much", "FROM python:3.13-slim-trixie A dev\n", 78, "FROM", hint=""),
    _file("unset-base", "ARG BASE\nFROM ${BASE} AS dev\n", 78, "BASE", hint=""),
    _file("open-heredoc", DOCKERFILE + "RUN <<EOT\ntrue\n", 78, "EOT", hint=""),
    Case(
        "unknown-stage",
        {**PROJECT, "compose.yaml": compose().replace("target: dev", "target: dve")},
        BUILD,
        78,
        ("no stage named 'dve'", "did you mean: dev", "base"),
        "grep -in ^from",
    ),
    _file(
        "base-not-there",
        "FROM registry.invalid/base:1 AS dev\n",
        69,
        "'registry.invalid/base:1' of service 'api' cannot be pulled",
        hint="ddd engine.bases",
    ),
    _file(
        "copy-from-not-there",
        DOCKERFILE + "COPY --from=registry.invalid/x:1 / /\n",
        69,
        "registry.invalid/x:1",
        hint="ddd engine.bases",
    ),
    _file(
        "copy-nothing", DOCKERFILE + "COPY requirments.txt /\n", 1, "building api failed", "requirments.txt", hint=None
    ),
    _file(
        "step-fails",
        DOCKERFILE + "RUN echo the reason >&2; exit 3\n",
        1,
        "building api failed",
        "the reason",
        hint=None,
    ),
    _file("mount-type", DOCKERFILE + "RUN --mount=type=chache,target=/x true\n", 1, "chache", hint=None),
]
