"""Code run inside another Python process: by the process itself where it is 3.14 or newer, otherwise through gdb."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sidecar.arms import ArmError
from sidecar.proc import Process

# A process whose main thread waits in a system call takes the code of remote_exec, says so, and never runs it.
_PATIENCE = 3.0
_DONE = "ddd-ran = "


def run(process: Process, code: str, has_run: Callable[[], bool], lender: int, seconds: float) -> str:
    """Run code in a process, and say how: remote_exec or gdb. has_run: whether its effect is there; it is waited for.

    lender: the process below whose root the process can read our files. Raises ArmError.
    """
    if hasattr(sys, "remote_exec") and _by_itself(process, code, has_run, lender):
        return "remote_exec"
    _by_gdb(process, code, seconds)
    if not wait(has_run, seconds):
        raise ArmError("timeout", f"process {process.pid} ran the code, but did not connect in {seconds:.0f} s")
    return "gdb"


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _by_itself(process: Process, code: str, has_run: Callable[[], bool], lender: int) -> bool:
    """Ask the process to run the code; False where it is told not to be asked, or does not in time."""
    file = Path(f"/tmp/ddd-{process.pid}.py")
    file.write_text(code)
    try:
        sys.remote_exec(process.pid, f"/proc/{lender}/root{file}")  # type: ignore[attr-defined]
        return wait(has_run, _PATIENCE)
    except RuntimeError:
        return False
    except OSError as error:
        raise ArmError(_kind_of(error), f"sys.remote_exec: {error}") from error
    finally:
        with suppress(OSError):
            file.unlink()


def _kind_of(error: OSError) -> str:
    return "permission" if isinstance(error, PermissionError) else "gone"


def _by_gdb(process: Process, code: str, seconds: float) -> None:
    """Have gdb call the interpreter's own functions in the process. Raises ArmError with gdb's words."""
    # Neither gdb nor C sees more of the code than numbers.
    numbers = ",".join(str(byte) for byte in code.encode())
    commands = [
        "set scheduler-locking off",  # with only one thread running, another one could never give up the GIL
        "set unwindonsignal on",
        "sharedlibrary libpython",
        "set $state = (int)PyGILState_Ensure()",
        f'printf "{_DONE}%d\\n", (int)PyRun_SimpleString("exec(bytes([{numbers}]))")',
        "call (void)PyGILState_Release($state)",
    ]
    argv = ["gdb", "--nw", "--nh", "--nx", "-iex", "set auto-solib-add off", "--pid", str(process.pid), "--batch"]
    argv += [word for command in commands for word in ("-ex", command)]
    gdb = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        said, _ = gdb.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        gdb.send_signal(signal.SIGINT)  # it takes back what it has called, and lets the process go
        try:
            said, _ = gdb.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            gdb.kill()
            said, _ = gdb.communicate()
        raise ArmError("timeout", f"gdb did not end in {seconds:.0f} s: {_essence(said)}") from None
    if _DONE + "0\n" not in said:
        raise ArmError(_kind(process, said), f"gdb: {_essence(said)}")


def _kind(process: Process, said: str) -> str:
    """What stands in the way, by what gdb said and what the kernel knows."""
    if not process.is_alive or "No such process" in said:
        return "gone"
    if traced := re.search(r"already traced by process (\d+)", said):
        return "busy" if traced[1] != "0" else "permission"
    if "Operation not permitted" in said or "Permission denied" in said:
        return "permission"
    return "unsupported" if 'No symbol "Py' in said else "failed"


def _essence(said: str) -> str:
    """The lines of gdb that say something."""
    noise = re.compile(r"^(\[|\$\d|0x|Using host|warning: .*(thread_db|debug)|No loaded shared libraries|\s*$|\d+\t)")
    return " / ".join(line for line in said.splitlines() if not noise.match(line))[-600:] or "no word"
