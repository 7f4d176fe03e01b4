// Colours of lines, told apart by people who see fewer colours as well (after Okabe and Ito), for light and dark pages.

const LIGHT = ["#0a6ab0", "#c2500a", "#0b8463", "#a6488a", "#9a6b00", "#3b93c4", "#5b5fc7", "#5a6472"];
const DARK = ["#5ab0ee", "#f08c4a", "#3cc39a", "#e08cc4", "#e3b341", "#9cd3f5", "#a5a8ff", "#a4b0bf"];
const DASHES = [[], [7, 4], [2, 3]];

export const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

/** The value of a CSS variable, or the colour itself. */
export const css = (name) => (name.startsWith("--")
  ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : name);

/** Numbers for names that keep them: a new series does not change the colour of the others. */
export class Slots {
  #taken = new Map();

  of(name) {
    if (!this.#taken.has(name)) this.#taken.set(name, this.#free(name));
    return this.#taken.get(name);
  }

  /** Answers that failed look the same in each panel. */
  #free(name) {
    const used = new Set(this.#taken.values());
    const wanted = /^5\d\d$/.test(name) ? 1 : /^4\d\d$/.test(name) ? 4 : -1;
    if (wanted >= 0 && !used.has(wanted)) return wanted;
    let slot = 0;
    while (used.has(slot)) slot++;
    return slot;
  }
}

export const colour = (slot) => (isDark() ? DARK : LIGHT)[slot % LIGHT.length];
export const dash = (slot) => DASHES[Math.floor(slot / LIGHT.length) % DASHES.length];

/** The colour of a heatmap's cell for a share between 0 and 1, from the page's own to a strong blue. */
export function heat(share) {
  const [from, to] = isDark() ? [[27, 46, 68], [126, 205, 255]] : [[222, 235, 248], [8, 64, 129]];
  const mixed = from.map((part, index) => Math.round(part + (to[index] - part) * share));
  return `rgb(${mixed.join(",")})`;
}
