"""What we know of a project: read from `docker compose config`, checked once, and kept as plain frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import composefiles, process, projectsecrets
from ddd_tasks.errors import CommandError, ConfigError, EngineError, UnknownNameError
from ddd_tasks.projectsecrets import Source, Use

DIRECTORY = ".ddd"
_METRICS_LABEL = "prometheus.io/"  # any other may hold a secret, and this is written to a file


class Build(NamedTuple):
    """A service's build section: absolute context and Dockerfile, and the stage it stops at (None: the last one)."""

    context: Path
    dockerfile: Path
    target: str | None
    secrets: tuple[Use, ...] = ()

    @property
    def is_remote(self) -> bool:
        """Whether the context is a repository or an archive elsewhere, which BuildKit fetches."""
        return ":/" in str(self.context) or str(self.context).startswith("git@")  # Path has made one of two slashes


class Mount(NamedTuple):
    """A bind mount: an absolute path of the host and where it appears in the container."""

    source: Path
    target: str
    read_only: bool


class Port(NamedTuple):
    """A published port. published: a number, a range such as 8080-8090, or "" for one that the engine picks.

    is_chosen: whether the number is of our choice already, and no other one is to be looked for.
    """

    target: int
    published: str
    host_ip: str
    protocol: str
    app_protocol: str
    is_chosen: bool = False


class Service(NamedTuple):
    """One service of the Compose file. extension: its x-ddd entry.

    volumes: where named and anonymous volumes, and file systems in memory, appear in the container.
    labels: those that it gives its containers, in so far as they tell where its metrics are.
    """

    name: str
    image: str | None
    build: Build | None
    mounts: tuple[Mount, ...]
    ports: tuple[Port, ...]
    working_dir: str | None
    user: str | None
    has_healthcheck: bool
    depends_on: tuple[str, ...]
    profiles: tuple[str, ...]
    extension: Mapping[str, Any]
    secrets: tuple[Use, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}


class Project(NamedTuple):
    """A Compose project. directory: where its first file lies.

    images: official image -> stand-in, and monitor: the settings of that name, both from x-ddd.
    """

    name: str
    directory: Path
    files: tuple[Path, ...]
    services: Mapping[str, Service]
    images: Mapping[str, str]
    secrets: Mapping[str, Source] = {}
    monitor: Mapping[str, Any] = {}

    @property
    def private(self) -> Path:
        """The folder for what we generate and remember; git ignores it."""
        return self.directory / DIRECTORY

    def service(self, name: str) -> Service:
        """The service of that name. Raises UnknownNameError, with the names that exist."""
        if name not in self.services:
            raise UnknownNameError("service", name, self.services, where=str(self.files[0]), hint="ddd dev.ps")
        return self.services[name]


def load(directory: Path) -> Project:
    """The project that a directory belongs to, from the cache where nothing it depends on has changed.

    Raises ConfigError when there is no Compose file, or when it or its x-ddd entries are not valid.
    """
    from ddd_tasks import projectcache  # it builds on the model above

    files = composefiles.find(directory)
    cached = projectcache.read(files)
    if cached is not None:
        return from_dict(cached)
    project = _parse(_config(files), files)
    projectcache.write(files, to_dict(project))
    return project


def to_dict(project: Project) -> dict[str, Any]:
    """The project as JSON values; no environment and no build argument is in it, and so no secret."""
    facts: dict[str, Any] = _plain(project._replace(services={}, secrets={}))
    secrets = {name: _plain(source) for name, source in project.secrets.items()}
    return facts | {"services": [_plain(service) for service in project.services.values()], "secrets": secrets}


def from_dict(value: Mapping[str, Any]) -> Project:
    """The inverse of to_dict."""
    services = [_service_from_dict(service) for service in value["services"]]
    return Project(
        value["name"],
        Path(value["directory"]),
        tuple(Path(file) for file in value["files"]),
        {service.name: service for service in services},
        value["images"],
        {name: projectsecrets.source_from(source) for name, source in value["secrets"].items()},
        value["monitor"],
    )


def _service_from_dict(value: Mapping[str, Any]) -> Service:
    build = value["build"]
    return Service(
        **{
            **value,
            "build": _build_from_dict(build) if build else None,
            "mounts": tuple(Mount(Path(m["source"]), m["target"], m["read_only"]) for m in value["mounts"]),
            "ports": tuple(Port(**port) for port in value["ports"]),
            "depends_on": tuple(value["depends_on"]),
            "profiles": tuple(value["profiles"]),
            "secrets": projectsecrets.uses_from(value["secrets"]),
            "volumes": tuple(value["volumes"]),
        }
    )


def _build_from_dict(value: Mapping[str, Any]) -> Build:
    secrets = projectsecrets.uses_from(value["secrets"])
    return Build(Path(value["context"]), Path(value["dockerfile"]), value["target"], secrets)


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _config(files: tuple[Path, ...]) -> Mapping[str, Any]:
    """What Compose makes of the files. As YAML: before 2.27 its JSON leaves out the x- keys of services."""
    import yaml

    argv = ["docker", "compose", "--project-directory", str(files[0].parent), "--profile", "*"]
    argv += [word for file in files for word in ("-f", str(file))]
    try:
        answer = process.capture([*argv, "config"], cwd=files[0].parent)
    except CommandError as error:
        from ddd_tasks.engine import tools  # only a refusal needs it

        # Without the plugin the CLI takes its words for the CLI's own; which it names as unknown differs by release.
        if "is not a docker command" in error.cause or ("unknown" in error.cause and "compose" in tools.missing()):
            raise EngineError("docker has no compose command", cause=error.cause, hint="ddd engine.install") from error
        if "unable to resolve docker endpoint" in error.cause:
            raise EngineError(
                "Docker's settings lead to no engine", cause=error.cause, hint="env | grep ^DOCKER_"
            ) from error
        hint = f"docker compose -f {files[0]} config --quiet"
        raise ConfigError(f"{files[0]} is not a valid Compose file", cause=error.cause, hint=hint) from error
    loaded = yaml.load(answer.stdout, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded if isinstance(loaded, dict) else {}


def _parse(config: Mapping[str, Any], files: tuple[Path, ...]) -> Project:
    from ddd_tasks import extension  # only where the files have changed

    wide = extension.project(config.get("x-ddd") or {}, files[0])
    services = [_service(name, value, files[0]) for name, value in (config.get("services") or {}).items()]
    return Project(
        str(config["name"]),
        files[0].parent.resolve(),
        files,
        {service.name: service for service in services},
        dict(wide.get("images") or {}),
        projectsecrets.sources(config, files[0]),
        dict(wide.get("monitor") or {}),
    )


def _service(name: str, value: Mapping[str, Any], file: Path) -> Service:
    from ddd_tasks import extension

    healthcheck = value.get("healthcheck") or {}
    return Service(
        name=name,
        image=value.get("image"),
        build=_build(value["build"]) if value.get("build") else None,
        mounts=tuple(_mounts(value.get("volumes") or ())),
        ports=tuple(_port(port) for port in value.get("ports") or ()),
        working_dir=value.get("working_dir"),
        user=str(value["user"]) if "user" in value else None,
        has_healthcheck=bool(healthcheck.get("test")) and not healthcheck.get("disable"),
        depends_on=tuple(value.get("depends_on") or ()),
        profiles=tuple(value.get("profiles") or ()),
        extension=extension.service(name, value.get("x-ddd") or {}, file),
        secrets=tuple(projectsecrets.uses(value.get("secrets"))),
        volumes=tuple(_volumes(value)),
        labels={key: str(text) for key, text in (value.get("labels") or {}).items() if key.startswith(_METRICS_LABEL)},
    )


def _build(value: Mapping[str, Any]) -> Build:
    context = Path(value.get("context", "."))
    secrets = tuple(projectsecrets.uses(value.get("secrets"), folder=""))
    return Build(context, context / value.get("dockerfile", "Dockerfile"), value.get("target"), secrets)


def _mounts(volumes: Iterable[Mapping[str, Any]]) -> Iterable[Mount]:
    for volume in volumes:
        if volume["type"] == "bind":
            yield Mount(Path(volume["source"]), volume["target"], bool(volume.get("read_only")))


def _volumes(value: Mapping[str, Any]) -> Iterable[str]:
    yield from (volume["target"] for volume in value.get("volumes") or () if volume["type"] != "bind")
    tmpfs = value.get("tmpfs") or ()
    yield from (entry.partition(":")[0] for entry in ([tmpfs] if isinstance(tmpfs, str) else tmpfs))


def _port(value: Mapping[str, Any]) -> Port:
    return Port(
        int(value["target"]),
        str(value.get("published", "")),
        value.get("host_ip", ""),
        value.get("protocol", "tcp"),
        value.get("app_protocol", ""),
    )
