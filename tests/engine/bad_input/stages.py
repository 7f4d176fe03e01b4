"""What the `stage` collection is asked for."""

from __future__ import annotations

from tests.engine.bad_input.case import PROJECT, Case, compose

TWO = {
    "compose.yaml": "services: {web: {build: {context: ., dockerfile: W}}, api: {build: .}}\n",
    **dict.fromkeys(("W", "Dockerfile"), "FROM scratch AS dev\nCOPY . /\n"),
}
NO_DOCKERFILE = {"compose.yaml": compose()}
NO_NAME = {**PROJECT, "compose.yaml": compose().replace(", target: dev", ""), "Dockerfile": "FROM scratch\nCOPY . /\n"}


def _case(name: str, words: str, *said: str, hint: str, files: dict[str, str] | None = None, status: int = 78) -> Case:
    return Case(f"stage-{name}", PROJECT if files is None else files, tuple(words.split()), status, said, hint)


CASES = [
    _case("build-name", "stage.build --stage dve", "no stage named 'dve'", "did you mean: dev", hint="ddd stage.list"),
    _case("layers-name", "stage.layers --stage bse", "'bse'", "did you mean: base", hint="ddd stage.list"),
    _case("diff-name", "stage.diff dev porod", "no stage named 'porod'", "valid: base, dev", hint="ddd stage.list"),
    _case(
        "diff-not-built", "stage.diff base dev", "'base' has no image", "not been built", hint="ddd stage.build --st"
    ),
    _case("layers-no-record", "stage.layers", "no build of", "recorded", hint="ddd stage.build"),
    _case("layers-no-record-of", "stage.layers --stage dev", "no build of stage 'dev'", hint="ddd stage.build --stage"),
    _case("service", "stage.list --service apo", "no service named 'apo'", "did you mean: api", hint="ddd dev.ps"),
    _case(
        "which-service", "stage.list", "several Dockerfiles", "valid: api, web", files=TWO, hint="ddd stage.list --s"
    ),
    _case("no-dockerfile", "stage.list", "there is no Dockerfile at", files=NO_DOCKERFILE, hint="ls -a"),
    _case("no-dockerfile-lint", "stage.lint", "there is no Dockerfile at", files=NO_DOCKERFILE, hint="ls -a"),
    _case("nothing-at-all", "stage.lint", "there is no Dockerfile at", files={}, hint="ls -a"),
    _case("lint-file", "stage.lint --file Dockerfle", "no Dockerfile at", hint="ls -a"),
    _case("no-name", "stage.build", "no stage of", "FROM IMAGE AS NAME", files=NO_NAME, hint="grep -in ^from"),
    _case(
        "image-only",
        "stage.list --service db",
        "service 'db' has no build section",
        files={"compose.yaml": "services: {db: {image: 'redis:8'}}\n"},
        hint="ddd",
    ),
]
