// The buttons under the canvas: brush, eraser, hide, undo, redo, clear.
import { make } from "../core/dom.js";

// Actions on the drawing. On a small screen, those with a sign show only that.
const ACTIONS = { undo: "↶", redo: "↷", clear: null };

export function startToolbar(store, root, view) {
  const toolbar = root.querySelector(".tools");
  const select = (tool) => {
    view.tool = tool;
    for (const button of toolbar.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", button.dataset.tool === tool);
    }
  };
  for (const tool of ["brush", "eraser", "hide"]) {
    const i18nTitle = tool === "hide" ? "canvas.hide_hint" : null;
    const attributes = { type: "button", "data-tool": tool, i18n: `canvas.${tool}`, i18nTitle };
    toolbar.append(make("button", { ...attributes, onclick: () => select(tool) }));
  }
  for (const [action, sign] of Object.entries(ACTIONS)) {
    const onclick = () => store.drawing[action]();
    toolbar.append(make("button", { type: "button", "data-action": action, i18nLabel: `canvas.${action}`, onclick },
      sign && make("span", { class: "sign" }, sign), make("span", { class: sign ? "word" : "", i18n: `canvas.${action}` })));
  }
  const [undo, redo] = ["undo", "redo"].map((action) => toolbar.querySelector(`[data-action=${action}]`));
  const update = () => {
    undo.disabled = !store.drawing.history.length;
    redo.disabled = !store.drawing.future.length;
  };
  store.drawing.addEventListener("changed", update);
  update();
  select(view.tool);
}
