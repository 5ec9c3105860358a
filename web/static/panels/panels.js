// The panels: a bar of tabs in groups, and below or beside it the panel that is open.
import { make, narrowScreen, reducedMotion } from "../core/dom.js";

// groups: {group: {name: start}}, with the text `group.<group>`; without: names that are left out. start(store, box) fills a panel when it is first opened. It may return {shown, hidden}, which
// are called when the panel opens and closes.
export function startPanels(store, root, groups, without) {
  const tabs = root.querySelector(".panel-tabs"), container = root.querySelector(".panels");
  const boxes = {}, handlers = {};
  let opened = null; // the name of the open panel

  const starters = Object.assign({}, ...Object.values(groups));
  for (const [group, members] of Object.entries(groups)) {
    const key = `group.${group}`, names = Object.keys(members).filter((name) => !without.includes(name));
    tabs.append(make("div", { class: "panel-group", role: "group", i18nLabel: key },
      make("span", { class: "group-name", i18n: key, "aria-hidden": "true" }), names.map(addPanel)));
  }

  // Adds a closed panel. Returns its tab.
  function addPanel(name) {
    const id = `panel-${name}`;
    boxes[name] = make("section", { class: `panel ${id}`, id, hidden: true, i18nLabel: name, tabindex: "-1" });
    const toggle = (event) => {
      if (opened === name) return close();
      open(name);
      const byKeyboard = event.detail === 0 && event.isTrusted;
      if (byKeyboard) boxes[name].focus({ preventScroll: true }); // so that Tab continues inside
    };
    const attributes = { type: "button", "data-panel": name, i18n: name, "aria-expanded": "false", "aria-controls": id };
    container.append(boxes[name]);
    return make("button", { ...attributes, onclick: toggle });
  }

  // scroll: whether the panel is scrolled into view.
  function open(name, { scroll = true } = {}) {
    if (!boxes[name] || opened === name) return;
    close();
    opened = name;
    if (!(name in handlers)) {
      const leave = make("button", { type: "button", class: "close-panel", i18nLabel: "close", onclick: close }, "×");
      boxes[name].append(make("h2", { i18n: name }), leave);
      handlers[name] = starters[name](store, boxes[name]) || {};
      store.i18n.applyTranslations(boxes[name]);
    }
    setVisible(name, true);
    handlers[name].shown?.();
    if (scroll) scrollIntoView();
  }

  // Scrolls to the beginning of the panel, unless it is beside the canvas and in view.
  function scrollIntoView() {
    const { top } = boxes[opened].getBoundingClientRect();
    if (!narrowScreen() && top >= 0 && top < innerHeight / 2) return;
    boxes[opened].scrollIntoView({ block: "start", behavior: reducedMotion() ? "auto" : "smooth" });
  }

  function close() {
    if (!opened) return;
    const tab = tabs.querySelector(`[data-panel=${opened}]`);
    if (boxes[opened].contains(document.activeElement)) tab.focus({ preventScroll: true });
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
