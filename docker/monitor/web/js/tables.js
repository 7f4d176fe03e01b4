// Panels without a time: a table of labels, a number, a text.

import { legendOf } from "./board.js";
import { make, marked } from "./dom.js";
import { lastOf, valuesAt } from "./plot.js";
import { format } from "./units.js";

const MOST_ROWS = 200;

/** A row for each series, a column for each label. */
export class Table {
  constructor(frame, panel) {
    this.frame = frame;
    this.unit = panel.fieldConfig?.defaults?.unit ?? "short";
    const hidden = (panel.transformations ?? []).map((one) => one.options?.excludeByName ?? {});
    this.hidden = Object.assign({ __name__: true, Time: true }, ...hidden);
  }

  show(answers) {
    const series = answers.flatMap((one) => one.series);
    const labels = [...new Set(series.flatMap((one) => Object.keys(one.metric)))].filter((one) => !this.hidden[one]);
    const withValue = !this.hidden.Value;
    const cells = (one) => [...labels.map((label) => one.metric[label] ?? ""),
      ...(withValue ? [format(Number(one.values.at(-1)?.[1]), this.unit)] : [])];
    const heads = [...labels, ...(withValue ? ["value"] : [])];
    this.frame.box.replaceChildren(make("table", {},
      make("thead", {}, make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...series.slice(0, MOST_ROWS).map((one) =>
        make("tr", {}, ...cells(one).map((text) => make("td", {}, text)))))));
    this.frame.legend.replaceChildren(...(series.length > MOST_ROWS
      ? [make("li", { className: "told" }, `the first ${MOST_ROWS} of ${series.length}`)] : []));
  }

  redraw() {}

  destroy() { this.frame.box.replaceChildren(); }
}

/** The newest value of each series, large. */
export class Numbers {
  constructor(frame, panel) {
    this.frame = frame;
    this.unit = panel.fieldConfig?.defaults?.unit ?? "short";
  }

  show(answers, span) {
    const all = answers.flatMap(({ target, series }) => series.map((one) => [legendOf(target, one.metric), lastOf(valuesAt(one, span))]));
    this.frame.box.replaceChildren(make("dl", { className: "numbers" }, ...all.slice(0, 12).map(([name, value]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, format(value, this.unit))))));
  }

  redraw() {}

  destroy() { this.frame.box.replaceChildren(); }
}

/** A text with paragraphs and `code`. */
export class Text {
  constructor(frame, panel) {
    const paragraphs = String(panel.options?.content ?? "").split(/\n\s*\n/);
    frame.box.replaceChildren(...paragraphs.map((one) => make("p", {}, ...marked(one))));
  }

  show() {}

  redraw() {}

  destroy() {}
}
