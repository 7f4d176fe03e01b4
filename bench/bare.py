"""The least that a Python client can do for `true` in a container: `python3 -S -E bare.py SOCKET CONTAINER`.

No errors, no signals, no terminal, no output, not even `import json` (which costs as much again as Python's own start):
a floor to compare with, not a client.
"""

import sys
from _socket import AF_UNIX, socket


def main(path: str, container: str) -> int:
    """create, start and inspect; the status of `true`."""
    made = ask(path, "POST", f"/containers/{container}/exec", '{"Cmd": ["true"], "AttachStdout": true}')
    number = made.partition('"Id":"')[2].partition('"')[0]
    ask(path, "POST", f"/exec/{number}/start", "{}")
    return int(ask(path, "GET", f"/exec/{number}/json").partition('"ExitCode":')[2].partition(",")[0])


def ask(path: str, method: str, target: str, body: str = "") -> str:
    """One request on a connection of its own; the whole answer."""
    stream = socket(AF_UNIX)
    stream.connect(path)
    head = f"{method} {target} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    stream.sendall((head + body).encode())
    answer = b""
    while data := stream.recv(65536):
        answer += data
    stream.close()
    return answer.decode()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
