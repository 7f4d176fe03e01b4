"""Hide what strangers must not read: in a Compose configuration all but known keys, elsewhere known values."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import process
from ddd_tasks.projectsecrets import Source

MASK = "***"
# What the engine is told, and no secret: all else of a configuration is masked, a key that we do not know as well.
_KEYS = """
attach attachable cap_add cap_drop cgroup container_name context cpu_shares cpus depends_on devices disable
dns_search dockerfile driver enable_ipv6 expose external group_add image init internal interval ipc isolation
links mem_limit mem_reservation mem_swappiness memswap_limit name network network_mode networks no_cache
oom_kill_disable pid pids_limit platform platforms ports privileged profiles pull pull_policy read_only resources
restart restart_policy retries runtime scale security_opt shm_size start_interval start_period stdin_open
stop_grace_period stop_signal target timeout tmpfs tty ulimits user userns_mode volumes working_dir x-ddd
"""
_SHOWN = frozenset(_KEYS.split())
_SECTIONS = ("build", "deploy", "develop", "healthcheck", "logging")
# Command lines, of which the program alone is told.
_WORDS = ("command", "entrypoint", "test")
# What people choose, also below a key that is shown: the options of a driver, for example.
_NEVER = ("driver_opts", "options", "labels", "secrets", "configs", "environment", "args")
# Up to the last "@": passwords have such signs as well, and slashes.
_USERINFO = re.compile(r"(?<=://)[^\s'\"]+@")
_QUERY = re.compile(r"(://[^\s?#'\"]*[?#])[^\s'\"]+")
# Of a command line the first word, where it is a program and no argument of the image's.
_PROGRAM = re.compile(r"[\w./][\w./+-]*")
# Compose quotes what it cannot use.
_QUOTED = re.compile(r"""`[^`\n]*(?:`|$)|"[^"\n]*(?:"|$)|'[^'\n]*(?:'|$)""")
_UNESCAPED = re.compile(r"(escape any \$ with another \$\.)(?s:.)*")
_OF_ENV_FILES = (
    "unmarshal|interpolat|unterminated|in variable name|[Ii]nvalid template|variable is not set|failed to read"
)
_SENSITIVE_LINE = re.compile(rf"\.(?:{'|'.join((*_NEVER, *_WORDS))})\b|{_OF_ENV_FILES}")
_SECRET_NAME = re.compile(r"(?i)passw|secret|token|key|credential|auth|pwd|dsn")
# Base64 may begin with a slash, too, but has capitals.
_PATH = re.compile(r"\.?/[a-z0-9._/ -]*")
_LEAST, _LEAST_SECRET = 8, 4


def configuration(config: Mapping[str, Any]) -> dict[str, Any]:
    """What `docker compose config` says, with names, and only the values that are known to be no secret."""
    found = dict[str, Any]()
    for section, entries in config.items():
        if section in ("services", "networks", "volumes") and isinstance(entries, Mapping):
            found[section] = {name: _entry(entry) for name, entry in entries.items()}
        else:
            found[section] = entries if section in ("name", "version", "x-ddd") else _hidden(entries)
    return found


def message(text: str) -> str:
    """The words of a tool that refused a configuration, without the values that it quotes."""
    lines = (_QUOTED.sub(MASK, line) if _SENSITIVE_LINE.search(line) else line for line in text.splitlines())
    return urls(_UNESCAPED.sub(rf"\1 {MASK}", "\n".join(lines)))


def urls(text: str) -> str:
    """The text without names, tokens and passwords in URLs, and without their queries."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(f"{MASK}@", text))


def values(config: Mapping[str, Any], secrets: Iterable[Source]) -> set[str]:
    """The values that were hidden in the configuration, and those of its secrets, as far as they stand in files.

    Short ones and paths of environments are left out, unless they are secret by their name: each log is full of them.
    """
    found = {text for source in secrets for text in _of_secret(source)}
    for service in (config.get("services") or {}).values():
        for where in (service, service.get("build") or {}):
            for section in ("environment", "args", "labels"):
                found |= set(_of_section(where.get(section)))
            for key in ("command", "entrypoint"):
                found |= {word for word in _flat(where.get(key)) if _is_telling(word)}
        found |= {word for word in _flat((service.get("healthcheck") or {}).get("test")) if _is_telling(word)}
    return found


def text(said: str, known: Iterable[str]) -> str:
    """The text without these values, the longest first, and without what looks like a secret."""
    # What has been redacted once may be the rest of a value.
    for value in sorted({*known, *map(process.redact, known)}, key=len, reverse=True):
        said = said.replace(value, MASK)
    return urls(process.redact(said))


def without_user(said: str) -> str:
    """Without the user's home and name, which stand in most paths."""
    home = os.environ.get("HOME", "").rstrip("/")
    if home:
        said = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", said)
    names = {os.environ.get("USER", ""), os.environ.get("LOGNAME", ""), Path(home).name if home else ""} - {"", "root"}
    for name in names:
        said = re.sub(rf"(?<=/){re.escape(name)}(?![\w.-])", "<user>", said)
    return said


def _entry(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return _hidden(entry)
    return {key: _value(str(key), value) for key, value in entry.items()}


def _value(key: str, value: Any) -> Any:
    if key in _SECTIONS:
        return _entry(value)
    if key in _WORDS:
        words = _flat(value)
        first = words[0] if words and _PROGRAM.fullmatch(words[0]) else MASK
        return [first, *(MASK for _ in words[1:])] if words else None
    return _shown(value) if key in _SHOWN else _hidden(value)


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(inner) if _is_anybody_s(str(key)) else _shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    return urls(value) if isinstance(value, str) else value


def _is_anybody_s(key: str) -> bool:
    return key in _NEVER or (key.startswith("x-") and key != "x-ddd")


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    # Nor is what stands before a "=" left: base64 ends with one, and Compose gives names of its own as keys.
    return None if value is None else MASK


def _of_secret(source: Source) -> Iterator[str]:
    value = os.environ.get(source.variable, "") if source.variable else ""
    if source.file:
        try:
            value = source.file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
    yield from _lines(value)


def _lines(value: str) -> Iterator[str]:
    """Of a key, of which a log has one line at a time."""
    yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= _LEAST_SECRET)


def _of_section(section: Any) -> Iterator[str]:
    pairs = section.items() if isinstance(section, Mapping) else (str(one).partition("=")[::2] for one in section or ())
    for name, value in pairs:
        if value is not None and (_is_telling(str(value)) or (_SECRET_NAME.search(str(name)) and _is_word(str(value)))):
            yield from (str(value), *_lines(str(value)))


def _flat(words: Any) -> list[str]:
    return [str(word) for word in words] if isinstance(words, list) else str(words or "").split()


def _is_word(value: str) -> bool:
    return len(value) >= _LEAST_SECRET and value.lower() not in ("true", "false", "none")


def _is_telling(value: str) -> bool:
    return len(value) >= _LEAST and not _PATH.fullmatch(value)
