// Requests counted and timed for Prometheus, one series per route.
import { Counter, Histogram, register } from "prom-client";

const requests = new Counter({
  name: "http_requests_total",
  help: "Requests answered.",
  labelNames: ["method", "route", "status"],
});
const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "Time to answer a request.",
  labelNames: ["method", "route"],
});

// Counts and times a request; route is the path as declared, so that paths asked for do not add series.
export function measure(request, response, route) {
  const { method } = request;
  const end = duration.startTimer({ method, route });
  response.once("close", () => {
    end();
    requests.inc({ method, route, status: response.statusCode });
  });
}

// What Prometheus reads: the text and its content type.
export async function metricsPage() {
  return { type: register.contentType, text: await register.metrics() };
}
