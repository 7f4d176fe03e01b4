// A panel of states: a line for each, filled while it holds.

import { legendOf } from "./board.js";
import { colour } from "./colours.js";
import { clock, lastOf, options, Plot, timesOf, valuesAt } from "./plot.js";
import { make } from "./dom.js";

export class States {
  constructor(frame, panel) {
    this.frame = frame;
    this.title = panel.title;
  }

  show(answers, span) {
    this.span = span;
    this.rows = answers.flatMap(({ target, series }) =>
      series.map((one) => ({ name: legendOf(target, one.metric), values: valuesAt(one, span) })));
    this.rows.sort((one, other) => other.name.localeCompare(one.name, "en", { numeric: true }));
    this.data = [timesOf(span), timesOf(span).map(() => 0)];
    const key = this.rows.map((one) => one.name).join("\n");
    if (this.plot && key === this.key) this.plot.u.setData(this.data);
    else this.redraw();
    this.key = key;
    this.#tell(this.plot.u.cursor.idx ?? null);
  }

  redraw() {
    this.destroy();
    if (!this.rows) return;
    const axis = {
      splits: () => this.rows.map((_, index) => index + 0.5),
      values: () => this.rows.map((one) => (one.name.length > 18 ? `${one.name.slice(0, 17)}…` : one.name)),
      space: 1, grid: { show: false },
    };
    const made = options(this.frame.box, {
      axis, series: [{ paths: () => null, points: { show: false } }],
      scale: { range: () => [0, Math.max(this.rows.length, 1)] },
      span: () => this.span,
      onCursor: (index) => this.#tell(index),
      hooks: { drawClear: [(plot) => this.#draw(plot)] },
    });
    this.plot = new Plot(this.frame.box, made, this.data);
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }

  #draw({ ctx, bbox, valToPos }) {
    const { start, step } = this.span;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    this.rows.forEach((row, number) => {
      const top = valToPos(number + 0.85, "y", true);
      const height = valToPos(number + 0.15, "y", true) - top;
      row.values.forEach((value, index) => {
        if (value === null) return;
        const left = valToPos(start + (index - 1) * step, "x", true);
        const right = valToPos(start + index * step, "x", true);
        ctx.globalAlpha = value ? 1 : 0.12;
        ctx.fillStyle = colour(this.rows.length - 1 - number);
        ctx.fillRect(left, top, right - left + 0.5, height);
      });
    });
    ctx.restore();
  }

  #tell(index) {
    const holds = this.rows.filter((row) => (index === null ? lastOf(row.values) : row.values[index]) > 0);
    const words = holds.map((row) => row.name).reverse().join(", ") || "none";
    this.frame.legend.replaceChildren(make("li", { className: "told" }, words));
    this.frame.tellTime(index === null ? "" : clock(this.span.start + index * this.span.step));
    this.frame.box.setAttribute("aria-label", `${this.title}: ${words}`);
  }
}
