// The buttons under the canvas: brush, eraser, hide, undo, clear.
import { make } from "../core/dom.js";

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
  for (const action of ["undo", "clear"]) {
    const onclick = () => store.drawing[action]();
    toolbar.append(make("button", { type: "button", "data-action": action, i18n: `canvas.${action}`, onclick }));
  }
  const undo = toolbar.querySelector("[data-action=undo]");
  const update = () => {
    undo.disabled = !store.drawing.history.length;
  };
  store.drawing.addEventListener("changed", update);
  update();
  select(view.tool);
}
