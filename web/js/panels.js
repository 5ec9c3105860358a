// What opens when it is asked for: a row of names under the player, and below or beside it the panel of one of them.
import { make } from "./dom.js";

// parts: {name: start}, where start(desk, box) fills a panel when it is first opened and may return {shown, hidden}.
export function startPanels(desk, root, parts) {
  const row = root.querySelector(".names"), place = root.querySelector(".panels");
  const boxes = {}, lives = {};
  let opened = null;

  for (const name of Object.keys(parts)) {
    boxes[name] = make("section", { class: `panel panel-${name}`, id: `panel-${name}`, hidden: true, label: name, tabindex: "-1" });
    const toggle = (event) => {
      if (opened === name) return close();
      open(name);
      if (event.detail === 0 && event.isTrusted) boxes[name].focus({ preventScroll: true }); // by keyboard: Tab goes on inside
    };
    const facts = { type: "button", "data-panel": name, say: name, "aria-expanded": "false", "aria-controls": `panel-${name}` };
    row.append(make("button", { ...facts, onclick: toggle }));
    place.append(boxes[name]);
  }

  function open(name) {
    if (!boxes[name] || opened === name) return;
    close();
    opened = name;
    if (!(name in lives)) {
      boxes[name].append(make("h2", { say: name }));
      lives[name] = parts[name](desk, boxes[name]) || {};
      desk.words.dress(boxes[name]);
    }
    show(name, true);
    lives[name].shown?.();
    reveal();
  }

  // It comes into view: with the names above it where it lies below everything else, by as little as need be elsewhere.
  function reveal() {
    const below = matchMedia("(max-width: 999px)").matches, calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const [node, block] = below ? [row, "start"] : [boxes[opened], "nearest"];
    node.scrollIntoView({ block, behavior: calm ? "auto" : "smooth" });
  }

  function close() {
    if (!opened) return;
    show(opened, false);
    lives[opened].hidden?.();
    opened = null;
  }

  function show(name, shown) {
    boxes[name].hidden = !shown;
    root.classList.toggle("with-panel", shown);
    row.querySelector(`[data-panel=${name}]`).setAttribute("aria-expanded", shown);
  }

  return { open, close, get opened() { return opened; } };
}
