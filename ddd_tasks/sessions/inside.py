"""Runs inside the container, with the stage's Python: makes the session's venv on top of the stage's packages.

Standard library only, and no newer syntax than the oldest Python a stage may have. It gets one JSON argument and
prints one JSON answer; ddd_tasks.sessions.venv is the other end.
"""

import importlib.util
import json
import os
import re
import subprocess  # noqa: TID251 - this file runs elsewhere, without the package
import sys
import sysconfig

# What a script's first lines call its interpreter: #!/opt/venv/bin/python3, or sh's '''exec' '/opt/venv/bin/python'.
_INTERPRETER = r"/python[\d.]*(?=['\"\s]|$)"
# The kernel cuts a longer first line off.
_LONGEST_SHEBANG = 127


def main() -> None:
    """Make the venv and say which Python it has."""
    request = json.loads(sys.argv[1])
    location = request["location"]
    command = [sys.executable, "-m", "venv", "--without-pip", "--system-site-packages"]
    done = subprocess.run([*command, *request["params"], location], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0:
        _share_packages(location)
        _share_scripts(location)
    answer = {
        "status": done.returncode,
        "said": done.stdout.decode(errors="replace"),
        "version": "%d.%d.%d" % sys.version_info[:3],
        "pip": importlib.util.find_spec("pip") is not None or _base_has_pip(location),
    }
    sys.stdout.write(json.dumps(answer))


def _base_has_pip(location: str) -> bool:
    """Whether the new venv sees a pip that the stage's own venv does not: the one of the Python below both."""
    python = os.path.join(location, "bin", "python")
    if sys.prefix == sys.base_prefix or not os.path.exists(python):
        return False
    check = "import importlib.util as u, sys; sys.exit(u.find_spec('pip') is None)"
    return subprocess.call([python, "-c", check]) == 0


def _share_packages(location: str) -> None:
    """Where the stage's Python is itself in a venv, --system-site-packages skips that venv: add its packages."""
    if sys.prefix == sys.base_prefix:
        return
    paths = sorted({sysconfig.get_path(kind) for kind in ("purelib", "platlib")})
    version = "python%d.%d" % sys.version_info[:2]
    target = os.path.join(location, "lib", version, "site-packages")
    with open(os.path.join(target, "_ddd_stage.pth"), "w") as file:
        # addsitedir, not bare lines: editable installs are .pth files in there.
        file.writelines("import site; site.addsitedir(%r)\n" % path for path in paths)


def _share_scripts(location: str) -> None:
    """Programs of the stage's packages, run by the venv's Python: only that one sees what the session installs."""
    folders = {os.path.dirname(sys.executable), sysconfig.get_path("scripts")}
    target = os.path.join(location, "bin")
    interpreter = os.path.join(target, "python")
    for folder in sorted(folder for folder in folders if os.path.isdir(folder)):
        pattern = re.compile(re.escape(folder) + _INTERPRETER)
        for name in sorted(os.listdir(folder)):
            script = _rewritten(os.path.join(folder, name), pattern, interpreter)
            path = os.path.join(target, name)
            if script and not os.path.lexists(path):
                with open(path, "wb") as file:
                    file.write(script)
                os.chmod(path, 0o755)


def _rewritten(path: str, pattern: "re.Pattern[str]", interpreter: str) -> bytes:
    """The script with another interpreter, or nothing if it is no script of the stage's Python."""
    try:
        with open(path, "rb") as file:
            if file.read(2) != b"#!":
                return b""
            lines = (b"#!" + file.read()).split(b"\n", 2)
    except OSError:
        return b""
    head = [line.decode("latin-1") for line in lines[:2]]
    changed = [pattern.sub(lambda _: interpreter, line) for line in head]
    if changed == head:
        return b""
    if changed[0].startswith("#!" + interpreter) and len(changed[0]) > _LONGEST_SHEBANG:
        changed[0] = "#!/bin/sh\n'''exec' '%s' \"$0\" \"$@\"\n' '''" % interpreter
    return b"\n".join([line.encode("latin-1") for line in changed] + lines[2:])


if __name__ == "__main__":
    main()
