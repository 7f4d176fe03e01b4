// The rows of a dashboard on the page: each can be closed, and asks for nothing while it is.

import { rowsOf } from "./board.js";
import { make, uniqueId } from "./dom.js";
import { Panel } from "./panel.js";

class Row {
  constructor({ title, isCollapsed, panels }, opened) {
    this.specs = panels;
    this.title = title;
    this.panels = [];
    this.isOpen = !isCollapsed;
    this.opened = opened;
    const id = uniqueId("row");
    const isFour = panels.length === 4 && panels.every((one) => one.gridPos?.w === 8);
    this.grid = make("div", { className: isFour ? "grid four" : "grid", id });
    this.button = make("button", { type: "button", "aria-controls": id },
      make("span", { className: "arrow", "aria-hidden": "true" }), title,
      make("span", { className: "count" }, `${panels.length} ${panels.length === 1 ? "panel" : "panels"}`));
    this.button.addEventListener("click", () => this.toggle());
    this.element = make("section", { className: "row" }, ...(title ? [make("h2", {}, this.button)] : []), this.grid);
    this.#tell();
  }

  toggle() {
    this.isOpen = !this.isOpen;
    this.#tell();
    this.opened();
  }

  #tell() {
    this.button.setAttribute("aria-expanded", String(this.isOpen));
    this.grid.hidden = !this.isOpen;
    if (this.isOpen && !this.panels.length) {
      this.panels = this.specs.map((spec) => new Panel(spec));
      this.grid.replaceChildren(...this.panels.map((panel) => panel.element));
    }
  }
}

export class Rows {
  /** changed: called when a row was opened or closed. */
  constructor(place, board, changed) {
    this.rows = rowsOf(board).map((row) => new Row(row, changed));
    place.replaceChildren(...this.rows.map((row) => row.element));
  }

  /** The panels in rows that are open. */
  get panels() { return this.rows.filter((row) => row.isOpen).flatMap((row) => row.panels); }

  get asked() { return this.panels.filter((panel) => panel.isAsked); }

  /** How many panels are in closed rows. */
  get closed() { return this.rows.filter((row) => !row.isOpen).reduce((sum, row) => sum + row.specs.length, 0); }

  redraw() { for (const row of this.rows) for (const panel of row.panels) panel.redraw(); }

  destroy() { for (const row of this.rows) for (const panel of row.panels) panel.destroy(); }
}
