"""The frames of the Debug Adapter Protocol, and what comes of ports behind which no debugger is."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ddd_tasks.debugging.clients import dap
from ddd_tasks.debugging.clients.dapsession import ENDED, Decoder, Message, Session, encode
from ddd_tasks.debugging.clients.errors import AttachError, NotListeningError
from ddd_tasks.debugging.clients.transport import Pipes


def test_a_message_survives_its_frame_whole_in_pieces_and_together() -> None:
    first, second = {"seq": 1, "text": "\r\n\r\nContent-Length: 5\r\n\r\né"}, {"seq": 2}
    data = encode(first) + encode(second)
    assert list(Decoder().feed(data)) == [first, second]
    decoder = Decoder()
    assert [one for byte in data for one in decoder.feed(bytes([byte]))] == [first, second]


def test_other_header_fields_and_cases_are_read() -> None:
    body = json.dumps({"seq": 3}).encode()
    head = b"content-length: %d\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n" % len(body)
    assert list(Decoder().feed(head + body)) == [{"seq": 3}]


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_10.0\r\n", b"Content-Lenght: 2"]
)
def test_what_is_no_frame_is_refused_as_soon_as_it_shows(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no message|no Content-Length|begins no"):
        list(Decoder().feed(data))


@contextmanager
def peer(*answers: Message | bytes) -> Iterator[int]:
    """A port that answers one client's requests with these, one by one, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, answers), daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(5)


def _serve(server: socket.socket, answers: tuple[Message | bytes, ...]) -> None:
    with server.accept()[0] as connection:
        decoder, left = Decoder(), list(answers)
        while left and (data := connection.recv(4096)):
            for message in decoder.feed(data):
                answer = left.pop(0)
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    facts = {"type": "response", "request_seq": message["seq"], "command": message["command"]}
                    connection.sendall(encode({"seq": 1, **facts, **answer}))


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotListeningError, match=f"127.0.0.1:{port}") as caught:
        dap.connect("127.0.0.1", port, {})
    assert "refused" in caught.value.cause


def test_a_forwarder_without_a_debugger_behind_it_hangs_up() -> None:
    with peer() as port, pytest.raises(NotListeningError, match="does not answer when greeted"):
        dap.connect("127.0.0.1", port, {}, timeout=5)


def test_another_protocol_is_no_debugger() -> None:
    with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port, pytest.raises(NotListeningError) as caught:
        dap.connect("127.0.0.1", port, {}, timeout=5)
    assert "HTTP/1.1 400" in caught.value.cause


def test_a_silent_port_is_left_after_the_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(NotListeningError, match="greeted") as caught:
        dap.connect("127.0.0.1", server.getsockname()[1], {}, timeout=0.2)
    assert "within 0.2 s" in caught.value.cause


def test_a_refused_attach_comes_with_the_debuggers_words() -> None:
    error = {"format": "no process {pid} here", "variables": {"pid": "7"}}
    refusal = {"success": False, "message": "Failed to attach", "body": {"error": error}}
    with peer({"success": True}, refusal, {"success": True}) as port, pytest.raises(AttachError) as caught:
        dap.connect("127.0.0.1", port, {"processId": 7}, timeout=5)
    assert caught.value.cause == "Failed to attach: no process 7 here"


def test_a_client_that_is_told_of_the_end_says_goodbye_before_it_goes() -> None:
    events: list[str] = []
    ours, theirs = socket.socketpair()
    with theirs, theirs.makefile("rwb", buffering=0) as debugger:
        session = Session(Pipes(ours.makefile("rb"), ours.makefile("wb")), lambda _, name, __: events.append(name))
        debugger.write(encode({"seq": 1, "type": "event", "event": "terminated"}))
        (goodbye,) = Decoder().feed(theirs.recv(4096))
        assert (goodbye["command"], goodbye["arguments"]["terminateDebuggee"]) == ("disconnect", False)
        assert not session.is_open
        debugger.write(encode({"seq": 2, "type": "response", "request_seq": goodbye["seq"], "success": True}))
        theirs.shutdown(socket.SHUT_WR)
        session.disconnect(seconds=5)
    ours.close()
    assert events == ["terminated", ENDED]
