"""What the tasks of the profile collection are asked for."""

from __future__ import annotations

from tests.engine.bad_input.case import PROJECT, Case


def _case(name: str, *words: str, said: tuple[str, ...], hint: str, status: int = 78) -> Case:
    return Case(f"profile-{name}", PROJECT, words, status, said, hint)


def _number(task: str, flag: str, given: str, *said: str, hint: str) -> Case:
    words = (f"profile.{task}", f"{flag}={given}")
    return _case(f"{task}{flag}={given}", *words, said=(f"{flag} was given {given}", *said), hint=hint)


def _seconds(task: str, given: str) -> Case:
    return _number(task, "--seconds", given, "from 1 to 3600", hint=f"ddd profile.{task} --seconds ")


def _service(task: str) -> Case:
    said = ("no service named 'apo'", "did you mean: api", "valid: api")
    return _case(f"{task}-service", f"profile.{task}", "--service", "apo", said=said, hint="ddd dev.ps")


def _stopped(task: str) -> Case:
    said = ("'api' is not running", "not been started")
    return _case(f"{task}-stopped", f"profile.{task}", said=said, hint="ddd dev.up", status=75)


def _engine(task: str) -> Case:
    env = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    said = ("/nowhere/docker.sock",)
    return Case(f"profile-{task}-engine", PROJECT, (f"profile.{task}",), 69, said, "ddd engine.up", env)


CASES = [
    *(_seconds(task, given) for task in ("cpu", "memory", "top") for given in ("0", "-1", "1000000000")),
    *(_number(task, "--rate", "0", "from 1 to 1000", hint="ddd profile.") for task in ("cpu", "top")),
    *(_service(task) for task in ("cpu", "memory", "top", "dump", "list")),
    *(_stopped(task) for task in ("cpu", "memory", "top", "dump")),
    *(_engine(task) for task in ("cpu", "dump")),
    _case("seconds-abc", "profile.cpu", "--seconds", "abc", said=("'abc'", "no number"), hint="ddd --help profile.cpu"),
    _case("rate-abc", "profile.cpu", "--rate", "abc", said=("'abc'", "no number"), hint="ddd --help profile.cpu"),
    _case("none", "profile.open", "--print", said=("there is no profile",), hint="ddd profile.cpu"),
    _case("diff-none", "profile.diff", "previous", "latest", said=("there is no profile",), hint="ddd profile.cpu"),
]
