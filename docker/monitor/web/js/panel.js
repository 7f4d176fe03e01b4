// A panel: its frame, what it asks, and what it says where there is nothing to draw.

import * as api from "./api.js";
import { filled, targetsOf } from "./board.js";
import { make, marked, uniqueId } from "./dom.js";
import { Heatmap } from "./heatmap.js";
import { Lines } from "./lines.js";
import { States } from "./states.js";
import { Numbers, Table, Text } from "./tables.js";
import { headOf } from "./units.js";
import { noSeries, notANumber } from "./verdict.js";

const KINDS = {
  heatmap: Heatmap, table: Table, text: Text, "state-timeline": States,
  stat: Numbers, gauge: Numbers, bargauge: Numbers,
};
const CHARTS = new Set([Heatmap, Lines, States]);
const COLUMNS = 24;
const VERDICT_MS = 20_000;

export class Panel {
  constructor(spec) {
    this.spec = spec;
    this.kind = KINDS[spec.type] ?? Lines;
    this.targets = targetsOf(spec);
    this.isAsked = this.kind !== Text && this.targets.length > 0;
    this.state = "waiting";
    this.element = this.#frame();
    this.element.panel = this;
    if (!this.isAsked && this.kind === Text) this.#draw(() => {});
    else if (!this.isAsked) this.#say("idle", "no data: the panel has no query");
  }

  /** Ask and draw. view: {variables, span, time, service, isUp}. Raises Silent, and AbortError of the signal. */
  async ask(view, signal) {
    const expressions = this.targets.map((one) => filled(one.expr, view.variables));
    this.tellQueries(expressions);
    try {
      const answers = await Promise.all(this.targets.map(async (target, number) => ({
        target,
        series: await (target.instant || this.kind === Table ? api.moment(expressions[number], view.time, signal)
          : api.range(expressions[number], view.span, signal)),
      })));
      const series = answers.flatMap((one) => one.series);
      if (series.some((one) => one.values.some(([, text]) => Number.isFinite(Number(text))))) {
        this.#draw(() => this.shown.show(answers, view.span));
      } else await this.#explain(series, expressions, view, signal);
    } catch (error) {
      if (!(error instanceof api.Refused)) throw error;
      this.#say("broken", "Prometheus refuses the expression", error.message);
    }
  }

  async #explain(series, expressions, view, signal) {
    const of = [view.isUp, series.length > 0, ...expressions].join("\n"); // of a target that did not answer yet, nothing was known
    if (!this.verdict || Date.now() - this.verdict.at > VERDICT_MS || this.verdict.of !== of) {
      const found = series.length ? notANumber(expressions)
        : await noSeries(expressions, { ...view, start: view.span.start, end: view.time + 60 }, signal);
      this.verdict = { ...found, at: Date.now(), of };
    }
    this.#say(this.verdict.state, this.verdict.text, "", this.verdict.hint);
  }

  redraw() { this.shown?.redraw(); }

  destroy() {
    this.shown?.destroy();
    this.shown = null;
  }

  toggleDetails(isOpen = this.about.hidden) {
    this.about.hidden = !isOpen;
    this.more.setAttribute("aria-expanded", String(isOpen));
  }

  tellQueries(expressions) {
    const key = expressions.join("\n");
    if (key === this.told) return;
    this.told = key;
    this.queries.replaceChildren(...expressions.map((one) => make("pre", { tabIndex: 0 }, make("code", {}, one))));
  }

  #draw(show) {
    this.verdict = null;
    this.message.hidden = true;
    this.box.hidden = this.legend.hidden = false;
    this.shown ??= new this.kind({ box: this.box, legend: this.legend, tellTime: (text) => { this.time.textContent = text; } }, this.spec);
    show();
    this.#set("data");
  }

  #say(state, text, words = "", hint = "") {
    this.destroy();
    this.box.hidden = this.legend.hidden = true;
    this.time.textContent = "";
    this.message.hidden = false;
    const key = [state, text, words, hint].join("\n");
    if (key !== this.said || this.state !== state) {
      this.message.replaceChildren(make("p", { className: "what" }, text),
        ...(words ? [make("pre", { tabIndex: 0 }, words)] : []), ...(hint ? [make("p", { className: "hint" }, hint)] : []));
      this.said = key;
    }
    this.#set(state);
  }

  #set(state) {
    this.state = state;
    if (this.element.dataset.state !== state) this.element.dataset.state = state;
  }

  #frame() {
    const { spec } = this;
    const titled = uniqueId("title");
    const detailed = uniqueId("about");
    this.box = make("div", { className: "box" });
    if (CHARTS.has(this.kind)) {
      this.box.tabIndex = 0;
      this.box.setAttribute("role", "img");
    } else if (this.kind === Table) {
      Object.assign(this.box, { tabIndex: 0 });
      this.box.setAttribute("role", "group");
      this.box.setAttribute("aria-label", spec.title ?? "table");
    }
    this.legend = make("ul", { className: "legend" });
    this.message = make("div", { className: "message" }, make("p", { className: "what" }, "asking …"));
    this.time = make("span", { className: "time" });
    this.queries = make("div", { className: "queries" });
    this.more = make("button", { type: "button", className: "more", "aria-expanded": "false", "aria-controls": detailed,
      "aria-label": `About ${spec.title ?? "the panel"}`, title: "Description and PromQL" }, "i");
    this.more.addEventListener("click", () => this.toggleDetails());
    this.about = make("div", { className: "about", id: detailed, hidden: true },
      make("p", {}, ...marked(spec.description ?? "")), this.queries);
    this.tellQueries(this.targets.map((one) => one.expr));
    const unit = headOf(spec.fieldConfig?.defaults?.unit);
    const element = make("article", { className: "panel", tabIndex: -1, "aria-labelledby": titled },
      make("div", { className: "head" },
        make("h3", { id: titled, title: spec.title ?? "" }, ...titleOf(spec.title ?? "")),
        ...(unit ? [make("span", { className: "unit" }, unit)] : []), this.time, this.more),
      this.about, make("div", { className: "body" }, this.box, this.message), this.legend);
    Object.assign(element.dataset, { kind: spec.type ?? "", state: "waiting", id: String(spec.id ?? "") });
    this.box.hidden = this.legend.hidden = true;
    const width = Math.min(spec.gridPos?.w ?? COLUMNS, COLUMNS);
    element.style.setProperty("--w", String(width));
    element.classList.toggle("wide", width > COLUMNS / 2);
    return element;
  }
}

/** The end of a title, as in "name, mean", is what tells it from its neighbours: only what is before it is cut off. */
function titleOf(title) {
  const at = title.lastIndexOf(", ");
  return [make("span", {}, at > 0 ? title.slice(0, at) : title), ...(at > 0 ? [make("span", {}, title.slice(at))] : [])];
}
