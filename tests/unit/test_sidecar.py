"""The sidecar's own program: what it reads from /proc, the process that it chooses, and its pipes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar import arms, bridge, proc
from sidecar.arms import ArmError
from sidecar.proc import Listener, Process

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:A9AD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:240D 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 222 1 0 100 0 0 10 0
   2: 0100007F:240D 0100007F:C350 01 00000000:00000000 00:00000000 00000000 10001        0 333 1 0 100 0 0 10 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue ...
   0: 00000000000000000000000000000000:1F40 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 444 1
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 555 1
"""  # noqa: E501 - as the kernel writes it
STATUS = """\
Name:\tpython3.13
State:\tS (sleeping)
Pid:\t7
PPid:\t1
TracerPid:\t0
Uid:\t10001\t10002\t10002\t10002
Gid:\t20001\t20002\t20002\t20002
Threads:\t3
CapPrm:\t0000000000000000
CapEff:\t0000000000000400
NoNewPrivs:\t1
Seccomp:\t2
"""


def process(pid: int, name: str, ppid: int = 0) -> Process:
    return Process(pid, ppid, 0, 0, f"/usr/bin/{name}", (name,), 1, "0", False, 0, 0)


def test_only_listening_sockets_count_and_name_their_holders() -> None:
    found = proc.parse_listeners(TCP + TCP6, {222: [1], 444: [1, 8]})
    assert [(one.port, one.is_loopback, one.pids) for one in found] == [
        (43437, False, ()),
        (9229, True, (1,)),
        (8000, False, (1, 8)),
        (80, True, ()),
    ]


def test_a_process_is_read_with_its_effective_user_and_rights() -> None:
    found = proc.parse_status(7, STATUS, "/usr/bin/python3.13", ("python", "app.py"))
    assert found is not None
    assert (found.pid, found.ppid, found.uid, found.gid, found.threads, found.tracer) == (7, 1, 10002, 20002, 3, 0)
    assert (found.cap_eff, found.no_new_privs, found.seccomp) == ("0000000000000400", True, 2)
    assert found.as_dict()["python"] == "3.13"


@pytest.mark.parametrize("status", ["", STATUS.replace("S (sleeping)", "Z (zombie)")])
def test_a_process_that_has_ended_is_none(status: str) -> None:
    assert proc.parse_status(7, status, "", ()) is None


def test_the_name_is_that_of_the_program_even_when_its_file_is_gone() -> None:
    replaced = Process(1, 0, 0, 0, "/app/server (deleted)", ("x",), 1, "0", False, 0, 0)
    hidden = Process(1, 0, 0, 0, "", ("/usr/bin/node", "x.js"), 1, "0", False, 0, 0)
    assert (replaced.name, hidden.name) == ("server", "node")


@pytest.mark.parametrize(
    ("pattern", "listening", "chosen"),
    [
        (r"python3(\.\d+)?", [], 6),  # the lowest number
        (r"python3(\.\d+)?", [9], 9),  # the one that listens
        (r"python3(\.\d+)?", [6, 8, 9], 8),  # of parent and children with one socket, the first child
        ("node", [], 7),
        ("", [], 4),  # the first that is no launcher
        ("ruby", [], None),
    ],
)
def test_the_process_that_is_chosen(pattern: str, listening: list[int], chosen: int | None) -> None:
    found = [
        *(process(1, "docker-init"), process(3, "sh", 1), process(4, "server", 3), process(6, "python3.13", 1)),
        *(process(7, "node", 1), process(8, "python3.13", 6), process(9, "python3", 6)),
    ]
    held = [Listener(8000, "00000000", 5, tuple(listening))]
    answer = proc.choose(found, pattern, held)
    assert (answer.pid if answer else None) == chosen


@pytest.mark.parametrize(
    ("options", "expected"), [("ro,relatime", True), ("rw,relatime", False), ("rw,errors=remount-ro", False)]
)
def test_whether_the_root_is_read_only(options: str, expected: bool) -> None:
    text = f"1 0 0:1 / /proc rw - proc proc rw\n2 0 0:2 / / {options} master:1 - overlay overlay rw,lowerdir=/x\n"
    assert proc.is_read_only(text) is expected


def test_this_process_is_seen_with_its_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own = proc.process(os.getpid())
        assert own is not None
        (found,) = [one for one in proc.listeners([own]) if one.port == listener.getsockname()[1]]
    assert found.pids == (own.pid,)
    assert found.is_loopback


def test_an_unknown_language_has_no_arm() -> None:
    with pytest.raises(ArmError) as raised:
        arms.find("cobol")
    assert raised.value.kind == "unsupported"


def test_a_client_that_says_nothing_is_told_from_one_that_speaks() -> None:
    for said, expected in ((b"", False), (b"x", True)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(said)
            ours.shutdown(socket.SHUT_WR)
            assert bridge.speaks(theirs) is expected


def test_bytes_go_both_ways_until_both_ends_are_closed(tmp_path: Path) -> None:
    listener = bridge.listen_unix(str(tmp_path / "socket"))
    ours, server = socket.socketpair()
    threading.Thread(
        target=bridge.serve, args=(listener, lambda client: bridge.pipe(client, server)), daemon=True
    ).start()
    client = socket.socket(socket.AF_UNIX)
    with client, ours:
        client.connect(str(tmp_path / "socket"))
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: ours.recv(64), b"")) == b"question"
        ours.sendall(b"answer")
        ours.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: client.recv(64), b"")) == b"answer"


@pytest.mark.parametrize(("holders", "name"), [((), "python"), ((1,), "listening")])
def test_a_debugger_in_a_shared_network_may_be_another_services(
    monkeypatch: pytest.MonkeyPatch, holders: tuple[int, ...], name: str
) -> None:
    shared = Listener(5678, "0100007F", 222, holders)
    monkeypatch.setattr(proc, "listeners", lambda found: [shared] if len(found) == 1 else [])
    monkeypatch.setattr(proc, "processes", lambda: [process(1, "python3.13")])
    assert arms.choose("python", 5678) is arms.find(name)
    assert arms.choose("python", 5679) is arms.find("python")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change its user")
@pytest.mark.skipif(sys.platform != "linux", reason="processes are in /proc on Linux only")
def test_a_process_that_dropped_its_privileges_is_told_from_others() -> None:
    own = proc.process(os.getpid())
    assert own is not None
    assert proc.dropped(replace(own, cap_eff="0")) == ""
    code = "import os; os.setgid(33); os.setuid(33); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = proc.process(child.pid)
        assert found is not None
        assert found.uid == 33
        assert "dropped its privileges itself: the kernel keeps it for user 0" in proc.dropped(found)
        assert proc.dropped(replace(found, cap_eff="400")) == ""  # they are its own
        child.kill()
    assert proc.dropped(found) == ""
