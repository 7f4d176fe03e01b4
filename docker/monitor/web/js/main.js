// The page: a service's dashboard, asked for every few seconds and drawn.

import * as api from "./api.js";
import { Banners } from "./banners.js";
import { secondsOf, variables } from "./board.js";
import { byId, fill, make } from "./dom.js";
import { shortcuts } from "./keys.js";
import { Rows } from "./rows.js";
import { theme } from "./theme.js";

const RANGES = { "5m": 300, "15m": 900, "1h": 3600, "6h": 21600 };
const POINTS = 240;
const CELLS = 60;
const AT_ONCE = 6;
const BOARD_ROUNDS = 6; // in which the dashboard may have been made anew
const ALL = "";

const chosen = { service: "", instance: ALL, range: "15m", ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) };
if (!(chosen.range in RANGES)) chosen.range = "15m";
const banners = new Banners(byId("banners"));
const page = { index: null, text: "", board: null, rows: null, rounds: 0, isPaused: false, timer: 0, running: null, targets: [] };

/** Read the list of dashboards and the chosen one; true where something is there to draw. Raises AbortError. */
async function load(signal) {
  const said = await api.boardFile("index.json", signal);
  page.index = said ? JSON.parse(said) : { project: "", scrape_seconds: 5, boards: [] };
  const { boards, project } = page.index;
  byId("project").textContent = project || "Monitor";
  if (!boards.some((one) => one.service === chosen.service)) chosen.service = boards[0]?.service ?? "";
  document.title = [chosen.service, project, "Monitor"].filter(Boolean).join(" · ");
  fill(byId("service"), boards.map(({ service }) => [service, service]), chosen.service);
  const file = boards.find((one) => one.service === chosen.service)?.file;
  const text = file ? await api.boardFile(file, signal) : null;
  if (text === null) return nothing(file);
  if (text !== page.text) open(text);
  return true;
}

function nothing(file) {
  page.rows?.destroy();
  Object.assign(page, { rows: null, text: "" });
  const what = file ? `The dashboard ${file} is not there.` : "No service has a dashboard yet.";
  byId("rows").replaceChildren(make("div", { className: "nothing" }, make("h2", {}, what),
    make("p", {}, "Start the services, then have them looked at: ", make("code", {}, "ddd dev.up"), " and ", make("code", {}, "ddd monitor.up"), ".")));
  count();
  return false;
}

function open(text) {
  page.rows?.destroy();
  page.text = text;
  page.board = JSON.parse(text);
  page.rounds = 0;
  page.rows = new Rows(byId("rows"), page.board, () => again());
  count();
}

/** Ask for everything that is open, once. */
async function round(signal) {
  if (!page.rows || page.rounds % BOARD_ROUNDS === BOARD_ROUNDS - 1) {
    if (!await load(signal)) return;
  }
  const [alerts, targets] = await Promise.all([api.alerts(signal), api.targets(signal)]);
  page.targets = targets;
  banners.show({ alerts, targets, reasons: page.index.reasons });
  instances();
  const waiting = [...page.rows.asked];
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let panel = waiting.shift(); panel; panel = waiting.shift()) await panel.ask(view(panel), signal);
  });
  await Promise.all(workers);
  page.rounds++;
  count();
}

/** What a panel is to ask for: the cells of a heatmap are wider than the steps of a line, and some want a least step. */
function view(panel) {
  const scrape = page.index.scrape_seconds ?? 5;
  const seconds = RANGES[chosen.range];
  const points = panel.spec.type === "heatmap" ? CELLS : POINTS;
  const least = Math.max(secondsOf(panel.spec.interval), seconds / points);
  const step = Math.max(scrape, Math.ceil(least / scrape) * scrape);
  const time = api.now();
  const end = Math.floor(time / step) * step;
  const own = page.targets.filter((one) => one.labels.job === chosen.service);
  return {
    span: { start: end - seconds, end, step }, time, service: chosen.service, isUp: own.some((one) => one.health === "up"),
    variables: variables(page.board, { service: chosen.service, instance: chosen.instance, step, scrape, seconds }),
  };
}

function instances() {
  const own = page.targets.filter((one) => one.labels.job === chosen.service).map((one) => one.labels.instance).sort();
  fill(byId("instance"), [[ALL, own.length === 1 ? "All (1)" : `All (${own.length})`], ...own.map((one) => [one, one])], chosen.instance);
  if (byId("instance").value !== chosen.instance) choose("instance", ALL);
}

function count() {
  const asked = page.rows?.asked ?? [];
  const having = (state) => asked.filter((panel) => panel.state === state).length;
  const [data, idle, broken, closed] = [having("data"), having("idle"), having("broken"), page.rows?.closed ?? 0];
  Object.assign(document.body.dataset, { panels: asked.length, withData: data, idle, broken, closed, rounds: page.rounds });
  const parts = [`${data} of ${asked.length} panels have data`, idle && `${idle} idle`, broken && `${broken} broken`];
  tell(parts.filter(Boolean).join(" · "), page.isPaused ? "paused" : broken ? "broken" : "live");
}

function tell(text, state) {
  const place = byId("status-text");
  const said = state === "paused" ? `paused · ${text}` : text;
  if (place.textContent !== said) place.textContent = said; // or a screen reader would read it in each round
  byId("status").dataset.state = state;
}

/** Begin a round now, and those after it; one that is on its way is given up. */
function again() {
  clearTimeout(page.timer);
  page.running?.abort();
  const running = new AbortController();
  page.running = running;
  const began = Date.now();
  round(running.signal).catch((error) => {
    if (error.name === "AbortError") return;
    if (error instanceof api.Silent) banners.show({ silent: error.message });
    else console.error(error);
    tell(error instanceof api.Silent ? "no connection" : `error: ${error.message}`, "broken");
  }).finally(() => {
    if (page.running !== running || page.isPaused || document.hidden) return;
    const pause = (page.index?.scrape_seconds ?? 5) * 1000;
    page.timer = setTimeout(again, Math.max(500, began + pause - Date.now()));
  });
}

function choose(name, value) {
  if (chosen[name] === value) return;
  chosen[name] = value;
  if (name === "service") Object.assign(chosen, { instance: ALL });
  history.replaceState(null, "", `#${new URLSearchParams(Object.entries(chosen).filter(([, one]) => one))}`);
  for (const input of byId("ranges").querySelectorAll("input")) input.checked = input.value === chosen.range;
  if (name === "service") { page.rows?.destroy(); Object.assign(page, { rows: null, text: "" }); }
  if (name !== "instance" || page.rows) again();
}

function pause(isPaused = !page.isPaused) {
  page.isPaused = isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  byId("pause").textContent = isPaused ? "Resume" : "Pause";
  count();
  if (isPaused) { clearTimeout(page.timer); page.running?.abort(); } else again();
}

/** Move the focus to the next panel, or with -1 to the one before. */
function step(by) {
  const all = page.rows?.panels ?? [];
  if (!all.length) return;
  const at = all.findIndex((panel) => panel.element.contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  next.element.focus({ preventScroll: true });
  next.element.scrollIntoView({ block: "nearest" });
}

function details() {
  page.rows?.panels.find((panel) => panel.element.contains(document.activeElement))?.toggleDetails();
}

function toggleRows() {
  const closed = (page.rows?.rows ?? []).filter((row) => row.title && !row.isOpen);
  for (const row of closed.length ? closed : page.rows?.rows.filter((row) => row.title) ?? []) row.toggle();
}

function start() {
  byId("ranges").append(...Object.keys(RANGES).map((name) =>
    make("label", {}, make("input", { type: "radio", name: "range", value: name, checked: name === chosen.range }), make("span", {}, name))));
  byId("ranges").addEventListener("change", (event) => choose("range", event.target.value));
  byId("service").addEventListener("change", (event) => choose("service", event.target.value));
  byId("instance").addEventListener("change", (event) => choose("instance", event.target.value));
  byId("pause").addEventListener("click", () => pause());
  theme(byId("theme"), () => page.rows?.redraw());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !page.isPaused) again(); });
  shortcuts([
    [["j", "k"], "next and previous panel", (key) => step(key === "j" ? 1 : -1)],
    [["d"], "description and PromQL of the panel", details],
    [["1", "2", "3", "4"], "5 minutes, 15 minutes, 1 hour, 6 hours", (key) => choose("range", Object.keys(RANGES)[key - 1])],
    [["s"], "choose the service", () => byId("service").focus()],
    [["i"], "choose the instance", () => byId("instance").focus()],
    [["o"], "open all rows, or close them", toggleRows],
    [["p"], "pause and resume", () => pause()],
    [["t"], "light, dark or as the system", () => byId("theme").click()],
  ]);
  again();
}

start();
