// What needs attention above the panels: alerts that fire, scrape targets that are down, Prometheus itself.

import { make } from "./dom.js";

const PLAIN = [
  [/connection refused/, "nothing listens at its port"],
  [/no such host|server misbehaving/, "no running container has its name"],
  [/context deadline exceeded|Client\.Timeout|i\/o timeout/, "it did not answer in time"],
  [/no route to host|network is unreachable/, "its network cannot be reached"],
  [/connection reset|EOF$/, "it ended the connection without an answer"],
  [/sample limit exceeded/, "its page has more series than are allowed"],
  [/body size limit exceeded/, "its page is larger than is allowed"],
  [/label_value_length_limit|label value.*limit/, "one of its label values is longer than is allowed"],
  [/HTTP status (401|403)/, "it asks for a login"],
  [/HTTP status (\d{3}[^"]*)/, (found) => `it answers with status ${found[1].trim()}`],
  [/unsupported Content-Type "?([^";,]*)/, (found) => `it answers with ${found[1]}, which is no metrics page`],
  [/tls:|x509:|HTTPS client|malformed HTTP/, "http and https do not fit together"],
  [/invalid|expected|unexpected|parse|duplicate/, "its page cannot be read"],
];

/** Why a scrape failed, in plain words. */
export function plain(error) {
  for (const [pattern, said] of PLAIN) {
    const found = pattern.exec(error);
    if (found) return typeof said === "string" ? said : said(found);
  }
  return "the scrape failed";
}

/** The same at length and with what to do, as `ddd monitor.targets` says it; reasons: of index.json. "" for none of them. */
export function explain(error, url, service, reasons) {
  for (const [pattern, words] of reasons) {
    const found = new RegExp(pattern, "s").exec(error);
    if (!found) continue;
    const { hostname, port, pathname, protocol } = new URL(url);
    const values = { host: hostname, port: port || (protocol === "https:" ? "443" : "80"), path: pathname, service, ...found };
    return words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  }
  return "";
}

export class Banners {
  #said = "";

  constructor(place) { this.place = place; }

  /** alerts, targets: as Prometheus has them; reasons: of index.json; silent: why it does not answer, or "". */
  show({ alerts = [], targets = [], reasons = [], silent = "" }) {
    const shown = [
      ...(silent ? [["bad", "Prometheus does not answer", "Trying again. It is started by", "ddd monitor.up", ""]] : []),
      ...alerts.filter((one) => one.state === "firing").map(alert),
      ...targets.filter((one) => one.health === "down").map((one) => down(one, reasons)),
    ];
    const key = JSON.stringify(shown);
    if (key === this.#said) return;
    this.#said = key;
    this.place.replaceChildren(...shown.map(([kind, title, text, code, words]) => make("section", { className: `banner ${kind}` },
      make("p", {}, make("strong", {}, title), text ? ` ${text} ` : " ", ...(code ? [make("code", {}, code)] : [])),
      ...(words ? [make("details", {}, make("summary", {}, "more"), make("pre", { tabIndex: 0 }, words))] : []))));
  }
}

function alert({ labels, annotations }) {
  const kind = { critical: "bad", info: "info" }[labels.severity] ?? "warn";
  const title = `${labels.alertname ?? "Alert"}:`;
  const others = Object.entries(labels).filter(([name]) => name !== "alertname").map(([name, value]) => `${name}=${value}`).join(", ");
  return [kind, title, annotations.summary ?? others, annotations.runbook ?? "", annotations.description ?? ""].map(String);
}

function down({ labels, lastError, scrapeUrl }, reasons) {
  const more = [explain(lastError, scrapeUrl, labels.job, reasons), scrapeUrl, lastError].filter(Boolean).join("\n");
  return ["bad", `${labels.job} is down:`, `${plain(lastError)} (${labels.instance})`, "", more].map(String);
}
