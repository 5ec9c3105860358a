// Drawing by keyboard: arrow keys move a cursor, the space bar applies the tool, Enter selects a pixel of a completion.
const START = [6, 9]; // row, column
export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function startKeyboardCursor(store, root, view) {
  const { width, height, i18n, drawing } = store, { canvas } = view;
  const status = root.querySelector(".canvas-status");
  const clamp = (value, size) => Math.min(size - 1, Math.max(0, value));

  function describe(pixel) {
    const parts = [i18n.t("canvas.pixel", { row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 })];
    if (drawing.ink[pixel] >= 128) parts.push(i18n.t("canvas.ink"));
    if (!drawing.isKnown(pixel)) parts.push(i18n.t("canvas.hidden"));
    return parts.join(", ");
  }

  canvas.addEventListener("keydown", (event) => {
    if (!view.cursor) return; // focused by pointer: all keys are shortcuts of the page
    const [row, column] = view.cursor, move = ARROWS[event.key];
    if (move) {
      view.cursor = [clamp(row + move[0], height), clamp(column + move[1], width)];
      status.textContent = describe(view.cursor[0] * width + view.cursor[1]);
      view.update();
    } else if (event.key === " ") {
      drawing.change(() => drawing.stamp(view.tool, column + 0.5, row + 0.5));
    } else if (event.key === "Enter" && store.completion) {
      store.selectPixel(row * width + column);
    } else {
      return;
    }
    event.stopPropagation();
    event.preventDefault();
  });
  canvas.addEventListener("focus", () => {
    if (!canvas.matches(":focus-visible") || view.drawing) return;
    view.cursor = view.cursor || START;
    view.update();
  });
  canvas.addEventListener("blur", () => {
    view.cursor = null;
    view.update();
  });
}
