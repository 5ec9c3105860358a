// The cut line: rows above it are known to the model. It is dragged by its grip or moved by arrow keys.
import { ARROWS } from "./keyboard-cursor.js";
import { followPointer, pointerPosition } from "./pointer.js";

// Returns a function that shows the line where it is.
export function startCutLine(store, root, view) {
  const { height, i18n, drawing } = store;
  const line = root.querySelector(".cut");
  let version = null; // of the drawing while the line is dragged; any other change of the drawing ends the drag
  let shown = ""; // the row and the language
  let moved = false; // whether this drag has moved the line

  // remember: whether this is a new step of the undo history.
  function moveTo(row, remember) {
    const before = drawing.state();
    drawing.moveCut(row);
    if (drawing.cut === before.cut) return;
    if (remember) drawing.remember(before);
    drawing.changed();
  }

  followPointer(line, {
    start() {
      version = drawing.version;
      moved = false;
    },
    move(event) {
      if (version !== drawing.version) return;
      moveTo(pointerPosition(view.canvas, event)[1], !moved); // one drag is one step
      moved ||= version !== drawing.version;
      version = drawing.version;
    },
    end() {},
    cancel() {
      if (moved && version === drawing.version) drawing.rollBack();
    },
  });
  line.addEventListener("keydown", (event) => {
    const move = ARROWS[event.key];
    if (!move) return;
    moveTo(drawing.cut + (move[0] || move[1]), true);
    event.stopPropagation();
    event.preventDefault();
  });

  line.setAttribute("aria-valuemin", 0);
  line.setAttribute("aria-valuemax", height);
  return () => {
    // A completion without known pixels, such as that of an untouched canvas, has the line above it.
    const row = !store.completion || store.completion.known.includes(1) ? drawing.cut : 0;
    const state = `${row} ${i18n.language}`;
    if (state === shown) return; // this runs while pictures grow, too
    shown = state;
    line.style.top = `${(100 * row) / height}%`;
    line.dataset.end = row === 0 ? "top" : row === height ? "bottom" : "";
    line.setAttribute("aria-valuenow", row);
    line.setAttribute("aria-valuetext", i18n.t("canvas.cut_at", { row }));
  };
}
