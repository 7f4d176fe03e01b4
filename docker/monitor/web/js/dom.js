// Elements made from text only: what a service says never becomes HTML.

export const byId = (id) => document.getElementById(id);

/** An element. given: properties, or attributes where the name has a dash; children: elements and texts. */
export function make(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Give a list of choices to a <select>, and keep the chosen one where it is still there. */
export function fill(select, choices, chosen) {
  const known = [...select.options].map((one) => one.value + "\n" + one.text).join("\n\n");
  const wanted = choices.map(([value, text]) => value + "\n" + text).join("\n\n");
  if (known !== wanted) select.replaceChildren(...choices.map(([value, text]) => make("option", { value }, text)));
  select.value = choices.some(([value]) => value === chosen) ? chosen : (choices[0]?.[0] ?? "");
}

/** Text with `code` in it, as nodes. */
export function marked(text) {
  return String(text).split(/(`[^`]+`)/).filter(Boolean)
    .map((part) => (/^`.+`$/.test(part) ? make("code", {}, part.slice(1, -1)) : part));
}

let last = 0;
export const uniqueId = (what) => `${what}-${++last}`;
