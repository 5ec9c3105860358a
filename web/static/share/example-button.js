// A button that shows an example. A click replaces the drawing, which can be undone, and completes it.
import { paintPixels } from "../canvas/paint.js";
import { make } from "../core/dom.js";

const SIZE = 28; // rows and columns of the pictures that the examples come from
const MIN_SAMPLES = 4; // of an ambiguous half, so that the completions can differ

export const kindOf = ({ digits }) => ["empty", "top", "ambiguous"][digits.length];

// An example as a drawing on a canvas of a size: {ink, cut, hidden}; paper below the cut line.
export function drawingOf({ rows, bits }, { width, height }) {
  const isBlack = (row, column) => (Number(`0x${bits[row][column >> 2]}`) >> (3 - (column & 3))) & 1;
  const ink = Uint8Array.from({ length: width * height }, (_, pixel) => {
    const row = Math.floor((Math.floor(pixel / width) * SIZE) / height);
    const column = Math.floor(((pixel % width) * SIZE) / width);
    return row < rows ? 255 * isBlack(row, column) : 0;
  });
  return { ink, cut: Math.round((rows * height) / SIZE), hidden: new Uint8Array(width * height) };
}

export function makeExampleButton(store, root, example) {
  const { width, height, i18n } = store, kind = kindOf(example), [one, other] = example.digits;
  const canvas = make("canvas", { width, height }), caption = make("span");
  const drawing = drawingOf(example, store);
  paintPixels(canvas.getContext("2d"), {
    width, height, known: () => true, ink: (pixel) => (pixel < drawing.cut * width ? drawing.ink[pixel] : -1),
  });

  function complete() {
    store.drawing.replace(drawing);
    const several = kind === "ambiguous" && store.settings.samples < MIN_SAMPLES;
    store.complete({ overrides: several ? { samples: MIN_SAMPLES } : {} });
    root.querySelector(".stage").scrollIntoView({ block: "nearest" });
  }

  const button = make("button", { type: "button", class: "example", onclick: complete }, canvas, caption);
  function update() {
    caption.textContent = i18n.t(`examples.${kind}_name`, { one, other });
    button.setAttribute("aria-label", i18n.t(`examples.${kind}_label`, { one, other }));
  }
  i18n.addEventListener("changed", update);
  update();
  return button;
}
