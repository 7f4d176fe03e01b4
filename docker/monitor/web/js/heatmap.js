// A panel of cells: how many observations fell into each bucket, over time.

import { heat } from "./colours.js";
import { make } from "./dom.js";
import { clock, options, Plot, timesOf, valuesAt } from "./plot.js";
import { format } from "./units.js";

export class Heatmap {
  constructor(frame, panel) {
    this.frame = frame;
    this.unit = panel.options?.yAxis?.unit ?? panel.fieldConfig?.defaults?.unit ?? "short";
    this.title = panel.title;
  }

  show(answers, span) {
    this.span = span;
    this.buckets = used(bucketsOf(answers.flatMap((one) => one.series), span));
    this.most = Math.max(...this.buckets.flatMap((one) => one.values), 0);
    this.data = [timesOf(span), timesOf(span).map(() => 0)];
    const count = this.buckets.length;
    if (this.plot && this.count === count) this.plot.u.setData(this.data);
    else this.redraw();
    this.count = count;
    this.#tell(this.plot.u.cursor.idx ?? null);
  }

  redraw() {
    this.destroy();
    if (!this.buckets) return;
    const axis = {
      splits: () => this.#edges().map((one) => one.at),
      values: () => this.#edges().map((one) => one.text),
      space: 1, grid: { show: false },
    };
    const made = options(this.frame.box, {
      axis, series: [{ paths: () => null, points: { show: false } }],
      scale: { range: () => [0, this.buckets.length] },
      span: () => this.span,
      onCursor: (index) => this.#tell(index),
      hooks: { drawClear: [(plot) => this.#draw(plot)] },
    });
    this.plot = new Plot(this.frame.box, made, this.data);
    this.#scale();
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }

  /** The upper bounds that there is room to name. */
  #edges() {
    const every = Math.ceil(this.buckets.length / Math.max(2, Math.floor(this.frame.box.clientHeight / 26)));
    return this.buckets.map((one, index) => ({ at: index + 1, text: Number.isFinite(one.to) ? format(one.to, this.unit) : "more" }))
      .filter((_, index) => (this.buckets.length - 1 - index) % every === 0);
  }

  #draw({ ctx, bbox, valToPos }) {
    const { start, step } = this.span;
    const gap = Math.max(1, devicePixelRatio);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    this.buckets.forEach((bucket, row) => {
      const top = valToPos(row + 1, "y", true);
      const height = valToPos(row, "y", true) - top;
      bucket.values.forEach((value, index) => {
        if (value <= 0) return;
        const left = valToPos(start + (index - 1) * step, "x", true);
        const width = valToPos(start + index * step, "x", true) - left;
        ctx.fillStyle = heat(Math.sqrt(value / this.most));
        ctx.fillRect(left + gap / 2, top + gap / 2, Math.max(width - gap, 1), Math.max(height - gap, 1));
      });
    });
    ctx.restore();
  }

  /** What the colours mean. */
  #scale() {
    const cells = [0.05, 0.3, 0.55, 0.8, 1].map((share) => {
      const cell = make("span", { className: "cell" });
      cell.style.backgroundColor = heat(share);
      return cell;
    });
    this.top = make("span", { className: "value" });
    this.told = make("span", { className: "told" });
    const scale = make("span", { className: "scale" }, "1", ...cells, this.top);
    this.frame.legend.replaceChildren(make("li", { className: "scale-line" }, scale, this.told));
  }

  #tell(index) {
    if (!this.top) return;
    this.top.textContent = String(Math.max(1, Math.round(this.most)));
    const at = index ?? this.data[0].length - 1;
    const filled = this.buckets.filter((one) => one.values[at] > 0);
    const words = filled.slice(-3).map((one) => `${Math.round(one.values[at] * 10) / 10} ${between(one, this.unit)}`).join(", ");
    this.told.textContent = words || (index === null ? "" : "none");
    this.frame.tellTime(index === null ? "" : clock(this.span.start + index * this.span.step));
    this.frame.box.setAttribute("aria-label", `${this.title}: ${words || "no observations now"}`);
  }
}

const between = (one, unit) => (Number.isFinite(one.to) ? `≤ ${format(one.to, unit)}` : `> ${format(one.from, unit)}`);

/** Buckets without those below them, which a histogram counts in: [{from, to, values}]. */
function bucketsOf(series, span) {
  const cumulative = series.map((one) => ({ to: Number(one.metric.le?.replace("+Inf", "Infinity") ?? NaN), values: valuesAt(one, span) }))
    .filter((one) => !Number.isNaN(one.to)).sort((one, other) => one.to - other.to);
  return cumulative.map((one, index) => {
    const below = cumulative[index - 1];
    return {
      from: below?.to ?? 0, to: one.to,
      values: one.values.map((value, at) => Math.max(0, (value ?? 0) - (below?.values[at] ?? 0))),
    };
  });
}

/** Without the empty ones at both ends, except for one beside. */
function used(buckets) {
  const filled = buckets.map((one) => one.values.some((value) => value > 0));
  if (!filled.includes(true)) return buckets;
  return buckets.slice(Math.max(0, filled.indexOf(true) - 1), Math.min(buckets.length, filled.lastIndexOf(true) + 2));
}
