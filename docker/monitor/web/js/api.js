// Prometheus' HTTP API, of the page's own origin, and the files beside the page.

const API = new URL("../api/v1/", document.baseURI);
let clockDiffers = 0;

/** What Prometheus has refused, in its own words. */
export class Refused extends Error {}
/** Prometheus does not answer. */
export class Silent extends Error {}

/** Seconds since 1970 as Prometheus' machine has it: that of a virtual machine may be another than the browser's. */
export const now = () => Date.now() / 1000 + clockDiffers;

async function ask(path, fields, { signal, post = false } = {}) {
  const body = new URLSearchParams(fields);
  const url = new URL(path, API);
  if (!post) url.search = body;
  let answer;
  let said;
  try {
    answer = await fetch(url, post ? { method: "POST", body, signal } : { signal });
    said = await answer.json();
    signal?.throwIfAborted();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Silent(answer ? `status ${answer.status}` : "no connection");
  }
  const date = Date.parse(answer.headers.get("Date") ?? "");
  const differs = (date - Date.now()) / 1000;
  if (Number.isFinite(differs)) clockDiffers = Math.abs(differs) > 2 ? differs : 0;
  if (said.status !== "success") throw new Refused(said.error ?? `status ${answer.status}`);
  return said.data;
}

// By POST: an expression may be longer than a URL.
export const range = async (query, { start, end, step }, signal) =>
  (await ask("query_range", { query, start, end, step }, { signal, post: true })).result;

export async function moment(query, time, signal) {
  const said = await ask("query", { query, time }, { signal, post: true });
  if (said.resultType === "scalar") return [{ metric: {}, values: [said.result] }];
  return said.resultType === "vector" ? said.result.map((one) => ({ metric: one.metric, values: [one.value] })) : [];
}

export const parse = (query, signal) => ask("parse_query", { query }, { signal, post: true });
export const hasSeries = async (selector, start, end, signal) =>
  (await ask("series", { "match[]": selector, start, end, limit: 1 }, { signal, post: true })).length > 0;
export const metadata = (signal) => ask("targets/metadata", {}, { signal });
export const alerts = async (signal) => (await ask("alerts", {}, { signal })).alerts;
export const targets = async (signal) => (await ask("targets", { state: "active" }, { signal })).activeTargets;

/** The text of a file below boards/, or null where there is none. Raises Silent, and AbortError of the signal. */
export async function boardFile(name, signal) {
  try {
    const answer = await fetch(new URL(`boards/${encodeURIComponent(name)}`, document.baseURI), { cache: "no-cache", signal });
    const text = answer.ok ? await answer.text() : null;
    signal.throwIfAborted(); // another dashboard was chosen since
    return text;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Silent("no connection");
  }
}
