"""Fetching a page of metrics over HTTP: whole, within limits, or not at all."""

from __future__ import annotations

import http.client
import shlex
import ssl
import time
import urllib.error
import urllib.request
from typing import NamedTuple

from ddd_tasks.errors import DddError, NotRunningError, UnsupportedError
from ddd_tasks.monitoring.config import SCRAPE_SECONDS

LARGEST = 16 * 1024 * 1024
"""Bytes; Prometheus is told the same."""
SECONDS = 10.0
"""The longest that a page may take: Prometheus waits less, but the first one of a service is often its slowest."""

# What Prometheus 3 asks for: a page may answer otherwise, and then the names would be others.
_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PLAIN = "text/plain;version=0.0.4"
"""The format that promtool reads."""
_CHUNK = 65536


class Page(NamedTuple):
    """An answer with status 200. service: whose it is. content_type: without parameters, "" where it has none."""

    service: str
    url: str
    content_type: str
    text: str


def fetch(service: str, url: str, *, seconds: float = SECONDS, largest: int = LARGEST, accept: str = _ACCEPT) -> Page:
    """The page of a service. Raises NotRunningError where nothing answers, UnsupportedError for any other answer.

    accept: the formats that are asked for.
    """
    deadline = time.monotonic() + seconds
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "ddd-tasks"})
    try:
        with _opener(url).open(request, timeout=seconds) as answer:
            if answer.status != 200:
                raise _refused(service, url, answer.status)
            content = _read(answer, deadline, largest)
            return Page(
                service,
                url,
                answer.headers.get_content_type() if answer.headers.get("Content-Type") else "",
                content.decode("utf-8"),
            )
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(service, url, error.code) from error
    except UnicodeDecodeError as error:
        raise unusable(service, url, "it is no text in UTF-8", str(error)) from error
    except _TooLarge as error:
        cause = f"it is larger than {largest // 1024 // 1024} MiB: a label has a value for each user, path or the like"
        raise unusable(service, url, "it is too large", cause) from error
    except (OSError, http.client.HTTPException) as error:
        raise _silent(service, url, error, seconds) from error


class _TooLarge(Exception):  # noqa: N818 - it is a signal to fetch, not an error that anybody sees
    pass


def _read(answer: http.client.HTTPResponse, deadline: float, largest: int) -> bytes:
    """The body. Raises TimeoutError also where it comes in drops, each of them in time."""
    content = bytearray()
    while chunk := answer.read1(_CHUNK):
        content += chunk
        if len(content) > largest:
            raise _TooLarge
        if time.monotonic() > deadline:
            raise TimeoutError
    if answer.length:  # of Content-Length, what has not come
        raise http.client.IncompleteRead(bytes(content), answer.length)
    return bytes(content)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """One that goes to the service itself: through no proxy, and past the certificate that a developer made."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith(("https://127.0.0.1:", "https://[::1]:")):
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def unusable(service: str, url: str, why: str, cause: str = "", *, hint: str = "") -> UnsupportedError:
    """The refusal of an answer that is no metrics page, or of one that is broken."""
    what = f"{url} of service {service!r} is not a metrics page that can be used: {why}"
    return UnsupportedError(
        what, cause=cause, hint=hint or f"{shlex.join(['curl', '--silent', '--include', url])} | head"
    )


def _refused(service: str, url: str, status: int) -> UnsupportedError:
    said = f"{status} {http.client.responses.get(status, '')}".strip()
    cause = f"the service answered {said}"
    if status in (401, 403):
        cause += ": the page is behind a login, and Prometheus would not get in either"
    elif status == 404:
        cause += ": the page is elsewhere, which `x-ddd: {metrics: {path: ...}}` of the service says, or there is none"
    elif 300 <= status < 400:
        cause += ": the page only leads on to others, and never to metrics"
    hint = f"ddd dev.logs --service {service}" if status >= 500 else ""
    return unusable(service, url, f"status {status}", cause, hint=hint)


def _silent(service: str, url: str, error: Exception, seconds: float) -> DddError:
    """The refusal where no whole answer came."""
    reason = getattr(error, "reason", None) or error
    hint = f"ddd dev.logs --service {service}"
    if isinstance(reason, TimeoutError):
        cause = f"it took longer than {seconds:g} s; Prometheus gives up after {SCRAPE_SECONDS} s"
        return NotRunningError(f"{url} of service {service!r} does not answer in time", cause=cause, hint=hint)
    if isinstance(reason, http.client.IncompleteRead):
        return unusable(service, url, "it was cut off", f"{reason.expected} bytes of it did not come", hint=hint)
    if isinstance(reason, http.client.RemoteDisconnected):
        cause = f"the service closed the connection: it crashes on this page, or is started anew ({reason})"
        return NotRunningError(f"{url} of service {service!r} does not answer", cause=cause, hint=hint)
    if isinstance(reason, http.client.HTTPException):
        return unusable(service, url, "what answers does not speak HTTP", str(reason) or type(reason).__name__)
    return NotRunningError(f"{url} of service {service!r} does not answer", cause=str(reason), hint=hint)
