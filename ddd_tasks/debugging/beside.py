"""The containers beside a service, as the engine's create call has them: its processes, its user, its rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ddd_tasks.debugging.ports import ADDRESS
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.project import Project
from ddd_tasks.sessions.container import PROJECT_LABEL

DEBUG_LABEL = "ddd-tasks.debug"
TARGET_LABEL = "ddd-tasks.target"
ROLE_LABEL = "ddd-tasks.role"
SIDECAR, FORWARDER = "sidecar", "forwarder"
_PORT = 7000


class Plan(NamedTuple):
    """What to start. arguments: those of `sidecar serve`; host_ports: free ports of this machine, tried in turn."""

    image: str
    rights: Rights
    arguments: Sequence[str]
    host_ports: Iterable[int]


def specification(project: Project, target: Target, image: str, rights: Rights, role: str) -> dict[str, Any]:
    """What all of them have in common: no right that the service lacks, nothing that can be written but /tmp."""
    return {
        "Image": image,
        "Entrypoint": ["python3", "-m", "sidecar"],
        "User": "{}:{}".format(*rights.user),
        "WorkingDir": "/",
        "Env": ["HOME=/tmp"],
        "Labels": {
            PROJECT_LABEL: str(project.directory),
            DEBUG_LABEL: target.service.name,
            TARGET_LABEL: target.id,
            ROLE_LABEL: role,
        },
        "HostConfig": {
            "PidMode": f"container:{target.id}",
            "UsernsMode": target.info["HostConfig"].get("UsernsMode") or "",
            **rights.host,
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": "mode=1777,exec"},
            "AutoRemove": True,
            "LogConfig": {"Type": "json-file", "Config": {}},
        },
    }


def sidecar(project: Project, target: Target, plan: Plan) -> dict[str, Any]:
    """The container that brings the debugger, in the service's own network."""
    body = specification(project, target, plan.image, plan.rights, SIDECAR)
    body["Cmd"] = ["serve", *plan.arguments, *plan.rights.arguments]
    body["HostConfig"]["NetworkMode"] = f"container:{target.id}"
    return body


def forwarder(project: Project, target: Target, plan: Plan, port: int) -> dict[str, Any]:
    """The container that publishes it on this port of the machine, in a network of its own."""
    body = specification(project, target, plan.image, plan.rights.without_tracing(), FORWARDER)
    body["Cmd"] = ["forward", "--port", str(_PORT)]
    body["ExposedPorts"] = {f"{_PORT}/tcp": {}}
    body["HostConfig"]["NetworkMode"] = "bridge"
    body["HostConfig"]["PortBindings"] = {f"{_PORT}/tcp": [{"HostIp": ADDRESS, "HostPort": str(port)}]}
    return body


def command(body: Mapping[str, Any], *flags: str) -> list[str]:
    """About the same as a command that can be pasted."""
    host = body["HostConfig"]
    words: list[str] = [*body["Entrypoint"], *body["Cmd"]]
    published = [(ours["HostIp"], ours["HostPort"], port) for port, all_ours in _bindings(host) for ours in all_ours]
    return [
        *("docker", "run", "--rm", *flags, "--pid", host["PidMode"], "--network", host["NetworkMode"]),
        *("--user", body["User"], "--read-only", "--tmpfs", "/tmp:exec"),
        *(word for name in host["CapDrop"] for word in ("--cap-drop", name)),
        *(word for name in host["CapAdd"] for word in ("--cap-add", name)),
        *(word for name in host["SecurityOpt"] for word in ("--security-opt", name)),
        *(word for one in published for word in ("--publish", ":".join(one))),
        *(word for name, value in body["Labels"].items() for word in ("--label", f"{name}={value}")),
        *("--entrypoint", words[0], body["Image"], *words[1:]),
    ]


def _bindings(host: Mapping[str, Any]) -> list[tuple[str, list[dict[str, str]]]]:
    return [(port.removesuffix("/tcp"), ours) for port, ours in (host.get("PortBindings") or {}).items()]
