// Shortcuts of one key. They can be switched off: who dictates would press them by mistake.

import { byId, make } from "./dom.js";

const KEY = "ddd-monitor-keys";

/** actions: [[keys, what they do in words, function of the key]]. */
export function shortcuts(actions) {
  const help = byId("help");
  const isOn = byId("help-on");
  try { isOn.checked = localStorage.getItem(KEY) !== "off"; } catch { /* they are on */ }
  isOn.addEventListener("change", () => {
    try { localStorage.setItem(KEY, isOn.checked ? "on" : "off"); } catch { /* until the page is left */ }
  });
  const all = [...actions, [["?"], "this help", () => help.showModal()]];
  byId("help-keys").replaceChildren(...all.flatMap(([keys, words]) =>
    [make("dt", {}, ...keys.map((key) => make("kbd", {}, key === " " ? "Space" : key))), make("dd", {}, words)]));
  byId("help-open").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || !isOn.checked) return;
    if (event.target.closest?.("select, input, textarea")) return;
    const found = all.find(([keys]) => keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found[2](event.key);
  });
}
