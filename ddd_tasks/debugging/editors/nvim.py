"""Neovim: .nvim/ddd-dap.lua, which gives nvim-dap an entry for each service.

nvim-dap reads .vscode/launch.json too, but needs adapters of those names to be set up, and another plugin for
preLaunchTask. This file brings both, and asks debug.attach for the port when it connects. It was not opened in Neovim.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddd_tasks.debugging.editors.base import ADDED, UNCHANGED, UPDATED, Draft, Result, Target, Wanted, read, real
from ddd_tasks.errors import ConfigError

NAME = "nvim"
WORKSPACE = (".nvim", ".git")
_ROOT = "\0root"
_OFFER = "offer("
# The name of nvim-dap's adapter, and the file types whose entries are offered.
_LANGUAGES = {
    "python": ("ddd", ("python",)),
    "go": ("ddd", ("go",)),
    "node": ("pwa-node", ("javascript", "typescript", "javascriptreact", "typescriptreact")),
}
_FIRST = "-- Written by `ddd debug.config --editor nvim`, which writes over it."
_HEAD = """\
{first}
-- To use it, put this line into .nvim.lua (with 'exrc' set) or into your own configuration:
--     dofile(".nvim/ddd-dap.lua")
-- Needs Neovim 0.10 and nvim-dap 0.9 or newer; for Node.js also an adapter named pwa-node, which vscode-js-debug is.
local dap = require("dap")
local root = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h:h")
local project = {project}

-- Brings the debugger of a service, and says where it listens.
local function attach(service)
  local command = {{ "ddd", "debug.attach", "--service", service, "--json" }}
  local done = vim.system(command, {{ cwd = project, text = true }}):wait()
  if done.code ~= 0 then
    error(done.stderr ~= "" and done.stderr or done.stdout, 0)
  end
  return vim.json.decode(done.stdout)
end

-- Before nvim-dap connects: the place of the debugger becomes part of the entry.
dap.listeners.on_config["ddd"] = function(config)
  if not config.ddd then
    return config
  end
  local ready, place = vim.deepcopy(config), attach(config.ddd)
  ready.ddd = nil
  if ready.connect then
    ready.connect = {{ host = place.host, port = place.port }}
  elseif ready.address then
    ready.address, ready.port = place.host, place.port
  else
    ready.host, ready.port = place.host, place.port
  end
  return ready
end

-- debugpy and Delve speak the protocol themselves.
dap.adapters["ddd"] = function(callback, config)
  local place = config.connect or config
  callback({{ type = "server", host = place.host, port = place.port }})
end

local function offer(filetypes, entry)
  for _, filetype in ipairs(filetypes) do
    local others = vim.tbl_filter(function(other)
      return other.name ~= entry.name
    end, dap.configurations[filetype] or {{}})
    dap.configurations[filetype] = vim.list_extend(others, {{ entry }})
  end
end
"""


def files(wanted: Wanted) -> Result:
    """The file for nvim-dap, as a whole. Raises ConfigError where a file of that name is somebody else's."""
    file = real(wanted.workspace / ".nvim" / "ddd-dap.lua")
    old = read(file)
    if old and not old.startswith(_FIRST.encode()):
        raise ConfigError(
            f"{file} was not written by ddd, and is left alone",
            cause=f"its first line is not: {_FIRST}",
            hint=f"mv {file} {file.with_name('dap.lua')}",
        )
    able = [target for target in wanted.targets if target.language.name in _LANGUAGES]
    parts = _parts((old or b"").decode(errors="replace"))
    there = dict(parts) if not wanted.is_all else {}
    made = {_literal(target.name): _entry(wanted, target) for target in able}
    states = {target.name: _state(dict(parts), target, made[_literal(target.name)]) for target in able}
    new = (_head(wanted) + "".join({**there, **made}.values())).encode()
    notes = tuple(
        f"{target.service}: nothing was written for {target.language.name}: use --editor vscode"
        for target in wanted.targets
        if target not in able
    )
    return Result((Draft(file, old, new, states),) if able else (), notes)


def _parts(text: str) -> list[tuple[str, str]]:
    """The entries of a file, each with its name as it is written there."""
    parts = [f"\n{_OFFER}{part}" for part in text.split(f"\n{_OFFER}")[1:]]
    return [(match[1], part) for part in parts if (match := re.search(r"^  name = (.*),$", part, re.MULTILINE))]


def _state(parts: Mapping[str, str], target: Target, part: str) -> str:
    name = _literal(target.name)
    return ADDED if name not in parts else UNCHANGED if parts[name] == part else UPDATED


def _head(wanted: Wanted) -> str:
    project = _ROOT + _rest(wanted.workspace, wanted.directory)
    return _HEAD.format(first=_FIRST, project=_literal(project))


def _rest(workspace: Path, path: Path) -> str:
    rest = path.relative_to(workspace).as_posix()
    return "" if rest == "." else f"/{rest}"


def _entry(wanted: Wanted, target: Target) -> str:
    adapter, filetypes = _LANGUAGES[target.language.name]
    fields: dict[str, Any] = {"name": target.name, "type": adapter, "request": "attach", "ddd": target.service}
    fields |= target.arguments(wanted.workspace, _ROOT)
    return f"\n{_OFFER}{_literal(list(filetypes))}, {_literal(fields)})\n"


def _literal(value: Any, indent: str = "") -> str:
    """A value as Lua has it; a path in the workspace is put together when the file is read."""
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = "".join(f"{deeper}{key} = {_literal(inner, deeper)},\n" for key, inner in value.items())
        return f"{{\n{lines}{indent}}}"
    if isinstance(value, list):
        return "{ " + ", ".join(_literal(inner, indent) for inner in value) + " }" if value else "{}"
    if isinstance(value, str):
        rest = value.removeprefix(_ROOT)
        if rest != value:
            return f"root .. {_literal(rest)}" if rest else "root"
        return _string(value)
    return json.dumps(value)


def _string(value: str) -> str:
    """A string between double quotes; what is special in Lua is written as a number."""
    return '"' + "".join(one if one.isprintable() and one not in '"\\' else _bytes(one) for one in value) + '"'


def _bytes(one: str) -> str:
    return "".join(f"\\{byte:03}" for byte in one.encode())
