"use strict";
// The tree comes as arrays, one item a node, parents before their children. The root, node 0, is the whole.
const data = JSON.parse(document.getElementById("data").textContent);
const { functions, depth, frame, totals } = data;
const COUNT = depth.length, DIFF = totals.length === 2, NARROW = "(max-width: 640px)";
const sums = totals.map((t) => t[0]);
const parent = new Int32Array(COUNT), end = new Int32Array(COUNT), rows = [];
let side = DIFF ? 1 : 0, start = null;

(function link() {
  const path = [];
  for (let i = 0; i < COUNT; i++) {
    while (path.length > depth[i]) end[path.pop()] = i;
    parent[i] = path.length ? path[path.length - 1] : -1;
    path.push(i);
    (rows[depth[i]] ||= []).push(i);
  }
  while (path.length) end[path.pop()] = COUNT;
})();

function place() { // where each node starts, as a share of the whole; children stand side by side from their parent's start
  const next = new Float64Array(COUNT);
  start = new Float64Array(COUNT);
  for (let i = 1; i < COUNT; i++) {
    const up = parent[i];
    start[i] = start[up] + next[up] / sums[side];
    next[up] += totals[side][i];
  }
}
const width = (i) => totals[side][i] / sums[side];
const share = (i, which = side) => totals[which][i] / sums[which];
const grown = (i) => share(i, 1) - share(i, 0);
function own(i, which = side) {
  let left = totals[which][i];
  for (let c = i + 1; c < end[i]; c = end[c]) left -= totals[which][c];
  return left / sums[which];
}
let most = 1e-9;
if (DIFF) for (let i = 1; i < COUNT; i++) most = Math.max(most, Math.abs(grown(i)));

function firstIn(row, x, low = 0) { // the first of a row whose right edge is beyond x
  let high = row.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start[row[middle]] + width(row[middle]) > x) high = middle; else low = middle + 1;
  }
  return low;
}
function widestChild(i) {
  let best = i, weight = 0;
  for (let c = i + 1; c < end[i]; c = end[c]) if (totals[side][c] > weight) { best = c; weight = totals[side][c]; }
  return best;
}
function perFunction() { // of each its own share and its share in all, for each profile; recursion is counted once
  const table = functions.map(() => ({ self: totals.map(() => 0), all: totals.map(() => 0) }));
  const open = new Int32Array(functions.length), leaving = [];
  for (let i = 1; i < COUNT; i++) {
    while (leaving.length && end[leaving[leaving.length - 1]] <= i) open[frame[leaving.pop()]]--;
    const line = table[frame[i]];
    totals.forEach((_, which) => { line.self[which] += own(i, which); if (!open[frame[i]]) line.all[which] += share(i, which); });
    open[frame[i]]++; leaving.push(i);
  }
  return table;
}

// Words
const name = (i) => frame[i] < 0 ? "all" : functions[frame[i]][0] || "(no name)";
const percent = (x) => (x * 100).toFixed(x && Math.abs(x) < 0.001 ? 2 : 1) + "%";
const signed = (x) => (x > 0 ? "+" : x < 0 ? "\u2212" : "") + (Math.abs(x) * 100).toFixed(1) + " pt";
function where(number) { // in the checkout, where the file is there; else in the container
  const [, file, path, lines] = functions[number] || ["", "", "", []];
  const shown = path || file;
  return shown && lines.length ? `${shown}:${lines[0][0]}` : shown;
}
function lines(number) { // only where there is more than one to say
  const seen = number < 0 || DIFF ? [] : functions[number][3];
  return seen.length < 2 ? "" : "most at lines " + seen.map(([line, weight]) => `${line} (${percent(weight / sums[0])})`).join(", ");
}
function amount(n) {
  if (data.unit === "bytes") {
    const step = n > 0 ? Math.min(4, Math.floor(Math.log2(n) / 10)) : 0;
    return (n / 1024 ** step).toFixed(step ? 1 : 0) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][step];
  }
  return n.toLocaleString("en") + (n === 1 ? " sample" : " samples") + (data.rate ? ", " + (n / data.rate).toFixed(2) + " s" : "");
}
function facts(i) {
  if (!DIFF) return `${percent(share(i))} in all (${amount(totals[0][i])}), ${percent(own(i))} itself`;
  return `${percent(share(i, 0))} before, ${percent(share(i, 1))} after (${signed(grown(i))}); itself ${percent(own(i, 0))} before, ${percent(own(i, 1))} after`;
}
