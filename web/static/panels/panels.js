// The panels: a row of tabs, and below or beside it the panel that is open.
import { make, narrowScreen, reducedMotion } from "../core/dom.js";

// starters: {name: start}. start(store, box) fills a panel when it is first opened. It may return {shown, hidden}, which
// are called when the panel opens and closes.
export function startPanels(store, root, starters) {
  const tabs = root.querySelector(".panel-tabs"), container = root.querySelector(".panels");
  const boxes = {}, handlers = {};
  let opened = null; // the name of the open panel

  for (const name of Object.keys(starters)) {
    const id = `panel-${name}`;
    boxes[name] = make("section", { class: `panel ${id}`, id, hidden: true, i18nLabel: name, tabindex: "-1" });
    const toggle = (event) => {
      if (opened === name) return close();
      open(name);
      const byKeyboard = event.detail === 0 && event.isTrusted;
      if (byKeyboard) boxes[name].focus({ preventScroll: true }); // so that Tab continues inside
    };
    const attributes = { type: "button", "data-panel": name, i18n: name, "aria-expanded": "false", "aria-controls": id };
    tabs.append(make("button", { ...attributes, onclick: toggle }));
    container.append(boxes[name]);
  }

  // scroll: whether the panel is scrolled into view.
  function open(name, { scroll = true } = {}) {
    if (!boxes[name] || opened === name) return;
    close();
    opened = name;
    if (!(name in handlers)) {
      boxes[name].append(make("h2", { i18n: name }));
      handlers[name] = starters[name](store, boxes[name]) || {};
      store.i18n.applyTranslations(boxes[name]);
    }
    setVisible(name, true);
    handlers[name].shown?.();
    if (scroll) scrollIntoView();
  }

  // Scrolls as little as possible; if the panel is below everything else, to the tabs above it.
  function scrollIntoView() {
    const [node, block] = narrowScreen() ? [tabs, "start"] : [boxes[opened], "nearest"];
    node.scrollIntoView({ block, behavior: reducedMotion() ? "auto" : "smooth" });
  }

  function close() {
    if (!opened) return;
    setVisible(opened, false);
    handlers[opened].hidden?.();
    opened = null;
  }

  function setVisible(name, visible) {
    boxes[name].hidden = !visible;
    root.classList.toggle("with-panel", visible);
    tabs.querySelector(`[data-panel=${name}]`).setAttribute("aria-expanded", visible);
  }

  return { open, close, get opened() { return opened; } };
}
