// The cut line: rows above it are known to the model. It is dragged by its grip or moved by arrow keys.
import { ARROWS } from "./keyboard-cursor.js";
import { pointerPosition } from "./pointer.js";

// Returns a function that shows the line where it is.
export function startCutLine(store, root, view) {
  const { height, i18n, drawing } = store;
  const line = root.querySelector(".cut");
  let pointer = null; // the pointer that drags the line
  let before = null; // the state of the drawing before the line moved

  function moveTo(row) {
    const { cut } = drawing;
    drawing.moveCut(row);
    if (drawing.cut === cut) return;
    if (before) drawing.remember({ ...before, cut });
    before = null; // one drag is one step of the undo history
    drawing.changed();
  }

  line.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || pointer !== null) return;
    pointer = event.pointerId;
    before = drawing.state();
    line.setPointerCapture(pointer);
  });
  line.addEventListener("pointermove", (event) => {
    if (event.pointerId === pointer) moveTo(pointerPosition(view.canvas, event)[1]);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    line.addEventListener(name, (event) => {
      if (event.pointerId === pointer) pointer = before = null;
    });
  }
  line.addEventListener("keydown", (event) => {
    const move = ARROWS[event.key];
    if (!move) return;
    before = drawing.state();
    moveTo(drawing.cut + (move[0] || move[1]));
    event.stopPropagation();
    event.preventDefault();
  });

  line.setAttribute("aria-valuemin", 0);
  line.setAttribute("aria-valuemax", height);
  return () => {
    line.style.top = `${(100 * drawing.cut) / height}%`;
    line.dataset.end = drawing.cut === 0 ? "top" : drawing.cut === height ? "bottom" : "";
    line.setAttribute("aria-valuenow", drawing.cut);
    line.setAttribute("aria-valuetext", i18n.t("canvas.cut_at", { row: drawing.cut }));
  };
}
