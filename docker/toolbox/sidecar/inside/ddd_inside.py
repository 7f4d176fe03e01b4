"""Runs inside the debugged process: connects debugpy to the adapter, and undoes all when the adapter has ended.

Pythons of other versions than the tests' load this file, with nothing of the image's but its standard library.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

# This file is /proc/<adapter>/root/opt/ddd/sidecar/inside/ddd_inside.py: the root is that of the adapter's container.
_INSIDE = os.path.dirname(os.path.abspath(__file__))
_ROOT = _INSIDE[: -len("/opt/ddd/sidecar/inside")]
_DEBUGPY = _ROOT + "/opt/debugger"
_PYDEVD = "/debugpy/_vendored/pydevd"
_LENT = "/root/opt/"
# On the debugger's modules, which outlive an adapter: the roots that they were loaded from, the last one in use.
_ROOTS = "ddd_tasks_roots"
# Without it each process says on stderr that the standard library is frozen, which is the service's own business.
_SILENCE = "PYDEVD_DISABLE_FILE_VALIDATION"
_OURS = "yes"


def attach(port: int, token: str, parent: int) -> None:
    """Connect this process to the adapter on 127.0.0.1:port; parent: the process that it is shown below, or 0.

    It is called in a thread of its own. Why it failed is written to a file that the adapter's container can read.
    """
    thread: Any = sys.modules["threading"].current_thread()
    thread.is_pydev_daemon_thread = thread.pydev_do_not_trace = True
    try:
        load()
        _attach(port, token, parent)
    except Exception:  # noqa: BLE001 - whatever it is, somebody waits for it
        with open(f"{_ROOT}/tmp/ddd-{os.getpid()}.error", "w", encoding="utf-8") as file:
            file.write(traceback.format_exc())


def _attach(port: int, token: str, parent: int) -> None:
    pydevd = importlib.import_module("pydevd")
    debugger = pydevd.get_global_debugger()
    if debugger is not None:
        if (pydevd.SetupHolder.setup or {}).get("port") == port:
            return  # a forked process connects by itself, and the code of a slow remote_exec may come too late
        _await_leaving(pydevd, debugger)
        debugger.dispose_and_kill_all_pydevd_threads(wait=False)
    pydevd.SetupHolder.setup = None  # it holds the port of the adapter before this one
    _forget_wrappers()
    pydevd.settrace(
        host="127.0.0.1",
        port=port,
        suspend=False,
        patch_multiprocessing=True,
        wait_for_ready_to_run=False,
        client_access_token=token,
        notify_stdin=False,
        ppid=parent,
        dont_trace_start_patterns=(*(root + "/opt/" for root in _roots()), _beside_pydevd() + "/debugpy/"),
        dont_trace_end_patterns=("debugpy_launcher.py",),
    )


def _await_leaving(pydevd: Any, debugger: Any) -> None:
    """Let the debugger before this one end by itself: its adapter has, and what it puts back late would be ours."""
    for _ in range(20):
        if pydevd.get_global_debugger() is not debugger:
            return
        time.sleep(0.05)


def load() -> None:
    """Import debugpy from the adapter's container; what it does to processes ends with the adapter."""
    _adopt()
    if not os.environ.get(_SILENCE):
        os.environ[_SILENCE] = _OURS
    with _path(_beside_pydevd() or _DEBUGPY):
        importlib.import_module("debugpy.server")
        pydevd = importlib.import_module("pydevd")
        monkey: Any = importlib.import_module("_pydev_bundle.pydev_monkey")
        defaults = importlib.import_module("_pydevd_bundle.pydevd_defaults")
    is_first = not hasattr(pydevd, _ROOTS)
    roots = vars(pydevd).setdefault(_ROOTS, [])
    if _ROOT not in roots:
        roots.append(_ROOT)
    # Processes that are started from here on load this, too.
    defaults.PydevdCustomization.PREIMPORT = _INSIDE + ";ddd_inside_child"
    if str(pydevd.__file__).startswith(_DEBUGPY):
        monkey.pydev_src_dir = _DEBUGPY + _PYDEVD
    if is_first:
        _guard(pydevd, monkey)


def _roots() -> list[str]:
    roots: list[str] = getattr(sys.modules["pydevd"], _ROOTS)
    return roots


def _guard(pydevd: Any, monkey: Any) -> None:
    """Start processes as the program means it once the adapter has ended; until then they are debugged as well."""
    is_wanted, c_args = monkey._get_apply_arg_patching, monkey._get_python_c_args
    dispose, wait = pydevd.PyDB.dispose_and_kill_all_pydevd_threads, pydevd.PyDB.wait_for_ready_to_run
    settrace_forked = pydevd.settrace_forked

    def guarded_is_wanted() -> bool:
        is_there = os.path.isdir(_roots()[-1] + "/opt/debugger")
        return is_there and pydevd.get_global_debugger() is not None and is_wanted()

    def guarded_c_args(host: Any, port: Any, code: Any, *rest: Any) -> Any:
        if isinstance(code, bytes):
            return guarded_c_args(host, port, code.decode("utf-8"), *rest).encode("utf-8")
        begin = c_args(host, port, "", *rest)
        return c_args(host, port, code, *rest).replace(begin, _begun(begin), 1)

    def dispose_and_leave(self: Any, *args: Any, **kwargs: Any) -> None:
        is_current = pydevd.get_global_debugger() is self
        dispose(self, *args, **kwargs)
        self.ready_to_run = True
        if is_current:
            _leave()

    def wait_and_leave(self: Any) -> None:
        """A new process waits for a client's word; it has to begin also when there is nobody left to give it."""
        wait(self)
        if self.pydb_disposed:
            sys.modules["threading"].Timer(0.5, _end, (self,)).start()

    def forked(*args: Any, **kwargs: Any) -> None:
        try:
            settrace_forked(*args, **kwargs)
        except OSError:  # the adapter has ended at this moment
            _leave()

    monkey._get_apply_arg_patching = guarded_is_wanted
    monkey._get_python_c_args = guarded_c_args
    pydevd.PyDB.dispose_and_kill_all_pydevd_threads = dispose_and_leave
    pydevd.PyDB.wait_for_ready_to_run = wait_and_leave
    pydevd.settrace_forked = forked


def _begun(code: str) -> str:
    """Code that connects a new process to the debugger, so that the process begins also where that is not there now.

    It may be taken away at the very moment: its files are gone then, in the middle of an import.
    """
    inside = repr(_roots()[-1] + "/opt/ddd/sidecar/inside")
    ours = f"import pydevd; sys.path.insert(0, {inside}); import ddd_inside_child; sys.path.remove({inside}); "
    there = f"sys.path[:] = [one for one in sys.path if not one.startswith({_roots()[-1]!r})]"
    code = code.replace("import pydevd; ", ours, 1).rstrip("; ")
    return f"\ntry: {code}\nexcept (Exception, SystemExit): {there}\n"


def _end(debugger: Any) -> None:
    """End what a debugger has begun after it was told to end."""
    for thread in list(debugger.created_pydb_daemon_threads):
        thread.do_kill_pydev_thread()
    _leave()


def _leave() -> None:
    """Put back what the debugger has replaced."""
    tracing = importlib.import_module("pydevd_tracing")
    monkey = importlib.import_module("_pydev_bundle.pydev_monkey")
    constants = importlib.import_module("_pydevd_bundle.pydevd_constants")
    tracing.restore_sys_set_trace_func()
    if constants.PYDEVD_USE_SYS_MONITORING:
        monitoring = importlib.import_module("_pydevd_sys_monitoring.pydevd_sys_monitoring")
        monitoring.stop_monitoring(all_threads=True)
    else:
        sys.settrace(None)
        sys.modules["threading"].settrace(None)
    monkey.undo_patch_thread_modules()
    sys.breakpointhook = sys.__breakpointhook__
    if os.environ.get(_SILENCE) == _OURS:
        del os.environ[_SILENCE]
    for module, name, original in _wrappers():
        # Somebody may have wrapped the wrapper since; then it stays, and does nothing.
        if getattr(getattr(module, name, None), "__module__", "") == monkey.__name__:
            setattr(module, name, original)


def _forget_wrappers() -> None:
    """Let the debugger wrap again what _leave has put back: the saved originals make it believe that it has."""
    for module, name, original in list(_wrappers()):
        if getattr(module, name, None) is original:
            delattr(module, "original_" + name)


def _wrappers() -> Iterator[tuple[ModuleType, str, Any]]:
    """Module, name and original of the functions that start processes, as the debugger has saved them."""
    for module in (sys.modules[name] for name in ("os", "subprocess", "_posixsubprocess") if name in sys.modules):
        for key, original in list(vars(module).items()):
            if key.startswith("original_"):
                yield module, key[len("original_") :], original


def _adopt() -> None:
    """Have modules that came from an adapter that has ended look for the rest of themselves at ours."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        # By its name, not by what was noted: an adapter may have ended while its first import was at work.
        old = file[: file.find(_LENT) + len("/root")] if file.startswith("/proc/") and _LENT in file else _ROOT
        if old != _ROOT:
            module.__file__ = _ROOT + file[len(old) :]
            if path := getattr(module, "__path__", None):
                module.__path__ = [_ROOT + one[len(old) :] if one.startswith(old) else one for one in path]


def _beside_pydevd() -> str:
    """Where a debugpy of the program's own lies, which wins, or "" where none is loaded."""
    file = str(getattr(sys.modules.get("pydevd"), "__file__", None) or "")
    return file.partition(_PYDEVD)[0] if _PYDEVD in file else ""


@contextlib.contextmanager
def _path(directory: str) -> Iterator[None]:
    sys.path.insert(0, directory)
    try:
        yield
    finally:
        sys.path.remove(directory)
