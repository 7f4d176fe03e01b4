// Light, dark, or what the system says.

const KEY = "ddd-monitor-theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };

const chosen = () => document.documentElement.dataset.theme ?? "auto";

/** Make a button the switch; changed is called when the colours are others. */
export function theme(button, changed) {
  const tell = () => {
    const name = chosen();
    button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[name];
    button.setAttribute("aria-label", `Colours: ${name}. Change to ${NEXT[name]}.`);
  };
  button.addEventListener("click", () => {
    const name = NEXT[chosen()];
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    try { localStorage.setItem(KEY, name); } catch { /* it holds until the page is left */ }
    tell();
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  tell();
}
