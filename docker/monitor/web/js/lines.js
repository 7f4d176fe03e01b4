// A panel of lines: one for each series, thresholds, and a legend with the values of now or of where the cursor is.

import { legendOf, thresholdsOf } from "./board.js";
import { colour, css, dash, Slots } from "./colours.js";
import { make } from "./dom.js";
import { clock, lastOf, options, Plot, timesOf, valuesAt } from "./plot.js";
import { format, formatTick, isBinary, smallTop } from "./units.js";

const POWERS = Array.from({ length: 50 }, (_, index) => 2 ** index);
const TIMES = [...Array.from({ length: 10 }, (_, index) => [1, 2, 5].map((one) => one * 10 ** (index - 9))).flat(),
  10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((days) => days * 86400)];
const FAR = 4; // a threshold further up than this would press the lines flat

export class Lines {
  constructor(frame, panel) {
    this.frame = frame;
    this.unit = panel.fieldConfig?.defaults?.unit ?? "short";
    this.thresholds = thresholdsOf(panel);
    this.title = panel.title;
    this.slots = new Slots();
    this.hidden = new Set();
    this.lines = [];
  }

  /** Draw answers: [{target, series}] over a span. */
  show(answers, span) {
    const named = answers.flatMap(({ target, series }) =>
      series.map((one) => ({ name: legendOf(target, one.metric), values: valuesAt(one, span) })));
    named.sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
    const key = named.map((one) => one.name).join("\n");
    this.span = span;
    this.lines = named;
    const data = [timesOf(span), ...named.map((one) => one.values)];
    if (this.plot && key === this.key) this.plot.u.setData(data);
    else this.#build(key, data);
    this.#values(this.plot.u.cursor.idx ?? null);
  }

  redraw() {
    if (this.plot) this.#build(this.key, this.plot.u.data);
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }

  #build(key, data) {
    this.destroy();
    this.key = key;
    const series = this.lines.map((line) => this.#series(line));
    const axis = {
      values: (_, splits) => splits.map((value) => formatTick(value, this.unit)),
      ...(isBinary(this.unit) ? { incrs: POWERS } : this.unit === "s" ? { incrs: TIMES } : {}),
    };
    const made = options(this.frame.box, {
      axis, series,
      scale: { range: (_, low, high) => this.#range(low, high) },
      span: () => this.span,
      onCursor: (index) => this.#values(index),
      hooks: { draw: [(plot) => this.#drawThresholds(plot)] },
    });
    this.plot = new Plot(this.frame.box, made, data);
    this.#legend();
  }

  #series(line) {
    const slot = this.slots.of(line.name);
    const stroke = colour(slot);
    return {
      stroke, width: 1.75, dash: dash(slot), show: !this.hidden.has(line.name),
      fill: this.lines.length === 1 ? `${stroke}1f` : undefined,
      points: { show: true, size: 4.5, width: 0, fill: stroke, filter: (plot, index) => lonely(plot.data[index]) },
    };
  }

  /** From 0, where nothing is below it: a line that looks high is high. */
  #range(low, high) {
    if (low === null || high === null) return [0, smallTop(this.unit)];
    for (const { value } of this.thresholds) if (value <= high * FAR && value > high) high = value;
    if (low === 0 && high === 0) return [0, smallTop(this.unit)];
    const room = (high - Math.min(low, 0)) * 0.12 || Math.abs(high) * 0.12;
    return [low < 0 ? low - room : 0, high + room];
  }

  #drawThresholds({ ctx, bbox, valToPos, scales }) {
    for (const { value, colour: name } of this.thresholds) {
      if (value < scales.y.min || value > scales.y.max) continue;
      const y = Math.round(valToPos(value, "y", true));
      ctx.save();
      ctx.strokeStyle = css(name);
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.restore();
    }
  }

  #legend() {
    const entries = this.lines.map((line, index) => {
      const swatch = make("span", { className: "swatch", "aria-hidden": "true" });
      const slot = this.slots.of(line.name);
      swatch.style.borderTopColor = colour(slot);
      swatch.style.borderTopStyle = ["solid", "dashed", "dotted"][Math.min(Math.floor(slot / 8), 2)];
      const value = make("span", { className: "value" });
      const button = make("button", { type: "button", "aria-pressed": String(!this.hidden.has(line.name)), title: line.name },
        swatch, make("span", { className: "label" }, line.name), value);
      button.addEventListener("click", () => this.#toggle(line.name, index, button));
      return make("li", {}, button);
    });
    const limits = this.thresholds.map(({ value, colour: name }) => {
      const swatch = make("span", { className: "swatch", "aria-hidden": "true" });
      swatch.style.borderTopColor = css(name);
      swatch.style.borderTopStyle = "dashed";
      return make("li", { className: "limit" }, swatch, `threshold ${format(value, this.unit)}`);
    });
    this.frame.legend.replaceChildren(...entries, ...limits);
    this.cells = [...this.frame.legend.querySelectorAll(".value")];
  }

  #toggle(name, index, button) {
    const isHidden = !this.hidden.delete(name);
    if (isHidden) this.hidden.add(name);
    button.setAttribute("aria-pressed", String(!isHidden));
    this.plot.u.setSeries(index + 1, { show: !isHidden });
  }

  /** The values at a moment, or the newest ones; and in words for those who do not see the lines. */
  #values(index) {
    if (!this.cells) return;
    const texts = this.lines.map((line) => format(index === null ? lastOf(line.values) : line.values[index], this.unit));
    texts.forEach((text, number) => { if (this.cells[number]) this.cells[number].textContent = text; });
    this.frame.tellTime(index === null || !this.span ? "" : clock(this.span.start + index * this.span.step));
    const said = this.lines.slice(0, 6).map((line, number) => `${line.name} ${texts[number]}`).join(", ");
    this.frame.box.setAttribute("aria-label", `${this.title}: ${said}`);
  }
}

/** The indexes of points without neighbours, which no line would show, and of the newest one. */
function lonely(values) {
  const found = [];
  for (let index = 0; index < values.length; index++) {
    const isThere = values[index] !== null && values[index] !== undefined;
    if (isThere && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null) found.push(index);
  }
  let last = values.length - 1;
  while (last >= 0 && values[last] === null) last--;
  if (last >= values.length - 2 && last >= 0 && found.at(-1) !== last) found.push(last);
  return found;
}
