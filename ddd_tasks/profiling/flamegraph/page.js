// What a person does with it: pointer, keys, search, the list of functions, light and dark.
const tip = byId("tip"), details = byId("details"), box = byId("search"), aside = byId("table");
let order = [], sorting = DIFF ? 3 : 1;

function text(tag, content, kind) {
  const made = document.createElement(tag);
  made.textContent = content;
  if (kind) made.className = kind;
  return made;
}
function describe(i) {
  const more = [facts(i), where(frame[i]), lines(frame[i])].filter(Boolean);
  details.replaceChildren(text("b", name(i)), " ", text("span", more.join(" \u00b7 ")));
}
function under(event) {
  const place = canvas.getBoundingClientRect(), level = Math.floor((event.clientY - place.top + scroller.scrollTop) / ROW);
  const x = view.from + (event.clientX - place.left) / place.width * (view.to - view.from), row = rows[level];
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
  tip.replaceChildren(text("b", name(i)), text("span", where(frame[i])), text("div", facts(i)), text("span", lines(frame[i])));
  const room = scroller.getBoundingClientRect(), x = event.clientX - room.left, y = event.clientY - room.top;
  tip.style.left = Math.max(8, Math.min(x + 14, room.width - tip.offsetWidth - 8)) + "px";
  tip.style.top = (y + 18 + tip.offsetHeight > room.height ? Math.max(4, y - tip.offsetHeight - 12) : y + 18) + "px";
});
function leave() { hovered = -1; tip.hidden = true; redraw(); }
canvas.addEventListener("pointerleave", leave);
canvas.addEventListener("click", (event) => { const i = under(event); if (i >= 0) zoom(i); });
canvas.addEventListener("focus", redraw);
canvas.addEventListener("blur", redraw);
scroller.addEventListener("scroll", leave);

function beside(i, way) {
  const row = rows[depth[i]];
  let at = row.indexOf(i) + way;
  while (row[at] !== undefined && !width(row[at])) at += way;
  const found = row[at];
  return found !== undefined && start[found] < view.to && start[found] + width(found) > view.from ? found : i;
}
const keys = {
  ArrowDown: () => select(widestChild(selected)), ArrowUp: () => { if (selected) select(parent[selected]); },
  ArrowLeft: () => select(beside(selected, -1)), ArrowRight: () => select(beside(selected, 1)),
  Enter: () => zoom(selected), Home: () => zoom(0), Escape: () => zoom(focused ? parent[focused] : 0),
  n: () => step(1), N: () => step(-1),
};
canvas.addEventListener("keydown", (event) => {
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault(); tip.hidden = true; keys[event.key]();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== box) { event.preventDefault(); box.focus(); }
  if (event.key === "Escape" && aside.contains(event.target)) { showList(); byId("list").focus(); }
});

function search(wanted, only = -1) { // only: this function, and none that is called alike
  const query = wanted.trim().toLowerCase();
  hits = query ? functions.map(([called, file, path], number) => only < 0 ? `${called} ${path || file}`.toLowerCase().includes(query) : number === only) : null;
  order = [];
  const found = totals.map(() => 0);
  // What is below a match is part of it: counted once.
  if (hits) for (let i = 0; i < COUNT;) if (hits[frame[i]]) { order.push(i); totals.forEach((t, which) => { found[which] += t[i] / sums[which]; }); i = end[i]; } else i++;
  const count = hits ? hits.filter(Boolean).length : 0;
  byId("matches").textContent = !hits ? "" : !count ? "No match" : `${count} ${count === 1 ? "function" : "functions"}, ` + (DIFF ? `${percent(found[0])} before, ${percent(found[1])} after` : percent(found[0]));
  redraw();
}
function step(way) { // to the next match; into one that is too narrow to be seen
  const shown = order.filter((i) => width(i) > 0);
  if (!shown.length) return;
  const at = shown.indexOf(selected), next = shown[((at < 0 ? (way > 0 ? 0 : -1) : at + way) + shown.length) % shown.length];
  zoom(width(next) * scroller.clientWidth < 30 ? next : 0);
  select(next);
}
box.addEventListener("input", () => search(box.value));
box.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { event.preventDefault(); box.value = ""; search(""); canvas.focus(); }
  if (event.key === "Enter") { canvas.focus(); step(1); }
});

const columns = DIFF
  ? [["Function", null], ["Self before", (line) => line.self[0]], ["Self after", (line) => line.self[1]], ["Change", (line) => line.self[1] - line.self[0]]]
  : [["Function", null], ["Self", (line) => line.self[0]], ["Total", (line) => line.all[0]]];
const LONGEST = 200, WIDE = 1100;
let table = null;
function showList() {
  const opens = aside.hidden;
  aside.hidden = !opens; byId("list").setAttribute("aria-expanded", opens);
  if (opens && !table) { table = perFunction().map((line, number) => ({ ...line, number })); list(); }
  redraw();
}
function list() {
  const [, value] = columns[sorting], called = (line) => functions[line.number][0];
  const sorted = [...table].sort((a, b) => (value ? Math.abs(value(b)) - Math.abs(value(a)) : 0) || called(a).localeCompare(called(b)));
  const made = document.createElement("table"), head = made.createTHead().insertRow(), body = made.createTBody();
  columns.forEach(([title], at) => {
    const cell = text("th", ""), button = text("button", title);
    cell.scope = "col";
    if (at === sorting) cell.setAttribute("aria-sort", at ? "descending" : "ascending");
    button.addEventListener("click", () => { sorting = at; list(); aside.querySelectorAll("th button")[at].focus(); });
    cell.append(button); head.append(cell);
  });
  for (const line of sorted.slice(0, LONGEST)) body.append(listed(line));
  aside.replaceChildren(made);
  if (sorted.length > LONGEST) aside.append(text("p", `The first ${LONGEST} of ${sorted.length}.`));
}
function listed(line) {
  const row = document.createElement("tr"), cell = row.insertCell(), link = text("button", functions[line.number][0] || "(no name)");
  link.addEventListener("click", () => {
    box.value = functions[line.number][0]; search(box.value || "(", line.number);
    if (matchMedia(NARROW).matches) showList();
    step(1);
  });
  const full = where(line.number), short = full.length > (DIFF ? 26 : 44) ? "\u2026/" + full.split("/").slice(-2).join("/") : full;
  cell.append(link, Object.assign(text("small", short), { title: full }));
  columns.slice(1).forEach(([title, value]) => {
    const number = value(line), isChange = title === "Change";
    row.append(text("td", isChange ? signed(number) : percent(number), !isChange || !number ? "" : number > 0 ? "grew" : "shrank"));
  });
  return row;
}

function widths(which) {
  side = which;
  byId("before").setAttribute("aria-pressed", which === 0); byId("after").setAttribute("aria-pressed", which === 1);
  place();
  zoom(focused);
}
const dark = matchMedia("(prefers-color-scheme: dark)");
function theme(called) { document.documentElement.dataset.theme = called; readColours(); redraw(); }
dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
byId("theme").addEventListener("click", () => theme(isDark ? "light" : "dark"));
byId("reset").addEventListener("click", () => { zoom(0); canvas.focus(); });
byId("list").addEventListener("click", showList);
byId("before").addEventListener("click", () => widths(0));
byId("after").addEventListener("click", () => widths(1));

byId("summary").textContent = sums.map(amount).join(" before \u00b7 ") + (DIFF ? " after" : "") + ` \u00b7 ${functions.length.toLocaleString("en")} functions`;
byId("widths").hidden = !DIFF;
if (DIFF) byId("legend").append(text("i", "", "less"), "smaller share", text("i", "", "more"), "larger share");
else if (OWN) byId("legend").append(text("i", "", "own"), "your code", text("i", "", "other"), "other code");
byId("space").style.height = rows.length * ROW + "px";
place();
theme(dark.matches ? "dark" : "light");
new ResizeObserver(redraw).observe(scroller);
describe(0);
if (innerWidth >= WIDE) showList();
