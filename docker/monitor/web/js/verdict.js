// Why an answer has nothing to draw: the service is idle, or the expression will never have data.

import * as api from "./api.js";
import { span as words } from "./units.js";

const ENDINGS = /_(total|bucket|sum|count|created|info|gsum|gcount)$/;
const EVERY_MS = 30_000;
let known = { at: 0, names: null };

/** What the targets say that they expose, whether it has series or not; asked anew every half minute. */
async function announced(signal) {
  if (!known.names || Date.now() - known.at > EVERY_MS) {
    const found = await api.metadata(signal);
    known = { at: Date.now(), names: new Set(found.map((one) => `${one.target.job}\n${one.metric}`)) };
  }
  return known.names;
}

/** Of expressions that gave series without a number. */
export function notANumber(expressions) {
  const seconds = expressions.flatMap((one) => [...one.matchAll(/\[(\d+)([smh])/g)].map((found) => found[1] * { s: 1, m: 60, h: 3600 }[found[2]]));
  const what = expressions.some((one) => /https?_|request/.test(one)) ? "no request" : "nothing to measure";
  const when = seconds.length ? ` in the last ${words(Math.max(...seconds))}` : " at present";
  return { state: "idle", text: `no data: ${what}${when}` };
}

/** Of expressions that gave no series. isUp: whether a target of the service answers. */
export async function noSeries(expressions, { service, isUp, start, end }, signal) {
  for (const expression of expressions) {
    for (const selector of selectorsOf(await api.parse(expression, signal))) {
      if (await api.hasSeries(selector.text, start, end, signal)) continue;
      const name = selector.name || selector.text;
      const names = await announced(signal);
      const isKnown = [name, name.replace(ENDINGS, "")].some((one) => names.has(`${service}\n${one}`));
      if (isKnown) return { state: "idle", text: `no data: ${name} has counted nothing yet` };
      if (selector.name && await api.hasSeries(`{__name__=${JSON.stringify(selector.name)},job=${JSON.stringify(service)}}`, start, end, signal)) {
        return { state: "idle", text: `no data: no series of ${name} fits the conditions` };
      }
      if (!isUp) return { state: "idle", text: `no data: no container of ${service} answers` };
      return { state: "broken", text: `nothing exposes ${name}`, hint: "The metric may have another name now." };
    }
  }
  return { state: "idle", text: "no data: the expression gives nothing at present" };
}

/** The selectors in a syntax tree: [{name, text}]. */
function selectorsOf(tree) {
  if (Array.isArray(tree)) return tree.flatMap(selectorsOf);
  if (!tree || typeof tree !== "object") return [];
  if (Array.isArray(tree.matchers)) {
    const matchers = tree.matchers.filter((one) => one.name !== "__name__" || one.value);
    const name = matchers.find((one) => one.name === "__name__" && one.type === "=")?.value ?? tree.name ?? "";
    const parts = matchers.map((one) => `${quoted(one.name)}${one.type}${JSON.stringify(one.value)}`);
    if (name && !matchers.some((one) => one.name === "__name__")) parts.unshift(`__name__=${JSON.stringify(name)}`);
    return [{ name, text: `{${parts.join(",")}}` }];
  }
  return Object.values(tree).flatMap(selectorsOf);
}

const quoted = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));
