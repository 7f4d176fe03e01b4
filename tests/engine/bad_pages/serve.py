"""A service whose metrics page is bad in another way on each path; it is run in a container and needs no package."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PORT, NOT_HTTP_PORT = 8000, 8001
SLOW_SECONDS = 20
GOOD = "# HELP jobs_done_total Jobs.\n# TYPE jobs_done_total counter\njobs_done_total 7\n"
HTML = "<!DOCTYPE html>\n<html><title>Log in</title><form></form></html>\n"
TRACED = """\
# HELP http_requests Requests answered.
# TYPE http_requests counter
http_requests_total{status="200"} 5.0 # {trace_id="abc"} 1.0 1.6e+09
http_requests_created{status="200"} 1.6e+09
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.5"} 3 # {trace_id="abc"} 0.3 1.6e+09
http_request_duration_seconds_bucket{le="+Inf"} 5
http_request_duration_seconds_sum 9.5
http_request_duration_seconds_count 5
# EOF
"""
TWICE = GOOD + '# HELP jobs_done_total Jobs.\n# TYPE jobs_done_total counter\njobs_done_total{kind="mail"} 1\n'


def many(count: int, size: int = 1) -> str:
    """A counter with so many series; size: characters of the label of each."""
    lines = "".join(f'visits_total{{user="{number:0{size}}"}} 1\n' for number in range(count))
    return f"# HELP visits_total Visits.\n# TYPE visits_total counter\n{lines}"


# path -> content type, body
PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "good": (TEXT, lambda: GOOD),
    "html": ("text/html", lambda: HTML),
    "html-as-text": (TEXT, lambda: HTML),
    "json": ("application/json", lambda: '{"jobs": 7}\n'),
    "json-as-text": (TEXT, lambda: '{"jobs": 7}\n'),
    "empty": (TEXT, lambda: ""),
    "comments": (TEXT, lambda: "# HELP jobs Jobs.\n# what else there is\n"),
    "broken": (TEXT, lambda: GOOD + "jobs_failed_total{kind=mail} 1\n"),
    "broken-value": (TEXT, lambda: GOOD + "jobs_failed_total seven\n"),
    "no-newline": (TEXT, lambda: GOOD + "jobs_failed_to"),
    "no-eof": (OPEN, lambda: TRACED.removesuffix("# EOF\n")),
    "exemplars": (OPEN, lambda: TRACED),
    "twice": (TEXT, lambda: TWICE),
    "twice-open": (OPEN, lambda: TRACED.removesuffix("# EOF\n") + TRACED),
    "same-sample": (TEXT, lambda: GOOD + "jobs_done_total 8\n"),
    "octets": ("application/octet-stream", lambda: GOOD),
    "untyped": ("", lambda: GOOD),
    "many": (TEXT, lambda: many(50_000)),
    "large": (TEXT, lambda: many(17, 1024 * 1024)),
    "long-value": (TEXT, lambda: many(3, 600)),
}
STATUSES = {"401": 401, "403": 403, "404": 404, "500": 500, "503": 503}


class Handler(http.server.BaseHTTPRequestHandler):
    """One answer a path."""

    def do_GET(self) -> None:
        """Answer as the path says."""
        case = self.path.strip("/").partition("?")[0]
        if case in PAGES:
            kind, make = PAGES[case]
            self._send(200, make().encode(), kind)
        elif case in STATUSES:
            self._send(STATUSES[case], b"no\n", "text/plain")
        elif case == "redirect":
            self._send(302, b"", "", location="/html")
        elif case == "loop":
            self._send(302, b"", "", location="/loop")
        elif case == "cut":
            self._send(200, GOOD.encode(), TEXT, length=1000)
        elif case == "bytes":
            self._send(200, GOOD.encode() + b'jobs_by_name{name="\xff\xfe"} 1\n', TEXT)
        elif case == "slow":
            time.sleep(SLOW_SECONDS)
            self._send(200, GOOD.encode(), TEXT)
        elif case == "hang-up":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._send(200, b"{}", "application/json")

    def _send(self, status: int, body: bytes, kind: str, *, location: str = "", length: int = 0) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Location", location)):
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing: the scrapes would fill the log."""


def not_http() -> None:
    """A port that speaks another protocol."""
    with socket.create_server(("0.0.0.0", NOT_HTTP_PORT)) as server:
        while True:
            other, _ = server.accept()
            with other:
                other.recv(1000)
                other.sendall(b"220 mail.test ESMTP\r\n")


if __name__ == "__main__":
    threading.Thread(target=not_http, daemon=True).start()
    http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Handler).serve_forever()
