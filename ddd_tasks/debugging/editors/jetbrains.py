"""JetBrains: .run/*.run.xml for Go (GoLand). They were not opened in GoLand, whose format other projects' files show.

Nothing shows how those of WebStorm hold path mappings and those of PyCharm's "Attach to DAP" look: for them a note says
what to enter. PyCharm's older debug server is no way in, because there the service calls the IDE.
"""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from ddd_tasks.debugging.editors.base import (
    ADDED,
    UNCHANGED,
    UPDATED,
    Draft,
    Result,
    Target,
    Wanted,
    read,
    real,
    within,
)

NAME = "jetbrains"
WORKSPACE = (".idea", ".run", ".git")
_FOLDER = "$PROJECT_DIR$"
_ATTACH = """\
<component name="ProjectRunConfigurationManager">
  <configuration default="false" name={name} type="GoRemoteDebugConfigurationType" factoryName="Go Remote" {place}>
    <option name="disconnectOption" value="LEAVE" />
    <disconnect value="LEAVE" />
    <method v="2">
      <option name="RunConfigurationTask" enabled="true" run_configuration_name={task} {kind} />
    </method>
  </configuration>
</component>
"""
_TASK = """\
<component name="ProjectRunConfigurationManager">
  <configuration default="false" name={name} type="ShConfigurationType">
    <option name="SCRIPT_TEXT" value={command} />
    <option name="INDEPENDENT_SCRIPT_PATH" value="true" />
    <option name="SCRIPT_PATH" value="" />
    <option name="SCRIPT_OPTIONS" value="" />
    <option name="INDEPENDENT_SCRIPT_WORKING_DIRECTORY" value="true" />
    <option name="SCRIPT_WORKING_DIRECTORY" value={folder} />
    <option name="INDEPENDENT_INTERPRETER_PATH" value="true" />
    <option name="INTERPRETER_PATH" value="/bin/sh" />
    <option name="INTERPRETER_OPTIONS" value="" />
    <option name="EXECUTE_IN_TERMINAL" value="false" />
    <option name="EXECUTE_SCRIPT_FILE" value="false" />
    <envs />
    <method v="2" />
  </configuration>
</component>
"""


def files(wanted: Wanted) -> Result:
    """For each service in Go a configuration that attaches, and the command that it runs first. Raises ConfigError."""
    drafts = []
    for target in wanted.targets:
        if target.language.name == "go":
            drafts += [_draft(wanted, target.task, _task(wanted, target)), _draft(wanted, target.name, _attach(target))]
    return Result(tuple(drafts), tuple(_note(target) for target in wanted.targets if target.language.name != "go"))


def _attach(target: Target) -> str:
    place = f"host={quoteattr(target.host)} port={quoteattr(str(target.port))}"
    names = {"name": quoteattr(target.name), "task": quoteattr(target.task)}
    return _ATTACH.format(place=place, kind='run_configuration_type="ShConfigurationType"', **names)


def _task(wanted: Wanted, target: Target) -> str:
    folder = within(wanted.workspace, wanted.directory, _FOLDER)
    values = {"name": target.task, "command": " ".join(["ddd", *target.command]), "folder": folder}
    return _TASK.format(**{key: quoteattr(value) for key, value in values.items()})


def _draft(wanted: Wanted, name: str, text: str) -> Draft:
    file = real(wanted.workspace / ".run" / f"{_file_name(name)}.run.xml")
    old = read(file)
    state = ADDED if old is None else UNCHANGED if old == text.encode() else UPDATED
    return Draft(file, old, text.encode(), {name: state})


def _file_name(name: str) -> str:
    return "".join(one if one.isalnum() or one in "._-" else "_" for one in name.replace(": ", "-"))


def _note(target: Target) -> str:
    """What to enter by hand, or what to use instead."""
    place = f"{target.host}:{target.port}"
    steps = {
        "python": f"in PyCharm 2025.3 or newer, add Attach to DAP with the remote address {place}",
        "node": f"in WebStorm, add Attach to Node.js/Chrome with {place}",
    }
    if target.language.name not in steps:
        return f"{target.service}: nothing was written for {target.language.name}: use --editor vscode"
    roots = ", ".join(f"{one.local} is {one.remote}" for one in target.mappings)
    command = " ".join(["ddd", *target.command])
    return f"{target.service}: no file: {steps[target.language.name]} and the paths {roots}; before it, run: {command}"
