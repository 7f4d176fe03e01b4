"use strict";
// The tree comes as arrays, one item a node, parents before their children. Only what is in view is drawn: a row is
// searched by halves for its first node, and nodes narrower than a pixel are stepped over together.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const { frames, depth, frame, totals } = data;
const COUNT = depth.length, DIFF = totals.length === 2, ROW = 22, calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const sums = totals.map((t) => t[0]);
const parent = new Int32Array(COUNT), end = new Int32Array(COUNT), rows = [];
const canvas = byId("graph"), paper = canvas.getContext("2d"), scroller = byId("scroller"), tip = byId("tip"), details = byId("details");
let side = DIFF ? 1 : 0, start, focused = 0, selected = 0, hovered = -1, query = "", hits = null, order = [];
let view = { from: 0, to: 1 }, moving = 0, colours = {}, asked = 0, lighter = 1;

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
  const total = totals[side], next = new Float64Array(COUNT);
  start = new Float64Array(COUNT);
  for (let i = 1; i < COUNT; i++) {
    const up = parent[i];
    start[i] = start[up] + next[up] / sums[side];
    next[up] += total[i];
  }
}
const width = (i) => totals[side][i] / sums[side];
const share = (i, which = side) => totals[which][i] / sums[which];
const grown = (i) => share(i, 1) - share(i, 0);
const name = (i) => frame[i] < 0 ? "all" : frames[frame[i]][0];
const where = (f) => f[1] ? f[1] + (f[2] ? ":" + f[2] : "") : "";
const percent = (x) => (x * 100).toFixed(x && Math.abs(x) < 0.001 ? 2 : 1) + "%";
const signed = (x) => (x > 0 ? "+" : x < 0 ? "\u2212" : "") + (Math.abs(x) * 100).toFixed(1) + " pt";
function amount(n) {
  if (data.unit === "bytes") {
    const step = n > 0 ? Math.min(4, Math.floor(Math.log2(n) / 10)) : 0;
    return (n / 1024 ** step).toFixed(step ? 1 : 0) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][step];
  }
  return n.toLocaleString("en") + (n === 1 ? " sample" : " samples") + (data.rate ? ", " + (n / data.rate).toFixed(2) + " s" : "");
}
function own(i, which = side) {
  let left = totals[which][i];
  for (let c = i + 1; c < end[i]; c = end[c]) left -= totals[which][c];
  return left;
}

const most = DIFF ? Math.max(1e-9, ...rows.map((row) => row.reduce((m, i) => Math.max(m, Math.abs(grown(i))), 0))) : 1;
const hues = frames.map((f) => { // one hue a file, from yellow to red; the function moves it a little
  let h = 7;
  for (const c of f[1] || f[0]) h = (h * 31 + c.charCodeAt(0)) >>> 0;
  let g = 3;
  for (const c of f[0]) g = (g * 33 + c.charCodeAt(0)) >>> 0;
  return 6 + (h % 42) + (g % 9);
});
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const key of ["ink", "bg", "accent", "frame-s", "frame-l", "frame-ink", "faded", "faded-ink", "hit", "hit-ink", "same", "root"]) colours[key] = style.getPropertyValue("--" + key).trim();
  lighter = document.documentElement.dataset.theme === "dark" ? 0 : 1;
}
function fill(i) {
  if (hits) return hits[frame[i]] ? [colours.hit, colours["hit-ink"]] : [colours.faded, colours["faded-ink"]];
  if (frame[i] < 0) return [colours.root, colours.ink];
  if (!DIFF) return [`hsl(${hues[frame[i]]} ${colours["frame-s"]} ${colours["frame-l"]})`, colours["frame-ink"]];
  const change = grown(i), strength = Math.sqrt(Math.abs(change) / most);
  if (Math.abs(change) < 0.0005) return [colours.same, colours.ink];
  const light = lighter ? 90 - 28 * strength : 26 + 22 * strength;
  return [`hsl(${change > 0 ? 2 : 214} ${30 + 48 * strength}% ${light}%)`, lighter ? "#1c1410" : "#fff"];
}

function firstIn(row, x, low = 0) { // the first of a row whose right edge is beyond x
  let high = row.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start[row[middle]] + width(row[middle]) > x) high = middle; else low = middle + 1;
  }
  return low;
}
function draw() {
  asked = 0;
  const ratio = devicePixelRatio || 1, wide = scroller.clientWidth, high = scroller.clientHeight;
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
    canvas.width = Math.round(wide * ratio); canvas.height = Math.round(high * ratio);
    canvas.style.width = wide + "px"; canvas.style.height = high + "px";
  }
  paper.setTransform(ratio, 0, 0, ratio, 0, 0);
  paper.clearRect(0, 0, wide, high);
  paper.font = "12.5px system-ui, -apple-system, Segoe UI, Roboto, sans-serif";
  paper.textBaseline = "middle";
  const scale = wide / (view.to - view.from), top = scroller.scrollTop;
  for (let level = Math.floor(top / ROW); level < rows.length && level * ROW - top < high; level++) drawRow(rows[level], level * ROW - top, scale, wide);
}
function drawRow(row, y, scale, wide) {
  for (let at = firstIn(row, view.from); at < row.length;) {
    const i = row[at], left = (start[i] - view.from) * scale, w = width(i) * scale;
    if (left >= wide) break;
    const [paint, ink] = fill(i);
    if (w < 1) { // too narrow for its own pixel: one line for all that share it
      paper.fillStyle = paint; paper.globalAlpha = 0.7;
      paper.fillRect(Math.floor(left), y, 1, ROW - 1);
      paper.globalAlpha = 1;
      at = Math.max(at + 1, firstIn(row, view.from + (Math.floor(left) + 1) / scale, at));
      continue;
    }
    const from = Math.max(0, left), seen = Math.min(wide, left + w) - from;
    paper.fillStyle = paint;
    paper.beginPath();
    paper.roundRect(from, y, Math.max(0.6, seen - 1), ROW - 1, Math.min(3, seen / 3));
    paper.fill();
    if (depth[i] < depth[focused]) { paper.fillStyle = colours.bg; paper.globalAlpha = 0.45; paper.fill(); paper.globalAlpha = 1; }
    if (i === hovered || (i === selected && document.activeElement === canvas)) { paper.strokeStyle = colours.ink; paper.lineWidth = i === selected ? 2 : 1; paper.stroke(); }
    if (seen > 26) { paper.fillStyle = ink; paper.fillText(fitted(name(i), seen - 12), from + 6, y + ROW / 2); }
    at++;
  }
}
function fitted(text, room) {
  if (text.length > 400) text = text.slice(0, 400);
  if (paper.measureText(text).width <= room) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (paper.measureText(text.slice(0, middle) + "\u2026").width <= room) low = middle; else high = middle - 1;
  }
  return low > 1 ? text.slice(0, low) + "\u2026" : "";
}
function redraw() { if (!asked) asked = requestAnimationFrame(draw); }

function zoom(i) {
  if (!width(i)) return;
  focused = selected = i;
  byId("reset").disabled = i === 0;
  const from = { ...view }, to = { from: start[i], to: start[i] + width(i) }, began = performance.now();
  cancelAnimationFrame(moving);
  const step = (now) => {
    const t = calm ? 1 : Math.min(1, Math.max(0, now - began) / 180), ease = 1 - (1 - t) ** 3;
    view = t === 1 ? to : { from: from.from + (to.from - from.from) * ease, to: from.to + (to.to - from.to) * ease };
    draw();
    if (t < 1) moving = requestAnimationFrame(step);
  };
  step(began); moving = requestAnimationFrame(step);
  describe(i);
}
function select(i) {
  selected = i;
  const y = depth[i] * ROW;
  if (y < scroller.scrollTop) scroller.scrollTop = y;
  else if (y + ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + ROW - scroller.clientHeight;
  describe(i); redraw();
}
function text(tag, content, kind) {
  const made = document.createElement(tag);
  made.textContent = content;
  if (kind) made.className = kind;
  return made;
}
function facts(i) {
  const self = own(i);
  if (!DIFF) return `${percent(share(i))} in all (${amount(totals[0][i])}), ${percent(self / sums[0])} itself`;
  return `${percent(share(i, 0))} before, ${percent(share(i, 1))} after (${signed(grown(i))}); itself ${percent(own(i, 0) / sums[0])} before, ${percent(own(i, 1) / sums[1])} after`;
}
function describe(i) {
  details.replaceChildren(text("b", name(i)), " ", text("span", facts(i) + (frame[i] < 0 || !where(frames[frame[i]]) ? "" : " \u00b7 " + where(frames[frame[i]]))));
}
function under(event) {
  const box = canvas.getBoundingClientRect(), level = Math.floor((event.clientY - box.top + scroller.scrollTop) / ROW);
  const x = view.from + (event.clientX - box.left) / box.width * (view.to - view.from), row = rows[level];
  if (!row) return -1;
  const i = row[firstIn(row, x)];
  return i !== undefined && start[i] <= x ? i : -1;
}
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerType === "touch") return;
  const i = under(event);
  if (i !== hovered) { hovered = i; redraw(); }
  tip.hidden = i < 0;
  canvas.style.cursor = i < 0 ? "default" : "pointer";
  if (i < 0) return;
  tip.replaceChildren(text("b", name(i)), text("span", frame[i] < 0 ? "" : where(frames[frame[i]])), text("div", facts(i)));
  const room = byId("scroller").getBoundingClientRect(), x = event.clientX - room.left, y = event.clientY - room.top;
  tip.style.left = Math.max(8, Math.min(x + 14, room.width - tip.offsetWidth - 8)) + "px";
  tip.style.top = (y + 18 + tip.offsetHeight > room.height ? Math.max(4, y - tip.offsetHeight - 12) : y + 18) + "px";
});
canvas.addEventListener("pointerleave", () => { hovered = -1; tip.hidden = true; redraw(); });
canvas.addEventListener("click", (event) => { const i = under(event); if (i >= 0) zoom(i); });
canvas.addEventListener("focus", redraw);
canvas.addEventListener("blur", redraw);
scroller.addEventListener("scroll", () => { tip.hidden = true; redraw(); });

function beside(i, way) {
  const row = rows[depth[i]];
  let at = row.indexOf(i) + way;
  while (row[at] !== undefined && !width(row[at])) at += way;
  const found = row[at];
  return found !== undefined && start[found] < view.to && start[found] + width(found) > view.from ? found : i;
}
function widestChild(i) {
  let best = i, most = 0;
  for (let c = i + 1; c < end[i]; c = end[c]) if (totals[side][c] > most) { best = c; most = totals[side][c]; }
  return best;
}
const keys = {
  ArrowDown: () => select(widestChild(selected)), ArrowUp: () => { if (selected) select(parent[selected]); },
  ArrowLeft: () => select(beside(selected, -1)), ArrowRight: () => select(beside(selected, 1)),
  Enter: () => zoom(selected), Home: () => select(0), Escape: () => zoom(focused ? parent[focused] : 0),
  n: () => step(1), N: () => step(-1),
};
canvas.addEventListener("keydown", (event) => {
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault(); keys[event.key]();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === byId("search")) return;
  event.preventDefault(); byId("search").focus();
});

function search(wanted) {
  query = wanted.trim().toLowerCase();
  hits = query ? frames.map((f) => (f[0] + " " + f[1]).toLowerCase().includes(query)) : null;
  order = [];
  const found = totals.map(() => 0);
  // What is below a match is part of it: counted once.
  if (hits) for (let i = 0; i < COUNT;) if (hits[frame[i]]) { order.push(i); totals.forEach((t, which) => { found[which] += t[i]; }); i = end[i]; } else i++;
  const functions = hits ? hits.reduce((n, hit) => n + hit, 0) : 0;
  byId("matches").textContent = !hits ? "" : !functions ? "No match" : `${functions} ${functions === 1 ? "function" : "functions"}, ` + (DIFF ? `${percent(found[0] / sums[0])} before, ${percent(found[1] / sums[1])} after` : percent(found[0] / sums[0]));
  redraw();
}
function step(way) {
  const shown = order.filter((i) => width(i) > 0);
  if (!shown.length) return;
  const at = shown.indexOf(selected);
  zoom(0); select(shown[((at < 0 ? (way > 0 ? 0 : -1) : at + way) + shown.length) % shown.length]);
}
byId("search").addEventListener("input", (event) => search(event.target.value));
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { event.target.value = ""; search(""); canvas.focus(); }
  if (event.key === "Enter") { canvas.focus(); step(1); }
});

function functions() { // per function its own share and its share in all; recursion is counted once
  const table = new Map(), open = new Map(), leaving = [];
  for (let i = 1; i < COUNT; i++) {
    while (leaving.length && end[leaving[leaving.length - 1][0]] <= i) { const [, key] = leaving.pop(); open.set(key, open.get(key) - 1); }
    const f = frames[frame[i]], key = f[0] + "\0" + f[1];
    let line = table.get(key);
    if (!line) table.set(key, line = { f, self: totals.map(() => 0), all: totals.map(() => 0) });
    totals.forEach((t, which) => { line.self[which] += own(i, which) / sums[which]; if (!open.get(key)) line.all[which] += share(i, which); });
    open.set(key, (open.get(key) || 0) + 1); leaving.push([i, key]);
  }
  const by = (line) => DIFF ? Math.abs(line.self[1] - line.self[0]) : line.self[0];
  return [...table.values()].sort((a, b) => by(b) - by(a) || b.all[0] - a.all[0]).slice(0, 200);
}
function showList() {
  const aside = byId("table"), shown = aside.hidden;
  aside.hidden = !shown; byId("list").setAttribute("aria-pressed", shown);
  if (shown && !aside.firstChild) {
    const table = document.createElement("table"), head = table.createTHead().insertRow();
    for (const title of DIFF ? ["Function", "Self before", "Self after", "Change"] : ["Function", "Self", "Total"]) head.append(text("th", title));
    const body = table.createTBody();
    for (const { f, self, all } of functions()) {
      const row = body.insertRow(), cell = row.insertCell(), link = text("button", f[0]);
      link.addEventListener("click", () => { byId("search").value = f[0]; search(f[0]); if (innerWidth <= 640) showList(); step(1); });
      cell.append(link, text("small", where(f)));
      const change = self[1] - self[0];
      for (const value of DIFF ? self : [self[0], all[0]]) row.append(text("td", percent(value)));
      if (DIFF) row.append(text("td", signed(change), change > 0 ? "grew" : change < 0 ? "shrank" : ""));
    }
    aside.append(table);
  }
  redraw();
}
function widths(which) {
  side = which;
  byId("before").setAttribute("aria-pressed", which === 0); byId("after").setAttribute("aria-pressed", which === 1);
  place();
  while (focused && !width(focused)) focused = parent[focused];
  zoom(focused);
}
function theme(name) { document.documentElement.dataset.theme = name; readColours(); redraw(); }
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
byId("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
byId("reset").addEventListener("click", () => zoom(0));
byId("list").addEventListener("click", showList);
byId("before").addEventListener("click", () => widths(0));
byId("after").addEventListener("click", () => widths(1));

byId("summary").textContent = sums.map(amount).join(" before \u00b7 ") + (DIFF ? " after" : "") + ` \u00b7 ${frames.length.toLocaleString("en")} frames`;
if (DIFF) {
  byId("widths").hidden = false;
  const key = byId("legend");
  key.append(text("i", "", "less"), "smaller share", text("i", "", "more"), "larger share");
} else byId("legend").textContent = "One hue a file \u00b7 arrows, Enter, Esc, n";
byId("space").style.height = rows.length * ROW + "px";
place();
theme(dark.matches ? "dark" : "light");
new ResizeObserver(redraw).observe(scroller);
describe(0);
