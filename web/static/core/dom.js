// Creates DOM elements.

const TRANSLATED = ["i18n", "i18nLabel", "i18nTitle"]; // see I18n.applyTranslations

// make("button", {class: "add", i18n: "classroom.add", onclick: handler}, child, "text"): an element with attributes,
// event handlers (on...), message keys and children. Attributes and children that are null or undefined are left out.
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (TRANSLATED.includes(name)) node.dataset[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// Changes the text of an element, if it is another one: the browser lays out every element again that is written to.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Calls a listener for each of several events.
export function listen(target, names, listener, options) {
  for (const name of names) target.addEventListener(name, listener, options);
}

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Below this width a panel is under the canvas, not beside it. page.css has the same number.
export const narrowScreen = () => matchMedia("(max-width: 62.49rem)").matches;
