"""Which engine is meant: DOCKER_HOST, then DOCKER_CONTEXT, then the CLI's current context, then the default socket."""

from __future__ import annotations

# The C class under socket.socket has all we use; the module around it loads enum and selectors, 4 ms for every exec.
import _socket
import os
from _socket import AF_UNIX, SHUT_RDWR, SHUT_WR, SOCK_STREAM

from ddd_tasks.engine import quickjson as json
from ddd_tasks.errors import ConfigError, EngineError

__all__ = ["DEFAULT_HOST", "SHUT_RDWR", "SHUT_WR", "Endpoint", "Stream", "dial", "resolve", "settings_file"]

DEFAULT_HOST = "unix:///var/run/docker.sock"


class Stream(_socket.socket):
    """A connected socket that closes itself at the end of a with block."""

    def __enter__(self) -> Stream:  # noqa: PYI034 - Self needs typing
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Endpoint:
    """An engine's address in DOCKER_HOST's notation, such as unix:///var/run/docker.sock or ssh://build.example.

    through_cli: the address needs TLS, ssh or a named pipe, which `docker system dial-stdio` speaks for us.
    """

    __slots__ = ("host", "through_cli")

    def __init__(self, host: str, *, through_cli: bool = False) -> None:
        self.host = host
        self.through_cli = through_cli

    @property
    def is_local_socket(self) -> bool:
        """Whether the engine listens on a Unix socket of this machine."""
        return self.host.startswith("unix://")


def resolve() -> Endpoint:
    """The endpoint that the Docker CLI would use. Raises ConfigError for a context that does not exist."""
    host = os.environ.get("DOCKER_HOST")
    if host:
        return _endpoint(host, tls=bool(os.environ.get("DOCKER_TLS_VERIFY") or os.environ.get("DOCKER_TLS")))
    context = os.environ.get("DOCKER_CONTEXT") or _current_context()
    if context in ("", "default"):
        return Endpoint(DEFAULT_HOST)
    return _endpoint(_context_host(context), tls=True)


def dial(endpoint: Endpoint, seconds: float | None = None) -> Stream:
    """A connected stream to the engine's API, which waits so long for each of its steps (None: for ever).

    Raises EngineError when nothing answers there.
    """
    if endpoint.through_cli:
        return _dial_through_cli(seconds)
    try:
        if endpoint.is_local_socket:
            return _dial_socket(endpoint.host.removeprefix("unix://"), seconds)
        return _dial_tcp(endpoint, seconds)
    except PermissionError as error:
        raise EngineError(
            f"this user may not open the engine's socket {endpoint.host}",
            cause=str(error),
            hint="sudo usermod -aG docker $USER && newgrp docker",
        ) from error
    except (OSError, ValueError) as error:
        raise EngineError(f"no engine answers at {endpoint.host}", cause=str(error), hint="ddd engine.up") from error


def _dial_socket(path: str, seconds: float | None) -> Stream:
    connection = Stream(AF_UNIX, SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _dial_tcp(endpoint: Endpoint, seconds: float | None) -> Stream:
    import socket  # only a remote engine needs names resolved

    name, _, port = endpoint.host.removeprefix("tcp://").rstrip("/").rpartition(":")
    return _plain(socket.create_connection((name.strip("[]"), int(port)), seconds), seconds)


def _endpoint(host: str, *, tls: bool) -> Endpoint:
    scheme = host.partition("://")[0]
    if scheme == "unix":
        return Endpoint(host)
    if scheme not in ("tcp", "http", "https", "ssh", "npipe"):
        raise ConfigError(
            f"{host!r} is no engine address",
            cause="DOCKER_HOST or the context names a scheme that Docker does not know",
            valid=("unix://PATH", "tcp://HOST:PORT", "ssh://USER@HOST"),
            hint=f"export DOCKER_HOST={DEFAULT_HOST}",
        )
    return Endpoint(host.replace("http://", "tcp://"), through_cli=tls or scheme in ("https", "ssh", "npipe"))


def settings_file() -> str:
    """The CLI's settings, which name the current context."""
    return os.path.join(_config_directory(), "config.json")


def _config_directory() -> str:
    return os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")


def _current_context() -> str:
    try:
        with open(settings_file(), "rb") as file:
            return str(json.loads(file.read()).get("currentContext") or "")
    except (OSError, ValueError):
        return ""


def _context_host(name: str) -> str:
    import hashlib  # only contexts need it: they are stored under the hash of their name

    digest = hashlib.sha256(name.encode()).hexdigest()
    try:
        with open(os.path.join(_config_directory(), "contexts", "meta", digest, "meta.json"), "rb") as file:
            return str(json.loads(file.read())["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"the Docker context {name!r} cannot be read", cause=str(error), hint="docker context ls"
        ) from error


def _dial_through_cli(seconds: float | None) -> Stream:
    import socket

    from ddd_tasks import process  # starting a program is slow, and only remote engines need it

    ours, theirs = socket.socketpair()
    with theirs:
        process.start(["docker", "system", "dial-stdio"], stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=None)
    return _plain(ours, seconds)


def _plain(connected: _socket.socket, seconds: float | None) -> Stream:
    stream = Stream(connected.family, connected.type, connected.proto, connected.detach())
    stream.settimeout(seconds)
    return stream
