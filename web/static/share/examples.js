// The examples panel: halves that could become either of two digits, tops of real digits, and an empty canvas. A click
// replaces the drawing, which can be undone, and completes it.
import { paintPixels } from "../canvas/paint.js";
import { make } from "../core/dom.js";
import { EXAMPLES } from "./examples-data.js";

const SIZE = 28; // rows and columns of the pictures that the examples come from
const EMPTY = { digits: [], rows: 0, bits: [] };
const MIN_SAMPLES = 4; // of an ambiguous half, so that the completions can differ

const kindOf = ({ digits }) => ["empty", "top", "ambiguous"][digits.length];

// The ink of an example on a canvas of a size, 0..255 a pixel; paper below the cut line.
function inkOf({ rows, bits }, { width, height }) {
  const isBlack = (row, column) => (Number(`0x${bits[row][column >> 2]}`) >> (3 - (column & 3))) & 1;
  return Uint8Array.from({ length: width * height }, (_, pixel) => {
    const row = Math.floor((Math.floor(pixel / width) * SIZE) / height);
    const column = Math.floor(((pixel % width) * SIZE) / width);
    return row < rows ? 255 * isBlack(row, column) : 0;
  });
}

export function startExamples(store, box) {
  const { width, height, i18n } = store;
  const buttons = []; // {button, caption, example}

  function makeButton(example) {
    const canvas = make("canvas", { width, height }), caption = make("span");
    const ink = inkOf(example, store), cut = Math.round((example.rows * height) / SIZE);
    paintPixels(canvas.getContext("2d"), {
      width, height, known: () => true, ink: (pixel) => (pixel < cut * width ? ink[pixel] : -1),
    });
    const onclick = () => complete(example, { ink, cut, hidden: new Uint8Array(store.size) });
    const button = make("button", { type: "button", class: "example", onclick }, canvas, caption);
    buttons.push({ button, caption, example });
    return button;
  }

  function complete(example, drawing) {
    store.drawing.replace(drawing);
    const several = kindOf(example) === "ambiguous" && store.settings.samples < MIN_SAMPLES;
    store.complete({ overrides: several ? { samples: MIN_SAMPLES } : {} });
    box.closest(".page").querySelector(".stage").scrollIntoView({ block: "nearest" });
  }

  const group = (key, examples) => [
    make("h3", { i18n: key }),
    make("div", { class: "examples", role: "group", i18nLabel: key }, examples.map(makeButton)),
  ];
  box.append(
    ...group("examples.ambiguous", EXAMPLES.filter((example) => kindOf(example) === "ambiguous")),
    ...group("examples.tops", [...EXAMPLES.filter((example) => kindOf(example) === "top"), EMPTY]),
  );

  function update() {
    for (const { button, caption, example } of buttons) {
      const [one, other] = example.digits, kind = kindOf(example);
      caption.textContent = i18n.t(`examples.${kind}_name`, { one, other });
      button.setAttribute("aria-label", i18n.t(`examples.${kind}_label`, { one, other }));
    }
  }

  i18n.addEventListener("changed", update);
  update();
}
