"""Small metrics pages as the clients of each runtime write them, made after the formats' specifications."""

from __future__ import annotations

from ddd_tasks.monitoring import exposition
from ddd_tasks.monitoring.families import Family
from ddd_tasks.monitoring.page import Page

OPEN = "application/openmetrics-text"
TEXT = "text/plain"

_DURATION = """\
# HELP http_request_duration_seconds Time to answer a request.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{method="GET",route="/",le="0.1"} 3
http_request_duration_seconds_bucket{method="GET",route="/",le="2.5"} 4
http_request_duration_seconds_bucket{method="GET",route="/",le="+Inf"} 5
http_request_duration_seconds_sum{method="GET",route="/"} 9.5
http_request_duration_seconds_count{method="GET",route="/"} 5
"""

PYTHON = """\
# HELP http_requests Requests answered.
# TYPE http_requests counter
http_requests_total{method="GET",route="/",status="200"} 5.0 # {trace_id="abc"} 1.0 1.6e+09
http_requests_created{method="GET",route="/",status="200"} 1.6e+09
# HELP app_build What runs.
# TYPE app_build info
app_build_info{revision="1a2b"} 1.0
# HELP queue_state How the queue is.
# TYPE queue_state stateset
queue_state{queue_state="open"} 1.0
queue_state{queue_state="shut"} 0.0
# HELP export_bytes Written, in $currency of bytes.
# TYPE export_bytes gauge
# UNIT export_bytes bytes
export_bytes 3.0
# HELP backup_timestamp_seconds When the last backup was made.
# TYPE backup_timestamp_seconds gauge
backup_timestamp_seconds 1.6e+09
# HELP process_cpu_seconds User and system time.
# TYPE process_cpu_seconds counter
process_cpu_seconds_total 0.5
# HELP python_info Version.
# TYPE python_info gauge
python_info{version="3.13"} 1.0
# EOF
"""

NODE = f"""\
# HELP http_requests_total Requests answered.
# TYPE http_requests_total counter
http_requests_total{{method="GET",route="/",status="200"}} 5
http_requests_total{{method="GET",route="/",status="500"}} 1

{_DURATION}
# HELP nodejs_eventloop_lag_seconds Lag of event loop in seconds.
# TYPE nodejs_eventloop_lag_seconds gauge
nodejs_eventloop_lag_seconds 0.004

# HELP nodejs_active_handles_total Total number of active handles.
# TYPE nodejs_active_handles_total gauge
nodejs_active_handles_total 4
"""

GO = f"""\
# HELP go_gc_duration_seconds A summary of pauses.
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{{quantile="0"}} 1e-05
go_gc_duration_seconds{{quantile="1"}} 2e-05
go_gc_duration_seconds_sum 0.1
go_gc_duration_seconds_count 10
# HELP go_goroutines Number of goroutines.
# TYPE go_goroutines gauge
go_goroutines 8
# TYPE shop:orders:rate5m untyped
shop:orders:rate5m 2
# TYPE jobs_done counter
jobs_done{{kind="mail"}} 2
{_DURATION}# HELP promhttp_metric_handler_requests_total Scrapes by HTTP status code.
# TYPE promhttp_metric_handler_requests_total counter
promhttp_metric_handler_requests_total{{code="200"}} 3
"""

DOTNET = """\
# HELP http_requests_received_total Provides the count of HTTP requests.
# TYPE http_requests_received_total counter
http_requests_received_total{code="200",method="GET",controller="",action="",endpoint="/"} 5
# HELP http_requests_in_progress The number of requests in progress.
# TYPE http_requests_in_progress gauge
http_requests_in_progress{method="GET"} 0
# HELP dotnet_collection_count_total GC collection count
# TYPE dotnet_collection_count_total counter
dotnet_collection_count_total{generation="0"} 1
# HELP "shop.orders" Orders, with a name in UTF-8.
# TYPE "shop.orders" counter
{"shop.orders","per.region"="eu"} 3
"""

PAGES = {"python": (OPEN, PYTHON), "node": (TEXT, NODE), "go": (TEXT, GO), "dotnet": (TEXT, DOTNET)}


def page(text: str, content_type: str = TEXT) -> Page:
    return Page("api", "http://127.0.0.1:8000/metrics", content_type, text)


def families(runtime: str) -> tuple[Family, ...]:
    """What the page of a runtime is read as."""
    content_type, text = PAGES[runtime]
    return exposition.read(page(text, content_type))
