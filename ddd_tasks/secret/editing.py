"""Setting a secret where its declaration looks for it, so that a plain `docker compose` finds it there as well."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ddd_tasks import console, process
from ddd_tasks.errors import CommandError, ConfigError, UnknownNameError
from ddd_tasks.project import Project
from ddd_tasks.projectsecrets import Source
from ddd_tasks.secret import sources

# A line of .env whose value begins with a quote that it does not close.
_OPEN_QUOTE = re.compile(r"""[^=]*=\s*('[^']*|"(\\.|[^"\\])*)$""")
_IN_MEMORY = "/dev/shm"  # a file system that is never on a disk, where there is one


def find(project: Project, name: str) -> Source:
    """The secret of that name. Raises UnknownNameError, with the names that exist."""
    if name not in project.secrets:
        raise UnknownNameError("secret", name, project.secrets, where=str(project.files[0]), hint="ddd secrets.list")
    return project.secrets[name]


def store(project: Project, name: str, content: bytes) -> Path:
    """Put the value into the secret's file, or where it comes from a variable, into .env; the file that has it now.

    Only its owner can read the file. In a dry run nothing is written. Raises UnknownNameError, ConfigError when it is
    not ours to set.
    """
    source = find(project, name)
    if process.is_dry() and (source.file or source.variable):
        return source.file or project.directory / ".env"
    if source.file:
        _write(source.file.resolve(), content)
        _warn(source.file)
        return source.file
    if source.variable:
        return _into_dotenv(project, name, source.variable, content)
    raise ConfigError(
        f"secret {name!r} is not ours to set",
        cause=f"`{shlex.join(source.command)}` writes it" if source.command else "it is external",
        hint=shlex.join(source.command) or "ddd secrets.list",
    )


def edit(project: Project, name: str) -> Path | None:
    """Have $VISUAL or $EDITOR change the value in a private file that is gone afterwards; None when it did not.

    Raises ConfigError, CommandError when the editor fails: nothing is changed then.
    """
    source = find(project, name)
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    try:
        before = sources.value(project, name)
    except sources.MissingSecretError:
        before = b""
    if not (source.file or source.variable):
        return store(project, name, before)  # which says why not
    with _private_file(name, before) as file:
        status = process.run([*editor, str(file)], check=False, foreground=True)
        if status:
            what = f"{editor[0]} ended with status {status}: secret {name!r} is as it was"
            raise CommandError(what, status, hint=f"ddd secrets.set {name}")
        after = file.read_bytes()
    if source.variable:
        after = after.removesuffix(b"\n")  # which editors add
    return None if after == before else store(project, name, after)


def one_line(content: bytes) -> bytes:
    """What was typed or piped in: a single line without its end, so that `echo` and `printf` mean the same."""
    return content.removesuffix(b"\n") if content.count(b"\n") == 1 else content


@contextmanager
def _private_file(name: str, content: bytes) -> Iterator[Path]:
    """A file that only we can read, in a folder that only we can enter; both are gone afterwards."""
    places = (os.environ.get("XDG_RUNTIME_DIR"), _IN_MEMORY)
    place = next((place for place in places if place and os.access(place, os.W_OK)), None)
    folder = Path(tempfile.mkdtemp(prefix="ddd-secret-", dir=place))  # mode 0700
    try:
        file = folder / re.sub(r"[^\w.-]", "_", name)
        _write(file, content)
        yield file
    finally:
        for left in folder.rglob("*"):  # editors keep copies beside the file
            if left.is_file() and not left.is_symlink():
                left.write_bytes(bytes(left.stat().st_size))
        shutil.rmtree(folder, ignore_errors=True)


def _write(file: Path, content: bytes) -> None:
    """Write the file as a whole, readable by its owner alone. Raises ConfigError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
        draft.replace(file)
    except OSError as error:
        hint = f"ls -ld {shlex.quote(str(file.parent))}"
        raise ConfigError(f"{file} cannot be written", cause=str(error), hint=hint) from error
    finally:
        with suppress(OSError):  # it is the file now, or was never made; after Ctrl-C it would have a secret
            draft.unlink()


def _into_dotenv(project: Project, name: str, variable: str, content: bytes) -> Path:
    file = (project.directory / ".env").resolve()
    state = _git_state(file)
    if state:
        hint = f"echo .env >> {shlex.quote(str(project.directory / '.gitignore'))}"
        if state == "tracked by git":
            hint = f"git -C {shlex.quote(str(project.directory))} rm --cached .env"
        raise ConfigError(f"{file} is {state}", cause=f"it would get the value of secret {name!r}", hint=hint)
    text = content.decode(errors="replace")
    if not text or re.search(r"[\r\n\0'\\]|\ufffd", text):
        cause = "a line of .env cannot hold an empty value, quotes ('), backslashes, or more than one line: a file can"
        what = f"the value of secret {name!r} does not fit into {file}"
        raise ConfigError(what, cause=cause, hint=shlex.join(["grep", "-n", variable, str(project.files[0])]))
    before = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
    lines = before.removesuffix("\n").split("\n") if before else []
    found = [line for line in lines if re.match(rf"\s*(export\s+)?{re.escape(variable)}\s*=", line)]
    if any(map(_OPEN_QUOTE.match, found)):
        what = f"the value of {variable} in {file} goes over several lines"
        hint = shlex.join([os.environ.get("EDITOR") or "vi", str(file)])
        raise ConfigError(what, cause="only a value in one line can be replaced", hint=hint)
    text = "".join(f"{line}\n" for line in [*(line for line in lines if line not in found), f"{variable}='{text}'"])
    _write(file, text.encode(errors="surrogateescape"))
    if os.environ.get(variable):
        console.warning(f"the variable {variable} is set in the environment, and comes before {file}")
    return file


def _warn(file: Path) -> None:
    state = _git_state(file)
    if state:
        console.warning(f"{file} is {state}: a commit would publish it")


def _git_state(file: Path) -> str:
    """What git would do with the file, if that is not to leave it alone."""
    if not any((folder / ".git").exists() for folder in file.parents):
        return ""
    git = ["git", "-C", str(file.parent)]
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    if process.capture([*git, "ls-files", "--error-unmatch", file.name], check=False, env=env).status == 0:
        return "tracked by git"
    ignored = process.capture([*git, "check-ignore", "--quiet", file.name], check=False, env=env).status
    return "not ignored by git" if ignored == 1 else ""
