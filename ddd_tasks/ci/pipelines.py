"""A GitHub Actions workflow and a GitLab pipeline of the container sessions: a build per stage, a job per session."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ddd_tasks.ci import jobs as ci_jobs
from ddd_tasks.ci.jobs import Job
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.sessions.tags import BUILD_CACHE

MARK = "# Written by `inv ci.workflow` from the noxfile: run it again when the sessions have changed."
# On a runner, ddd-tasks is all that has to be there.
SETUP = "python3 -m pip install ddd-tasks"


class Commands(NamedTuple):
    """What jobs run. setup: a line that comes first, or ""; prefix: what runs the other lines, such as `uv run`."""

    setup: str = SETUP
    prefix: str = ""

    def session(self, variable: str = "$SESSION") -> str:
        """The line that runs a session, the same as on a desk."""
        return f'{self._prefix}nox -s "{variable}"'

    def build(self) -> str:
        """The line that builds a stage and shares its layers."""
        return f'{self._prefix}ddd ci.build "$STAGE" --push'

    @property
    def _prefix(self) -> str:
        return f"{self.prefix} " if self.prefix else ""


def matrix(found: Sequence[Job], form: str) -> str:
    """The sessions as json (a list), github (one line for fromJSON) or gitlab (a value for parallel:matrix)."""
    if form == "github":
        return json.dumps({"include": [_flat(job) for job in found]})
    if form == "gitlab":
        return _dump([_variables(job) for job in found]).rstrip()
    if form == "json":
        return json.dumps([job.as_dict() for job in found], indent=2, ensure_ascii=False)
    raise UnknownNameError("format", form, ("github", "gitlab", "json"))


def write(directory: Path, found: Sequence[Job], form: str, commands: Commands, *, force: bool = False) -> list[Path]:
    """Write the pipelines of one form, or of all. Raises ConfigError for a file that somebody else wrote."""
    if form not in (*_FILES, "all"):
        raise UnknownNameError("format", form, (*_FILES, "all"))
    wanted = {directory / _FILES[name][0]: _FILES[name][1] for name in _FILES if form in (name, "all")}
    foreign = [file for file in wanted if file.exists() and not file.read_text().startswith(MARK)]
    if foreign and not force:
        raise ConfigError(
            f"{foreign[0]} was not written by ci.workflow",
            cause="it would be lost",
            hint=f"ddd ci.workflow --format {form} --force",
        )
    for file, make in wanted.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{MARK}\n{_dump(make(found, commands))}")
    return list(wanted)


def github(found: Sequence[Job], commands: Commands) -> dict[str, Any]:
    """The workflow. A pull request from a fork may not push, so its sessions build for themselves."""
    may_push = "github.event.pull_request.head.repo.fork != true"
    log_in = {
        "name": "Log in to the registry",
        "env": {"TOKEN": "${{ secrets.GITHUB_TOKEN }}"},
        "run": 'echo "$TOKEN" | docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin',
    }
    ready = [{"uses": "actions/checkout@v4", "with": {"persist-credentials": False}}, log_in, *_github_setup(commands)]
    build = {"name": "Build", "if": may_push, "env": {"STAGE": "${{ matrix.stage }}"}, "run": commands.build()}
    session = {"name": "Run", "env": {"SESSION": "${{ matrix.session }}"}, "run": commands.session()}
    return {
        "name": "container sessions",
        "on": {"push": {"branches": ["main", "master"]}, "pull_request": None},
        "permissions": {"contents": "read", "packages": "read"},
        "env": {BUILD_CACHE: "ghcr.io/${{ github.repository }}/stages"},
        "jobs": {
            "build": {
                "name": "build ${{ matrix.stage }}",
                "runs-on": "ubuntu-24.04",
                "permissions": {"contents": "read", "packages": "write"},
                "strategy": {"fail-fast": False, "matrix": {"stage": ci_jobs.stages(found)}},
                "steps": [*ready, build],
            },
            "session": {
                "name": "${{ matrix.session }}",
                "needs": "build",
                "runs-on": "ubuntu-24.04",
                "strategy": {"fail-fast": False, "matrix": {"include": [_flat(job) for job in found]}},
                "steps": [*ready, session],
            },
        },
    }


def gitlab(found: Sequence[Job], commands: Commands) -> dict[str, Any]:
    """The pipeline, for a runner that allows a Docker engine as a service."""
    log_in = (
        'echo "$CI_REGISTRY_PASSWORD" | docker login "$CI_REGISTRY" --username "$CI_REGISTRY_USER" --password-stdin'
    )
    python = ["apk add --no-cache bash git python3", "python3 -m venv /opt/ddd", ". /opt/ddd/bin/activate"]
    return {
        "stages": ["build", "test"],
        "variables": {BUILD_CACHE: "$CI_REGISTRY_IMAGE/stages", "DOCKER_TLS_CERTDIR": "/certs"},
        "default": {
            "image": "docker:28-cli",
            "services": ["docker:28-dind"],
            "before_script": [*python, *([commands.setup] if commands.setup else []), log_in],
        },
        "build": {
            "stage": "build",
            "parallel": {"matrix": [{"STAGE": ci_jobs.stages(found)}]},
            "script": [commands.build()],
        },
        "session": {
            "stage": "test",
            "needs": ["build"],
            "parallel": {"matrix": [_variables(job) for job in found]},
            "script": [commands.session()],
        },
    }


_FILES: Mapping[str, tuple[str, Callable[[Sequence[Job], Commands], dict[str, Any]]]] = {
    "github": (".github/workflows/container-sessions.yml", github),
    "gitlab": (".gitlab-ci.yml", gitlab),
}


def _github_setup(commands: Commands) -> list[dict[str, Any]]:
    if not commands.setup:
        return []
    python = {"uses": "actions/setup-python@v5", "with": {"python-version": "3.x"}}
    return [python, {"name": "Set up", "run": commands.setup}]


def _flat(job: Job) -> dict[str, str]:
    return {**job.as_dict(), "tags": " ".join(job.tags)}


def _variables(job: Job) -> dict[str, str]:
    """As variables, which is what GitLab's matrix consists of."""
    return {"SESSION": job.session, "STAGE": job.stage, "PYTHON": job.python, "TAGS": " ".join(job.tags)}


class _Plain(yaml.SafeDumper):
    """Without anchors: not every reader of pipelines understands them."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _dump(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    return text
