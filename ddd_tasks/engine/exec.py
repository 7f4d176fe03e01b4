"""A command in a running container, over the engine's socket: exit codes, signals, terminal and bytes as on the host.

`docker exec` alone answers 0 to SIGINT and leaves the process running; compose exec leaves it too. Here the client
stays until the process has ended, passes signals on to it, and returns its own status.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from ddd_tasks.engine import guard, leash, signals, terminal
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.streams import Pump, write
from ddd_tasks.errors import CommandError, EngineError, ExitCode, NotRunningError, StoppedError

TYPE_CHECKING = False  # as in typing, whose import would cost every exec 5 ms
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ddd_tasks.engine.endpoint import Stream
else:
    import _signal as signal  # what the module of that name wraps in enums, for 4 ms of every exec

# Never typed by accident. The engine's default, ctrl-p ctrl-q, would hold back every ctrl-p of a shell's history.
_DETACH_KEYS = "ctrl-_,ctrl-^,ctrl-_"
# How the engine's own words begin where a program's output would: the runtime could not start it.
_NOT_STARTED = b"OCI runtime exec failed"
_SECONDS_TO_LEAVE = 10.0
_SECONDS_TO_APPEAR = 2.0
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_NOTICE = 0.5
_SECONDS_BETWEEN_CHECKS = 2.0
_SECONDS_TO_READ = 0.2


class Exec:
    """What to run. container: id or name; workdir: directory inside, None for the container's own.

    user: "uid:gid" or a name, None for the container's own; env: added to the container's own environment;
    tty: a terminal inside, None for one exactly when we have one.
    """

    __slots__ = ("argv", "container", "env", "tty", "user", "workdir")

    def __init__(
        self,
        container: str,
        argv: Sequence[str],
        workdir: str | None = None,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        tty: bool | None = None,
    ) -> None:
        self.container = container
        self.argv = argv
        self.workdir = workdir
        self.user = user
        self.env = env or {}
        self.tty = tty


class Captured:
    """A command that ended: its status and what it wrote."""

    __slots__ = ("status", "stderr", "stdout")

    def __init__(self, status: int, stdout: bytes, stderr: bytes) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr


def run(
    engine: Engine,
    command: Exec,
    *,
    on_input: Callable[[bytes], None] | None = None,
    output: Callable[[int, bytes], None] = write,
) -> int:
    """Run the command on our own stdin, stdout and stderr and return its exit status, 128+n for signal n.

    SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to every process of the command; a third one, or ten seconds
    after SIGTERM or SIGHUP, kills. Should we be killed ourselves, the command ends as well (leash.py).
    on_input sees what goes to its stdin: on a terminal, Ctrl-C is only a byte.
    output(descriptor, bytes) gets what it writes, in place of our own stdout and stderr.
    Raises NotRunningError, StoppedError, EngineError, CommandError.
    """
    interactive = terminal.is_interactive() if command.tty is None else command.tty
    running = _Running(engine, command, tty=interactive, output=output)
    with ExitStack() as stack:
        watching = stack.enter_context(signals.watched())
        stream = stack.enter_context(running.start())
        if interactive and terminal.is_interactive():
            stack.enter_context(terminal.raw())
        pump = Pump(
            stream,
            framed=not interactive,
            signals=watching,
            on_signal=running.signal,
            tick=running.tick,
            sink=running.write,
            on_input=on_input,
        )
        try:
            pump.run()
        except BrokenPipeError:
            stream.close()  # while it holds output for us, the engine counts the command as running
            return running.abandon(signal.SIGPIPE)
        except OSError as error:  # a full disk, a terminal that has gone
            stream.close()
            running.abandon(signal.SIGPIPE)
            raise CommandError(
                "what the command writes cannot be passed on", ExitCode.FAILURE, cause=str(error)
            ) from error
    running.dismiss()
    status = running.status()
    running.release()
    return status


def capture(
    engine: Engine,
    container: str,
    argv: Sequence[str],
    *,
    workdir: str | None = None,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Captured:
    """Run a command that reads nothing and return what it wrote. Raises NotRunningError, StoppedError, EngineError."""
    written = {terminal.STDOUT: bytearray(), terminal.STDERR: bytearray()}
    running = _Running(engine, Exec(container, argv, workdir, user, env or {}), tty=False)
    with running.start(stdin=False) as stream:

        def keep(target: int, data: bytes) -> None:
            written[target].extend(data)
            running.has_spoken()

        Pump(stream, framed=True, stdin=False, tick=running.check, sink=keep).run()
    return Captured(running.status(), bytes(written[terminal.STDOUT]), bytes(written[terminal.STDERR]))


class _Running:
    """One exec instance, from its creation to its status."""

    def __init__(
        self, engine: Engine, command: Exec, *, tty: bool, output: Callable[[int, bytes], None] = write
    ) -> None:
        self._engine = engine
        self._command = command
        self._tty = tty
        self._output = output
        self._token = os.urandom(8).hex()
        self._id = ""
        self._received: list[int] = []
        self._deadline = 0.0
        self._unheard = 0
        self._began = 0.0
        self._refusal = b""
        self._check_at = 0.0
        self._end = ""
        self._is_leashed = False
        self._leash: Stream | None = None
        self._guard: guard.Guard | None = None

    def start(self, *, stdin: bool = True) -> Stream:
        """Create and start it; the stream is ready for both directions. With stdin, it ends when we are killed."""
        size = terminal.size() if self._tty else None
        console = {"ConsoleSize": list(size)} if size else {}
        body = _creation(self._command, self._token, tty=self._tty, stdin=stdin) | console
        try:
            self._id = self._engine.post(f"/containers/{self._command.container}/exec", body)["Id"]
        except ApiError as error:
            if error.status in (404, 409):  # 409: it exists, but is stopped or paused
                raise NotRunningError(
                    f"container {self._command.container[:12]} is not running", cause=error.cause, hint="ddd dev.up"
                ) from error
            raise
        self._began = time.monotonic()
        self._check_at = self._began + _SECONDS_BETWEEN_CHECKS
        if stdin:
            self._guard = guard.post(self._end_alone)
        return self._engine.stream(f"/exec/{self._id}/start", {"Detach": False, "Tty": self._tty} | console)

    def write(self, target: int, data: bytes) -> None:
        """Pass output on, but keep back what the engine itself writes into it when the program cannot be started."""
        if data.startswith(_NOT_STARTED) and not self._pid():
            self._refusal += data
        else:
            self._output(target, data)
            self.has_spoken()

    def has_spoken(self) -> None:
        """It has written something: what it wrote may go on to come, although its container has ended."""
        if self._end:
            self._check_at = time.monotonic() + _SECONDS_TO_READ

    def signal(self, number: int) -> None:
        """Pass a signal on; the third one kills, and after SIGTERM or SIGHUP time does."""
        if number == signal.SIGWINCH:
            self._resize()
            return
        self._received.append(number)
        if number != signal.SIGINT:
            self._deadline = self._deadline or time.monotonic() + _SECONDS_TO_LEAVE
        self._deliver(signal.SIGKILL if len(self._received) > 2 else number)

    def tick(self) -> float | None:
        """What time brings; returns the seconds until the next look, None for no need.

        A process that had not appeared yet gets its signal, one that does not leave is killed, one that runs for long
        gets its leash. Raises StoppedError as check does.
        """
        until_check = self.check()
        now = time.monotonic()
        if self._unheard and now < self._began + _SECONDS_TO_APPEAR:
            self._deliver(self._unheard)
        if self._deadline and now > self._deadline:
            self._deadline = 0.0
            self._deliver(signal.SIGKILL)
        if not self._is_leashed and now >= self._began + leash.SECONDS:
            self._is_leashed = True
            self._leash = leash.attach(self._engine, self._command.container, self._command.user, self._token)
            if self._leash is not None:
                self.dismiss()  # a leash also holds when all that is ours is killed at once
        if self._received:
            return _SECONDS_BETWEEN_LOOKS
        return until_check if self._is_leashed else min(until_check, self._began + leash.SECONDS - now)

    def check(self) -> float:
        """Raise StoppedError where the container has ended; returns the seconds until the next look.

        The engine never closes the stream of a command that was killed with the processes of another container, whose
        process namespace its own container shares.
        """
        if (now := time.monotonic()) >= self._check_at:
            if self._end:
                self.dismiss()
                raise self._stopped(self._end)
            self._end = self._end_of_container()
            # What the command wrote before it may still be on its way.
            self._check_at = now + (_SECONDS_TO_READ if self._end else _SECONDS_BETWEEN_CHECKS)
        return max(0.0, self._check_at - now)

    def _end_of_container(self) -> str:
        """How it ended, "" where it has not. The engine knows no command of a container that does not run."""
        try:
            self._engine.get(f"/exec/{self._id}/json")
        except ApiError:
            from ddd_tasks.engine import stopped  # rare, and a paused container is no ended one

            return stopped.now(self._engine, self._command.container, time.monotonic() - self._began) or ""
        except EngineError:  # not known: the stream itself tells when the engine has gone
            return ""
        return ""

    def dismiss(self) -> None:
        """Send the guard away: the command has ended, or somebody else ends it."""
        if self._guard is not None:
            self._guard.stand_down()

    def release(self) -> None:
        """Take the leash off: the command has ended, and what it left running on purpose may stay."""
        if self._leash is not None:
            leash.release(self._leash)
            self._leash.close()

    def status(self) -> int:
        """The exit status, once the stream has ended. The engine may need a moment to notice.

        Raises StoppedError when the container was stopped under the command, EngineError.
        """
        for attempt in range(40):
            answer = self._state()
            if self._refusal:
                raise self._not_started()
            if self._received and not answer["Running"] and not answer["Pid"]:
                return 128 + self._received[0]  # ended before it began, which the engine may call a success
            if not answer["Running"] and answer["ExitCode"] is not None:
                return self._unless_stopped(int(answer["ExitCode"]), answer["ContainerID"])
            time.sleep(min(0.005 * 2**attempt, 0.5))
        raise EngineError(
            f"the engine closed the streams of {self._command.argv[0]!r}, but says that it still runs",
            cause="a background process of the command may hold the container's exec open",
            hint=f"docker top {self._command.container[:12]}",
        )

    def _state(self) -> dict[str, Any]:
        """What the engine says of the exec instance. Raises StoppedError when it no longer knows it, EngineError."""
        try:
            answer: dict[str, Any] = self._engine.get(f"/exec/{self._id}/json")
        except ApiError as error:
            raise self._stopped("was removed or started anew") if error.status == 404 else error from error
        except EngineError as error:
            what = f"the engine went away while {self._command.argv[0]!r} ran"
            raise EngineError(what, cause=f"{error.what}: {error.cause}", hint="ddd engine.up") from error
        return answer

    def _unless_stopped(self, status: int, container: str) -> int:
        """The status. Raises StoppedError when it was the end of the container that killed the command."""
        if status == 128 + signal.SIGKILL and not self._received:
            from ddd_tasks.engine import stopped  # a command that was killed is rare

            if how := stopped.how(self._engine, container, self._began):
                raise self._stopped(how)
        return status

    def _stopped(self, how: str) -> StoppedError:
        return StoppedError(
            f"{self._command.argv[0]!r} was ended: its container {self._command.container[:12]} {how}",
            hint="ddd dev.up",
        )

    def _not_started(self) -> CommandError:
        program, cause = self._command.argv[0], self._refusal.decode(errors="replace")
        absent = "not found" in cause or "no such file" in cause
        return CommandError(
            f"{program!r} {'was not found' if absent else 'cannot be run'} in container {self._command.container[:12]}",
            127 if absent else 126,
            cause=cause,
        )

    def abandon(self, number: int) -> int:
        """End the process because nobody reads its output; returns the status that a pipe's writer would have.

        Many ignore SIGPIPE (Python does, waiting for the error of a write that it gets no more): SIGTERM follows, and
        SIGKILL after that.
        """
        self.dismiss()
        for sent, seconds in ((number, _SECONDS_TO_NOTICE), (signal.SIGTERM, _SECONDS_TO_LEAVE), (signal.SIGKILL, 0.0)):
            self._send(sent)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not self._engine.get(f"/exec/{self._id}/json")["Running"]:
                    return 128 + number
                time.sleep(0.02)
        return 128 + number

    def _end_alone(self) -> None:
        """End the command after the client's death, as the leash does it. It may not have begun yet."""
        self._engine = Engine(self._engine.endpoint)  # the client's connection is the client's
        began = time.monotonic()
        while not self._send(signal.SIGTERM):
            answer = self._engine.get(f"/exec/{self._id}/json")
            has_ended = not answer["Running"] and answer["Pid"]
            if has_ended or time.monotonic() > began + _SECONDS_TO_APPEAR:
                return
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        deadline = time.monotonic() + leash.SECONDS_TO_LEAVE
        while time.monotonic() < deadline:
            if not self._send(0):
                return
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        self._send(signal.SIGKILL)

    def _deliver(self, number: int) -> None:
        self._unheard = 0 if self._send(number) else number

    def _send(self, number: int) -> int:
        if self._engine.endpoint.is_local_socket and (count := signals.send_here(self._token, number)):
            return count
        name = signals.name_of(number) if number else "0"  # a question
        script = ["sh", "-c", signals.SCRIPT, "sh", self._token, name]
        try:
            answer = capture(self._engine, self._command.container, script, user=self._command.user)
        except EngineError:
            return 0
        return int(answer.stdout) if answer.stdout.strip().isdigit() else 0

    def _pid(self) -> int:
        return int(self._engine.get(f"/exec/{self._id}/json")["Pid"])

    def _resize(self) -> None:
        size = terminal.size()
        if self._tty and size:
            self._engine.post(f"/exec/{self._id}/resize", h=str(size[0]), w=str(size[1]))


def _creation(command: Exec, token: str, *, tty: bool, stdin: bool) -> dict[str, Any]:
    env = dict(command.env) | {signals.VARIABLE: token}
    if tty and "TERM" in os.environ:
        env.setdefault("TERM", os.environ["TERM"])
    body: dict[str, Any] = {
        "Cmd": list(command.argv),
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Tty": tty,
        "AttachStdin": stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "DetachKeys": _DETACH_KEYS,
    }
    if command.workdir:
        body["WorkingDir"] = command.workdir
    if command.user:
        body["User"] = command.user
    return body
