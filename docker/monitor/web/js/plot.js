// What all charts share: a uPlot in a box, with a time axis and a cursor that moves in all of them at once.

import { css } from "./colours.js";

const SYNC = "monitor";
const FONT = "11px Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const TICKS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600]; // uPlot has none between 1 and 5 minutes
const two = (value) => String(value).padStart(2, "0");

export const clock = (time, withSeconds = true) => {
  const date = new Date(time * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}${withSeconds ? `:${two(date.getSeconds())}` : ""}`;
};

/** The options of a chart. axis: of the values; more: what the kind of chart adds; onCursor: told an index or null. */
export function options(box, { axis, series, scale, span, onCursor, hooks = {}, label }) {
  const grid = { stroke: css("--grid"), width: 1 };
  const common = { stroke: css("--quiet"), font: FONT, ticks: { show: false }, grid };
  return {
    width: Math.max(box.clientWidth, 60),
    height: Math.max(box.clientHeight, 60),
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: SYNC, setSeries: false }, drag: { x: false, y: false }, points: { size: 6 }, y: false },
    scales: { x: { time: true, range: () => [span().start, span().end] }, y: scale },
    axes: [
      { ...common, grid: { show: false }, space: 64, incrs: TICKS, size: 24, gap: 4, values: (_, splits) => splits.map((at) => clock(at, at % 60 !== 0)) },
      { ...common, space: 32, gap: 6, size: widest, ...axis },
    ],
    series: [{}, ...series],
    hooks: { ...hooks, setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
    label,
  };
}

function widest(plot, values) {
  const longest = (values ?? []).reduce((most, text) => (text.length > most.length ? text : most), "");
  plot.ctx.save();
  plot.ctx.font = FONT;
  const width = plot.ctx.measureText(longest).width;
  plot.ctx.restore();
  return Math.ceil(width) + 14;
}

/** A chart in a box that it follows in size, and that arrow keys move the cursor in. */
export class Plot {
  constructor(box, made, data) {
    this.u = new window.uPlot(made, data, box);
    this.box = box;
    box.plot = this.u;
    this.watcher = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = box;
      if (width > 60 && height > 60 && (width !== this.u.width || height !== this.u.height)) this.u.setSize({ width, height });
    });
    this.watcher.observe(box);
    this.onKey = (event) => this.move(event);
    box.addEventListener("keydown", this.onKey);
  }

  move(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const times = this.u.data[0];
    const at = this.u.cursor.idx ?? (step > 0 ? -1 : times.length);
    const next = Math.min(Math.max(at + step, 0), times.length - 1);
    this.u.setCursor({ left: this.u.valToPos(times[next], "x"), top: this.u.over.clientHeight / 2 });
  }

  destroy() {
    this.watcher.disconnect();
    this.box.removeEventListener("keydown", this.onKey);
    this.box.plot = null;
    this.u.destroy();
  }
}

/** The moments of a span, and a series' values at them; null where there is none or it is no number. */
export const timesOf = ({ start, end, step }) =>
  Array.from({ length: Math.round((end - start) / step) + 1 }, (_, index) => start + index * step);

export function valuesAt(series, { start, end, step }) {
  const values = new Array(Math.round((end - start) / step) + 1).fill(null);
  for (const [time, text] of series.values) {
    const index = Math.round((time - start) / step);
    const value = Number(text);
    if (index >= 0 && index < values.length && Number.isFinite(value)) values[index] = value;
  }
  return values;
}

export const lastOf = (values) => {
  // The newest sample may be a scrape old.
  for (let index = values.length - 1; index >= Math.max(0, values.length - 2); index--) {
    if (values[index] !== null) return values[index];
  }
  return null;
};
