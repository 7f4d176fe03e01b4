"""The values of secrets: from a file, a variable, or a command such as `pass show`. Kept in memory, never printed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from json import dumps

from ddd_tasks import composefiles, process
from ddd_tasks.compose import Compose
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Project, Service
from ddd_tasks.projectsecrets import Source

# What commands have written: a password manager that asks for a key is asked once per command line of ours.
_written: dict[tuple[str, ...], bytes] = {}


class MissingSecretError(ConfigError):
    """A secret that is declared, and whose value is not to be had. name: the secret's."""

    def __init__(self, name: str, cause: str, hint: str) -> None:
        super().__init__(f"secret {name!r} is missing", cause=cause, hint=hint)
        self.name = name


def of_services(project: Project, services: Iterable[Service]) -> dict[str, bytes]:
    """The value of each secret that these services get as a file. Raises ConfigError for the first that is missing."""
    names = dict.fromkeys(use.source for service in services for use in service.secrets)
    return {name: value(project, name) for name in names}


def of_builds(project: Project, services: Iterable[Service]) -> dict[str, str]:
    """Variable -> value of the secrets that builds of these services get and that the environment itself lacks.

    Raises ConfigError for the first that is missing.
    """
    found: dict[str, str] = {}
    for service in services:
        for use in service.build.secrets if service.build else ():
            source = project.secrets.get(use.source, Source())
            content = value(project, use.source)
            if source.variable and not os.environ.get(source.variable):
                found[source.variable] = content.decode(errors="surrogateescape")
    return found


def value(project: Project, name: str) -> bytes:
    """The secret's value. Raises MissingSecretError, which says where it was looked for and how to set it."""
    source = project.secrets.get(name, Source())
    if source.file:
        try:
            return source.file.read_bytes()
        except OSError as error:
            raise MissingSecretError(name, f"{source.file}: {error.strerror}", f"ddd secrets.set {name}") from error
    causes = []
    if source.variable:
        found = os.environ.get(source.variable) or _dotenv(project, source.variable)
        if found:
            return os.fsencode(found)
        where = project.directory / ".env"
        causes.append(f"the variable {source.variable} is set neither in the environment nor in {where}")
    if source.command:
        written, doubt = _command(project, source.command)
        if written:
            return written
        causes.append(f"`{shlex.join(source.command)}` {doubt}")
    raise MissingSecretError(name, "\n".join(causes) or _NOWHERE, _hint(name, source))


_NOWHERE = "it is external, which only a swarm has: its x-ddd may name a command that writes it"


def _hint(name: str, source: Source) -> str:
    if source.variable:
        return f"ddd secrets.set {name}"
    return shlex.join(source.command) if source.command else "ddd secrets.list"


def _dotenv(project: Project, variable: str) -> str:
    """The variable's value in .env, as Compose reads it, who alone knows all its rules of quoting."""
    if variable not in composefiles.dotenv(project.directory / ".env"):
        return ""
    import yaml

    compose = Compose(project)
    question = f"x-ddd-value: {dumps('${' + variable + '-}')}\n"
    answer = process.capture(compose.argv("--file", "-", "config"), env=compose.environment, stdin=question)
    found: Mapping[str, object] = yaml.safe_load(answer.stdout) or {}
    return str(found.get("x-ddd-value") or "").replace("$$", "$")


def _command(project: Project, argv: tuple[str, ...]) -> tuple[bytes, str]:
    """What the command writes, without its last line's end, or why there is nothing. Its stderr and stdin are ours."""
    if argv not in _written:
        try:
            running = process.start(argv, cwd=project.directory, stdin=None, stderr=None, own_session=False)
        except (ConfigError, OSError) as error:
            return b"", f"cannot be run: {error.cause if isinstance(error, ConfigError) else error.strerror}"
        try:
            written, _ = running.communicate()
        except BaseException:
            running.kill()
            running.wait()
            raise
        if running.returncode:
            return b"", f"ended with status {process.exit_status(running.returncode)}: its words are above"
        _written[argv] = written.removesuffix(b"\n")
    return _written[argv], "wrote nothing"
