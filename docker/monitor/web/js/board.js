// A dashboard in Grafana's JSON: its rows and panels, and the expressions with values for their variables.

const SCRAPES_OF_A_RATE = 4;

/** The rows from top to bottom: {title, isCollapsed, panels}; panels before the first row are in one without a title. */
export function rowsOf(board) {
  const rows = [];
  const placed = [...(board.panels ?? [])].sort(byPlace);
  for (const panel of placed) {
    if (panel.type === "row") {
      const isCollapsed = Boolean(panel.collapsed);
      rows.push({ title: panel.title || "Row", isCollapsed, panels: [...(panel.panels ?? [])].sort(byPlace) });
      continue;
    }
    if (!rows.length || rows.at(-1).isCollapsed) rows.push({ title: "", isCollapsed: false, panels: [] });
    rows.at(-1).panels.push(panel);
  }
  return rows.filter((row) => row.panels.length);
}

const byPlace = (one, other) =>
  (one.gridPos?.y ?? 0) - (other.gridPos?.y ?? 0) || (one.gridPos?.x ?? 0) - (other.gridPos?.x ?? 0);

/** The queries that are to be drawn. */
export const targetsOf = (panel) => (panel.targets ?? []).filter((one) => one.expr && !one.hide);

/** What Grafana would take for a rate, at a step, in seconds. */
export const rateSeconds = (step, scrape) => Math.max(step + scrape, SCRAPES_OF_A_RATE * scrape);

const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** The least step that a panel asks for, as in 20s or >1m, in seconds; 0 where it asks for none. */
export function secondsOf(interval) {
  const [, number, unit] = /^>?(\d+)(ms|[smhd])$/.exec(interval ?? "") ?? [];
  return unit ? number * UNITS[unit] : 0;
}

/** The values of variables: of the dashboard's own ones, and of those that belong to what is looked at. */
export function variables(board, { service, instance, step, scrape, seconds }) {
  const own = board.templating?.list ?? [];
  const known = Object.fromEntries(own.map((one) => [one.name, chosen(one)]));
  const isOne = own.some((one) => one.name === "job" && !one.multi && !one.includeAll);
  return {
    ...known,
    job: isOne ? quoted(service) : escaped(service),
    instance: instance ? escaped(instance) : ".+",
    __rate_interval: `${rateSeconds(step, scrape)}s`,
    __interval: `${step}s`,
    __interval_ms: String(step * 1000),
    __range: `${seconds}s`,
    __range_s: String(seconds),
    __range_ms: String(seconds * 1000),
  };
}

// As monitoring/check/variables.py has it: every value where all may be chosen, since which one was when the file was
// saved says nothing of this machine. What stands for all is put in as it is, as Grafana does.
function chosen(variable) {
  if (variable.includeAll || (variable.type === "query" && variable.multi)) return variable.allValue || ".+";
  let value = [variable.current?.value ?? ""].flat().map(String).filter(Boolean);
  if (value.includes("$__all") || (!value.length && variable.type === "query")) return variable.allValue || ".+";
  if (!value.length) value = [String(variable.query ?? "").split(",")[0].trim()];
  if (!variable.multi && value.length === 1) return quoted(value[0]);
  return value.length === 1 ? escaped(value[0]) : `(${value.map(escaped).join("|")})`;
}

/** A text as part of a string of PromQL. */
const quoted = (text) => text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");

/** A text as part of a regular expression in a string of PromQL. */
export const escaped = (text) => quoted(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));

/** An expression with the values in the places of $name, ${name}, ${name:format} and [[name]]; others stay. */
export const filled = (expression, known) =>
  expression.replace(/\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)(?::[^}]*)?\}|\[\[([A-Za-z_]\w*)\]\]/g,
    (place, plain, braced, old) => known[plain ?? braced ?? old] ?? place);

/** The name of a series: the legend of its query with {{label}} filled in, else its labels. */
export function legendOf(target, labels) {
  const wanted = target.legendFormat;
  if (wanted && wanted !== "__auto") return wanted.replace(/\{\{\s*([^}]+?)\s*\}\}/g, (_, name) => labels[name] ?? "").trim() || "all";
  const { __name__: name = "", ...others } = labels;
  const pairs = Object.entries(others).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length ? `${name}{${pairs.join(", ")}}` : name || target.expr;
}

const COLOURS = { green: "--ok", yellow: "--warn", orange: "--warn", red: "--bad", blue: "--accent" };

/** The values at which something begins to be bad: [{value, colour}]; colour: a CSS variable, or #rrggbb. */
export function thresholdsOf(panel) {
  const steps = panel.fieldConfig?.defaults?.thresholds?.steps ?? [];
  return steps.filter((one) => Number.isFinite(one.value ?? NaN)).map((one) => ({ value: one.value, colour: colourOf(one.color) }));
}

function colourOf(name) {
  if (/^#[0-9a-f]{6}$/i.test(name ?? "")) return name;
  return COLOURS[String(name).replace(/^(semi-dark|dark|light|super-light)-/, "")] ?? "--bad";
}
