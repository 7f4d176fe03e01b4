"""What is written below x-ddd."""

from __future__ import annotations

from tests.engine.bad_input.case import PROJECT, Case, compose

UP = ("dev.up",)


def _service(name: str, entry: str, *said: str) -> Case:
    return Case(name, {**PROJECT, "compose.yaml": compose(f"x-ddd: {entry}")}, UP, 78, said, "grep -n")


def _project(name: str, entry: str, *said: str) -> Case:
    return Case(name, {**PROJECT, "compose.yaml": compose() + f"x-ddd: {entry}\n"}, UP, 78, said, "grep -n")


CASES = [
    _service("service-key", "{langauge: go}", "'langauge'", "did you mean: language", "valid: language, metrics"),
    _service("service-list", "[python]", "['python']", "it has to be a mapping"),
    _service("service-text", "python", "'python'", "it has to be a mapping"),
    _service("metrics-key", "{metrics: {prot: 80}}", "'prot'", "did you mean: port"),
    _service("metrics-number", "{metrics: 8000}", "8000", "it has to be a mapping"),
    _service("metrics-port", "{metrics: {port: eighty}}", "'eighty'", "a number from 1 to 65535"),
    _service("metrics-port-high", "{metrics: {port: 80000}}", "80000", "a number from 1 to 65535"),
    _service("metrics-path", "{metrics: {path: metrics}}", "'metrics'", "begins with /"),
    _service("metrics-scheme", "{metrics: {scheme: htps}}", "'htps'", "did you mean: http"),
    _service("language", "{language: pyton}", "'pyton'", "did you mean: python"),
    _project("project-key", "{imgaes: {}}", "'imgaes'", "did you mean: images"),
    _project("project-list", "[a]", "it has to be a mapping"),
    _project("images-list", "{images: [a]}", "['a']", "it has to be a mapping of official images"),
    _project("images-value", "{images: {a: {b: c}}}", "{'a': {'b': 'c'}}", "it has to be a mapping of official images"),
]
