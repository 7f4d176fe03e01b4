"""What VS Code's extensions and devcontainer.json take: attributes that they publish, transcribed by hand.

- debugpy: microsoft/vscode-python-debugger, package.json, contributes.debuggers[0].configurationAttributes.attach
- node: microsoft/vscode-js-debug, src/build/generate-contributions.ts, nodeAttachConfig and what it is made of
- go: golang/vscode-go, extension/package.json, contributes.debuggers[0].configurationAttributes.attach
- coreclr: dotnet/vscode-csharp, src/tools/OptionsSchema.json, AttachOptions and PipeTransport
- devcontainer: devcontainers/spec, schemas/devContainer.base.schema.json, devContainerCommon and composeContainer
- tasks: microsoft/vscode, the task schema of version 2.0.0

Only what concerns attaching is here, and which versions of the extensions it was read from is not noted down.
additionalProperties is false, so that a name which an extension does not know (VS Code underlines it) fails the test.
"""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING}
_BOOLEAN = {"type": "boolean"}
_NUMBER = {"type": "number"}
_TEXT_OR_NULL = {"type": ["string", "null"]}


def _object(properties: dict[str, Any], required: list[str], *, others: bool = False) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": others}


def _attach(kind: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """The schema of an entry: what VS Code itself knows of every one, and what the extension does."""
    own = {"name": _STRING, "type": {"const": kind}, "request": {"const": "attach"}, "preLaunchTask": _STRING}
    return _object({**own, **properties}, ["name", "type", "request", *required])


_DEBUGPY = {
    "connect": _object({"host": _STRING, "port": {"type": ["number", "string"]}}, ["port"]),
    "pathMappings": {
        "type": "array",
        "items": _object({"localRoot": _STRING, "remoteRoot": _STRING}, ["localRoot", "remoteRoot"]),
    },
    "justMyCode": _BOOLEAN,
    "subProcess": _BOOLEAN,
    "redirectOutput": _BOOLEAN,
    "django": _BOOLEAN,
    "showReturnValue": _BOOLEAN,
    "logToFile": _BOOLEAN,
}
_NODE = {
    "address": _STRING,
    "port": _NUMBER,
    "localRoot": _TEXT_OR_NULL,
    "remoteRoot": _TEXT_OR_NULL,
    "restart": {
        "oneOf": [_BOOLEAN, {"type": "object", "properties": {"delay": _NUMBER, "maxAttempts": _NUMBER}}],
    },
    "continueOnAttach": _BOOLEAN,
    "autoAttachChildProcesses": _BOOLEAN,
    "attachExistingChildren": _BOOLEAN,
    "skipFiles": {"type": "array"},
    "sourceMaps": _BOOLEAN,
    "sourceMapPathOverrides": {"type": "object"},
    "outFiles": _STRINGS,
    "resolveSourceMapLocations": {"type": ["array", "null"], "items": _STRING},
    "timeout": _NUMBER,
    "cwd": _STRING,
}
_GO = {
    "mode": {"enum": ["local", "remote"]},
    "debugAdapter": {"enum": ["legacy", "dlv-dap"]},
    "host": _STRING,
    "port": _NUMBER,
    "substitutePath": {"type": "array", "items": _object({"from": _STRING, "to": _STRING}, [])},
    "stopOnEntry": _BOOLEAN,
    "cwd": _STRING,
    "showLog": _BOOLEAN,
}
_PIPE = {
    "pipeCwd": _STRING,
    "pipeProgram": _STRING,
    "pipeArgs": {"anyOf": [_STRINGS, _STRING]},
    "debuggerPath": _STRING,
    "pipeEnv": {"type": "object", "additionalProperties": _STRING},
    "quoteArgs": _BOOLEAN,
}
_CORECLR = {
    "processName": _STRING,
    "processId": {"anyOf": [_STRING, {"type": "integer"}]},
    "sourceFileMap": {"type": "object", "additionalProperties": _STRING},
    "justMyCode": _BOOLEAN,
    "requireExactSource": _BOOLEAN,
    "enableStepFiltering": _BOOLEAN,
    "pipeTransport": _object(_PIPE, ["debuggerPath"]),
}
_PLACE = {"type": "string", "pattern": r"^([a-z0-9-]+):(\d{1,5})$"}
_PORT = {"oneOf": [{"type": "integer", "minimum": 0, "maximum": 65535}, _PLACE]}

ATTACH = {
    "debugpy": _attach("debugpy", _DEBUGPY, ["connect"]),
    "node": _attach("node", _NODE, ["port"]),
    "go": _attach("go", _GO, ["mode"]),
    "coreclr": _attach("coreclr", _CORECLR, []),
}
TASK = _object(
    {
        "label": _STRING,
        "type": {"enum": ["shell", "process"]},
        "command": _STRING,
        "args": _STRINGS,
        "options": _object({"cwd": _STRING}, []),
        "presentation": _object({"reveal": {"enum": ["always", "silent", "never"]}}, []),
        "problemMatcher": {"type": "array"},
    },
    ["label", "type", "command"],
)
COMPOUND = _object({"name": _STRING, "configurations": _STRINGS, "stopAll": _BOOLEAN}, ["name", "configurations"])
DEVCONTAINER = _object(
    {
        "name": _STRING,
        "dockerComposeFile": {"oneOf": [_STRING, _STRINGS]},
        "service": _STRING,
        "workspaceFolder": _STRING,
        "forwardPorts": {"type": "array", "items": _PORT},
    },
    ["dockerComposeFile", "service", "workspaceFolder"],
)
