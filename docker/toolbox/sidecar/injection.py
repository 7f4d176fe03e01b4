"""Code run inside another Python process: by the process itself where it is 3.14 or newer, otherwise through gdb."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sidecar.arms import ArmError, Options
from sidecar.proc import Process

# A process whose main thread waits in a system call takes the code of remote_exec, says so, and never runs it.
_PATIENCE = 3.0
_CALM = 0.5
_DONE = "ddd-ran = 0\n"
# How long gdb may still bring to an end what it has called, once the debugger is taken away: the engine gives us 10 s.
_GRACE = 5.0
_GLANCE = 0.05
# With only one thread running, another one could never give up the GIL.
_SCRIPT = """\
set scheduler-locking off
set unwindonsignal on
sharedlibrary libpython
set $state = (int)PyGILState_Ensure()
set $ran = (int)PyRun_SimpleString("{code}")
call (void)PyGILState_Release($state)
printf "ddd-ran = %d\\n", $ran
"""

_is_over = threading.Event()
_running: set[threading.Thread] = set()


def run(process: Process, code: str, has_run: Callable[[], bool], lender: int, options: Options) -> str:
    """Run code in a process, and say how: remote_exec or gdb. has_run: whether its effect is there; it is waited for.

    The code has to end at once, since the process is held for it wherever it is: it begins a thread for what it does.
    lender: the process below whose root the process can read our files. Raises ArmError.
    """
    # In a namespace of its own, not the program's; and neither gdb nor C sees more of the code than numbers.
    code = "exec(bytes([{}]), {{}})".format(",".join(str(byte) for byte in code.encode()))
    if hasattr(sys, "remote_exec") and _by_itself(process, code, has_run, lender, options):
        return "remote_exec"
    _by_gdb(process, code, options)
    if not wait(has_run, options.seconds):
        raise ArmError("timeout", f"process {process.pid} ran the code, but did not connect in {options.seconds:.0f} s")
    return "gdb"


def end() -> None:
    """Begin with gdb in no process any more, and wait until those that are in one have let it go.

    A gdb that is killed there takes the process with it, and the engine kills what a sidecar leaves behind.
    """
    _is_over.set()
    for thread in list(_running):
        thread.join()


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _by_itself(process: Process, code: str, has_run: Callable[[], bool], lender: int, options: Options) -> bool:
    """Ask the process to run the code; False where it is told not to be asked, or does not in time."""
    file = options.scratch / f"ddd-{process.pid}.py"
    file.write_text(code)
    ask = f"import sys; sys.remote_exec({process.pid}, '/proc/{lender}/root{file}')"
    asked = subprocess.run(
        [*options.tracer, sys.executable, "-Ic", ask],
        capture_output=True,
        text=True,
        timeout=options.seconds,
        check=False,
    )
    said = asked.stderr.strip().rpartition("\n")[2]
    if "PermissionError" in said:
        raise ArmError("permission", f"sys.remote_exec: {said}")
    # The file stays: a process that was asked runs it as soon as it wakes up, and would miss it aloud.
    return asked.returncode == 0 and wait(has_run, _PATIENCE)


def _by_gdb(process: Process, code: str, options: Options) -> None:
    """Have gdb call the interpreter's own functions in the process. Raises ArmError with gdb's words."""
    # What a process is in the middle of, memory allocation for instance, cannot be begun again in it.
    wait(lambda: _is_waiting(process), _CALM)
    script = options.scratch / f"ddd-{process.pid}.gdb"
    script.write_text(_SCRIPT.format(code=code))  # it ends at the first command that fails
    words = f"--nw --nh --nx --batch --pid {process.pid} -x {script}".split()
    argv = [*options.tracer, "gdb", "-iex", "set auto-solib-add off", *words]
    gdb = _Gdb(argv, options.seconds)
    gdb.start()
    gdb.join()
    if _DONE in gdb.said:
        return
    if gdb.is_late:
        raise ArmError("timeout", f"gdb did not end in {options.seconds:.0f} s: {_essence(gdb.said)}")
    raise ArmError(_kind(process, gdb.said), f"gdb: {_essence(gdb.said)}")


class _Gdb(threading.Thread):
    """A run of gdb, in a thread: no signal breaks it off. said: its words. is_late: it was told to take all back."""

    def __init__(self, argv: list[str], seconds: float) -> None:
        super().__init__()
        self._argv, self._seconds = argv, seconds
        self.said, self.is_late = "", False

    def run(self) -> None:
        """Wait for its end, and not for ever."""
        _running.add(self)
        try:
            if _is_over.is_set():
                self.said = "the debugger is taken away"
            else:
                self._trace()
        except OSError as error:
            self.said = str(error)
        finally:
            _running.discard(self)

    def _trace(self) -> None:
        child = subprocess.Popen(
            self._argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            with suppress(subprocess.TimeoutExpired):
                self.said, _ = child.communicate(timeout=_GLANCE)
                return
            if _is_over.is_set():
                deadline = min(deadline, time.monotonic() + _GRACE)
        self.is_late = True
        child.send_signal(signal.SIGINT)  # it takes back what it has called, and lets the process go
        self.said, _ = child.communicate()


def _is_waiting(process: Process) -> bool:
    """Whether its main thread waits, most likely for a client."""
    try:
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state != "R"


def _kind(process: Process, said: str) -> str:
    """What stands in the way, by what gdb said and what the kernel knows."""
    if not process.is_alive or "No such process" in said:
        return "gone"
    if traced := re.search(r"already traced by process (\d+)", said):
        return "busy" if traced[1] != "0" else "permission"
    if "Operation not permitted" in said or "Permission denied" in said:
        return "permission"
    return "unsupported" if "No symbol" in said else "failed"


def _essence(said: str) -> str:
    """The lines of gdb that say something."""
    noise = re.compile(r"^(\[|\$\d|0x|Using host|warning: .*(thread_db|debug)|No loaded shared libraries|\s*$|\d+\t)")
    return " / ".join(line for line in said.splitlines() if not noise.match(line))[-600:] or "no word"
