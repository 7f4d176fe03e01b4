// Requests counted and timed for Prometheus, one series per route.
import { Counter, Histogram, collectDefaultMetrics, register } from "prom-client";

// Asked for by machines every few seconds: they would hide what people ask for.
const notCounted = new Set(["/health", "/metrics"]);

// Memory, garbage collection and the event loop's lag.
collectDefaultMetrics();

const requests = new Counter({
  name: "http_requests_total",
  help: "Requests answered.",
  labelNames: ["method", "route", "status"],
});
const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "Time to answer a request.",
  labelNames: ["method", "route"],
  // Upper bounds: on a developer's machine most answers take less than 5 ms, where the client's own begin.
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

// Counts and times a request; route is the path as declared, so that paths asked for do not add series.
export function measure(request, response, route) {
  if (notCounted.has(route)) return;
  const { method } = request; // one of those that Node.js knows
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
