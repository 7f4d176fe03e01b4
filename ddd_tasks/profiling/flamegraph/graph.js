// The picture. Only what is in view is drawn: a row is searched by halves for its first node, and nodes narrower than a
// pixel are stepped over together.
const byId = (id) => document.getElementById(id);
const ROW = 22, FONT = "12.5px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", calm = matchMedia("(prefers-reduced-motion: reduce)");
const canvas = byId("graph"), paper = canvas.getContext("2d"), scroller = byId("scroller");
let focused = 0, selected = 0, hovered = -1, hits = null;
let view = { from: 0, to: 1 }, moving = 0, colours = {}, isDark = false, asked = 0;

const hues = functions.map(([called, file]) => { // one hue a file, from red to yellow; the function moves it a little
  let h = 7;
  for (const c of file || called) h = (h * 31 + c.codePointAt(0)) >>> 0;
  let g = 3;
  for (const c of called) g = (g * 33 + c.codePointAt(0)) >>> 0;
  return 6 + (h % 42) + (g % 9);
});
const OWN = functions.some(([, , path]) => path);
const isOwn = (number) => !OWN || functions[number][2] !== ""; // what is in the checkout stands out, where anything is
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const key of ["ink", "bg", "frame-s", "other-s", "frame-l", "frame-ink", "faded", "faded-ink", "hit", "hit-ink", "same", "root"]) colours[key] = style.getPropertyValue("--" + key).trim();
  isDark = document.documentElement.dataset.theme === "dark";
}
function fill(i) {
  if (hits) return hits[frame[i]] ? [colours.hit, colours["hit-ink"]] : [colours.faded, colours["faded-ink"]];
  if (frame[i] < 0) return [colours.root, colours.ink];
  if (!DIFF) return [`hsl(${hues[frame[i]]} ${colours[isOwn(frame[i]) ? "frame-s" : "other-s"]} ${colours["frame-l"]})`, colours["frame-ink"]];
  const change = grown(i), strength = Math.sqrt(Math.abs(change) / most);
  if (Math.abs(change) < 0.0005) return [colours.same, colours.ink];
  const light = isDark ? 24 + 18 * strength : 90 - 26 * strength;
  return [`hsl(${change > 0 ? 2 : 214} ${30 + 48 * strength}% ${light}%)`, isDark ? "#fff" : "#1c1410"];
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
  paper.font = FONT;
  paper.textBaseline = "middle";
  const scale = wide / (view.to - view.from), top = scroller.scrollTop;
  for (let level = Math.floor(top / ROW); level < rows.length && level * ROW - top < high; level++) drawRow(rows[level], level * ROW - top, scale, wide);
  if (hovered >= 0) outline(hovered, 1, scale, wide, top);
  if (document.activeElement === canvas) outline(selected, 2, scale, wide, top);
}
function drawRow(row, y, scale, wide) {
  let last = -1;
  for (let at = firstIn(row, view.from); at < row.length;) {
    const i = row[at], left = (start[i] - view.from) * scale, w = width(i) * scale;
    if (left >= wide) break;
    const [paint, ink] = fill(i);
    paper.fillStyle = paint;
    if (w < 1) { // too narrow for its own pixel: one line for all that share it
      paper.globalAlpha = 0.7;
      last = Math.max(last + 1, Math.floor(left));
      paper.fillRect(last, y, 1, ROW - 1);
      paper.globalAlpha = 1;
      at = Math.max(at + 1, firstIn(row, view.from + (last + 1) / scale, at));
      continue;
    }
    const from = Math.max(0, left), seen = Math.min(wide, left + w) - from;
    paper.beginPath();
    paper.roundRect(from, y, Math.max(0.6, seen - 1), ROW - 1, Math.min(3, seen / 3));
    paper.fill();
    if (depth[i] < depth[focused]) { paper.fillStyle = colours.bg; paper.globalAlpha = 0.3; paper.fill(); paper.globalAlpha = 1; }
    if (seen > 26) { paper.fillStyle = ink; paper.fillText(fitted(name(i), seen - 12), from + 6, y + ROW / 2); }
    at++;
  }
}
function outline(i, line, scale, wide, top) { // also of one too narrow to be seen
  const left = Math.max(0, (start[i] - view.from) * scale), right = Math.min(wide, (start[i] + width(i) - view.from) * scale);
  if (right < 0 || left > wide) return;
  paper.strokeStyle = colours.ink; paper.lineWidth = line;
  paper.strokeRect(left + line / 2, depth[i] * ROW - top + line / 2, Math.max(3, right - left - 1) - line, ROW - 1 - line);
}
function fitted(words, room) { // a name that is too long loses its package first, then its type, then its end
  if (words.length > 400) words = words.slice(0, 400);
  const tail = words.slice(words.lastIndexOf(".") + 1), forms = [words, words.slice(words.lastIndexOf("/") + 1), /^[\p{L}\p{N}_$]+$/u.test(tail) ? tail : words];
  const fits = forms.find((form) => form && paper.measureText(form).width <= room);
  if (fits) return fits;
  const last = forms[2];
  let low = 0, high = last.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (paper.measureText(last.slice(0, middle) + "\u2026").width <= room) low = middle; else high = middle - 1;
  }
  return low > 1 ? last.slice(0, low) + "\u2026" : "";
}
function redraw() { if (!asked) asked = requestAnimationFrame(draw); }

function zoom(i) {
  while (i && !width(i)) i = parent[i];
  focused = selected = i;
  byId("reset").disabled = i === 0;
  const from = { ...view }, to = { from: start[i], to: start[i] + width(i) }, began = performance.now();
  cancelAnimationFrame(moving);
  const step = (now) => {
    const t = calm.matches ? 1 : Math.min(1, Math.max(0, now - began) / 180), ease = 1 - (1 - t) ** 3;
    view = t === 1 ? to : { from: from.from + (to.from - from.from) * ease, to: from.to + (to.to - from.to) * ease };
    draw();
    if (t < 1) moving = requestAnimationFrame(step);
  };
  step(began);
  select(i);
}
function select(i) {
  selected = i;
  const y = depth[i] * ROW;
  if (y < scroller.scrollTop) scroller.scrollTop = y;
  else if (y + ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + ROW - scroller.clientHeight;
  describe(i); redraw();
}
