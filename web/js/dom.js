// Elements, in short.

// make("button", {class: "go", say: "complete", onclick: f}, child, "text"): an element; `say` and `label` name words that
// become its text and its accessible name, in whichever language is spoken.
export function make(tag, facts = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (["say", "label", "hint"].includes(name)) node.dataset[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// A sentence with {name}s filled in.
export const filled = (text, values) => text.replace(/{(\w+)}/g, (whole, name) => (name in values ? values[name] : whole));

// Bytes from hex, `digits` hex digits a number.
export function numbers(hex, digits) {
  const count = Math.floor(hex.length / digits);
  return Uint16Array.from({ length: count }, (_, place) => parseInt(hex.slice(place * digits, (place + 1) * digits), 16));
}

export const hexOf = (bytes) => Array.from(bytes, (value) => value.toString(16).padStart(2, "0")).join("");
