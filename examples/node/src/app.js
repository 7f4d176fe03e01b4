// The web service: GET / counts a visit, GET /health tells that it answers, GET /metrics is for Prometheus.
import { createServer } from "node:http";

import { measure, metricsPage } from "./metrics.js";

const service = "visits";

// An http.Server that counts in its own memory and does not listen yet.
export function createApp() {
  let visits = 0;
  const routes = {
    "/": (response) => sendJson(response, 200, { service, visits: ++visits }),
    "/health": (response) => sendJson(response, 200, { status: "ok" }),
    "/metrics": async (response) => send(response, 200, await metricsPage()),
  };
  return createServer(async (request, response) => {
    const path = request.url.split("?", 1)[0];
    const answer = Object.hasOwn(routes, path) ? routes[path] : undefined;
    measure(request, response, answer ? path : "unmatched");
    if (!answer) {
      sendJson(response, 404, { error: `there is no ${path}` });
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      sendJson(response, 405, { error: `${request.method} is not GET` }, { allow: "GET, HEAD" });
    } else {
      await answer(response);
    }
  });
}

function sendJson(response, status, value, headers = {}) {
  send(response, status, { type: "application/json", text: JSON.stringify(value) }, headers);
}

function send(response, status, { type, text }, headers = {}) {
  response.writeHead(status, { "content-type": type, ...headers }).end(text);
}
